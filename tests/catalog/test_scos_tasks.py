"""Tasks and Pipelines of scos-pipeline: their files, and their scripts with stubs for the programs."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from programs import program
from script_checks import shellchecked

FOLDER = Path(__file__).resolve().parents[2] / "generator/okd_gitops/catalog/features/scos-pipeline/pipeline"
FILES = sorted(FOLDER.glob("*.yaml"))
DIGEST = re.compile(r"[a-z0-9][a-z0-9.-]*(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}")
REFERENCE = re.compile(r"\$\(([^()]+)\)")
ARCHITECTURES = re.compile(r"x86_64|amd64|aarch64|arm64|ppc64le|s390x", re.IGNORECASE)
KVM = "devices.kubevirt.io/kvm"
UPLOADS = {"cosa-upload-baseos", "cosa-upload-extensions", "cosa-upload-bootimages"}
PARAMS = {
    "version",
    "branch",
    "repo",
    "variant",
    "release-stream",
    "target-registry",
    "baseos-image-name",
    "extensions-image-name",
    "upload-container-images",
    "tag-latest",
    "upload-bootimages",
    "s3-bucket",
    "s3-endpoint-url",
    "s3-region",
    "notify-matrix",
    "hand-on",
    "matrix-room",
    "matrix-endpoint",
    "cosa-image",
    "rpm-images",
}
G1, G2 = "okd-coreos", "okd-coreos-layered"
Object = dict[str, Any]


def _load(path: Path) -> Object:
    value = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    assert isinstance(value, dict)
    return value


OBJECTS = {path: _load(path) for path in FILES}
TASKS: dict[str, Object] = {
    value["metadata"]["name"]: value["spec"] for value in OBJECTS.values() if value["kind"] == "Task"
}
PIPELINES: dict[str, Object] = {
    value["metadata"]["name"]: value["spec"] for value in OBJECTS.values() if value["kind"] == "Pipeline"
}
STEPS = [(f"{name}/{step['name']}", name, step) for name, task in TASKS.items() for step in task["steps"]]
each_pipeline = pytest.mark.parametrize("pipeline", [PIPELINES[G1], PIPELINES[G2]], ids=[G1, G2])
each_step = pytest.mark.parametrize(
    ("task", "step"), [(task, step) for _, task, step in STEPS], ids=[name for name, _, _ in STEPS]
)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _named(items: list[Object]) -> dict[str, Object]:
    assert len({item["name"] for item in items}) == len(items)
    return {item["name"]: item for item in items}


def _before(pipeline: Object) -> dict[str, set[str]]:
    """For each task all tasks that have finished successfully when it starts: runAfter and consumed
    results, transitively.
    """
    tasks = _named(pipeline["tasks"])
    direct = {
        name: set(task.get("runAfter", []))
        | {found for text in _strings(task) for found in re.findall(r"\$\(tasks\.([^.]+)\.results\.", text)}
        for name, task in tasks.items()
    }

    def walk(name: str, seen: tuple[str, ...] = ()) -> set[str]:
        assert name not in seen
        return direct[name].union(*(walk(item, (*seen, name)) for item in direct[name]))

    return {name: walk(name) for name in tasks}


def _env(step: Object) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in step["env"]}


def _minutes(duration: str) -> int:
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?", duration)
    assert found
    assert found.group(0)
    return int(found.group(1) or 0) * 60 + int(found.group(2) or 0)


LINES = _load(FOLDER / "configmap-okd-coreos-lines.yaml")["data"]["lines"]
# What every run looks up first; tests of this give other values.
LOOKED_UP = {
    "VERSION": "4.20",
    "PIPELINE": G2,
    "RPM_IMAGES": "registry.example.org/scos-{version}:artifacts",
}


class Bench:
    """Runs a Task's script as its step would, with the programs of the image replaced by stubs that write
    down how they were called.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.workspace = root / "srv"
        (self.workspace / "coreos").mkdir(parents=True)
        self.log = root / "log"

    def stub(self, name: str, body: str = "") -> None:
        path = self.bin / name
        path.write_text(f'#!/usr/bin/env bash\nprintf \'%s\\n\' "{name} $*" >>"{self.log}"\n{body}\n')
        path.chmod(0o755)

    def run(self, task: str, **env: str) -> subprocess.CompletedProcess[str]:
        (step,) = TASKS[task]["steps"]
        values = dict.fromkeys(_env(step), "") | LOOKED_UP
        values.update({name: str(self.root / name) for name in values if name.startswith("RESULT_")})
        values.update(env)
        values["PATH"] = f"{self.bin}:/usr/bin:/bin"
        (self.root / "lines").write_text(LINES)
        values["TABLE"] = str(self.root / "lines")
        if "WORKSPACE" in values:
            values["WORKSPACE"] = str(self.workspace)
        return subprocess.run(
            [program("bash"), "-c", step["script"]], env=values, capture_output=True, text=True, check=False
        )

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def result(self, name: str) -> str:
        return (self.root / f"RESULT_{name}").read_text()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# --- form


def test_one_object_a_file_in_the_namespace_with_its_wave() -> None:
    for path, value in OBJECTS.items():
        metadata = value["metadata"]
        assert path.name == f"{value['kind'].lower()}-{metadata['name']}.yaml"
        assert metadata["namespace"] == "okd-coreos"
        if value["kind"] in ("Task", "Pipeline"):
            assert metadata["annotations"]["argocd.argoproj.io/sync-wave"] == "2"
    assert set(PIPELINES) == {G1, G2}
    assert OBJECTS[FOLDER / "serviceaccount-okd-coreos-build.yaml"]["automountServiceAccountToken"] is False


@each_step
def test_scripts_pass_shellcheck_and_use_only_declared_variables(task: str, step: Object) -> None:
    shebang, rest = step["script"].split("\n", 1)
    assert shebang == "#!/usr/bin/env bash"
    assert rest.startswith("set -euo pipefail\n")
    assert not re.search(r"\$\((params|workspaces|results|tasks|context|step|steps)\.", step["script"]), (
        "Tekton would substitute into the script"
    )
    text = "\n".join([shebang, *(f"export {name}=x" for name in _env(step)), rest])
    done = shellchecked(text, "--enable=all")
    assert done.returncode == 0, done.stdout
    for name in _env(step):
        assert name in rest or name == "BUILDAH_ISOLATION", f"{name} is unused"


@each_pipeline
def test_the_interface_that_triggers_and_crons_rely_on(pipeline: Object) -> None:
    params = _named(pipeline["params"])
    layered = pipeline is PIPELINES[G2]
    assert set(params) == PARAMS | (
        {"config-repo", "config-branch", "report-url", "build-date"} if layered else set()
    )
    assert {item["type"] for item in params.values()} == {"string"}
    assert {name for name, item in params.items() if "default" not in item} == {
        "version", "branch", "variant", "release-stream", "baseos-image-name", "extensions-image-name"
    }  # fmt: skip
    assert {item["name"]: item.get("optional", False) for item in pipeline["workspaces"]} == {
        "shared-workspace": False,
        "registry-credentials": True,
        "s3-credentials": True,
        "yum-repos": True,
    }
    assert not any("enum" in item for item in params.values()), "enum needs an alpha feature flag"


# What the files contain.


def test_scos_tasks_use_current_api_versions() -> None:
    assert {(value["kind"], value["apiVersion"]) for value in OBJECTS.values()} == {
        ("Task", "tekton.dev/v1"),
        ("Pipeline", "tekton.dev/v1"),
        ("ServiceAccount", "v1"),
        ("ConfigMap", "v1"),
    }


def test_images_are_digests_with_the_readable_tag_in_a_comment() -> None:
    for pipeline in PIPELINES.values():
        assert DIGEST.fullmatch(_named(pipeline["params"])["cosa-image"]["default"])
        for task in pipeline["tasks"] + pipeline["finally"]:
            given = _named(task["params"])
            if "cosa-image" in _named(TASKS[task["taskRef"]["name"]]["params"]):
                assert given["cosa-image"]["value"] == "$(params.cosa-image)"
    for name, task in TASKS.items():
        for step in task["steps"]:
            if step["image"] == "$(params.cosa-image)":
                assert "default" not in _named(task["params"])["cosa-image"], name
            else:
                assert DIGEST.fullmatch(step["image"]), name
    for path in FILES:
        text = path.read_text()
        assert not re.search(r"[:/-](latest|vdev)\b", re.sub(r"builds/latest|tag-latest", "", text)), (
            path.name
        )
        for line in text.splitlines():
            assert "@sha256:" not in line or re.search(r"@sha256:[0-9a-f]{64}  # \S", line), line


@each_step
def test_steps_request_resources(task: str, step: Object) -> None:
    assert "resources" not in step
    requests = step["computeResources"]["requests"]
    assert {"cpu", "memory"} <= set(requests)
    assert step["computeResources"]["limits"].get(KVM) == requests.get(KVM)
    needs_kvm = bool(
        re.search(r"\bcosa (init|build(?!fetch|upload)|osbuild|kola|\"buildextend)", step["script"])
    )
    assert (requests.get(KVM) == "1") == needs_kvm


def test_tasks_of_generation_1_run_in_order() -> None:
    tasks = _named(PIPELINES[G1]["tasks"])
    after = {name: set(task.get("runAfter", [])) for name, task in tasks.items()}
    assert after == {
        "cosa-init": set(),
        "rpm-repository": {"cosa-init"},
        "cosa-build-baseos": {"cosa-init", "rpm-repository"},
        "cosa-buildextend": {"cosa-build-baseos"},
        "cosa-test": {"cosa-buildextend"},
        "cosa-build-extensions": {"cosa-build-baseos"},
        "cosa-generate-release-meta": {"cosa-test", "cosa-build-extensions"},
        **{name: {"cosa-generate-release-meta"} for name in UPLOADS},
    }
    assert [task["name"] for task in PIPELINES[G1]["finally"]] == ["notify-matrix", "hand-on"]


def test_tasks_of_generation_2_run_in_order() -> None:
    before = _before(PIPELINES[G2])
    assert before["base-build"] == {"base-init"}
    assert before["rpm-repository"] == {"base-init", "os-source"}
    assert before["base-disks"] == {"base-build", "base-init"}
    assert before["base-test"] == {"base-disks", "base-build", "base-init"}
    assert before["node-image"] == {"base-build", "base-init", "os-source", "rpm-repository"}
    assert before["extensions-image"] == before["node-image"] | {"node-image"}
    assert [task["name"] for task in PIPELINES[G2]["finally"]] == [
        "notify-matrix",
        "report-baseos",
        "report-extensions",
        "hand-on",
    ]


@each_pipeline
def test_release_metadata_comes_before_the_uploads_which_come_last(pipeline: Object) -> None:
    before = _before(pipeline)
    everything = {"cosa-build-baseos", "cosa-build-extensions", "cosa-buildextend"}
    if pipeline is PIPELINES[G2]:
        everything = {"base-build", "node-image", "extensions-image", "base-disks"}
    assert everything <= before["cosa-generate-release-meta"]
    assert {name for name, others in before.items() if "cosa-generate-release-meta" in others} == UPLOADS
    assert not any(others & UPLOADS for others in before.values())
    assert set(before) == UPLOADS | {"cosa-generate-release-meta"} | before["cosa-generate-release-meta"]


@each_pipeline
def test_uploads_are_optional_and_need_extensions_and_disks(pipeline: Object) -> None:
    tasks, before = _named(pipeline["tasks"]), _before(pipeline)
    needed = (
        {"extensions-image", "base-disks", "base-test"}
        if pipeline is PIPELINES[G2]
        else {"cosa-build-extensions", "cosa-buildextend", "cosa-test"}
    )
    for name in UPLOADS:
        switch = "upload-bootimages" if name == "cosa-upload-bootimages" else "upload-container-images"
        wanted = {"input": f"$(params.{switch})", "operator": "in", "values": ["true"]}
        assert wanted in tasks[name]["when"]
        assert needed <= before[name]
    assert not any("onError" in task for task in tasks.values())
    notify = pipeline["finally"][0]
    assert notify["when"] == [{"input": "$(params.notify-matrix)", "operator": "in", "values": ["true"]}]
    assert not any(".results." in text for text in _strings(notify)), (
        "a finally task with a missing result is skipped"
    )


@each_pipeline
def test_the_critical_path_fits_into_four_hours(pipeline: Object) -> None:
    tasks, before = _named(pipeline["tasks"]), _before(pipeline)
    build = "base-build" if pipeline is PIPELINES[G2] else "cosa-build-baseos"
    assert tasks[build]["timeout"] == "1h30m"

    def path(name: str) -> int:
        return _minutes(tasks[name]["timeout"]) + max((path(item) for item in before[name]), default=0)

    assert (
        max(path(name) for name in tasks) + max(_minutes(task["timeout"]) for task in pipeline["finally"])
        <= 240
    )


@pytest.mark.parametrize("task", ["cosa-test", "base-test"])
def test_kola_runs_and_its_failure_fails_the_step(task: str, bench: Bench) -> None:
    bench.stub("cosa", '[[ "$1" != kola ]] || exit 7')
    done = bench.run(task)
    assert done.returncode == 7
    assert [call.split(" --")[0] for call in bench.calls()] == ["cosa kola run"]
    (step,) = TASKS[task]["steps"]
    assert "onError" not in step


@each_pipeline
def test_params_are_declared_and_workspaces_are_bound(pipeline: Object) -> None:
    params, workspaces = _named(pipeline["params"]), _named(pipeline["workspaces"])
    tasks = _named(pipeline["tasks"])
    for item in pipeline["tasks"] + pipeline["finally"]:
        assert item["taskRef"]["kind"] == "Task"
        task = TASKS[item["taskRef"]["name"]]
        declared, given = _named(task["params"]), _named(item["params"])
        assert set(given) <= set(declared), item["name"]
        assert {name for name, value in declared.items() if "default" not in value} <= set(given), item[
            "name"
        ]
        wanted, bound = _named(task.get("workspaces", [])), _named(item.get("workspaces", []))
        assert set(wanted) == set(bound), item["name"]
        for name, binding in bound.items():
            optional = workspaces[binding["workspace"]].get("optional", False)
            assert wanted[name].get("optional", False) == optional, (
                "Tekton refuses an optional workspace for a Task that demands it"
            )
        for reference in (found for text in _strings(item) for found in REFERENCE.findall(text)):
            if reference.startswith("params."):
                assert reference.removeprefix("params.") in params
            elif ".results." in reference:
                _, source, _, result = reference.split(".")
                assert result in _named(TASKS[tasks[source]["taskRef"]["name"]]["results"])
            else:
                assert reference in {"context.pipelineRun.name", "context.pipeline.name", "tasks.status"}
    for result in pipeline["results"]:
        _, source, _, name = result["value"][2:-1].split(".")
        assert name in _named(TASKS[tasks[source]["taskRef"]["name"]]["results"])
    used = {
        found.removeprefix("params.")
        for text in _strings(pipeline["tasks"] + pipeline["finally"])
        for found in REFERENCE.findall(text)
    }
    assert set(params) <= used, "a parameter that nothing reads"


def test_tasks_reference_only_declared_params_and_workspaces() -> None:
    for name, task in TASKS.items():
        used: set[str] = set()
        for step in task["steps"]:
            for reference in (
                found for text in [step["image"], *_env(step).values()] for found in REFERENCE.findall(text)
            ):
                kind, item, *_ = reference.split(".")
                assert item in _named(task[kind]), (name, reference)
                used.add(f"{kind}.{item}")
        declared = {
            f"{kind}.{item['name']}"
            for kind in ("params", "workspaces", "results")
            for item in task.get(kind, [])
        }
        assert used == declared, name


@pytest.mark.parametrize(
    "endpoint", ["https://s3.example.org/", "https://s3.example.org", "https://bucket.s3.example.org/"]
)
def test_download_and_upload_use_one_path_and_one_endpoint(
    endpoint: str, bench: Bench, tmp_path: Path
) -> None:
    bench.stub("git", "echo 0123")
    bench.stub(
        "cosa",
        (
            'mkdir -p src/config && touch src/config/manifest-c9s.yaml; echo "$AWS_ENDPOINT_URL" '
            '>>"$0.endpoints"; [[ "$1" != build* ]] || exit 42'
        ),
    )
    assert (
        bench.run(
            "cosa-init", S3_BUCKET="bucket", S3_ENDPOINT_URL=endpoint, RELEASE_STREAM="stable", VARIANT="c9s"
        ).returncode
        == 0
    )
    credentials = tmp_path / "s3"
    credentials.mkdir()
    (credentials / "credentials").touch()
    env = {
        "S3_CREDENTIALS": str(credentials),
        "BUILDS_URL": bench.result("BUILDS_URL"),
        "ENDPOINT_URL": bench.result("ENDPOINT_URL"),
    }
    for task in ("cosa-build-baseos", "base-build", "cosa-upload-s3"):
        assert bench.run(task, **env).returncode == 42
    fetch = "cosa buildfetch --url=s3://bucket/stable/builds"
    upload = (
        "cosa buildupload s3 --acl=bucket-owner-full-control --endpoint-url=https://s3.example.org "
        "bucket/stable/builds"
    )
    assert [call for call in bench.calls() if "build" in call] == [fetch, fetch, upload]
    assert (bench.bin / "cosa.endpoints").read_text().splitlines()[-3:] == ["https://s3.example.org"] * 3
    assert bench.result("STREAM_BASE_URL") == "https://s3.example.org/bucket"


@each_pipeline
def test_the_path_comes_from_one_result(pipeline: Object) -> None:
    init = "base-init" if pipeline is PIPELINES[G2] else "cosa-init"
    users = [task for task in pipeline["tasks"] if "builds-url" in _named(task["params"])]
    assert len(users) == 2
    for task in users:
        given = _named(task["params"])
        assert given["builds-url"]["value"] == f"$(tasks.{init}.results.builds-url)"
        assert given["endpoint-url"]["value"] == f"$(tasks.{init}.results.endpoint-url)"


def test_each_generation_builds_from_its_own_repository() -> None:
    one, two = PIPELINES[G1], PIPELINES[G2]
    openshift, coreos = (
        "https://github.com/openshift/os.git",
        "https://github.com/coreos/rhel-coreos-config.git",
    )
    assert _named(one["params"])["repo"]["default"] == _named(two["params"])["repo"]["default"] == openshift
    assert _named(two["params"])["config-repo"]["default"] == coreos
    first = {value["name"]: value["value"] for value in _named(one["tasks"])["cosa-init"]["params"]}
    base = {value["name"]: value["value"] for value in _named(two["tasks"])["base-init"]["params"]}
    source = {value["name"]: value["value"] for value in _named(two["tasks"])["os-source"]["params"]}
    assert (first["repo"], first["branch"]) == ("$(params.repo)", "$(params.branch)")
    assert (base["repo"], base["branch"]) == ("$(params.config-repo)", "$(params.config-branch)")
    assert (source["repo"], source["branch"]) == ("$(params.repo)", "$(params.branch)")
    for pipeline in (one, two):
        assert not [
            item["name"]
            for item in pipeline["params"]
            if re.search(r"\b[45]\.\d+\b", str(item.get("default", "")))
        ], "a default names an OKD minor"


def test_a_variant_that_the_branch_lacks_is_an_error(bench: Bench) -> None:
    bench.stub("git", "echo 0123")
    bench.stub("cosa", "mkdir -p src/config && touch src/config/manifest-c10s.yaml")
    done = bench.run("cosa-init", VARIANT="okd-c9s", BRANCH="release-4.19")
    assert done.returncode == 1
    assert "no manifest-okd-c9s.yaml" in done.stderr


def test_the_node_layer_is_built_on_the_base_of_the_same_run_at_one_commit(bench: Bench) -> None:
    tasks = _named(PIPELINES[G2]["tasks"])
    node, extensions = (_named(tasks[name]["params"]) for name in ("node-image", "extensions-image"))
    assert node["base-archive"]["value"] == "$(tasks.base-build.results.archive)"
    assert extensions["base-archive"]["value"] == "$(tasks.node-image.results.archive)"
    assert node["commit"] == extensions["commit"]
    (bench.workspace / "base").write_text("base")
    (bench.workspace / "os/.git").mkdir(parents=True)
    (bench.workspace / "os/.git/HEAD").write_text("0123\n")
    (bench.workspace / "os/Containerfile").touch()
    arguments = "# a comment\n\nIMAGE_FROM=quay.io/base:10\n"
    (bench.workspace / "os/build-args-c10s-5.0.conf").write_text(arguments)
    bench.stub(
        "buildah", 'if [[ "$1" == push ]]; then echo "sha256:1" >"$3"; echo image >"${5#oci-archive:}"; fi'
    )
    env = {
        "BASE_ARCHIVE": "base",
        "DIRECTORY": "os",
        "CONTAINERFILE": "Containerfile",
        "OUTPUT": "node",
        "VARIANT": "c10s",
        "ARGUMENTS_FILE": "build-args-c10s-5.0.conf",
        "STORAGE": str(bench.root),
    }
    checksum = hashlib.sha256(b"base").hexdigest()
    assert bench.run("os-image", **env, COMMIT="0123", BASE_SHA256="0" * 64).returncode != 0
    assert bench.run("os-image", **env, COMMIT="4567", BASE_SHA256=checksum).returncode == 1
    assert bench.calls() == []
    done = bench.run("os-image", **env, COMMIT="0123", BASE_SHA256=checksum)
    assert done.returncode == 0, done.stderr
    (build,) = (call for call in bench.calls() if call.startswith("buildah bud"))
    assert f"--from oci-archive:{bench.workspace}/base " in build
    assert re.findall(r"--build-arg (\S+)", build) == ["IMAGE_FROM=quay.io/base:10"]
    assert (bench.result("ARCHIVE"), bench.result("DIGEST")) == ("images/node.ociarchive", "sha256:1")


def test_no_definition_names_an_architecture() -> None:
    for path in FILES:
        assert not ARCHITECTURES.search(path.read_text()), path.name
    assert "uname -m" in TASKS["cosa-push-container"]["steps"][0]["script"]


@each_step
def test_no_secret_is_in_a_parameter_argument_url_or_result(task: str, step: Object) -> None:
    secret = {
        item["name"]: item["valueFrom"]["secretKeyRef"]
        for item in step["env"]
        if "secretKeyRef" in item.get("valueFrom", {})
    }
    known = {
        "notify-matrix": ("MATRIX_TOKEN", "okd-matrix-bot-auth", "Authorization: Bearer"),
        "report-build": ("REPORT_TOKEN", "okd-coreos-report", "X-Okd-Token:"),
    }
    if task not in known:
        assert secret == {}
        return
    variable, name, header = known[task]
    assert secret == {variable: {"name": name, "key": "token", "optional": True}}
    lines = [line.strip() for line in step["script"].splitlines() if variable in line]
    assert len(lines) == 2
    assert lines[0].startswith(f'if [[ -z "${{{variable}:-}}"')
    assert lines[1] == f"--header @<(printf '{header} %s\\n' \"${{{variable}}}\") \\"
    assert "results" not in TASKS[task]
    assert not re.search(r"^set .*x|set -x", step["script"], re.MULTILINE)


def test_secrets_have_the_names_of_the_table() -> None:
    names = {
        found
        for path in FILES
        for found in re.findall(
            r"\b(?:okd|my|ose|registry)-[a-z0-9-]*(?:secret|config|auth|token)\b", path.read_text()
        )
    }
    assert names == {"okd-quay-pull-secret", "okd-s3-config", "okd-matrix-bot-auth"}


def test_registry_credentials_are_a_workspace_with_dockerconfigjson() -> None:
    push = TASKS["cosa-push-container"]
    assert _env(push["steps"][0])["REGISTRY_CREDENTIALS"] == "$(workspaces.regcred.path)"
    assert "/.dockerconfigjson" in push["steps"][0]["script"]
    assert [name for name, task in TASKS.items() if "regcred" in _named(task.get("workspaces", []))] == [
        "cosa-push-container",
        "report-build",
        "rpm-repository",
    ]
    assert not any(
        "config.json" in path.read_text() or "configMapKeyRef" in path.read_text() for path in FILES
    )


@each_pipeline
def test_defaults_name_projects_not_people_and_uploads_are_off(pipeline: Object) -> None:
    default = {item["name"]: item["default"] for item in pipeline["params"] if "default" in item}
    assert {name for name, value in default.items() if value == "false"} == {
        "upload-container-images", "tag-latest", "upload-bootimages", "notify-matrix", "hand-on"
    }  # fmt: skip
    assert default["target-registry"] == "quay.io/okd"
    assert {value.split("/")[3] for value in default.values() if value.startswith("https://")} <= {
        "openshift",
        "coreos",
    }
    assert (
        default["s3-bucket"]
        == default["s3-endpoint-url"]
        == default["matrix-room"]
        == default["matrix-endpoint"]
        == default.get("report-url", "")
        == ""
    )


@each_pipeline
def test_every_referenced_task_exists_and_every_task_is_used(pipeline: Object) -> None:
    assert {item["taskRef"]["name"] for item in pipeline["tasks"] + pipeline["finally"]} <= set(TASKS)
    assert {
        item["taskRef"]["name"] for spec in PIPELINES.values() for item in spec["tasks"] + spec["finally"]
    } == set(TASKS)


# --- reports to the multi-arch gate

REPORT = {
    "REPORT_TOKEN": "s3cret-of-report",
    "REPORT_URL": "http://el-okd-coreos-multi-arch.okd-coreos.svc:8080",
    "VERSION": "4.22",
    "RELEASE_STREAM": "next",
    "COMMIT": "4d2b1f0c" * 5,
    "BUILD_DATE": "20261121",
    "IMAGE": f"quay.io/okd/stream-coreos@sha256:{'a' * 64}",
    "RUN": "okd-coreos-4.22-arm64-x7k2p",
}


def test_only_a_successful_run_with_a_pushed_image_reports_its_build() -> None:
    reports = {
        task["name"]: task for task in PIPELINES[G2]["finally"] if task["taskRef"]["name"] == "report-build"
    }
    for name, push in {
        "report-baseos": "cosa-upload-baseos",
        "report-extensions": "cosa-upload-extensions",
    }.items():
        assert reports[name]["when"] == [
            {"input": "$(params.report-url)", "operator": "notin", "values": [""]},
            {"input": "$(tasks.status)", "operator": "in", "values": ["Succeeded", "Completed"]},
        ]
        # A finally task whose result is missing, as its task was skipped, is skipped too.
        assert _named(reports[name]["params"])["image"]["value"] == f"$(tasks.{push}.results.image)"


@pytest.mark.parametrize(
    ("curl", "code"), [("", 0), ('[[ -e "$0.once" ]] || { touch "$0.once"; exit 7; }', 0), ("exit 22", 1)]
)
def test_a_report_is_sent_three_times_and_the_gate_accepts_it(curl: str, code: int, bench: Bench) -> None:
    from okd_gitops.gate.report import read_report

    bench.stub(
        "curl",
        f'printf "%s" "${{@: -2:1}}" >"{bench.root}/report"\ncat "${{@: -6:1}}" >/dev/null || true\n{curl}',
    )
    bench.stub("skopeo", 'echo \'{"architecture": "arm64", "os": "linux"}\'')
    bench.stub("sleep")
    done = bench.run("report-build", **REPORT)
    assert done.returncode == code, done.stderr
    calls = bench.calls()
    assert [call.split()[0] for call in calls] == ["skopeo", *["sleep", "curl"] * 3]
    assert calls[0].endswith(f"--config docker://{REPORT['IMAGE']}")
    found, fault = read_report((bench.root / "report").read_text())
    assert found, fault
    assert (found.key, found.arch, found.digest) == (
        f"4.22-next-{REPORT['COMMIT']}-20261121",
        "arm64",
        f"sha256:{'a' * 64}",
    )
    assert "s3cret" not in f"{calls}{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    ("change", "skopeo"), [({"REPORT_TOKEN": ""}, "echo '{}'"), ({}, "exit 1"), ({}, "echo '{}'")]
)
def test_without_a_token_or_an_architecture_nothing_is_reported(
    change: dict[str, str], skopeo: str, bench: Bench
) -> None:
    bench.stub("curl")
    bench.stub("skopeo", skopeo)
    assert bench.run("report-build", **{**REPORT, **change}).returncode == 1
    assert not [call for call in bench.calls() if call.startswith("curl")]


# --- faults of the public repositories


@each_step
def test_no_image_floats_and_removed_commands_are_in_generation_1_only(task: str, step: Object) -> None:
    assert step["imagePullPolicy"] == "IfNotPresent"
    removed = re.compile(r"--force-nocache|build container\b|build-extensions-container|buildextend-")
    layered = {item["taskRef"]["name"] for item in PIPELINES[G2]["tasks"] + PIPELINES[G2]["finally"]}
    assert not (task in layered and removed.search(step["script"]))
    assert (
        _named(PIPELINES[G1]["params"])["cosa-image"]["default"]
        != _named(PIPELINES[G2]["params"])["cosa-image"]["default"]
    )


def test_no_internal_mirror_is_used_and_unsigned_packages_are_reported(bench: Bench, tmp_path: Path) -> None:
    for path in FILES:
        text = path.read_text()
        assert not re.search(r"mirror\.openshift|redhat\.com|ose-mirror|MIRROR_", text), path.name
        unsigned = [line for line in text.splitlines() if "gpgcheck=0" in line]
        assert all("name=RPMs of this run" in line for line in unsigned), path.name
    repos = tmp_path / "repos"
    repos.mkdir()
    (repos / "extra.repo").write_text("[extra]\ngpgcheck=0\n")
    bench.stub("git", "echo 0123")
    bench.stub("cosa", "mkdir -p src/config && touch src/config/manifest-c9s.yaml")
    done = bench.run("cosa-init", VARIANT="c9s", YUM_REPOS=str(repos))
    assert done.returncode == 0
    assert "extra.repo switches the check of package signatures off" in done.stderr
    assert (bench.workspace / "coreos/src/config/extra.repo").is_file()


def test_release_json_points_to_the_upload_path(bench: Bench) -> None:
    bench.stub("cosa", '[[ "$1" != basearch ]] || echo arch')
    assert (
        bench.run(
            "cosa-generate-release-meta",
            STREAM_BASE_URL="https://s3.example.org/bucket",
            RELEASE_STREAM="stable",
        ).returncode
        == 0
    )
    expected = (
        "cosa generate-release-meta --stream-baseurl=https://s3.example.org/bucket "
        "--stream-name=stable --output=builds/latest/arch/release.json"
    )
    assert bench.calls()[-1] == expected


def test_no_command_is_commented_out() -> None:
    for name, _, step in STEPS:
        assert not re.search(r"^\s*#\s*(cosa|kola|skopeo|buildah|curl)\b", step["script"], re.MULTILINE), name
    assert all("kola run" in TASKS[name]["steps"][0]["script"] for name in ("cosa-test", "base-test"))


@each_pipeline
def test_a_variant_goes_only_to_tasks_that_declare_it(pipeline: Object) -> None:
    for item in pipeline["tasks"] + pipeline["finally"]:
        if "variant" in _named(item["params"]):
            assert "variant" in _named(TASKS[item["taskRef"]["name"]]["params"])
    assert not any("claimname" in text for text in _strings(pipeline))


def test_jq_writes_the_message_to_matrix_and_a_header_carries_the_token() -> None:
    assert len([name for name in TASKS if "matrix" in name]) == 1
    script = TASKS["notify-matrix"]["steps"][0]["script"]
    assert "access_token" not in script
    assert re.search(r"jq -n --arg run .*\\\n\s+'\{msgtype:", script)
    assert "--data-binary @-" in script
    assert "curl --fail-with-body --silent --show-error --max-time" in script
    assert "--proto '=https'" in script


@pytest.mark.parametrize("missing", ["MATRIX_TOKEN", "MATRIX_ROOM", "MATRIX_ENDPOINT"])
def test_a_notification_that_cannot_be_sent_fails(missing: str, bench: Bench) -> None:
    env = {
        "MATRIX_TOKEN": "secret",
        "MATRIX_ROOM": "!r:example.org",
        "MATRIX_ENDPOINT": "http://example.org",
        missing: "",
    }
    bench.stub("curl")
    done = bench.run("notify-matrix", **env)
    assert done.returncode == 1
    assert "secret" not in done.stdout + done.stderr
    assert bench.calls() == []


def test_the_token_is_not_sent_without_tls(bench: Bench) -> None:
    bench.stub("curl")
    done = bench.run(
        "notify-matrix",
        MATRIX_TOKEN="secret",
        MATRIX_ROOM="!r:example.org",
        MATRIX_ENDPOINT="http://example.org",
    )
    assert done.returncode == 1
    assert "must be https" in done.stderr
    assert bench.calls() == []


PUSH = {
    "TARGET_REGISTRY": "quay.io/okd",
    "IMAGE_NAME": "scos",
    "VERSION": "4.18",
    "BUILD_ID": "418.9+1",
    "ARCHIVE": "image",
}


@pytest.fixture
def registry(bench: Bench) -> dict[str, str]:
    (bench.workspace / "image").write_text("image")
    credentials = bench.root / "regcred"
    credentials.mkdir()
    (credentials / ".dockerconfigjson").touch()
    bench.stub("uname", "echo arch")
    return {**PUSH, "SHA256": hashlib.sha256(b"image").hexdigest(), "REGISTRY_CREDENTIALS": str(credentials)}


@pytest.mark.parametrize(("tag_latest", "copies"), [("false", 1), ("true", 2)])
def test_a_push_reports_the_digest_from_the_registry(
    tag_latest: str, copies: int, bench: Bench, registry: dict[str, str]
) -> None:
    digest = f"sha256:{'a' * 64}"
    bench.stub("skopeo", f'while (($#)); do [[ "$1" != --digestfile ]] || echo {digest} >"$2"; shift; done')
    done = bench.run("cosa-push-container", **registry, TAG_LATEST=tag_latest)
    assert done.returncode == 0, done.stderr
    calls = [call for call in bench.calls() if call.startswith("skopeo")]
    assert len(calls) == copies
    assert calls[0].endswith(
        f"oci-archive:image docker://quay.io/okd/scos:4.18-418.9-1-{hashlib.sha256(b'image').hexdigest()[:12]}-arch"
    )
    assert calls[-1].endswith(f"docker://quay.io/okd/scos@{digest} docker://quay.io/okd/scos:4.18-arch") == (
        copies == 2
    )
    assert (bench.result("DIGEST"), bench.result("IMAGE")) == (digest, f"quay.io/okd/scos@{digest}")


@pytest.mark.parametrize(
    ("change", "stub"),
    [
        ({"SHA256": "0" * 64}, ""),
        ({}, "exit 3"),
        ({}, 'while (($#)); do [[ "$1" != --digestfile ]] || echo null >"$2"; shift; done'),
    ],
    ids=["another archive", "push failed", "no digest"],
)
def test_a_failed_push_has_no_result(
    change: dict[str, str], stub: str, bench: Bench, registry: dict[str, str]
) -> None:
    bench.stub("skopeo", stub)
    assert bench.run("cosa-push-container", **{**registry, **change}, TAG_LATEST="true").returncode != 0
    assert not (bench.root / "RESULT_DIGEST").exists()
    assert len([call for call in bench.calls() if call.startswith("skopeo")]) <= 1


@pytest.mark.parametrize("task", ["cosa-push-container", "cosa-upload-s3"])
def test_an_upload_without_credentials_fails(task: str, bench: Bench) -> None:
    bench.stub("cosa")
    bench.stub("skopeo")
    assert bench.run(task, BUILDS_URL="bucket/stable/builds").returncode == 1
    assert bench.calls() == []


@pytest.mark.parametrize("stream", ["", "a/b", ".."])
def test_an_unknown_stream_is_an_error_before_the_workspace_is_emptied(stream: str, bench: Bench) -> None:
    (bench.workspace / "keep").touch()
    done = bench.run(
        "cosa-init", S3_BUCKET="bucket", S3_ENDPOINT_URL="https://s3.example.org", RELEASE_STREAM=stream
    )
    assert done.returncode == 1
    assert (bench.workspace / "keep").exists()


def test_every_list_item_can_be_selected_by_name() -> None:
    """A value that a cluster changes is found by name; an item without a name of its own could only be
    found by its position.
    """
    for path, value in OBJECTS.items():
        spec = value.get("spec", {})
        lists = [
            spec.get(key, [])
            for key in ("params", "workspaces", "results", "tasks", "finally", "steps", "volumes")
        ]
        lists += [
            item[key]
            for item in spec.get("tasks", []) + spec.get("finally", [])
            for key in ("params", "workspaces")
            if key in item
        ]
        lists += [
            step[key] for step in spec.get("steps", []) for key in ("env", "volumeMounts") if key in step
        ]
        for items in lists:
            assert len({item["name"] for item in items}) == len(items), path.name


@each_step
def test_steps_are_not_privileged(task: str, step: Object) -> None:
    context = step["securityContext"]
    assert "privileged" not in context
    if step["image"] == "$(params.cosa-image)":
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
    else:
        assert task == "os-image"
        assert context == {"runAsUser": 0, "capabilities": {"add": ["SETFCAP"]}}
        assert _env(step)["BUILDAH_ISOLATION"] == "chroot"
