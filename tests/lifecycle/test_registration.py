"""Which clusters Argo CD must know: by what the hub shows, and by nothing that a kubeconfig claims.

The objects have the form of openshift/hive, apis/hive/v1 (ClusterDeployment), of openshift/hypershift,
api/hypershift/v1beta1 (HostedCluster), and of argo-cd v3.3, docs/operator-manual/declarative-setup.md
(cluster Secrets).
"""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_objects import SERVER, coded, deployment, kubeconfig
from hypershift_objects import SERVER as HOSTED_SERVER
from hypershift_objects import hosted_cluster
from okd_gitops.fleet.provider_apis import HIVE, HYPERSHIFT, ProviderApi
from okd_gitops.lifecycle.registration import MadeCluster, Registrations, decide, made_clusters

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def known(name: str, label: str = "") -> dict[str, Any]:
    labels = {"argocd.argoproj.io/secret-type": "cluster"}
    metadata = {"name": f"ephemeral-{name}", "resourceVersion": "7", "uid": "u", "labels": labels}
    labels |= {"okd-gitops.io/cluster": label} if label else {}
    return {"metadata": metadata, "data": {"name": coded(f"ephemeral-{name}")}}


def made(api: ProviderApi, *values: Any, config: Any = None) -> list[MadeCluster]:
    return [replace(cluster, kubeconfig=config) for cluster in made_clusters(api, values)]


def run(*deployments: Any, config: Any = None, secrets: Any = (), now: datetime = NOW) -> Registrations:
    return decide(made(HIVE, *deployments, config=config), list(secrets), now=now)


def hosted(*values: Any, config: Any = None, secrets: Any = (), now: datetime = NOW) -> Registrations:
    return decide(made(HYPERSHIFT, *values, config=config), list(secrets), now=now)


def test_an_installed_cluster_becomes_known_by_the_name_of_its_file() -> None:
    done = run(deployment(), config=kubeconfig())
    (secret,) = done.register
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert (data["name"], data["server"], data["project"]) == ("ephemeral-trial", SERVER, "trial")
    assert json.loads(data["config"]) == {
        "tlsClientConfig": {"caData": "Y2E=", "certData": "Y2VydA==", "keyData": "a2V5"}
    }
    assert secret["metadata"]["namespace"] == "argocd"
    assert secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "cluster"

    again = run(deployment(), config=kubeconfig(), secrets=[{**secret, **_meta(secret)}])
    assert (again.register, again.forget, again.delete, again.findings) == ((), (), (), ())


def of_project(project: str) -> dict[str, Any]:
    return {"labels": {"okd-gitops.io/cluster": "trial", "okd-gitops.io/project": project}}


def test_a_cluster_without_a_review_is_for_the_applications_of_such_clusters() -> None:
    (secret,) = run(deployment(**of_project("unattended-guests")), config=kubeconfig()).register
    assert base64.b64decode(secret["data"]["project"]) == b"unattended-guests"
    assert secret["metadata"]["labels"]["okd-gitops.io/project"] == "unattended-guests"


def test_a_cluster_that_asks_for_the_project_of_another_one_is_refused() -> None:
    done = run(deployment(**of_project("moc-cd")), config=kubeconfig())
    (finding,) = done.findings
    assert (finding.name, done.register) == ("cluster-not-registered", ())
    assert "moc-cd" in finding.reason


def _meta(secret: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {**secret["metadata"], "resourceVersion": "7"}}


def test_a_changed_certificate_replaces_what_is_known() -> None:
    (secret,) = run(deployment(), config=kubeconfig(), secrets=[known("trial", "trial")]).register
    assert secret["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (kubeconfig("https://api.moc-cd.massopen.cloud:6443"), "must be for https://api.trial"),
        (kubeconfig(SERVER.replace("6443", "443")), "must be for"),
        (kubeconfig(SERVER + "/x"), "must be for"),
        (kubeconfig(token="x"), "no certificate"),
        ({"data": {"kubeconfig": "%%%"}}, "cannot be read"),
        ({"data": {"kubeconfig": coded("a: [")}}, "cannot be read"),
        ({"data": {}}, "cannot be read"),
    ],
)
def test_a_kubeconfig_of_another_cluster_is_refused(config: Any, reason: str) -> None:
    done = run(deployment(), config=config)
    assert not done.register
    (finding,) = done.findings
    assert (finding.name, reason in finding.reason) == ("cluster-not-registered", True)
    assert "Y2VydA" not in finding.reason


def test_a_name_that_argo_cd_knows_from_a_person_is_never_taken() -> None:
    done = run(deployment(), config=kubeconfig(), secrets=[known("trial")])
    assert (done.register, done.forget) == ((), ())
    assert "knows another cluster" in done.findings[0].reason


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "default"},
        {"namespace": "ephemeral-other"},
        {"labels": {}},
        {"labels": {"okd-gitops.io/cluster": "moc-cd"}},
    ],
)
def test_what_this_tool_did_not_generate_is_left_alone(change: dict[str, Any]) -> None:
    assert run(deployment(end="2026-01-01T00:00:00Z", **change), config=kubeconfig()) == Registrations()


def test_before_it_is_installed_there_is_nothing_to_know() -> None:
    value = deployment()
    value["spec"]["installed"] = False
    assert HIVE.kubeconfig(value) == ""
    assert run(value) == Registrations()


def test_a_cluster_that_is_deleted_is_forgotten_and_one_without_a_kubeconfig_is_not() -> None:
    secrets = [known("trial", "trial"), known("moc-cd")]
    assert [secret["metadata"]["name"] for secret in run(secrets=secrets).forget] == ["ephemeral-trial"]
    going = deployment(deletionTimestamp="2026-12-01T00:00:00Z")
    assert len(run(going, secrets=secrets).forget) == 1
    # Its Secret cannot be read for a moment: that is no reason to cut off a living cluster.
    assert not run(deployment(), secrets=[known("trial", "trial")]).forget


def test_an_end_that_nobody_can_read_is_told_and_deletes_nothing() -> None:
    done = run(deployment(end="soon"), config=kubeconfig())
    assert (done.delete, len(done.register)) == ((), 1)
    assert "does not say when it ends" in done.findings[0].reason


@given(seconds=st.integers(-(10**7), 10**7))
def test_exactly_those_whose_end_has_come_are_deleted_and_forgotten(seconds: int) -> None:
    now = datetime(2026, 12, 5, tzinfo=UTC) + timedelta(seconds=seconds)
    done = run(deployment(), config=kubeconfig(), secrets=[known("trial", "trial")], now=now)
    assert bool(done.delete) == bool(done.forget) == (seconds >= 0)
    assert bool(done.register) == (seconds < 0)


def test_a_hosted_cluster_becomes_known_at_the_node_port_that_the_hub_chose() -> None:
    (secret,) = hosted(hosted_cluster(), config=kubeconfig(HOSTED_SERVER)).register
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert (data["name"], data["server"], data["project"]) == ("ephemeral-trial", HOSTED_SERVER, "trial")


@pytest.mark.parametrize(
    "server",
    [
        # Another cluster behind the same address, the hub itself, and one elsewhere.
        "https://10.0.0.5:31244",
        "https://10.0.0.5:6443",
        "https://10.0.0.6:31243",
        "https://api.trial.massopen.cloud:6443",
        "https://10.0.0.5",
        f"{HOSTED_SERVER}/x",
        HOSTED_SERVER.replace("https", "http"),
    ],
)
def test_a_kubeconfig_for_another_address_than_the_hosted_cluster_has_is_refused(server: str) -> None:
    done = hosted(hosted_cluster(), config=kubeconfig(server))
    assert not done.register
    (finding,) = done.findings
    assert finding.name == "cluster-not-registered"
    assert f"must be for {HOSTED_SERVER}" in finding.reason
    assert str(finding.location.file) == "overlays/trial/provider/hostedcluster-trial.yaml"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status", "controlPlaneEndpoint"), {}),
        (("status", "controlPlaneEndpoint"), {"host": "10.0.0.6", "port": 31243}),
        (("status", "controlPlaneEndpoint"), {"host": "10.0.0.5"}),
        (("status", "controlPlaneEndpoint"), {"host": "10.0.0.5", "port": "31243@10.0.0.6"}),
        (("spec", "services"), []),
        (("spec", "services"), [{"service": "APIServer", "servicePublishingStrategy": {"type": "Route"}}]),
    ],
)
def test_a_hosted_cluster_that_does_not_say_its_address_is_refused(path: tuple[str, str], value: Any) -> None:
    cluster = hosted_cluster()
    cluster[path[0]][path[1]] = value
    done = hosted(cluster, config=kubeconfig(HOSTED_SERVER))
    assert not done.register
    assert "does not say at which address" in done.findings[0].reason


@pytest.mark.parametrize("status", ["False", "Unknown", None])
def test_before_a_hosted_cluster_is_available_there_is_nothing_to_know(status: str | None) -> None:
    value = hosted_cluster()
    (available,) = [each for each in value["status"]["conditions"] if each["type"] == "Available"]
    if status:
        available["status"] = status
    else:
        value["status"]["conditions"].remove(available)
    assert HYPERSHIFT.kubeconfig(value) == ""
    assert HYPERSHIFT.kubeconfig(hosted_cluster()) == "trial-admin-kubeconfig"
    del value["status"]
    assert HYPERSHIFT.kubeconfig(value) == ""


def test_a_hosted_cluster_that_this_tool_did_not_generate_is_left_alone() -> None:
    past = "2026-01-01T00:00:00Z"
    assert hosted(hosted_cluster(end=past, namespace="clusters")) == Registrations()
    assert hosted(hosted_cluster(end=past, labels={})) == Registrations()
    (cluster,) = hosted(hosted_cluster(end=past)).delete
    assert (cluster.api.plural, cluster.name) == ("hostedclusters", "trial")


def test_of_two_providers_with_one_name_neither_is_registered_and_none_is_forgotten() -> None:
    both = [
        *made(HIVE, deployment(), config=kubeconfig()),
        *made(HYPERSHIFT, hosted_cluster(), config=kubeconfig(HOSTED_SERVER)),
    ]
    done = decide(both, [known("trial", "trial")], now=NOW)
    assert (done.register, done.forget, len(done.findings)) == ((), (), 2)
    assert "two providers" in done.findings[0].reason
    # One of them has come to its end: the other one is the cluster.
    ended = made(HIVE, deployment(end="2026-11-30T00:00:00Z"), config=kubeconfig())
    done = decide([*ended, both[1]], [], now=NOW)
    assert (len(done.register), len(done.delete), done.findings) == (1, 1, ())


def test_a_secret_whose_name_is_a_path_is_not_read() -> None:
    value = deployment()
    value["spec"]["clusterMetadata"]["adminKubeconfigSecretRef"]["name"] = "../../argocd/secrets/x"
    (made,) = made_clusters(HIVE, [value])
    assert made.secret == ""


def test_an_address_that_argo_cd_knows_is_not_registered_again() -> None:
    other = known("somebody")
    other["data"]["server"] = coded(SERVER)
    done = run(deployment(), config=kubeconfig(), secrets=[other])
    assert (len(done.findings), done.register) == (1, ())
    assert "another cluster at its address" in done.findings[0].reason
