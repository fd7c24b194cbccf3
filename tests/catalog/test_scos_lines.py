"""What the scripts of scos-pipeline name is there: the table and the scripts against recorded trees."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import upstream_facts
import upstream_trees
from clones import ChangedError, Clone
from conftest import ROOT, git
from steps import catalog

OS, BASE, ASSEMBLER = (
    yaml.safe_load((ROOT / f"tests/catalog/upstream/{name}.yaml").read_text())["branches"]
    for name in ("os", "rhel-coreos-config", "coreos-assembler")
)
OBJECTS = catalog("scos-pipeline")
LAYERED = "okd-coreos-layered"
Row = dict[str, str]


def rows() -> list[Row]:
    names, *lines = [
        line.split() for line in OBJECTS["ConfigMap/okd-coreos-lines"]["data"]["lines"].splitlines()
    ]
    return [dict(zip(names, line, strict=True)) for line in lines]


def named_in_node_layer() -> Row:
    """Return the names in the Task of the node layer: its Containerfile, secret and files of arguments."""
    spec = OBJECTS["Task/os-image"]["spec"]
    script = spec["steps"][0]["script"]
    (secret,) = re.findall(r'--secret "id=([a-z]+),', script)
    (arguments,) = re.findall(r'compgen -G "\$\{DIRECTORY\}/([a-z-]+)', script)
    (containerfile,) = [item["default"] for item in spec["params"] if item["name"] == "containerfile"]
    return {"containerfile": containerfile, "secret": secret, "arguments": arguments}


IN_NODE_LAYER = named_in_node_layer()


def faults(row: Row, in_layer: Row = IN_NODE_LAYER) -> list[str]:
    """Return what a line of the table and the Task of the node layer name and the recorded trees do not."""
    branch = OS.get(row["branch"])
    if not branch:
        return [f"there is no branch {row['branch']}"]

    facts = branch["facts"]
    found = [] if facts["minor"] == row["minor"] else [f"the branch builds {facts['minor']}"]
    found += _layered(row, facts, in_layer) if row["pipeline"] == LAYERED else _single(row, facts)
    return [*found, *_repository(row, facts)]


def _layered(row: Row, facts: dict[str, Any], in_layer: Row) -> Iterator[str]:
    """Yield what openshift/os and the base lack of a line of the second generation."""
    base = BASE["main"]["facts"]["files"]
    variant = row["variant"]
    named = {f"manifest-{variant}.yaml", f"image-{variant}.yaml", f"build-args-{variant}.conf"}
    yield from sorted(named - set(base))

    files = {in_layer["containerfile"], "packages-openshift.yaml", row["extensions-file"]}
    yield from sorted(files - set(facts["files"]))

    secrets = [name for path in files & set(facts["secrets"]) for name, _ in facts["secrets"][path]]
    if secrets != [in_layer["secret"]] * 2:
        yield f"the Containerfiles read the secrets {secrets}"

    arguments = [name for name in facts["files"] if name.startswith(f"{in_layer['arguments']}{variant}-")]
    if arguments != [name for name in [row["arguments-file"]] if name != "-"]:
        yield f"the files of arguments are {arguments}"


def _single(row: Row, facts: dict[str, Any]) -> Iterator[str]:
    """Yield what openshift/os lacks of a line of the first generation."""
    kinds = ("manifest", "image", "extensions")
    named = {"packages-openshift.yaml", *(f"{kind}-{row['variant']}.yaml" for kind in kinds)}
    yield from sorted(named - set(facts["files"]))

    if row["pipeline"] != "okd-coreos" or (row["extensions-file"], row["arguments-file"]) != ("-", "-"):
        yield "cosa finds the files of the first generation by itself"


def _repository(row: Row, facts: dict[str, Any]) -> list[str]:
    """Return why the repository of a line is not the one that is wanted and that nobody publishes."""
    wanted = facts["wanted"].get(row["variant"], [])
    private = [name for name in wanted if name not in facts["public"]]
    named = row["rpm-repository"]
    expected = [f"{named}-okd"] if row["pipeline"] == LAYERED else [named]

    if private != expected:
        return [f"the repositories that no public file has are {private}"]
    if facts["renamed"] != ([named] if row["pipeline"] == LAYERED else []):
        return [f"build-node-image.sh renames {facts['renamed']}"]
    return []


@pytest.mark.parametrize("row", rows(), ids=[row["minor"] for row in rows()])
def test_all_that_a_line_names_is_in_its_branch(row: Row) -> None:
    assert faults(row) == []


@pytest.mark.parametrize("row", rows(), ids=[row["minor"] for row in rows()])
@pytest.mark.parametrize("column", list(rows()[0]))
def test_one_letter_more_in_a_line_is_noticed(row: Row, column: str) -> None:
    assert faults({**row, column: f"{row[column]}x"})


def test_each_release_branch_that_builds_its_own_minor_has_a_line() -> None:
    built = {
        branch.removeprefix("release-")
        for branch, entry in OS.items()
        if branch == f"release-{entry['facts']['minor']}"
    }
    # 4.23 and 5.1 are there and still build 5.0.
    assert {row["minor"] for row in rows()} == built
    assert {branch.removeprefix("release-") for branch in OS} - built == {"4.23", "5.1", "master"}


def test_each_record_has_a_commit_and_its_day() -> None:
    for branches in (OS, BASE, ASSEMBLER):
        for entry in branches.values():
            assert re.fullmatch(r"[0-9a-f]{40}", entry["commit"])
            assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", entry["day"])


# --- what the scripts call


def cosa_calls() -> Iterator[tuple[str, str, list[str]]]:
    """Yield the Task, the command and the long options of each call of cosa in a script."""
    for name, value in OBJECTS.items():
        for step in value["spec"].get("steps", []) if name.startswith("Task/") else []:
            script = step["script"].replace("\\\n", " ")
            for call in re.findall(r"^ *cosa (.+)$", script, re.MULTILINE):
                yield name, call.split()[0], re.findall(r"(?<=--)[a-z][a-z-]+", call)


def generations() -> dict[str, list[str]]:
    """Return the branches of coreos-assembler whose commands the Tasks of each generation call."""
    branches = {LAYERED: ["main"], "okd-coreos": ["rhcos-4.16", "rhcos-4.17", "rhcos-4.18"]}
    used: dict[str, list[str]] = {}

    for pipeline, names in branches.items():
        for task in OBJECTS[f"Pipeline/{pipeline}"]["spec"]["tasks"]:
            used.setdefault(f"Task/{task['taskRef']['name']}", []).extend(names)
    return used


@pytest.mark.parametrize(("task", "command", "options"), list(cosa_calls()))
def test_coreos_assembler_has_each_command_with_its_options(
    task: str, command: str, options: list[str]
) -> None:
    if command.startswith('"buildextend-'):
        # One command for each platform of the parameter.
        return

    for branch in generations()[task]:
        facts = ASSEMBLER[branch]["facts"]
        known = facts["kola"] if command == "kola" else facts["commands"][command]
        assert set(options) <= set(known), branch


def test_coreos_assembler_makes_each_platform() -> None:
    layered, single = (
        {item["name"]: item.get("default", "") for item in OBJECTS[f"Task/{task}"]["spec"]["params"]}
        for task in ("base-disks", "cosa-buildextend")
    )
    assert set(layered["platforms"].split()) <= set(ASSEMBLER["main"]["facts"]["platforms"])

    for branch in ("rhcos-4.16", "rhcos-4.17", "rhcos-4.18"):
        commands = ASSEMBLER[branch]["facts"]["commands"]
        assert {f"buildextend-{platform}" for platform in single["platforms"].split()} <= commands.keys()


@pytest.mark.parametrize("name", ["containerfile", "secret", "arguments"])
def test_one_letter_more_in_a_name_of_the_node_layer_is_noticed(name: str) -> None:
    changed = {**IN_NODE_LAYER, name: f"{IN_NODE_LAYER[name]}x"}
    assert any(faults(row, changed) for row in rows())


# --- the tool that reads the trees

TREE = {
    "packages-openshift.yaml": (
        'metadata: {ocp_version: "6.0"}\n'
        "packages: [cri-o cri-tools, openshift-clients openshift-kubelet, ose-x-provider]\n"
        "conditional-include:\n"
        "- {if: 'osversion == \"centos-10\"', include: {repos: [c10s-baseos, rhel-11-server-ose-6.0-okd]}}\n"
    ),
    "build-node-image.sh": 'awk "/\\[.*\\]/{p=0} /\\[rhel-11-server-ose-6.0\\]/{p=1} p"\n',
    "Containerfile": (
        "FROM quay.io/base:c10s as build\n"
        "ARG OPENSHIFT_CI=0\n"
        "RUN --mount=type=secret,id=yumrepos,target=/etc/yum.repos.d/secret.repo x\n"
        "FROM build\n"
    ),
    "c10s.repo": "[c10s-baseos]\nname=x\n",
    "build-args-c10s-6.0.conf": "IMAGE_FROM=quay.io/base:10\n",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "master")
    for path, text in TREE.items():
        (tmp_path / path).write_text(text)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "tree")
    git(tmp_path, "branch", "release-6.0")
    return tmp_path


def test_the_tool_prints_what_a_branch_names(clone: Path) -> None:
    found = upstream_facts.record(clone, [])
    assert found["repository"] == "openshift/os"
    assert list(found["branches"]) == ["release-6.0", "master"]

    facts = found["branches"]["release-6.0"]["facts"]
    assert facts["minor"] == "6.0"
    assert facts["files"] == ["Containerfile", "build-args-c10s-6.0.conf", "packages-openshift.yaml"]
    assert facts["wanted"] == {"c10s": ["c10s-baseos", "rhel-11-server-ose-6.0-okd"]}
    assert (facts["public"], facts["renamed"]) == (["c10s-baseos"], ["rhel-11-server-ose-6.0"])
    assert facts["packages"] == ["openshift-clients", "openshift-kubelet", "ose-x-provider"]
    assert facts["images"] == {"Containerfile": ["quay.io/base:c10s"]}
    assert facts["values"] == {"build-args-c10s-6.0.conf": {"IMAGE_FROM": "quay.io/base:10"}}


def test_the_tool_names_the_branch_that_upstream_changed(clone: Path) -> None:
    git(clone, "checkout", "-q", "-b", "release-6.1")
    git(clone, "rm", "-q", "packages-openshift.yaml")
    git(clone, "commit", "-q", "-m", "changed")
    git(clone, "checkout", "-q", "master")

    with pytest.raises(ChangedError, match=r"openshift/os release-6\.1: .*packages-openshift\.yaml"):
        upstream_facts.record(clone, [])


def test_a_clone_of_another_repository_is_not_read_as_one_of_these(clone: Path) -> None:
    git(clone, "mv", "packages-openshift.yaml", "packages.yaml")
    git(clone, "commit", "-q", "-m", "changed")
    assert upstream_trees.repository_of(Clone(clone)) is None
