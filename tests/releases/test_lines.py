"""The table of lines agrees with what the operators' own trees said, and the tool that reads them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

import upstream_facts
from clones import ChangedError
from conftest import ROOT, git
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.read import read
from okd_gitops.releases.lines import (
    Facts,
    allows_updates,
    facts,
    kubernetes_of,
    line_after,
    required_acks,
    table_in,
)

RECORDED = [
    yaml.safe_load(path.read_text()) for path in sorted((ROOT / "tests/releases/upstream").glob("*.yaml"))
]
TABLE = ROOT / "generator/okd_gitops/releases/lines.yaml"
LINES = list(facts().lines)
GATES_OF_SOME_CLUSTERS = ("machine-config-gates", "ingress-gates", "vsphere-gates")


def test_the_table_stands_all_checks_of_a_file_and_has_the_types_that_it_promises() -> None:
    read("lines.yaml", TABLE.read_bytes(), bounds=FOREIGN)
    assert TypeAdapter(Facts).validate_python(facts(), strict=True) == facts()


@pytest.mark.parametrize(
    ("word", "other"),
    [("sources:", "source:"), ("    overrides:", "    override:"), ("state: okd", "status: okd")],
)
def test_a_key_that_the_table_does_not_know_is_refused(word: str, other: str) -> None:
    with pytest.raises((LookupError, TypeError)):
        table_in(TABLE.read_bytes().replace(word.encode(), other.encode(), 1))


def told(source: str, line: str = "") -> Any:
    """Return what the repository of a source said about a line."""
    where = facts().sources[source]
    record = next(record for record in RECORDED if record["repository"] == where.repository)
    branch = record["branches"][where.branch.format(line=line)]
    assert branch["facts"][source]["path"] == where.path, "make upstream-facts prints the record anew"
    return branch["facts"][source]["value"]


def newest_day(repository: str) -> str:
    record = next(record for record in RECORDED if record["repository"] == repository)
    return max(str(branch["day"]) for branch in record["branches"].values())


@pytest.mark.parametrize("line", LINES)
def test_a_line_has_the_kubernetes_of_its_api(line: str) -> None:
    assert kubernetes_of(line) == told("kubernetes", line)


@pytest.mark.parametrize("line", LINES)
def test_every_cluster_needs_the_gates_of_the_version_operator(line: str) -> None:
    assert sorted(required_acks()[line]) == told("gates", line)


@pytest.mark.parametrize("line", LINES)
def test_some_clusters_need_the_gates_of_the_other_operators(line: str) -> None:
    gates = [name for source in GATES_OF_SOME_CLUSTERS for name in told(source, line)]
    conditional = {gate.name: gate for gate in facts().lines[line].acks if gate.when}
    assert sorted(conditional) == sorted(name for name in gates if name.startswith(f"ack-{line}-"))

    for name, gate in conditional.items():
        assert name in told(gate.source, line)


@pytest.mark.parametrize("line", LINES)
def test_overrides_hold_what_the_version_operator_says(line: str) -> None:
    assert facts().lines[line].overrides == told("overrides", line)


@pytest.mark.parametrize("line", LINES)
def test_updates_are_allowed_with_the_feature_sets_that_do_not_end_them(line: str) -> None:
    sets = told("feature-sets", line)
    allowed = [name for name in sets if not name.endswith("NoUpgrade")]
    assert sorted(facts().lines[line].feature_sets) == sorted(allowed)
    assert {name: allows_updates(name) for name in sets} == {name: name in allowed for name in sets}


@pytest.mark.parametrize("line", LINES)
def test_a_barrier_with_a_reason_is_one_of_the_line_that_is_left(line: str) -> None:
    for barrier in facts().lines[line].barriers:
        if barrier.reason:
            assert barrier.reason in told(barrier.source, facts().lines[line].after)
            assert barrier.reason in barrier.message


def test_channels_are_those_of_the_release_controller() -> None:
    # It answers to nightlies of OpenShift; those of OKD have another name.
    assert {*facts().channels.okd.names, "nightly"} == set(told("channels"))
    assert not set(facts().channels.openshift.names) - {"nightly"} & set(told("channels"))


def test_a_cluster_without_upstream_asks_openshift() -> None:
    states = {graph.host: graph.state for graph in facts().graphs}
    assert states[told("openshift-graph")] == "openshift"


def test_lines_follow_each_other() -> None:
    assert [facts().lines[line].after for line in LINES] == ["", *LINES[:-1]]
    assert [line_after(line) for line in LINES] == [*LINES[1:], ""]


def test_each_source_is_there_and_has_the_day_of_its_record() -> None:
    table = facts()
    named = {graph.source for graph in table.graphs}
    named |= {names.source for names in (table.images, table.channels.okd, table.channels.openshift)}

    for line in table.lines.values():
        named |= {gate.source for gate in line.acks} | {barrier.source for barrier in line.barriers}

    assert named | upstream_facts.READERS.keys() == table.sources.keys()

    for name in upstream_facts.READERS:
        assert str(table.sources[name].day) == newest_day(table.sources[name].repository)


GATES = "install/0000_00_cluster-version-operator_01_admingate_configmap.yaml"
GRAPH = 'const defaultUpdateService string = "https://api.openshift.com/api/upgrades_info/v1/graph"\n'


def told_by_operator(**changed: str) -> dict[str, str]:
    """Return files like the version operator's; a change is named by a part of its path."""
    files = {
        "go.mod": "module github.com/openshift/cluster-version-operator\n",
        GATES: "kind: ConfigMap\nmetadata: {name: admin-gates}\ndata: {ack-4.18-b: why, ack-4.18-a: why}\n",
        "pkg/payload/precondition/clusterversion/upgradeable.go": (
            'Message: "Disabling ownership via cluster version overrides prevents upgrades. Please remove",\n'
        ),
        "pkg/cvo/availableupdates.go": GRAPH,
    }
    return {
        path: next((text for part, text in changed.items() if part in path), content)
        for path, content in files.items()
    }


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def commit(clone: Path, files: dict[str, str], *branches: str) -> None:
    for path, text in files.items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(text)

    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "tree")
    for branch in branches:
        git(clone, "branch", "-f", branch)


def test_the_tool_prints_what_a_clone_says(clone: Path) -> None:
    commit(clone, told_by_operator(), "release-4.18")
    later = "overrides prevents upgrades between minor or major versions. Please remove"
    commit(clone, told_by_operator(upgradeable=later), "release-5.1")
    found = upstream_facts.record(clone, ["4.18", "5.1"])
    values = {
        branch: {name: fact["value"] for name, fact in entry["facts"].items()}
        for branch, entry in found["branches"].items()
    }
    gates = ["ack-4.18-a", "ack-4.18-b"]
    assert found["repository"] == "openshift/cluster-version-operator"
    assert values == {
        "release-4.18": {"gates": gates, "overrides": "every-update"},
        "release-5.1": {"gates": gates, "overrides": "minor-update"},
        "main": {"openshift-graph": "api.openshift.com"},
    }


def test_the_tool_names_everything_that_upstream_changed(clone: Path) -> None:
    commit(clone, told_by_operator(upgradeable="overrides are fine now"), "release-4.18")
    (clone / GATES).unlink()
    commit(clone, {}, "release-5.1")

    with pytest.raises(ChangedError) as raised:
        upstream_facts.record(clone, ["4.18", "5.1", "5.2"])

    text = str(raised.value)
    assert "release-4.18 pkg/payload/precondition/clusterversion/upgradeable.go (overrides): " in text
    assert f"release-5.1 {GATES} (gates): " in text
    assert f"release-5.2 {GATES} (gates): there is no branch release-5.2" in text


def test_the_tool_refuses_a_repository_that_the_table_does_not_read(clone: Path) -> None:
    commit(clone, {"go.mod": "module github.com/example/other\n"}, "release-4.18")
    with pytest.raises(ChangedError, match="reads nothing in example/other"):
        upstream_facts.record(clone, ["4.18"])
