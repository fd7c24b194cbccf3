"""multi-arch, rendered: its parts understand each other; its scripts run with stubs."""

import hashlib
import json
import os
import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import CACHE, ROOT
from okd_gitops.check.check import check
from okd_gitops.cli.main import cli
from okd_gitops.finding import FindingsError
from okd_gitops.gate.decide import Expectation, decide, set_name
from okd_gitops.gate.report import read_report
from okd_gitops.generate.generate import generate
from programs import program
from rendered import ENVIRONMENTS, FLEET, OKD, faults, objects, of_kind
from script_checks import shellchecked

IMAGE = f"quay.io/okd/okd-gitops@sha256:{'1d' * 32}"
COSA = f"quay.io/example/coreos-assembler@sha256:{'c5' * 32}"
FEATURES = f"""\
  notify:
  tekton:
  kvm-device-plugin:
  scos-pipeline:
    releases: []
  multi-arch:
    image: {IMAGE}
    architectures: amd64,arm64,s390x
    cosa-images: |
      arm64 {COSA}
      s390x {COSA.replace("c5", "d6")}
    target-registry: quay.io/example
    expire: 36h
    storage-class: fast
    builds:
    - {{minor: "4.22", stream: next, schedule: 30 2 * * *}}
    - {{minor: "5.0", stream: next, schedule: 30 8 * * *, variant: c9s}}
"""
LINE = '{minor: "4.22", stream: next, schedule: 30 14 * * *}'
FEATURES = FEATURES.replace("releases: []", f"releases: [{LINE}]")
KIND = "  notify:\n  tekton:\n  kvm-device-plugin:\n  scos-pipeline:\n  multi-arch:\n"
ARCHITECTURES = re.compile(r"x86_64|amd64|aarch64|arm64|ppc64le|s390x", re.IGNORECASE)
FOLDER = ROOT / "generator/okd_gitops/catalog/features/multi-arch"
Objects = tuple[dict[str, Any], ...]


@pytest.fixture(scope="module")
def okd() -> Objects:
    return ours(objects("okd", FEATURES))


def ours(values: Objects) -> Objects:
    """Return what multi-arch adds, and what scos-pipeline has for it."""
    return tuple(
        value
        for value in values
        if "multi-arch" in str(value) or value["metadata"]["name"] == "okd-coreos-layered"
    )


def env(container: dict[str, Any], values: Objects = ()) -> dict[str, str]:
    """Return a container's environment as kubelet makes it."""
    maps = {name: value["data"] for name, value in of_kind(values, "ConfigMap").items() if "data" in value}
    references = {
        item["name"]: item["valueFrom"]["configMapKeyRef"] for item in container["env"] if "valueFrom" in item
    }
    given = {name: maps[reference["name"]][reference["key"]] for name, reference in references.items()}
    return given | {item["name"]: item["value"] for item in container["env"] if "value" in item}


def cron_of(values: Objects, minor: str = "4.22") -> dict[str, Any]:
    (container,) = of_kind(values, "CronJob")[f"okd-coreos-multi-arch-{minor}"]["spec"]["jobTemplate"][
        "spec"
    ]["template"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found


def gate_of(values: Objects) -> dict[str, Any]:
    found: dict[str, Any] = of_kind(values, "Deployment")["multi-arch-gate"]["spec"]["template"]["spec"]
    return found


def run_of(values: Objects, template: str) -> dict[str, Any]:
    (found,) = of_kind(values, "TriggerTemplate")[template]["spec"]["resourcetemplates"]
    run: dict[str, Any] = found
    return run


# What an environment gets.


def test_api_versions_are_current(okd: Objects) -> None:
    versions = {
        (value["kind"] == "Interceptor", value["apiVersion"])
        for value in okd
        if "tekton.dev" in value["apiVersion"]
    }
    assert versions == {
        (False, "tekton.dev/v1"),
        (False, "triggers.tekton.dev/v1beta1"),
        (True, "triggers.tekton.dev/v1alpha1"),
    }


def test_kubernetes_gets_the_same_and_kind_only_the_composition(okd: Objects) -> None:
    kubernetes = ours(objects("kubernetes", FEATURES))
    assert {(value["kind"], value["metadata"]["name"]) for value in kubernetes} == {
        (value["kind"], value["metadata"]["name"]) for value in okd
    }
    assert not [value["kind"] for value in kubernetes if "openshift.io" in value["apiVersion"]]
    kind = [
        value
        for value in objects("kind", KIND)
        if value["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") == "multi-arch"
    ]
    assert {(value["kind"], value["metadata"]["name"]) for value in kind} == {
        ("Task", "compose-manifest-list"),
        ("Pipeline", "compose-manifest-list"),
    }


@pytest.mark.parametrize("missing", ["image", "architectures"])
def test_the_image_and_the_architectures_are_never_guessed(missing: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", re.sub(rf"    {missing}: .*\n", "", FEATURES))
    assert [(finding.name, missing in finding.reason) for finding in error.value.findings] == [
        ("missing-parameter", True)
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "image: quay.io/okd/okd-gitops:v1",
        "architectures: amd64",
        "architectures: x86_64,arm64",
        "architectures: amd64, arm64",
    ],
)
def test_a_tag_one_architecture_or_a_machine_name_is_an_error(wrong: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", re.sub(rf"    {wrong.split(':')[0]}: .*\n", f"    {wrong}\n", FEATURES))
    assert {finding.name for finding in error.value.findings} == {"invalid-value"}


def test_images_are_digests_and_the_cluster_file_sets_the_image_of_the_gate(okd: Objects) -> None:
    images = set(re.findall(r"'image': '([^']+)'", str(okd)))
    assert IMAGE in images
    assert all(
        re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}|\$\(params\.cosa-image\)", image) for image in images
    )
    for workload in (
        gate_of(okd),
        of_kind(okd, "CronJob")["multi-arch-sweep"]["spec"]["jobTemplate"]["spec"]["template"]["spec"],
    ):
        assert [container["image"] for container in workload["containers"]] == [IMAGE]


def test_check_finds_no_fault(tmp_path: Path) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "clusters/hub.yaml").write_text(f"purpose: hub\n{OKD}features:\n{FEATURES}")
    for name, environment, features in (("plain", "kubernetes", FEATURES), ("small", "kind", KIND)):
        (tmp_path / f"clusters/{name}.yaml").write_text(
            f"purpose: test\n{ENVIRONMENTS[environment]}features:\n{features}"
        )
    generate(tmp_path)
    report = check(tmp_path, CACHE, today=date(2026, 11, 21), say=lambda _text: None)
    assert faults(report.findings) == []
    assert (report.clusters, report.without_schema) == (3, 0)


# The image.


def test_the_image_is_pinned_and_runs_as_any_user() -> None:
    text = (ROOT / "image/Containerfile").read_text()
    (base,) = re.findall(r"^FROM (.*)$", text, re.MULTILINE)
    assert re.fullmatch(r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", base)
    assert "--require-hashes" in text
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "1001"
    copied = re.findall(r"^COPY (?:--\S+ )*(\S+) ", text, re.MULTILINE)
    assert all(
        (CACHE / source.removeprefix(".cache/") if source.startswith(".cache/") else ROOT / source).exists()
        for source in copied
    )
    shown = {
        line.split("image: ")[1]
        for path in FOLDER.rglob("*.yaml")
        for line in path.read_text().splitlines()
        if "ubi9" in line
    }
    assert {line.split("  #")[0] for line in shown} == {base}


def test_the_image_has_the_packages_of_the_tests() -> None:
    locked = {
        name: set(
            re.split(r"\n(?=[A-Za-z0-9])", (ROOT / f"requirements/{name}.txt").read_text().rstrip("\n"))
        )
        for name in ("generate", "gate", "dev")
    }
    assert locked["generate"] <= locked["gate"] <= locked["dev"]
    assert any(package.startswith("kubernetes==") for package in locked["gate"])


# Triggers.


def test_the_listener_has_its_own_service_account(okd: Objects) -> None:
    (listener,) = of_kind(okd, "EventListener").values()
    name = listener["spec"]["serviceAccountName"]
    assert name in of_kind(okd, "ServiceAccount")
    assert of_kind(okd, "RoleBinding")[name]["roleRef"]["name"] == "tekton-triggers-eventlistener-roles"
    assert (
        of_kind(okd, "ClusterRoleBinding")[name]["roleRef"]["name"]
        == "tekton-triggers-eventlistener-clusterroles"
    )
    assert {trigger["triggerRef"] for trigger in listener["spec"]["triggers"]} == of_kind(
        okd, "Trigger"
    ).keys()


def test_every_trigger_authenticates_and_a_report_starts_no_build(okd: Objects) -> None:
    triggers = of_kind(okd, "Trigger")
    filters = {
        name: trigger["spec"]["interceptors"][0]["params"][0]["value"] for name, trigger in triggers.items()
    }
    assert "compareSecret('token', 'okd-coreos-trigger')" in filters["okd-coreos-multi-arch"]
    assert "compareSecret('token', 'okd-coreos-report')" in filters["compose-manifest-list"]
    assert triggers["compose-manifest-list"]["spec"]["interceptors"][1]["ref"] == {
        "kind": "NamespacedInterceptor",
        "name": "multi-arch-gate",
    }
    (interceptor,) = of_kind(okd, "Interceptor").values()
    service = interceptor["spec"]["clientConfig"]["service"]
    assert service["port"] == of_kind(okd, "Service")[service["name"]]["spec"]["ports"][0]["port"]


def test_an_interceptor_without_its_ca_does_not_stop_event_listeners(okd: Objects) -> None:
    (interceptor,) = of_kind(okd, "Interceptor").values()
    assert "server/type" not in interceptor["metadata"]["labels"]
    assert "caBundle" not in interceptor["spec"]["clientConfig"]


@pytest.mark.parametrize("name", ["okd-coreos-multi-arch", "compose-manifest-list"])
def test_params_and_workspaces_resolve(okd: Objects, name: str) -> None:
    bound = {param["name"] for param in of_kind(okd, "TriggerBinding")[name]["spec"]["params"]}
    declared = {
        param["name"]: param.get("default")
        for param in of_kind(okd, "TriggerTemplate")[name]["spec"]["params"]
    }
    run = run_of(okd, name)
    assert set(re.findall(r"\$\(tt\.params\.([a-z0-9-]+)\)", str(run))) == declared.keys()
    # The image of cosa comes only with an architecture that has one of its own.
    assert bound - {"cosa-image"} == {param for param, default in declared.items() if default is None}
    pipeline = of_kind(okd, "Pipeline")[run["spec"]["pipelineRef"]["name"]]["spec"]
    params = {param["name"]: param for param in pipeline["params"]}
    given = {param["name"] for param in run["spec"]["params"]}
    assert {param for param, value in params.items() if "default" not in value} <= given <= params.keys()
    needed = {workspace["name"] for workspace in pipeline["workspaces"] if not workspace.get("optional")}
    assert (
        needed
        <= {workspace["name"] for workspace in run["spec"]["workspaces"]}
        <= {workspace["name"] for workspace in pipeline["workspaces"]}
    )


def test_cronjobs_keep_limits(okd: Objects) -> None:
    for cron in of_kind(okd, "CronJob").values():
        spec = cron["spec"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert {
            "startingDeadlineSeconds",
            "successfulJobsHistoryLimit",
            "failedJobsHistoryLimit",
        } <= spec.keys()
        assert "timeZone" not in spec
        assert spec["jobTemplate"]["spec"]["backoffLimit"] <= 3
        assert spec["jobTemplate"]["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]


# One run for each architecture, one manifest list for all of them.


def test_each_configured_architecture_gets_one_run(okd: Objects) -> None:
    run = run_of(okd, "okd-coreos-multi-arch")
    assert run["spec"]["taskRunTemplate"]["podTemplate"]["nodeSelector"] == {
        "kubernetes.io/arch": "$(tt.params.architecture)"
    }
    assert run["metadata"]["generateName"].endswith("-$(tt.params.architecture)-")
    assert {env(cron_of(okd), okd)["ARCHITECTURES"], env(gate_of(okd)["containers"][0])["ARCHITECTURES"]} == {
        "amd64,arm64,s390x"
    }
    for value in okd:
        if value["kind"] in ("Task", "Pipeline", "TriggerTemplate", "TriggerBinding"):
            assert not ARCHITECTURES.search(yaml.safe_dump(value)), value["metadata"]["name"]


def test_a_release_line_is_one_cronjob(okd: Objects) -> None:
    more = ours(objects("okd", f'{FEATURES}    - {{minor: "4.21", stream: next, schedule: 30 18 * * *}}\n'))
    assert [value["metadata"]["name"] for value in more if value not in okd] == ["okd-coreos-multi-arch-4.21"]
    assert {name: env(cron_of(okd, name), okd)["BRANCH"] for name in ("4.22", "5.0")} == {
        "4.22": "release-4.22",
        "5.0": "release-5.0",
    }
    assert env(cron_of(okd, "5.0"), okd)["VARIANT"] == "c9s"


def test_the_set_of_builds_decides_the_name_of_the_run(okd: Objects) -> None:
    metadata = run_of(okd, "compose-manifest-list")["metadata"]
    assert metadata["name"] == "compose-manifest-list-$(tt.params.set)"
    assert "generateName" not in metadata
    assert len(metadata["name"].replace("$(tt.params.set)", set_name("x", "y"))) <= 63


def test_the_binding_reads_only_what_the_gate_adds(okd: Objects) -> None:
    expected = Expectation(("amd64", "arm64"), timedelta(hours=1))
    state = None
    for arch in expected.arches:
        decision = decide(state, _report(arch), expected, datetime(2026, 11, 21, tzinfo=UTC))
        state = decision.state
    values = {
        param["value"] for param in of_kind(okd, "TriggerBinding")["compose-manifest-list"]["spec"]["params"]
    }
    assert values <= {f"$(extensions.{name})" for name in decision.extensions}
    # TriggerTemplates take texts, put between quotes of JSON.
    assert all(
        isinstance(decision.extensions[value[13:-1]], str) and "'" not in value and '"' not in value
        for value in values
    )


def test_an_expired_set_fails_the_job_without_a_retry(okd: Objects) -> None:
    job = of_kind(okd, "CronJob")["multi-arch-sweep"]["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert container["command"] == ["okd-gitops", "serve", "gate", "--sweep"]
    (rule,) = job["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [1])


# The gate's Deployment.


def test_the_gate_runs_twice_without_rights(okd: Objects) -> None:
    deployment, pod = of_kind(okd, "Deployment")["multi-arch-gate"]["spec"], gate_of(okd)
    assert deployment["replicas"] == 2
    assert of_kind(okd, "PodDisruptionBudget")["multi-arch-gate"]["spec"]["minAvailable"] == 1
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"]
    rules = of_kind(okd, "Role")[pod["serviceAccountName"]]["rules"]
    assert [(rule["resources"], rule.get("resourceNames")) for rule in rules] == [
        (["configmaps"], None),
        (["interceptors"], ["multi-arch-gate"]),
    ]
    assert pod["serviceAccountName"] not in str(of_kind(okd, "ClusterRoleBinding"))
    (source,) = of_kind(okd, "NetworkPolicy")["multi-arch-gate"]["spec"]["ingress"]
    listener = of_kind(okd, "EventListener")["okd-coreos-multi-arch"]["metadata"]["name"]
    assert source["from"] == [{"podSelector": {"matchLabels": {"eventlistener": listener}}}]


def test_the_command_line_of_the_gate_is_valid(okd: Objects) -> None:
    import click

    for container in (gate_of(okd)["containers"][0], _sweep(okd)):
        values = env(container) if "env" in container else {}
        text = "\n".join([*container["command"], *container.get("args", [])])
        for name, value in values.items():
            text = text.replace(f"$({name})", value)
        words = text.split("\n")
        assert words[:3] == ["okd-gitops", "serve", "gate"]
        group = cli.commands["serve"]
        assert isinstance(group, click.Group)
        parent = click.Context(cli, **cli.context_settings)
        given = group.commands["gate"].make_context("gate", words[3:], parent).params
        if not given["sweep"]:
            assert (given["arches"], given["registry"], given["expire"]) == (
                "amd64,arm64,s390x",
                "quay.io/example",
                "36h",
            )
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            for path in (given["tls_cert"], given["tls_key"], *given["tls_ca"]):
                assert str(path.parent) in mounts
            assert given["interceptor"] in of_kind(okd, "Interceptor")
            assert given["port"] == container["ports"][0]["containerPort"]


def _sweep(values: Objects) -> dict[str, Any]:
    (container,) = of_kind(values, "CronJob")["multi-arch-sweep"]["spec"]["jobTemplate"]["spec"]["template"][
        "spec"
    ]["containers"]
    found: dict[str, Any] = container
    return found


# Scripts.


def stub(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
    (folder / name).chmod(0o755)


CURL = """\
case "$*" in
*--data*)
  printf '%s\\n' "$@" >>"$FOLDER/posts"
  cat >>"$FOLDER/tokens"
  printf '%s' '{"eventID":"5f0c-77"}' ;;
*) cat >/dev/null; printf '%s' "$RUNS" ;;
esac
exit "$STATUS"
"""


@pytest.mark.parametrize(
    ("runs", "status", "code"),
    [
        ({"kind": "PipelineRunList", "items": [{"kind": "PipelineRun"}]}, 0, 0),
        ({"items": []}, 0, 3),
        ({}, 7, 3),
    ],
)
def test_the_cron_asks_for_every_architecture_and_looks_for_each_run(
    okd: Objects, tmp_path: Path, runs: object, status: int, code: int
) -> None:
    container = cron_of(okd)
    script = container["args"][0]
    for path in ("/var/run/okd-coreos-trigger", "/var/run/secrets/kubernetes.io/serviceaccount"):
        (tmp_path / Path(path).name).mkdir()
        (tmp_path / Path(path).name / "token").write_text(f"s3cret-of-{Path(path).name}")
        script = script.replace(path, str(tmp_path / Path(path).name))
    stub(tmp_path, "curl", CURL)
    stub(tmp_path, "sleep", "")
    given = {
        **env(container, okd),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "FOLDER": str(tmp_path),
        "RUNS": json.dumps(runs, indent=1),
        "STATUS": str(status),
    }
    done = subprocess.run(
        [*container["command"], script], env=given, check=False, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    posts = (tmp_path / "posts").read_text()
    bodies = [json.loads(line)["params"] for line in posts.splitlines() if line.startswith("{")]
    assert [body["architecture"] for body in bodies] == ["amd64", "arm64", "s390x"]
    assert re.fullmatch(r"20[0-9]{6}", bodies[0]["build-date"])
    read = {
        param["value"] for param in of_kind(okd, "TriggerBinding")["okd-coreos-multi-arch"]["spec"]["params"]
    }
    assert read == {f"$(body.params.{name})" for name in bodies[1]}
    images = [body.get("cosa-image") for body in bodies]
    assert images == [None, COSA, COSA.replace("c5", "d6")]
    assert "s3cret" not in posts
    assert (tmp_path / "tokens").read_text() == "X-Okd-Token: s3cret-of-okd-coreos-trigger\n" * 3


@pytest.mark.parametrize(
    ("images", "architectures", "started"),
    [
        ("", "amd64,arm64", False),
        (f"s390x {COSA}", "amd64,arm64,s390x", False),
        (f"all {COSA}", "amd64,arm64,s390x", True),
        ("", "amd64", True),
    ],
)
def test_an_architecture_without_its_image_of_cosa_starts_no_set(
    okd: Objects, tmp_path: Path, images: str, architectures: str, *, started: bool
) -> None:
    container = cron_of(okd)
    stub(tmp_path, "curl", 'touch "$FOLDER/started"; exit 1')
    stub(tmp_path, "sleep", "")
    stub(tmp_path, "cat", "echo token")
    given = {
        **env(container, okd),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "FOLDER": str(tmp_path),
        "COSA_IMAGES": images,
        "ARCHITECTURES": architectures,
    }
    done = subprocess.run(
        [*container["command"], container["args"][0]], env=given, check=False, capture_output=True, text=True
    )
    assert (tmp_path / "started").exists() == started
    if not started:
        assert done.returncode == 1
        assert "no coreos-assembler image for arm64" in done.stderr
        assert "arm64 IMAGE@sha256:DIGEST" in done.stderr


REPOSITORY = "quay.io/okd/stream-coreos"
SKOPEO = """\
printf '%s\\n' "skopeo $*" >>"$FOLDER/log"
for last in "$@"; do :; done
digest="${last##*:}"
case "$1 $*" in
inspect*--raw*) cat "$FOLDER/registry/$digest" ;;
inspect*--config*) cat "$FOLDER/registry/$digest.config" ;;
copy*dir:*)
  while (($#)); do [[ "$1" != --digestfile ]] || to="$2"; [[ "$1" != dir:* ]] || from="${1#dir:}"; shift; done
  cp "$from/manifest.json" "$from/version" "$FOLDER/"
  echo "sha256:$(sha256sum <"$from/manifest.json" | cut -d' ' -f1)$PUSHED" >"$to" ;;
esac
"""


class Registry:
    """What skopeo finds: manifests by digest with their configurations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "registry").mkdir()
        (folder / "bin").mkdir()
        (folder / "regcred").mkdir()
        (folder / "regcred/.dockerconfigjson").touch()
        stub(folder / "bin", "skopeo", SKOPEO)

    def image(self, arch: str, machine: str, *, really: str = "", manifest: object = None) -> str:
        text = json.dumps(manifest or {"schemaVersion": 2, "layers": [], "annotations": {"of": arch}})
        digest = hashlib.sha256(text.encode()).hexdigest()
        (self.folder / "registry" / digest).write_text(text)
        (self.folder / "registry" / f"{digest}.config").write_text(
            json.dumps({"architecture": really or arch, "os": "linux", "config": {}})
        )
        return f"{arch}={machine}={REPOSITORY}@sha256:{digest}"

    def compose(self, sources: str, **changes: str) -> subprocess.CompletedProcess[str]:
        (step,) = yaml.safe_load((FOLDER / "compose/task-compose-manifest-list.yaml").read_text())["spec"][
            "steps"
        ]
        given = {
            "REGISTRY_CREDENTIALS": str(self.folder / "regcred"),
            "REPOSITORY": REPOSITORY,
            "SOURCES": sources,
            "VERSION": "4.22",
            "KEY": f"4.22-next-{'4d' * 20}-20261121",
            "SOURCE_COMMIT": "4d" * 20,
            "RESULT_DIGEST": str(self.folder / "digest"),
            "RESULT_IMAGE": str(self.folder / "image"),
            "FOLDER": str(self.folder),
            "PUSHED": "",
        }
        assert {item["name"] for item in step["env"]} <= given.keys()
        path = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(self.folder)}
        command = [program("bash"), "-c", step["script"]]
        return subprocess.run(
            command, env={**given, **changes, **path}, capture_output=True, text=True, check=False
        )

    def log(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines() if (self.folder / "log").exists() else []


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def test_the_manifest_list_names_digests_and_its_digest_is_the_result(
    registry: Registry, tmp_path: Path
) -> None:
    sources = [registry.image("amd64", "x86_64"), registry.image("arm64", "aarch64")]
    done = registry.compose(" ".join(sources))
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "manifest.json").read_bytes()
    composed = json.loads(text)
    digests = [source.rpartition("@")[2] for source in sources]
    assert [entry["digest"] for entry in composed["manifests"]] == digests
    assert [entry["platform"] for entry in composed["manifests"]] == [
        {"architecture": arch, "os": "linux"} for arch in ("amd64", "arm64")
    ]
    assert [entry["size"] for entry in composed["manifests"]] == [
        (tmp_path / "registry" / each[7:]).stat().st_size for each in digests
    ]
    assert composed["mediaType"] == "application/vnd.oci.image.index.v1+json"
    list_digest = f"sha256:{hashlib.sha256(text).hexdigest()}"
    assert (tmp_path / "digest").read_text() == list_digest
    assert (tmp_path / "image").read_text() == f"{REPOSITORY}@{list_digest}"
    assert (tmp_path / "version").read_text() == "Directory Transport Version: 1.1\n"
    copies = [
        call.split(" --preserve-digests ")[1] for call in registry.log() if call.startswith("skopeo copy")
    ]
    assert copies[0].endswith(f" docker://{REPOSITORY}:4.22-next-{'4d' * 20}-20261121")
    assert copies[1:] == [
        f"docker://{REPOSITORY}@{digests[0]} docker://{REPOSITORY}:4.22-x86_64",
        f"docker://{REPOSITORY}@{digests[1]} docker://{REPOSITORY}:4.22-aarch64",
        f"docker://{REPOSITORY}@{list_digest} docker://{REPOSITORY}:4.22",
    ]


def test_an_image_that_differs_from_its_report_is_not_composed(registry: Registry, tmp_path: Path) -> None:
    good, other = registry.image("amd64", "x86_64"), registry.image("arm64", "aarch64")
    (tmp_path / "registry" / ("0" * 64)).write_text("{}")
    wrong = {
        "one image": good,
        "none": "",
        "another architecture": f"{good} {registry.image('ppc64le', 'ppc64le', really='arm64')}",
        "a list": f"{good} {registry.image('arm64', 'aarch64', manifest={'manifests': []})}",
        "other bytes": f"{good} arm64=aarch64={REPOSITORY}@sha256:{'0' * 64}",
        "a tag": f"{good} arm64=aarch64={REPOSITORY}:latest",
        "another repository": f"{good} {other.replace('quay.io', 'ghcr.io')}",
    }
    for name, sources in wrong.items():
        assert registry.compose(sources).returncode != 0, name
    assert registry.compose(f"{good} {other}", KEY="x" * 129).returncode == 1
    assert registry.compose(f"{good} {other}", REGISTRY_CREDENTIALS="/nonexistent").returncode == 1
    assert not [call for call in registry.log() if call.startswith("skopeo copy")]
    assert registry.compose(f"{good} {other}", PUSHED="0").returncode == 1
    assert not (tmp_path / "digest").exists()


def test_scripts_pass_shellcheck_and_take_parameters_by_the_environment() -> None:
    (step,) = yaml.safe_load((FOLDER / "compose/task-compose-manifest-list.yaml").read_text())["spec"][
        "steps"
    ]
    (container,) = yaml.safe_load((FOLDER / "build/cronjob-okd-coreos-multi-arch.yaml").read_text())["spec"][
        "jobTemplate"
    ]["spec"]["template"]["spec"]["containers"]
    for holder, script, shell in ((step, step["script"], "bash"), (container, container["args"][0], "sh")):
        assert "$(params" not in script
        text = "\n".join(
            [f"#!/usr/bin/env {shell}", *(f"export {item['name']}=x" for item in holder["env"]), script]
        )
        done = shellchecked(text)
        assert done.returncode == 0, done.stdout
    assert step["script"].startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
    context = step["securityContext"]
    assert (context["allowPrivilegeEscalation"], context["capabilities"]) == (False, {"drop": ["ALL"]})
    assert {"cpu", "memory"} <= step["computeResources"]["requests"].keys()


def _report(arch: str) -> Any:
    commit = "4d" * 20
    report = {
        "key": f"4.22-next-{commit}",
        "version": "4.22",
        "release-stream": "next",
        "source-commit": commit,
        "arch": arch,
    }
    image = {"image": REPOSITORY, "digest": f"sha256:{'a' * 64}", "pipelineRun": "okd-coreos-4.22-x7k2p"}
    found, fault = read_report(json.dumps({**report, **image}))
    assert found, fault
    return found
