"""os-layer and os-layer-build, rendered; the scripts of the build run with stubs for their programs."""

import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import tls_registry
from cluster_files import OS_LAYER_BUILDS
from conftest import ROOT
from okd_gitops.finding import FindingsError
from programs import program
from rendered import invalid, objects, of_kind
from script_checks import shellchecked

FEATURES = ROOT / "generator/okd_gitops/catalog/features"
PIPELINE = FEATURES / "os-layer-build/pipeline"
TASKS = {
    path.stem.removeprefix("task-"): yaml.safe_load(path.read_text())["spec"]
    for path in PIPELINE.glob("task-*.yaml")
}
RELEASE = (
    "registry.example.org/release@sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
)
BASE = f"registry.example.org/content@sha256:{'1' * 64}"
IMAGE = f"registry.example.org/layered@sha256:{'2' * 64}"
IMAGES = f"  os-layer:\n    images:\n    - {{pool: worker, image: '{IMAGE}', built-on: '{RELEASE}'}}\n"
HEAD = "  os-layer:\n"
EXTENSIONS = "  os-layer:\n    extensions:\n    - {pool: worker, extensions: [usbguard, kerberos]}\n"
OPENSHIFT = {"MachineConfig", "MachineOSConfig", "MachineConfigPool", "SecurityContextConstraints"}


def test_a_pool_gets_one_image_by_digest() -> None:
    values = objects("okd", IMAGES)
    (config,) = [
        value for name, value in of_kind(values, "MachineConfig").items() if name.startswith("90-layer")
    ]
    assert config["metadata"]["name"] == "90-layer-image-worker"
    assert config["metadata"]["labels"] == {"machineconfiguration.openshift.io/role": "worker"}
    assert config["spec"] == {"osImageURL": IMAGE}
    assert of_kind(values, "MachineOSConfig") == {}
    assert invalid(values) == []


def test_a_build_has_the_name_of_its_pool_a_job_and_both_secrets() -> None:
    values = objects("okd", OS_LAYER_BUILDS)
    (build,) = of_kind(values, "MachineOSConfig").values()
    assert build["apiVersion"] == "machineconfiguration.openshift.io/v1"
    assert build["metadata"]["name"] == build["spec"]["machineConfigPool"]["name"] == "infra"
    assert build["spec"]["imageBuilder"] == {"imageBuilderType": "Job"}
    table = yaml.safe_load((FEATURES / "os-layer/feature.yaml").read_text())["secrets"]
    assert {
        build["spec"]["baseImagePullSecret"]["name"],
        build["spec"]["renderedImagePushSecret"]["name"],
    } == table.keys()
    assert {need["namespace"] for need in table.values()} == {"openshift-machine-config-operator"}
    (file,) = build["spec"]["containerFile"]
    assert file["containerfileArch"] == "NoArch"
    assert file["content"].endswith("RUN rpm-ostree install usbutils && \\\n    ostree container commit")
    assert invalid(values) == []


@pytest.mark.parametrize(
    "content",
    [
        "FROM configs AS final\nRUN true\n",
        "FROM configs AS final\n" + "x" * 4100 + "\nostree container commit\n",
    ],
)
def test_a_containerfile_that_cannot_work_is_refused_in_the_cluster_file(content: str) -> None:
    features = yaml.safe_load(f"features:\n{OS_LAYER_BUILDS}")["features"]
    features["os-layer"]["builds"][0]["containerfile"] = content
    text = "".join(f"  {line}\n" for line in yaml.safe_dump(features).splitlines())
    with pytest.raises(FindingsError) as error:
        objects("okd", text)
    assert [finding.name for finding in error.value.findings] == ["invalid-value"]


def test_extensions_need_no_image() -> None:
    values = objects("okd", EXTENSIONS)
    config = of_kind(values, "MachineConfig")["90-extensions-worker"]
    assert config["spec"]["extensions"] == ["usbguard", "kerberos"]
    assert "osImageURL" not in config["spec"]
    assert invalid(values) == []


def test_a_pool_can_have_an_image_and_extensions() -> None:
    both = f"{IMAGES}{EXTENSIONS.removeprefix(HEAD)}"
    assert {"90-layer-image-worker", "90-extensions-worker"} <= of_kind(
        objects("okd", both), "MachineConfig"
    ).keys()


def test_nothing_asked_for_is_an_error() -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", "  os-layer:\n")
    (finding,) = error.value.findings
    assert finding.name == "missing-parameter"
    assert "images, builds, extensions" in finding.reason


@pytest.mark.parametrize("environment", ["kubernetes", "kind"])
def test_only_okd_has_pools_and_the_pipeline_is_everywhere(environment: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects(environment, EXTENSIONS)
    assert [finding.name for finding in error.value.findings] == ["unsuitable-feature"]
    values = objects(environment, "  notify:\n  tekton:\n  os-layer-build:\n")
    assert "okd-layer" in of_kind(values, "Pipeline")
    assert not {value["kind"] for value in values} & OPENSHIFT


def test_a_layer_names_the_release_it_was_built_on_and_follows_that_release() -> None:
    values = objects("okd", IMAGES)
    config, version = (
        of_kind(values, "MachineConfig")["90-layer-image-worker"],
        of_kind(values, "ClusterVersion")["version"],
    )
    assert (
        config["metadata"]["annotations"]["okd-gitops.io/built-on"]
        == version["spec"]["desiredUpdate"]["image"]
        == RELEASE
    )
    wave = "argocd.argoproj.io/sync-wave"
    assert int(config["metadata"]["annotations"][wave]) > int(version["metadata"]["annotations"][wave]), (
        "a kubelet is never newer than the API server"
    )


def test_the_pipeline_passes_what_its_tasks_declare() -> None:
    spec = yaml.safe_load((PIPELINE / "pipeline-okd-layer.yaml").read_text())["spec"]
    for task in spec["tasks"]:
        declared = TASKS[task["taskRef"]["name"]]
        assert {item["name"] for item in task["params"]} == {item["name"] for item in declared["params"]}
        assert {item["name"] for item in task.get("workspaces", [])} == {
            item["name"] for item in declared.get("workspaces", [])
        }


def test_nothing_is_pushed_by_default() -> None:
    values = objects("okd", "  notify:\n  tekton:\n  os-layer-build:\n")
    params = {
        item["name"]: item.get("default")
        for item in of_kind(values, "Pipeline")["okd-layer"]["spec"]["params"]
    }
    assert params == {
        "release-image": None,
        "repository": "quay.io/okd/stream-coreos-layered",
        "os-image-name": "stream-coreos",
        "notify": "false",
        "push": "false",
    }
    asked = objects(
        "okd",
        (
            "  notify:\n"
            "  tekton:\n"
            "  os-layer-build:\n"
            "    push: true\n"
            "    containerfile: |\n"
            "      FROM base\n"
            "      RUN ostree container commit\n"
        ),
    )
    assert {
        item["name"]: item.get("default")
        for item in of_kind(asked, "Pipeline")["okd-layer"]["spec"]["params"]
    }["push"] == "true"
    assert (
        of_kind(asked, "ConfigMap")["okd-layer"]["data"]["Containerfile"]
        == "FROM base\nRUN ostree container commit"
    )
    assert invalid(asked) == []


# --- the scripts


def run(task: str, root: Path, stubs: dict[str, str], **values: str) -> subprocess.CompletedProcess[str]:
    """Run a Task's script; each stub writes down how it was called."""
    for name, body in stubs.items():
        (root / name).write_text(
            f'#!/usr/bin/env bash\nprintf \'%s\\n\' "{name} $*" >>"{root}/log"\n{body}\n'
        )
        (root / name).chmod(0o755)
    (step,) = TASKS[task]["steps"]
    env = (
        {item["name"]: "" for item in step["env"]}
        | {"RESULT_IMAGE": str(root / "result"), "PATH": f"{root}:/usr/bin:/bin"}
        | values
    )
    assert program("jq")
    return subprocess.run(
        [program("bash"), "-c", step["script"]], env=env, capture_output=True, text=True, check=False
    )


def release_image(root: Path, tags: list[dict[str, Any]] | None) -> dict[str, str]:
    """A skopeo that gives a release image of two layers; its references are in the second."""
    (root / "release").mkdir()
    layers = []
    for number, content in enumerate([None, tags]):
        with tarfile.open(root / f"{number}", "w:gz") as layer:
            data = json.dumps({"spec": {"tags": content}}).encode()
            info = tarfile.TarInfo(
                "release-manifests/image-references" if content is not None else "etc/motd"
            )
            info.size = len(data)
            layer.addfile(info, io.BytesIO(data))
        layers.append({"digest": f"sha256:{number}"})
    (root / "manifest.json").write_text(json.dumps({"layers": layers}))
    return {
        "skopeo": (
            f'mkdir -p "{root}/release/image" && cp "{root}"/[01] "{root}/manifest.json" '
            f'"{root}/release/image/"'
        )
    }


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([{"name": "stream-coreos", "from": {"name": BASE}}, {"name": "x", "from": {"name": "y"}}], ""),
        (
            [{"name": "stream-coreos", "from": {"name": "registry.example.org/content:latest"}}],
            "no image stream-coreos by digest",
        ),
        ([{"name": "fedora-coreos", "from": {"name": BASE}}], "no image stream-coreos by digest"),
        (None, "is not a release image"),
    ],
    ids=["found", "tag", "another name", "another image"],
)
def test_the_base_image_comes_from_the_release(
    tags: list[dict[str, Any]] | None, reason: str, tmp_path: Path
) -> None:
    done = run(
        "okd-layer-base",
        tmp_path,
        release_image(tmp_path, tags),
        DIRECTORY=str(tmp_path / "release"),
        RELEASE_IMAGE=RELEASE,
        OS_IMAGE_NAME="stream-coreos",
    )
    assert (done.returncode == 0) == (not reason), done.stderr
    assert reason in done.stderr
    assert (tmp_path / "result").exists() == (not reason)
    if not reason:
        assert (tmp_path / "result").read_text() == BASE
        assert (
            (tmp_path / "log").read_text().startswith(f"skopeo copy --retry-times 3 docker://{RELEASE} dir:")
        )


def test_a_release_by_tag_is_refused(tmp_path: Path) -> None:
    done = run(
        "okd-layer-base", tmp_path, {"skopeo": ""}, RELEASE_IMAGE="quay.io/okd/scos-release:4.22.0-okd-scos.0"
    )
    assert done.returncode == 1
    assert not (tmp_path / "log").exists()


BUILDAH = (
    'if [[ "$1" == push ]]; then while (($#)); do [[ "$1" != --digestfile ]] || echo "DIGEST" >"$2"; '
    "shift; done; fi"
)


def build(
    root: Path, containerfile: str, digest: str = f"sha256:{'2' * 64}", **values: str
) -> subprocess.CompletedProcess[str]:
    (root / "Containerfile").write_text(containerfile)
    (root / ".dockerconfigjson").touch()
    env = {
        "CONTAINERFILE": str(root / "Containerfile"),
        "REGISTRY_CREDENTIALS": str(root),
        "RELEASE_IMAGE": RELEASE,
        "BASE_IMAGE": BASE,
    }
    env |= {"REPOSITORY": "registry.example.org/layered"}
    return run("okd-layer-build", root, {"buildah": BUILDAH.replace("DIGEST", digest)}, **{**env, **values})


GOOD = "FROM scratch\nRUN rpm-ostree install tmux && \\\n    ostree container commit\n\n"


def test_the_image_is_built_on_the_base_and_reported_by_digest_with_its_release(
    tmp_path: Path,
) -> None:
    done = build(tmp_path, GOOD, PUSH="true")
    assert done.returncode == 0, done.stderr
    _, built, pushed = (tmp_path / "log").read_text().splitlines()
    assert f"--from {BASE} " in built
    assert pushed.endswith("docker://registry.example.org/layered:built-on-018b65c9bd7fb045")
    assert (tmp_path / "result").read_text() == IMAGE
    shown = yaml.safe_load(done.stdout.split("\n", 1)[1])
    assert shown == {"os-layer": {"images": [{"pool": "worker", "image": IMAGE, "built-on": RELEASE}]}}


def test_without_push_nothing_leaves_the_cluster(tmp_path: Path) -> None:
    assert build(tmp_path, GOOD, PUSH="false", REGISTRY_CREDENTIALS="").returncode == 0
    assert [line.split()[1] for line in (tmp_path / "log").read_text().splitlines()] == ["info", "bud"]
    assert (tmp_path / "result").read_text() == ""


@pytest.mark.parametrize(
    ("containerfile", "digest", "values", "calls"),
    [
        ("FROM scratch\nRUN rpm-ostree install tmux\n", "", {}, 0),
        (GOOD, "", {"REGISTRY_CREDENTIALS": "/nonexistent"}, 0),
        (GOOD, "null", {}, 3),
    ],
    ids=["not committed", "no credentials", "no digest"],
)
def test_a_failed_build_reports_no_image(
    containerfile: str, digest: str, values: dict[str, str], calls: int, tmp_path: Path
) -> None:
    assert build(tmp_path, containerfile, digest, PUSH="true", **values).returncode == 1
    log = tmp_path / "log"
    assert len(log.read_text().splitlines() if log.exists() else []) == calls
    result = tmp_path / "result"
    assert not result.exists() or result.read_text() == ""


@pytest.mark.parametrize("name", sorted(TASKS))
def test_scripts_are_shellcheck_clean(name: str) -> None:
    (step,) = TASKS[name]["steps"]
    done = shellchecked(step["script"])
    assert done.returncode == 0, done.stdout
    assert "$(params" not in step["script"]


def containerfiles() -> dict[str, str]:
    """Return every example of a layer that people copy, by the file in which it is."""
    files = [
        *FEATURES.glob("os-layer*/*/*.yaml"),
        *(ROOT / "tests/cases").glob("*/clusters/*.yaml"),
        *(ROOT / "clusters").glob("*.yaml"),
        *(ROOT / "docs").glob("*.md"),
    ]
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in files}
    return {name: text for name, text in texts.items() if "RUN " in text and "rpm-ostree install" in text}


# openshift/os switches every repository off that it builds in: packages-openshift.yaml, `postprocess`, on all
# branches from release-4.16 to master.
@pytest.mark.parametrize("name", containerfiles())
def test_an_example_brings_the_repository_that_it_installs_from(name: str) -> None:
    text = containerfiles()[name]
    before, after = text.split("rpm-ostree install", 1)
    written = re.findall(r">/etc/yum\.repos\.d/([a-z0-9-]+\.repo) &&", before)
    assert written
    assert f"rm /etc/yum.repos.d/{written[-1]} &&" in after
    assert "gpgcheck=1" in before
    assert "gpgkey=file:///etc/pki/rpm-gpg/" in before
    assert "baseurl=https://" in before


def test_the_examples_of_the_catalog_are_judged() -> None:
    assert {name for name in containerfiles() if name.startswith("generator/")} == {
        "generator/okd_gitops/catalog/features/os-layer-build/pipeline/configmap-okd-layer.yaml",
        "generator/okd_gitops/catalog/features/os-layer/build/machineosconfig-worker.yaml",
    }


def test_a_layer_is_built_on_the_system_of_a_release_by_the_real_programs(tmp_path: Path) -> None:
    with tls_registry.serving(tmp_path / "registry") as registry:
        system = f"{registry.address}/okd/content"
        base = registry.push(f"{system}:os", {"of": "the-base"}, {"etc/os-release": "ID=scos\n"})
        tags = [{"name": "stream-coreos", "from": {"name": f"{system}@{base}"}}]
        references = json.dumps({"spec": {"tags": tags}})
        release = registry.push(
            f"{registry.address}/okd/release:1", {}, {"release-manifests/image-references": references}
        )
        given = {
            "RELEASE_IMAGE": f"{registry.address}/okd/release@{release}",
            "OS_IMAGE_NAME": "stream-coreos",
            "DIRECTORY": str(tmp_path / "release"),
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "SSL_CERT_FILE": str(registry.authority),
        }
        (tmp_path / "release").mkdir()
        done = run("okd-layer-base", tmp_path, {}, **given)
        assert done.returncode == 0, done.stderr
        found = (tmp_path / "result").read_text()
        assert found == f"{system}@{base}"

        # The empty system cannot run a command.
        (tmp_path / "Containerfile").write_text("FROM x\nLABEL layered=yes\n# ostree container commit\n")
        (tmp_path / ".dockerconfigjson").write_text("{}")
        given |= {
            "BASE_IMAGE": found,
            "CONTAINERFILE": str(tmp_path / "Containerfile"),
            "REGISTRY_CREDENTIALS": str(tmp_path),
            "REPOSITORY": f"{registry.address}/okd/layered",
            "PUSH": "true",
            "BUILDAH_ISOLATION": "chroot",
            "STORAGE": str(tmp_path / "storage"),
        }
        done = run("okd-layer-build", tmp_path, {}, **given)
        assert done.returncode == 0, done.stderr
        layered = (tmp_path / "result").read_text()
        assert registry.config(layered)["config"]["Labels"] | {"io.buildah.version": ""} == {
            "of": "the-base",
            "layered": "yes",
            "io.okd-gitops.built-on": given["RELEASE_IMAGE"],
            "io.buildah.version": "",
        }
        assert registry.files(layered)["etc/os-release"] == b"ID=scos\n"
