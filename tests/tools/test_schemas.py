"""The schema bundle: every file compiles, every kind of ours is there, and it refuses what the API server
would.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import golden
from conftest import CACHE
from okd_gitops.check.kubeconform import arguments, validate
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.manifests.scopes import is_cluster_scoped
from okd_gitops.system.tools import tool

SCHEMAS = CACHE / "schemas"
INDEX: dict[str, Any] = json.loads((SCHEMAS / "index.json").read_text("utf-8"))


def verdicts(*values: dict[str, Any], kubernetes: str = "1.35") -> list[str]:
    documents = {yaml.safe_dump(value).encode(): ObjectId.of(value) for value in values}
    found = validate(documents, SCHEMAS, tool(CACHE, "kubeconform"), kubernetes=kubernetes, workers=2)
    return [reason for verdict in found for reason in verdict.reasons]


@pytest.mark.parametrize("kubernetes", sorted(INDEX["kubernetes"]))
def test_every_schema_compiles(kubernetes: str, tmp_path: Path) -> None:
    """kubeconform says "could not find schema" of one that does not compile, so each is asked for by a
    nearly empty object.
    """
    kinds = [*INDEX["kubernetes"][kubernetes], *(INDEX["crds"] if kubernetes == "1.35" else [])]
    for number, (group, version, kind) in enumerate(kinds):
        value = {
            "apiVersion": f"{group}/{version}" if group else version,
            "kind": kind,
            "metadata": {"name": "x"},
        }
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(value))
    command = [*arguments(tool(CACHE, "kubeconform"), SCHEMAS, kubernetes, 2), str(tmp_path)]
    report = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    broken = [
        (fault["kind"], fault["version"], fault["msg"])
        for fault in report["resources"]
        if fault["status"] not in ("statusInvalid", "statusValid")
    ]
    assert broken == []
    assert report["summary"]["valid"] + report["summary"]["invalid"] == len(kinds) > 40
    assert report["summary"]["skipped"] == 0


# Parts of requests and answers, which are in no repository; and kinds that Kubernetes had before 1.31.
WITHOUT_SCOPE = {
    ("", "Binding"),
    ("", "Status"),
    ("authentication.k8s.io", "TokenRequest"),
    ("autoscaling", "Scale"),
    ("build.openshift.io", "BinaryBuildRequestOptions"),
    ("build.openshift.io", "BuildRequest"),
    ("image.openshift.io", "ImageStreamLayers"),
    ("oauth.openshift.io", "OAuthRedirectReference"),
    ("oauth.openshift.io", "UserOAuthAccessToken"),
    ("resource.k8s.io", "PodSchedulingContext"),
    ("resource.k8s.io", "ResourceClaimParameters"),
    ("resource.k8s.io", "ResourceClass"),
    ("resource.k8s.io", "ResourceClassParameters"),
    ("resource.k8s.io", "Status"),
}


def test_the_scope_of_every_kind_is_what_the_modules_say() -> None:
    assert golden.SCOPES.read_text() == golden.scopes(), "make golden writes it anew"

    kinds = [*INDEX["crds"], *(kind for core in INDEX["kubernetes"].values() for kind in core)]
    unknown = {
        (group, kind)
        for group, version, kind in kinds
        if is_cluster_scoped(ObjectId(group, version, kind, "", "x")) is None
    }
    assert unknown == WITHOUT_SCOPE


@pytest.mark.parametrize(
    ("group", "kind", "is_wide"),
    [
        ("imageregistry.operator.openshift.io", "Config", True),
        ("console.openshift.io", "ConsoleNotification", True),
        ("quota.openshift.io", "ClusterResourceQuota", True),
        ("networking.k8s.io", "IngressClass", True),
        ("triggers.tekton.dev", "ClusterTriggerBinding", True),
        ("hive.openshift.io", "SelectorSyncSet", True),
        ("hypershift.openshift.io", "HostedCluster", False),
        ("agent-install.openshift.io", "InfraEnv", False),
        ("config.openshift.io", "ImagePolicy", False),
        ("route.openshift.io", "Route", False),
        ("operator.openshift.io", "IngressController", False),
        ("", "ConfigMap", False),
    ],
)
def test_a_kind_has_the_scope_that_its_api_serves(group: str, kind: str, *, is_wide: bool) -> None:
    assert is_cluster_scoped(ObjectId(group, "v1", kind, "", "x")) is is_wide


def meta(api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}


STEP = {"name": "s", "image": "i", "computeResources": {"requests": {"cpu": "1"}}}
RESULT = {"name": "r", "type": "object", "properties": {"digest": {"type": "string"}}}
PIPELINE = {"tasks": [{"name": "t", "taskRef": {"name": "x"}}]}
VERSION = {
    "clusterID": "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926",
    "channel": "stable-scos-4",
    "desiredUpdate": {"version": "4.22.0-okd-scos.0"},
}
BUILD = {
    "strategy": {"type": "Docker", "dockerStrategy": {}},
    "output": {"to": {"kind": "ImageStreamTag", "name": "x:y"}},
    "source": {"type": "Git"},
}
EXTERNAL = {
    "refreshInterval": "1h",
    "secretStoreRef": {"name": "s"},
    "data": [{"secretKey": "a", "remoteRef": {"key": "b"}}],
}
DEPLOYMENT = {"clusterName": "c", "baseDomain": "example.org", "platform": {"none": {}}}
RELEASE = {"image": "registry.example.org/release@sha256:0"}
HOSTED = {
    "platform": {"type": "Agent", "agent": {"agentNamespace": "x"}},
    "pullSecret": {"name": "x"},
    "release": RELEASE,
    "services": [
        {"service": service, "servicePublishingStrategy": {"type": "Route"}}
        for service in ("APIServer", "Ignition", "Konnectivity", "OAuthServer")
    ],
}
POOL = {
    "clusterName": "x",
    "management": {"upgradeType": "InPlace"},
    "platform": {"type": "Agent"},
    "release": RELEASE,
}
CASES = [
    (
        meta("tekton.dev/v1", "Task", {"steps": [STEP], "results": [RESULT]}),
        ("steps", [{**STEP, "resources": {}}]),
    ),
    (meta("tekton.dev/v1", "Pipeline", PIPELINE), ("task", [])),
    (
        meta("triggers.tekton.dev/v1beta1", "EventListener", {"serviceAccountName": "x", "triggers": []}),
        ("serviceaccount", "x"),
    ),
    (meta("config.openshift.io/v1", "ClusterVersion", VERSION), ("desiredUpdates", {})),
    (meta("build.openshift.io/v1", "BuildConfig", BUILD), ("strategies", {})),
    (meta("route.openshift.io/v1", "Route", {"to": {"kind": "Service", "name": "x"}}), ("to", {"kind": 1})),
    (meta("image.openshift.io/v1", "ImageStream", {"lookupPolicy": {"local": True}}), ("lookupPolicies", {})),
    (
        meta(
            "operators.coreos.com/v1alpha1",
            "Subscription",
            {"name": "x", "source": "s", "sourceNamespace": "ns"},
        ),
        ("installPlanApproval", 1),
    ),
    (
        meta(
            "argoproj.io/v1beta1",
            "ArgoCD",
            {"resourceHealthChecks": [{"group": "g", "kind": "k", "check": "c"}]},
        ),
        ("resourceHealthCheck", []),
    ),
    (meta("argoproj.io/v1alpha1", "AppProject", {"sourceRepos": ["x"]}), ("sourceRepo", [])),
    (meta("hive.openshift.io/v1", "ClusterDeployment", DEPLOYMENT), ("clusterNames", "x")),
    (meta("hypershift.openshift.io/v1beta1", "HostedCluster", HOSTED), ("pullSecrets", {"name": "x"})),
    (meta("hypershift.openshift.io/v1beta1", "NodePool", POOL), ("replica", 1)),
    (
        meta("agent-install.openshift.io/v1beta1", "InfraEnv", {"pullSecretRef": {"name": "x"}}),
        ("agentLabel", {"a": "b"}),
    ),
    (meta("external-secrets.io/v1", "ExternalSecret", EXTERNAL), ("refreshIntervals", "1h")),
    (meta("machineconfiguration.openshift.io/v1", "MachineConfig", {"osImageURL": "x"}), ("osImageUrl", "x")),
    (
        meta(
            "apps/v1", "DaemonSet", {"selector": {}, "template": {"metadata": {}, "spec": {"containers": []}}}
        ),
        ("templates", {}),
    ),
    (
        meta(
            "batch/v1",
            "CronJob",
            {"schedule": "x", "jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}},
        ),
        ("schedules", "x"),
    ),
]


@pytest.mark.parametrize(("good", "bad"), CASES, ids=[f"{good['kind']}" for good, _ in CASES])
def test_strict_on_the_kinds_that_matter(good: dict[str, Any], bad: tuple[str, object]) -> None:
    assert verdicts(good) == []
    assert verdicts({**good, "spec": {**good["spec"], bad[0]: bad[1]}})


def test_required_fields_are_required() -> None:
    assert "missing" in verdicts(meta("config.openshift.io/v1", "ClusterVersion", {"channel": "x"}))[0]
    for kind, spec in (("HostedCluster", HOSTED), ("NodePool", POOL)):
        without = {key: value for key, value in spec.items() if key != "release"}
        assert "missing" in verdicts(meta("hypershift.openshift.io/v1beta1", kind, without))[0]
    assert "missing" in verdicts(meta("agent-install.openshift.io/v1beta1", "InfraEnv", {}))[0]


def test_a_kind_without_schema_is_named_and_never_passed() -> None:
    assert verdicts(meta("example.org/v1", "Mystery", {})) == ["no schema for example.org/v1 Mystery"]


def test_variants_of_one_object_in_one_run_are_told_apart() -> None:
    good = meta("config.openshift.io/v1", "ClusterVersion", VERSION)
    bad = meta("config.openshift.io/v1", "ClusterVersion", {**VERSION, "channels": "x"})
    documents = {yaml.safe_dump(value).encode(): ObjectId.of(value) for value in (good, bad)}
    found = validate(documents, SCHEMAS, tool(CACHE, "kubeconform"), kubernetes="1.35", workers=2)
    assert [yaml.safe_load(verdict.document) for verdict in found] == [bad]


def test_the_index_says_where_it_came_from() -> None:
    assert INDEX["sources"]["github.com/tektoncd/pipeline"] == "v1.6.0"
    assert INDEX["sources"]["github.com/tektoncd/triggers"] == "v0.34.0"
    assert INDEX["sources"]["github.com/openshift/hypershift"] == "v0.1.80"
    assert INDEX["sources"]["github.com/openshift/api"] == "v0.0.0-20251015095338-264e80a2b6e7"
