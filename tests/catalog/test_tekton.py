"""tekton: the files of the catalog, and that the parts from upstream fit together."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FEATURE = Path(__file__).resolve().parents[2] / "generator/okd_gitops/catalog/features/tekton"
OKD_ONLY = re.compile(r"(^|\.)openshift\.io/|^operators\.coreos\.com/|^operator\.tekton\.dev/")
DIGEST = re.compile(r"[a-z0-9][a-z0-9.-]*(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}")
WORKLOADS = ("Deployment",)
FILES = sorted(path for path in FEATURE.rglob("*.yaml") if path.name != "feature.yaml")


def _load(path: Path) -> dict[str, Any]:
    value = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    assert isinstance(value, dict)
    return value


@pytest.fixture(scope="module")
def feature() -> dict[str, Any]:
    return _load(FEATURE / "feature.yaml")


@pytest.fixture(scope="module")
def objects() -> dict[Path, dict[str, Any]]:
    return {path.relative_to(FEATURE): _load(path) for path in FILES}


@pytest.fixture(scope="module")
def upstream(feature: dict[str, Any], objects: dict[Path, dict[str, Any]]) -> list[dict[str, Any]]:
    assert feature["environments"]["kind"] == feature["environments"]["kubernetes"]
    return [value for path, value in objects.items() if path.parts[0] in feature["environments"]["kind"]]


def _kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [value for value in objects if value["kind"] == kind]


def _names(objects: list[dict[str, Any]], kind: str) -> set[tuple[str, str]]:
    return {
        (value["metadata"].get("namespace", ""), value["metadata"]["name"]) for value in _kind(objects, kind)
    }


def _containers(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for value in objects:
        if value["kind"] in WORKLOADS:
            for container in value["spec"]["template"]["spec"]["containers"]:
                yield value["metadata"]["name"], container


def test_every_object_has_its_own_file_and_the_files_name_says_which(
    objects: dict[Path, dict[str, Any]],
) -> None:
    wrong = {
        path: value["metadata"]["name"]
        for path, value in objects.items()
        if path.name != f"{value['kind'].lower()}-{value['metadata']['name']}.yaml"
    }
    assert wrong == {}
    assert len(objects) > 100
    identities = [(path.parts[0] == "operator", *_identity(value)) for path, value in objects.items()]
    assert len(set(identities)) == len(identities)


def _identity(value: dict[str, Any]) -> tuple[str, str, str, str]:
    return (
        value["apiVersion"],
        value["kind"],
        value["metadata"].get("namespace", ""),
        value["metadata"]["name"],
    )


def test_upstreams_files_keep_their_license_and_say_where_they_are_from(feature: dict[str, Any]) -> None:
    parts = set(feature["environments"]["kind"])
    texts = {path: path.read_text() for path in FILES if path.relative_to(FEATURE).parts[0] in parts}
    assert [
        path for path, text in texts.items() if "Licensed under the Apache License, Version 2.0" not in text
    ] == []
    found = {
        match[1]
        for text in texts.values()
        if (match := re.search(r"^# From github\.com/tektoncd/([a-z]+ v[0-9.]+), ", text, re.MULTILINE))
    }
    assert found == {"pipeline v1.6.0", "triggers v0.35.0"}
    assert [path for path, text in texts.items() if re.search(r"ko://|\bdevel\b", text)] == []


def test_other_environments_get_no_kind_of_okd(upstream: list[dict[str, Any]]) -> None:
    assert [value["kind"] for value in upstream if OKD_ONLY.search(value["apiVersion"])] == []
    assert [value["kind"] for value in upstream if value["kind"] == "Namespace"] == []


def test_no_old_version_of_an_api_is_used(objects: dict[Path, dict[str, Any]]) -> None:
    versions = {
        value["apiVersion"]
        for value in objects.values()
        if value["kind"] not in ("ClusterInterceptor", "Interceptor")
    }
    assert not versions & {
        "tekton.dev/v1beta1",
        "tekton.dev/v1alpha1",
        "triggers.tekton.dev/v1alpha1",
        "autoscaling/v2beta2",
    }


def test_every_image_is_a_digest_in_fields_and_in_arguments(upstream: list[dict[str, Any]]) -> None:
    images = []
    for _, container in _containers(upstream):
        images.append(container["image"])
        words = container.get("args", [])
        images += [
            words[index + 1] for index, word in enumerate(words) if re.fullmatch(r"-.*-image(-win)?", word)
        ]
    # Seven controllers and webhooks, the sink of EventListeners, four helpers of each run and two shells.
    assert len(images) == len(set(images)) == 14
    assert [image for image in images if not DIGEST.fullmatch(image)] == []
    assert {image.split("/")[0] for image in images} == {"ghcr.io", "cgr.dev", "mcr.microsoft.com"}


def test_every_image_of_tekton_says_its_version_behind_it() -> None:
    texts = [path.read_text() for path in FILES if path.name.startswith("deployment-")]
    lines = [line for text in texts for line in text.splitlines() if "ghcr.io/tektoncd/" in line]
    assert len(lines) == 12
    wanted = {"pipeline": "  # v1.6.0", "triggers": "  # v0.35.0"}
    assert [
        line for line in lines if not line.endswith(wanted[line.split("ghcr.io/tektoncd/")[1].split("/")[0]])
    ] == []


def test_no_right_is_wider_than_upstream_needs(upstream: list[dict[str, Any]]) -> None:
    roles = [value for value in upstream if value["kind"] in ("Role", "ClusterRole")]
    bindings = [value for value in upstream if value["kind"] in ("RoleBinding", "ClusterRoleBinding")]
    assert roles
    assert bindings
    assert [
        value["metadata"]["name"]
        for value in bindings
        if value["roleRef"]["name"] in ("cluster-admin", "admin", "edit")
    ] == []
    rules = [(value["metadata"]["name"], rule) for value in roles for rule in value.get("rules") or []]
    wide = [
        (name, rule)
        for name, rule in rules
        if "*" in [*rule["verbs"], *rule.get("resources", []), *rule["apiGroups"]]
    ]
    # Upstream's own, for EventListeners that are Knative services.
    assert [(name, rule["apiGroups"], "*" in rule["verbs"]) for name, rule in wide] == [
        ("tekton-triggers-admin", ["serving.knative.dev"], False)
    ]
    known = {value["metadata"]["name"] for value in roles} | {"system:authenticated"}
    assert {value["roleRef"]["name"] for value in bindings} <= known


def test_every_container_runs_without_rights_on_its_node(upstream: list[dict[str, Any]]) -> None:
    contexts = {
        (name, container["name"]): container["securityContext"] for name, container in _containers(upstream)
    }
    assert len(contexts) == 7
    for context in contexts.values():
        assert context["allowPrivilegeEscalation"] is False
        assert context["runAsNonRoot"] is True
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_every_referenced_object_exists(upstream: list[dict[str, Any]]) -> None:
    accounts, services, maps = (_names(upstream, kind) for kind in ("ServiceAccount", "Service", "ConfigMap"))
    for value in upstream:
        for subject in value.get("subjects", []):
            if subject["kind"] == "ServiceAccount":
                assert (subject["namespace"], subject["name"]) in accounts
        for hook in value.get("webhooks", []):
            service = hook["clientConfig"]["service"]
            assert (service["namespace"], service["name"]) in services
    for value in _kind(upstream, "Deployment"):
        namespace, pod = value["metadata"]["namespace"], value["spec"]["template"]["spec"]
        assert (namespace, pod["serviceAccountName"]) in accounts
        for volume in pod.get("volumes", []):
            assert "configMap" not in volume or (namespace, volume["configMap"]["name"]) in maps
    for value in _kind(upstream, "CustomResourceDefinition"):
        service = (
            value["spec"].get("conversion", {}).get("webhook", {}).get("clientConfig", {}).get("service")
        )
        assert service is None or (service["namespace"], service["name"]) in services


def test_every_namespace_is_declared(feature: dict[str, Any], upstream: list[dict[str, Any]]) -> None:
    used = {value["metadata"]["namespace"] for value in upstream if "namespace" in value["metadata"]}
    assert used == feature["namespaces"].keys()
    assert {
        space["labels"]["pod-security.kubernetes.io/enforce"] for space in feature["namespaces"].values()
    } == {"restricted"}


def test_secrets_are_empty_places_that_the_webhooks_fill(upstream: list[dict[str, Any]]) -> None:
    secrets = _kind(upstream, "Secret")
    assert _names(upstream, "Secret") == {
        ("tekton-pipelines", "tekton-triggers-core-interceptors-certs"),
        ("tekton-pipelines", "triggers-webhook-certs"),
        ("tekton-pipelines", "webhook-certs"),
    }
    assert [value for value in secrets if value.keys() != {"apiVersion", "kind", "metadata"}] == []


def test_definitions_serve_what_pipelines_are_written_in_and_are_not_pruned_unasked(
    upstream: list[dict[str, Any]],
) -> None:
    definitions = _kind(upstream, "CustomResourceDefinition")
    served = {
        (value["spec"]["names"]["kind"], version["name"])
        for value in definitions
        for version in value["spec"]["versions"]
        if version["served"]
    }
    assert {(kind, "v1") for kind in ("Task", "TaskRun", "Pipeline", "PipelineRun")} <= served
    assert {
        (kind, "v1beta1")
        for kind in ("EventListener", "Trigger", "TriggerBinding", "TriggerTemplate", "StepAction")
    } <= served
    options = {value["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] for value in definitions}
    assert options == {"Prune=confirm"}
    assert [
        value["metadata"]["name"]
        for value in definitions
        if not all("openAPIV3Schema" in each["schema"] for each in value["spec"]["versions"])
    ] == []


def test_interceptors_come_after_the_controllers_that_judge_them(upstream: list[dict[str, Any]]) -> None:
    interceptors = _kind(upstream, "ClusterInterceptor")
    assert {value["metadata"]["name"] for value in interceptors} == {
        "bitbucket",
        "cel",
        "github",
        "gitlab",
        "slack",
    }
    assert {value["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] for value in interceptors} == {
        "1"
    }


def test_on_okd_the_operator_is_installed_only_after_manual_approval(
    objects: dict[Path, dict[str, Any]], feature: dict[str, Any]
) -> None:
    subscription = objects[Path("operator/subscription-tekton-operator.yaml")]
    spec = subscription["spec"]
    assert spec["installPlanApproval"] == "Manual"
    assert spec["startingCSV"].startswith(f"{spec['name']}.v")
    assert {f"CatalogSource/{spec['source']}", f"Namespace/{subscription['metadata']['namespace']}"} <= set(
        feature["external"]
    )


def test_on_okd_runs_are_pruned_but_never_all_of_them(objects: dict[Path, dict[str, Any]]) -> None:
    config = objects[Path("operator/tektonconfig-config.yaml")]
    pruner = config["spec"]["pruner"]
    assert config["metadata"]["name"] == "config"
    assert pruner["keep"] >= 1
    assert pruner["disabled"] is False
    assert set(pruner["resources"]) == {"pipelinerun", "taskrun"}
    options = config["metadata"]["annotations"]["argocd.argoproj.io/sync-options"].split(",")
    assert {"Prune=false", "Delete=false", "SkipDryRunOnMissingResource=true"} <= set(options)


def test_tekton_serves_the_same_fields_on_every_cluster(objects: dict[Path, dict[str, Any]]) -> None:
    """The advice for a ClusterTask is a resolver, and Tekton refuses resolvers where it serves "stable"."""
    on_okd = objects[Path("operator/tektonconfig-config.yaml")]["spec"]["pipeline"]
    elsewhere = objects[Path("pipelines/configmap-feature-flags.yaml")]["data"]
    served = on_okd["enable-api-fields"], elsewhere["enable-api-fields"]
    assert served == ("beta", "beta")
    assert on_okd["coschedule"] == elsewhere["coschedule"]
