"""Which clusters Argo CD must know: by what the hub shows, and by nothing that a kubeconfig claims.

The objects have the form of openshift/hive, apis/hive/v1 (ClusterDeployment), and of argo-cd v3.3,
docs/operator-manual/declarative-setup.md (cluster Secrets).
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_objects import SERVER, coded, deployment, kubeconfig
from okd_gitops.lifecycle.registration import Registrations, decide, kubeconfig_of, made_clusters

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def known(name: str, label: str = "") -> dict[str, Any]:
    labels = {"argocd.argoproj.io/secret-type": "cluster"}
    metadata = {"name": f"ephemeral-{name}", "resourceVersion": "7", "uid": "u", "labels": labels}
    labels |= {"okd-gitops.io/cluster": label} if label else {}
    return {"metadata": metadata, "data": {"name": coded(f"ephemeral-{name}")}}


def run(*deployments: Any, config: Any = None, secrets: Any = (), now: datetime = NOW) -> Registrations:
    kubeconfigs = {"trial": config} if config else {}
    return decide(made_clusters(deployments), kubeconfigs, list(secrets), now=now)


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
    assert again == Registrations()


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
    assert kubeconfig_of(value) == ""
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
