"""payload, rendered; the scripts of its Tasks run."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import git
from okd_gitops.finding import FindingsError
from rendered import objects, of_kind
from taskbench import FEATURES, NOT_TOLD, Bench, digest, shellcheck
from tekton import called_name

SHA = "sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
BASE = f"quay.io/okd/scos-release@{SHA}"
NAME = "4.22.0-okd-scos.8.lab.3"
LAB = "quay.io/lab/release"
GIVEN = f"""\
  notify:
  tekton:
  payload:
    base: {BASE}
    name: {NAME}
    repository: {LAB}
    replace: [console=quay.io/lab/console@{SHA}]
    rebuild: ["etcd=https://github.com/lab/etcd.git#main"]
"""
Objects = tuple[dict[str, Any], ...]


@pytest.fixture(scope="module")
def okd() -> Objects:
    return objects("okd", GIVEN)


def own(values: Objects) -> list[dict[str, Any]]:
    return [
        value
        for value in values
        if "okd-payload" in (value["metadata"].get("namespace"), value["metadata"]["name"])
    ]


# --- rendered


def test_api_versions_are_current_images_are_digests_and_steps_request_resources(okd: Objects) -> None:
    assert {value["apiVersion"] for value in own(okd) if "tekton" in value["apiVersion"]} == {"tekton.dev/v1"}
    for task in of_kind(okd, "Task").values():
        for step in task["spec"]["steps"]:
            assert re.fullmatch(r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", step["image"])
            assert {"cpu", "memory"} <= step["computeResources"]["requests"].keys()


@pytest.mark.parametrize(
    "path", sorted((FEATURES / "payload/pipeline").glob("task-*.yaml")), ids=lambda path: path.stem
)
def test_scripts_pass_shellcheck(path: Path) -> None:
    for step in yaml.safe_load(path.read_bytes())["spec"]["steps"]:
        assert shellcheck(step) == ""


def test_params_of_tasks_are_declared(okd: Objects) -> None:
    tasks = of_kind(okd, "Task")
    for called in of_kind(okd, "Pipeline")["okd-payload"]["spec"]["tasks"]:
        declared = {item["name"]: item for item in tasks[called_name(called["taskRef"])]["spec"]["params"]}
        given = {item["name"]: item["value"] for item in called["params"]}
        assert given.keys() <= declared.keys()
        assert {name for name, item in declared.items() if "default" not in item} <= given.keys()
        assert {name for name, value in given.items() if isinstance(value, list)} == {
            name for name in given if declared[name]["type"] == "array"
        }


def test_every_environment_gets_the_pipeline_and_only_okd_gets_constraints(okd: Objects) -> None:
    plain = {"Namespace", "Pipeline", "ServiceAccount", "Task"}
    assert {value["kind"] for value in own(objects("kubernetes", GIVEN))} == plain
    assert {value["kind"] for value in own(objects("kind", "  notify:\n  tekton:\n  payload:\n"))} == plain
    assert {value["kind"] for value in own(okd)} == plain | {
        "Role",
        "RoleBinding",
        "SecurityContextConstraints",
    }


def test_nothing_is_privileged(okd: Objects) -> None:
    constraints = of_kind(okd, "SecurityContextConstraints")["okd-payload"]
    assert constraints["allowPrivilegedContainer"] is False
    asked = {
        name
        for task in of_kind(okd, "Task").values()
        for step in task["spec"]["steps"]
        for name in step["securityContext"]["capabilities"].get("add", [])
    }
    assert asked == set(constraints["allowedCapabilities"])
    assert of_kind(okd, "RoleBinding")["okd-payload"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "okd-payload", "namespace": "okd-payload"}
    ]


def test_secrets_are_those_of_the_table(okd: Objects) -> None:
    table = yaml.safe_load((FEATURES / "payload/feature.yaml").read_bytes())["secrets"]
    # A workspace, which whoever starts a run names.
    assert table.pop("okd-payload-notify")["when"] == "notify"
    assert set(re.findall(r"'secretName': '([a-z0-9-]+)'", str(own(okd)))) == set(table)


def test_no_repository_is_a_default() -> None:
    (pipeline,) = of_kind(objects("kubernetes", "  notify:\n  tekton:\n  payload:\n"), "Pipeline").values()
    defaults = {item["name"]: item["default"] for item in pipeline["spec"]["params"]}
    assert {name for name, default in defaults.items() if default} == {
        "smoke-install",
        "install-minutes",
        "notify",
    }
    assert defaults["smoke-install"] == "false"


def test_the_pipeline_gets_the_changes_of_the_cluster_file(okd: Objects) -> None:
    params = {
        item["name"]: item["default"] for item in of_kind(okd, "Pipeline")["okd-payload"]["spec"]["params"]
    }
    assert (params["base"], params["name"], params["repository"]) == (BASE, NAME, LAB)
    assert params["replace"] == [f"console=quay.io/lab/console@{SHA}"]
    assert params["rebuild"] == ["etcd=https://github.com/lab/etcd.git#main"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (NAME, "4.22.0-okd-scos.8-lab.3"),
        (NAME, "4.22.0-okd-scos.9"),
        (f"@{SHA}]", ":4.22]"),
        ("https://github.com/lab/etcd.git#main", "https://github.com/lab/etcd.git"),
        (f"base: {BASE}", "base: quay.io/okd/scos-release:4.22.0-okd-scos.8"),
    ],
)
def test_a_wrong_entry_in_the_cluster_file_stops_generation(old: str, new: str) -> None:
    with pytest.raises(FindingsError):
        objects("okd", GIVEN.replace(old, new))


def test_order_and_result(okd: Objects) -> None:
    spec = of_kind(okd, "Pipeline")["okd-payload"]["spec"]
    assert [(item["name"], item.get("runAfter", [])) for item in spec["tasks"]] == [
        ("payload-check", []),
        ("payload-rebuild", ["payload-check"]),
        ("payload-assemble", ["payload-rebuild"]),
        ("payload-smoke", ["payload-assemble"]),
        ("payload-install", ["payload-smoke"]),
    ]
    assert [item["name"] for item in spec["tasks"] if "when" in item] == ["payload-install"]
    assert {item["value"].split(".")[1] for item in spec["results"]} == {"payload-smoke"}


# --- the scripts


def release(version: str, *changed: str, drop: str = "", warnings: list[str] | None = None) -> dict[str, Any]:
    """What `oc adm release info --output json` says of a release (openshift/oc
    pkg/cli/admin/release/info.go, ReleaseInfo).
    """
    images = {
        name: f"quay.io/okd/scos-content@{digest(name)}"
        for name in ("cli", "console", "etcd", "machine-config-operator")
    }
    images |= dict(entry.split("=", 1) for entry in changed)
    tags = [
        {"name": name, "from": {"kind": "DockerImage", "name": image}}
        for name, image in images.items()
        if name != drop
    ]
    metadata = {
        "kind": "cincinnati-metadata-v0",
        "version": version,
        "previous": ["4.22.0-okd-scos.7", "4.21.0-okd-scos.11"],
    }
    return {
        "metadata": metadata,
        "references": {"spec": {"tags": tags}},
        "versions": {"kubernetes": "1.35.2"},
        "warnings": warnings,
    }


@pytest.fixture
def bench(tmp_path: Path, short: Path) -> Bench:
    bench = Bench(tmp_path, "payload", short)
    bench.secret("okd-payload-push", **{".dockerconfigjson": "{}"})
    digest = "018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
    (tmp_path / f"info/quay.io_okd_scos-release_sha256_{digest}").write_text(
        json.dumps(release("4.22.0-okd-scos.8"))
    )
    return bench


def base_is(bench: Bench, info: dict[str, Any]) -> None:
    (path,) = (bench.root / "info").iterdir()
    path.write_text(json.dumps(info))


def check(
    bench: Bench,
    *,
    name: str = NAME,
    base: str = BASE,
    replace: list[str] | None = None,
    rebuild: list[str] | None = None,
    os_layer: str = "",
) -> str:
    """Run the check; return nothing when it is content, or what it says."""
    image = bench.image("quay.io/lab/console:x", "console of the lab")
    entries = [f"console=quay.io/lab/console@{image}"] if replace is None else replace
    done = bench.run(
        "payload-check",
        base=base,
        name=name,
        repository=LAB,
        replace=entries,
        rebuild=rebuild or [],
        os_layer=os_layer,
    )
    assert (done.returncode == 0) == bool(bench.result("version"))
    return done.stderr if done.returncode else ""


def test_a_replacement_is_a_component_of_the_base_and_an_image_by_digest(bench: Bench) -> None:
    assert check(bench, rebuild=["etcd=https://github.com/lab/etcd.git#v3.6#images/Dockerfile"]) == ""
    assert bench.result("version") == "4.22.0-okd-scos.8"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (f"consol=quay.io/lab/console@{SHA}", "has no component consol"),
        (f"c.nsole=quay.io/lab/console@{SHA}", "has no component c.nsole"),
        ("console=quay.io/lab/console:v1", "not an image by digest"),
        (f"console=quay.io/lab/console@{SHA}", "the image cannot be read"),
        ("console", "not an image by digest"),
    ],
)
def test_a_wrong_entry_of_replace_is_refused(bench: Bench, entry: str, reason: str) -> None:
    assert reason in check(bench, replace=[entry])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("machine-os-content=https://github.com/lab/x.git#main", "has no component machine-os-content"),
        ("etcd=git@github.com:lab/etcd.git#main", "not https://REPOSITORY#REF"),
        ("etcd=https://github.com/lab/etcd.git", "not https://REPOSITORY#REF"),
        ("console=https://github.com/lab/console.git#main", "console is changed twice"),
    ],
)
def test_a_wrong_entry_of_rebuild_is_refused(bench: Bench, entry: str, reason: str) -> None:
    assert reason in check(bench, rebuild=[entry])


def test_an_image_that_does_not_match_its_digest_is_refused(bench: Bench) -> None:
    (bench.root / f"raw/quay.io_lab_console_{SHA.replace(':', '_')}").write_text("something else")
    assert "it is another image" in check(bench, replace=[f"console=quay.io/lab/console@{SHA}"])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "4.22.0-okd-scos.8-lab.3",
        "4.22.0-okd-scos.9",
        "4.22.0-okd-scos.8.lab",
        "4.22.0-okd-scos.08.lab.3",
        "4.22.0-okd-scos.ec.lab.3",
        "4.22.0-lab.3",
    ],
)
def test_a_name_must_sort_between_two_releases(bench: Bench, name: str) -> None:
    assert "which sorts between two releases" in check(bench, name=name)


@pytest.mark.parametrize(
    ("version", "name", "fine"),
    [
        ("4.22.0-0.okd-scos-nightly-2026-11-20-010203", "4.22.0-okd-scos.ec.3.lab.1", True),
        ("4.22.0-okd-scos.8", "4.22.0-okd-scos.8.rt.4", True),
        ("4.22.0-okd-scos.8.rt.4", "4.22.0-okd-scos.8.rt.4", False),
        ("4.22.0-okd-scos.8", "4.22.0-okd-scos.ec.8.lab.3", False),
        ("4.22.0-okd-scos.8", "4.22.0-okd-scos.8.lab.0", True),
        ("4.22.0-okd-scos.8", "4.22.0-okd-scos.7.lab.3", False),
        ("4.22.0-okd-scos.8", "4.21.0-okd-scos.8.lab.3", False),
        ("4.22.0-okd-scos.8.lab.2", "4.22.0-okd-scos.8.lab.10", True),
        ("4.22.0-okd-scos.8.lab.2", "4.22.0-okd-scos.8.lab.2", False),
        ("4.22.0-0.okd-scos-nightly-2026-09-22-052225", "4.22.0-okd-scos.8.lab.3", True),
        # ec is a word and sorts above every number: the lab release would be a rollback.
        ("4.22.0-okd-scos.ec.16", "4.22.0-okd-scos.16.lab.3", False),
    ],
)
def test_the_name_sorts_after_the_base(bench: Bench, version: str, name: str, fine: bool) -> None:
    base_is(bench, release(version))
    assert (check(bench, name=name) == "") == fine


def test_a_name_is_used_once_and_a_change_is_required(bench: Bench) -> None:
    assert "nothing is replaced" in check(bench, replace=[])
    bench.image(f"{LAB}:{NAME}", "from yesterday")
    assert "is there already" in check(bench)


@pytest.mark.parametrize("answer", NOT_TOLD)
def test_a_name_is_free_only_if_the_registry_does_not_know_it(bench: Bench, answer: str) -> None:
    (bench.root / "away").write_text(answer)
    assert "is not known, so nothing is pushed" in check(bench)


@pytest.mark.parametrize(
    "base", ["quay.io/okd/scos-release:4.22.0-okd-scos.8", "", f"quay.io/okd/other@{SHA}"]
)
def test_the_base_must_be_a_release_by_digest(bench: Bench, base: str) -> None:
    assert check(bench, base=base)


def test_a_base_with_a_null_list_is_refused(bench: Bench) -> None:
    base_is(bench, {"metadata": {"version": "4.22.0-okd-scos.8"}, "references": {"spec": {"tags": None}}})
    assert "no version or no components" in check(bench)


DOCKERFILE = """\
FROM registry.ci.openshift.org/ocp/builder:rhel-9-golang-1.25-openshift-4.22 AS builder
RUN make
FROM --platform=linux/amd64 registry.ci.openshift.org/ocp/4.22:base-rhel9
COPY --from=builder /etcd /usr/bin/
"""
BUILDER = f"quay.io/lab/builder@{SHA}"


LAYER = "FROM a-system\nRUN rpm-ostree install tuned && ostree container commit\n"


def rebuild(
    bench: Bench, *entries: str, builder: str = BUILDER, **given: str | list[str]
) -> subprocess.CompletedProcess[str]:
    bench.stub("buildah", f'[[ "$1" != push ]] || echo "{SHA}" >"$3"')
    given |= {"base": BASE, "name": NAME, "repository": LAB, "rebuild": list(entries), "builder": builder}
    return bench.run("payload-rebuild", **given)


@pytest.fixture
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fork")
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "Dockerfile").write_text(DOCKERFILE)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=start")
    return root


def test_a_rebuild_is_of_a_commit_on_the_components_own_image(bench: Bench, fork: Path) -> None:
    commit = git(fork, "rev-parse", "HEAD").strip()
    done = rebuild(bench, f"etcd=file://{fork}#main", f"cli=file://{fork}#{commit}")
    assert done.returncode == 0, done.stderr
    assert bench.result("replacements") == f"etcd={LAB}@{SHA} cli={LAB}@{SHA}"
    lines = (bench.root / "scratch/etcd.dockerfile").read_text().splitlines()
    assert lines[0] == f"FROM {BUILDER} AS builder"
    assert lines[2] == f"FROM --platform=linux/amd64 quay.io/okd/scos-content@{digest('etcd')}"
    _, built, pushed, *_ = bench.calls("buildah")
    assert f"io.openshift.build.commit.id={commit}" in built
    assert pushed.endswith(f"docker://{LAB}:{NAME}-etcd")


def test_nothing_to_rebuild_is_no_failure(bench: Bench) -> None:
    assert rebuild(bench).returncode == 0
    assert bench.result("replacements") == ""
    assert bench.calls("buildah bud") == []


@pytest.mark.parametrize(
    ("entry", "builder", "reason"),
    [
        ("etcd=file://{fork}#main", "", "give the parameter builder"),
        ("etcd=file://{fork}#gone", BUILDER, "gone"),
        ("etcd=file://{fork}#main#Dockerfile.okd", BUILDER, "has no file Dockerfile.okd"),
        ("hyperkube=file://{fork}#main", BUILDER, "the base has no component hyperkube"),
    ],
)
def test_a_component_that_cannot_be_rebuilt_names_its_reason(
    bench: Bench, fork: Path, entry: str, builder: str, reason: str
) -> None:
    done = rebuild(bench, entry.format(fork=fork), builder=builder)
    assert done.returncode != 0
    assert reason in done.stderr
    assert bench.calls("buildah bud") == []


def test_a_layer_is_built_on_the_system_that_replaces_that_of_the_base(bench: Bench) -> None:
    system = f"quay.io/lab/os@{SHA}"
    done = rebuild(bench, os_layer=LAYER, replace=[CONSOLE, f"stream-coreos={system}"])
    assert done.returncode == 0, done.stderr
    assert bench.result("replacements") == f"stream-coreos={LAB}@{SHA}"
    text = (bench.root / "scratch/stream-coreos.dockerfile").read_text()
    assert text.rstrip() == LAYER.replace("a-system", system).rstrip()
    _, built, _ = bench.calls("buildah")
    assert f"--label io.okd-gitops.built-on={system}" in built
    assert "commit.id" not in built


def test_a_layer_takes_the_place_of_the_system_that_it_is_on(bench: Bench) -> None:
    (bench.root / "new").write_text(f'echo made >"$FOLDER/raw/quay.io_lab_release_{NAME}"\n')
    layered = f"stream-coreos={LAB}@{SHA}"
    replace = [CONSOLE, f"stream-coreos=quay.io/lab/os@{SHA}"]
    done = bench.run(
        "payload-assemble", base=BASE, name=NAME, repository=LAB, replace=replace, replacements=layered
    )
    assert done.returncode == 0, done.stderr
    (call,) = [call for call in bench.calls("oc") if "release new" in call]
    assert call.endswith(f" {CONSOLE} {layered}")


def test_a_layer_needs_a_system_and_its_last_command(bench: Bench) -> None:
    assert "has no component stream-coreos" in check(bench, os_layer=LAYER)
    base_is(bench, release("4.22.0-okd-scos.8", f"stream-coreos=quay.io/okd/scos-content@{SHA}"))
    refused = check(bench, os_layer=LAYER.replace(" && ostree container commit", ""))
    assert "must end in 'ostree container commit'" in refused
    assert check(bench, os_layer=LAYER, replace=[]) == ""


CONSOLE = f"console=quay.io/lab/console@{SHA}"
ETCD = f"etcd={LAB}@{SHA}"


def test_the_release_is_made_from_the_base_by_digest(bench: Bench) -> None:
    (bench.root / "made").write_text("manifest of the lab")
    (bench.root / "new").write_text(f'cp "$FOLDER/made" "$FOLDER/raw/quay.io_lab_release_{NAME}"\n')
    done = bench.run(
        "payload-assemble", base=BASE, name=NAME, repository=LAB, replace=[CONSOLE], replacements=ETCD
    )
    assert done.returncode == 0, done.stderr
    assert bench.result("image") == f"{LAB}@{digest('manifest of the lab')}"
    (call,) = [call for call in bench.calls("oc") if "release new" in call]
    assert call.startswith(
        f"oc adm release new --from-release {BASE} --to-image {LAB}:{NAME} --name {NAME} --keep-manifest-list"
    )
    assert call.endswith(
        f" --previous 4.21.0-okd-scos.11,4.22.0-okd-scos.7,4.22.0-okd-scos.8 {CONSOLE} {ETCD}"
    )


def test_a_replacement_by_tag_is_not_assembled(bench: Bench) -> None:
    done = bench.run(
        "payload-assemble", base=BASE, name=NAME, repository=LAB, replace=["console=quay.io/lab/console:v1"]
    )
    assert done.returncode == 1
    assert bench.calls("oc") == []


def smoke(bench: Bench, made: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    image = bench.image(f"{LAB}:{NAME}", "manifest of the lab", made)
    return bench.run(
        "payload-smoke", base=BASE, name=NAME, image=f"{LAB}@{image}", replace=[CONSOLE], replacements=ETCD
    )


def test_the_smoke_test_lists_components_and_versions(bench: Bench) -> None:
    done = smoke(bench, release(NAME, CONSOLE, ETCD))
    assert done.returncode == 0, done.stderr
    assert f"  console quay.io/lab/console@{SHA}" in done.stdout
    assert "version of kubernetes: 1.35.2 -> 1.35.2" in done.stdout
    assert bench.result("image") == f"{LAB}@{digest('manifest of the lab')}"
    assert bench.result("digest") == digest("manifest of the lab")


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (release("4.22.0-okd-scos.8", CONSOLE, ETCD), "it calls itself 4.22.0-okd-scos.8"),
        (release(NAME, CONSOLE), "etcd is quay.io/okd/scos-content"),
        (release(NAME, CONSOLE, ETCD, f"cli=quay.io/lab/cli@{SHA}"), "cli changed and should not have"),
        (release(NAME, CONSOLE, ETCD, drop="cli"), "the component cli is gone"),
        (release(NAME, CONSOLE, ETCD, f"hyperkube=quay.io/lab/x@{SHA}"), "hyperkube is not one of the base"),
        (release(NAME, CONSOLE, ETCD, warnings=['tag "etcd": manifest unknown']), "manifest unknown"),
    ],
    ids=["name", "not replaced", "changed", "gone", "new", "unreadable"],
)
def test_the_smoke_test_finds_differences(bench: Bench, made: dict[str, Any], reason: str) -> None:
    done = smoke(bench, made)
    assert done.returncode == 1
    assert reason in done.stderr
    assert bench.result("digest") == ""


def test_the_install_smoke_test_waits_for_the_cluster(bench: Bench) -> None:
    bench.secret("okd-payload-test-kubeconfig", kubeconfig="{}")
    conditions = [{"type": "Available", "status": "True"}]
    history = [{"state": "Completed", "version": NAME, "image": f"{LAB}@{SHA}"}]
    (bench.root / "version").write_text(
        json.dumps({"status": {"history": history, "conditions": conditions}})
    )
    (bench.root / "operators").write_text(
        json.dumps({"items": [{"metadata": {"name": "etcd"}, "status": {"conditions": conditions}}]})
    )
    assert bench.run("payload-install", image=f"{LAB}@{SHA}", name=NAME, minutes="0").returncode == 0
    assert bench.result("evidence") == "installed"
    other = bench.run("payload-install", image=f"{LAB}@{digest('other')}", name=NAME, minutes="0")
    assert "did not reach" in other.stderr
