"""What Hive on the hub reports of a cluster becomes the answer that the cluster itself would give.

The objects have the form of openshift/hive c02e517, apis/hive/v1 (ClusterDeployment, ClusterState).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from cluster_files import cluster_of_text
from cluster_state import conditions, operator
from okd_gitops.evidence.ask_cluster import Target
from okd_gitops.evidence.ask_hive import ask_hive
from okd_gitops.evidence.conclude import Result, conclude
from okd_gitops.evidence.noted_guest import (
    GUEST,
    NOT_READ,
    Conformance,
    Noted,
    completed_update,
    note_of,
)
from okd_gitops.evidence.pools import Pools
from okd_gitops.evidence.records import Records
from okd_gitops.system.http import Http

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ID = "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926"
OLD, NEW = "4.20.0-okd-scos.9", "4.21.0-okd-scos.1"
IMAGES = {
    OLD: f"registry.example.org/release@sha256:{'a' * 64}",
    NEW: f"registry.example.org/release@sha256:{'b' * 64}",
}
FRESH = f"""\
purpose: ephemeral
provider: hive-openstack
expires: 2026-12-04
release:
  channel: stable-scos-4
  version: {NEW}
  image: {IMAGES[NEW]}
"""
UPGRADING = f"{FRESH}installs:\n  version: {OLD}\n  image: {IMAGES[OLD]}\n"
PATH = "/apis/hive.openshift.io/v1/namespaces/ephemeral-trial"


def update(version: str, hours: int, **changes: Any) -> dict[str, Any]:
    done = f"{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    entry = {"version": version, "image": IMAGES[version], "state": "Completed", "verified": False}
    return {**entry, "startedTime": done, "completionTime": done, **changes}


def deployment(*history: dict[str, Any], installed: bool = True, **states: str) -> dict[str, Any]:
    """Return a ClusterDeployment whose cluster has had these releases, the newest first."""
    version = {
        "observedGeneration": 3,
        "history": list(history),
        "conditions": conditions(Available="True", Failing="False", Progressing="False"),
    }
    status: dict[str, Any] = {"conditions": conditions(**{"Unreachable": "False", **states})}
    status |= {"clusterVersionStatus": version} if history else {}
    spec = {"installed": installed, "clusterMetadata": {"clusterID": ID, "infraID": "trial-x"}}
    return {"metadata": {"name": "trial"}, "spec": spec, "status": status}


def state(*operators: dict[str, Any]) -> dict[str, Any]:
    listed = [
        {"name": value["metadata"]["name"], "conditions": value["status"]["conditions"]}
        for value in operators
    ]
    return {"status": {"clusterOperators": listed}}


@pytest.fixture
def hub(httpserver: HTTPServer) -> Iterator[HTTPServer]:
    yield httpserver
    httpserver.check_assertions()


def observed(
    hub: HTTPServer,
    tmp_path: Path,
    value: dict[str, Any] | None,
    of: dict[str, Any] | None,
    text: str = FRESH,
) -> Result:
    for plural, answer in (("clusterdeployments", value), ("clusterstates", of)):
        handler = hub.expect_request(f"{PATH}/{plural}/trial")
        if answer is None:
            handler.respond_with_data("no", status=404)
        else:
            handler.respond_with_json(answer)
    http = Http(tmp_path, timeout=5, retries=0)
    api = hub.url_for("/").rstrip("/")
    target = Target(cluster=cluster_of_text("trial", text), api=api, http=http, through_hive=True)
    return conclude(target.cluster, api, ask_hive(target), Records(), now=NOW, patience=timedelta(hours=4))


HEALTHY = state(operator("etcd"), operator("dns"))


def test_a_fresh_cluster_that_is_well_is_evidence(hub: HTTPServer, tmp_path: Path) -> None:
    result = observed(hub, tmp_path, deployment(update(NEW, 3)), HEALTHY)
    evidence = result.evidence
    assert evidence
    assert (evidence.passed, evidence.version, evidence.image) == (True, NEW, IMAGES[NEW])
    assert (evidence.cluster_id, evidence.tests) == (ID, {"api-ready": "passed"})
    assert result.findings == ()


UPGRADED = (update(NEW, 9, verified=True), update(OLD, 12))


def test_of_one_that_has_upgraded_nobody_knows_the_nodes_before_they_are_noted(
    hub: HTTPServer, tmp_path: Path
) -> None:
    result = observed(hub, tmp_path, deployment(*UPGRADED), HEALTHY, UPGRADING)
    assert (result.evidence, result.findings) == (None, ())
    assert NOT_READ in result.reason


@pytest.mark.parametrize(
    ("pools", "passed"),
    [
        (Pools(), True),
        (Pools(unfinished=("pool worker is not updated",)), None),
        (Pools(faults=("pool worker is degraded",)), False),
    ],
)
def test_one_that_has_upgraded_is_evidence_when_its_nodes_have(
    hub: HTTPServer, tmp_path: Path, pools: Pools, *, passed: bool | None
) -> None:
    value = deployment(*UPGRADED)
    value["metadata"]["annotations"] = {GUEST: note_of(completed_update(value), Noted(pools=pools))}
    evidence = observed(hub, tmp_path, value, HEALTHY, UPGRADING).evidence
    assert (evidence.passed if evidence else None) == passed


WITH_SUITE = f"{FRESH}features:\n  conformance: {{suite: openshift/conformance}}\n"
SUITE = "openshift/conformance"


@pytest.mark.parametrize(
    ("suite", "passed", "reason"),
    [
        (None, None, "test conformance has not ended"),
        (Conformance(suite=SUITE, passed=True), True, ""),
        (
            Conformance(suite=SUITE, passed=False, words="failed: [sig-api] x"),
            False,
            "test conformance failed (openshift/conformance: failed: [sig-api] x)",
        ),
    ],
)
def test_one_that_runs_a_suite_is_evidence_when_that_has_ended(
    hub: HTTPServer, tmp_path: Path, suite: Conformance | None, *, passed: bool | None, reason: str
) -> None:
    value = deployment(update(NEW, 9))
    note = note_of(completed_update(value), Noted(pools=Pools(), conformance=suite))
    value["metadata"]["annotations"] = {GUEST: note}
    result = observed(hub, tmp_path, value, HEALTHY, WITH_SUITE)
    assert (result.evidence.passed if result.evidence else None) == passed
    assert reason in result.reason
    if result.evidence and suite:
        told = "passed" if suite.passed else "failed"
        assert result.evidence.tests == {"api-ready": "passed", "conformance": told}


def test_another_suite_than_the_one_of_the_file_counts_nothing(hub: HTTPServer, tmp_path: Path) -> None:
    value = deployment(update(NEW, 9))
    other = Noted(pools=Pools(), conformance=Conformance(suite="openshift/one-test", passed=True))
    value["metadata"]["annotations"] = {GUEST: note_of(completed_update(value), other)}
    result = observed(hub, tmp_path, value, HEALTHY, WITH_SUITE)
    assert result.evidence is None
    assert "test conformance has not ended" in result.reason


def test_what_nobody_asked_for_counts_nothing(hub: HTTPServer, tmp_path: Path) -> None:
    value = deployment(update(NEW, 9))
    failed = Noted(pools=Pools(), conformance=Conformance(suite="x", passed=False))
    value["metadata"]["annotations"] = {GUEST: note_of(completed_update(value), failed)}
    evidence = observed(hub, tmp_path, value, HEALTHY).evidence
    assert evidence
    assert (evidence.passed, evidence.tests) == (True, {"api-ready": "passed"})


@pytest.mark.parametrize("history", [(update(NEW, 9, verified=True),), (update(NEW, 9), update(NEW, 12))])
def test_one_that_began_with_another_release_shows_no_upgrade(
    hub: HTTPServer, tmp_path: Path, history: tuple[dict[str, Any], ...]
) -> None:
    result = observed(hub, tmp_path, deployment(*history), HEALTHY, UPGRADING)
    assert (result.evidence, result.reason) == (
        None,
        f"it was not installed with {OLD}, so it shows no upgrade from that",
    )


def test_an_upgrade_that_could_not_begin_is_nothing_against_the_release(
    hub: HTTPServer, tmp_path: Path
) -> None:
    stopped = deployment(installed=False, ProvisionStopped="True")
    assert observed(hub, tmp_path, stopped, None, UPGRADING).evidence is None
    fresh = observed(hub, tmp_path, stopped, None).evidence
    assert fresh
    assert not fresh.passed


def test_an_upgrade_that_fails_is_evidence_against_the_release(hub: HTTPServer, tmp_path: Path) -> None:
    value = deployment(update(NEW, 9, state="Partial", completionTime=None), update(OLD, 12))
    failing = conditions(Failing="True", Available="True")
    value["status"]["clusterVersionStatus"]["conditions"] = [
        {**each, "lastTransitionTime": "2026-11-29T04:00:00Z"} for each in failing
    ]
    evidence = observed(hub, tmp_path, value, HEALTHY, UPGRADING).evidence
    assert evidence
    assert not evidence.passed


def test_one_that_took_it_without_a_signature_is_none(hub: HTTPServer, tmp_path: Path) -> None:
    history = (update(NEW, 1), update(OLD, 3))
    result = observed(hub, tmp_path, deployment(*history), HEALTHY, UPGRADING)
    assert result.evidence is None
    assert "did not verify" in result.reason


@pytest.mark.parametrize(
    ("value", "of", "reason"),
    [
        (None, None, "Hive does not know it yet"),
        (deployment(installed=False), None, "Hive is installing it"),
        (deployment(), HEALTHY, "does not report its release yet"),
        (deployment(update(OLD, 3)), HEALTHY, f"the newest update of the cluster is {OLD}"),
    ],
)
def test_what_is_not_decided_is_no_evidence(
    hub: HTTPServer, tmp_path: Path, value: dict[str, Any] | None, of: dict[str, Any] | None, reason: str
) -> None:
    result = observed(hub, tmp_path, value, of, UPGRADING)
    assert (result.evidence, result.findings) == (None, ())
    assert reason in result.reason


def test_an_installation_that_failed_is_evidence_against_the_release(hub: HTTPServer, tmp_path: Path) -> None:
    stopped = deployment(installed=False, ProvisionStopped="True")
    stopped["status"]["conditions"][-1] |= {"reason": "InstallAttemptsLimitReached", "message": "2 attempts"}
    evidence = observed(hub, tmp_path, stopped, None).evidence
    assert evidence
    assert (evidence.passed, evidence.tests) == (False, {"install": "failed"})
    assert "InstallAttemptsLimitReached: 2 attempts" in evidence.reason


@pytest.mark.parametrize(
    ("value", "of", "reason"),
    [
        (deployment(update(NEW, 9), Unreachable="True"), HEALTHY, "test api-ready failed"),
        (deployment(update(NEW, 9)), state(operator("etcd", Degraded="True")), "operator etcd is not"),
        (deployment(update(NEW, 9)), None, "the operators cannot be listed"),
    ],
)
def test_a_cluster_that_is_not_well_for_longer_than_the_patience_has_failed(
    hub: HTTPServer, tmp_path: Path, value: dict[str, Any], of: dict[str, Any] | None, reason: str
) -> None:
    result = observed(hub, tmp_path, value, of)
    assert result.evidence
    assert not result.evidence.passed
    assert reason in result.reason
