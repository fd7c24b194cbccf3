"""The life of a cluster as the real Hive wrote it down: what the hub's jobs make of each stage.

recorded/README.md says of which programs, and what was played by hand.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from cluster_files import cluster_of_text
from hive_objects import kubeconfig
from okd_gitops.evidence.ask_cluster import Target
from okd_gitops.evidence.ask_hive import ask_hive
from okd_gitops.fleet.provider_apis import HIVE
from okd_gitops.lifecycle.registration import Registrations, decide, made_clusters
from okd_gitops.system.http import Http
from okd_gitops.times import parse_time
from provided import TRIAL

RECORDED = Path(__file__).parent / "recorded"
BEFORE = datetime(2026, 11, 29, 12, tzinfo=UTC)


def recorded(stage: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((RECORDED / f"{stage}.json").read_text())
    return value


def decided(stage: str, now: datetime = BEFORE) -> Registrations:
    value = recorded(stage)
    (made,) = made_clusters(HIVE, [value])
    name = value["metadata"]["name"]
    secret = kubeconfig(f"https://api.{name}.{value['spec']['baseDomain']}:6443")
    there = bool(HIVE.kubeconfig(value))
    return decide([replace(made, kubeconfig=secret) if there else made], [], now=now)


@pytest.mark.parametrize(
    ("stage", "registered"),
    [("merged", 0), ("installing", 0), ("failed", 0), ("installed", 1), ("deprovisioning", 0)],
)
def test_a_cluster_is_registered_when_it_is_there(stage: str, registered: int) -> None:
    done = decided(stage)
    assert (len(done.register), done.delete, done.findings) == (registered, (), ())


@pytest.mark.parametrize("stage", ["merged", "installing", "failed", "installed"])
def test_it_is_deleted_at_its_end_whatever_it_was_doing(stage: str) -> None:
    end = parse_time(recorded(stage)["metadata"]["annotations"]["okd-gitops.io/end"])
    assert len(decided(stage, end).delete) == 1
    assert not decided(stage, end - timedelta(seconds=1)).delete


def test_one_that_is_going_is_left_alone() -> None:
    assert decided("deprovisioning", BEFORE + timedelta(days=99)) == Registrations()


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("merged", "Hive is installing it"),
        ("installing", "Hive is installing it"),
        ("installed-fake", "fake clusters"),
        ("failed", "InstallAttemptsLimitReached: Install attempts limit reached"),
    ],
)
def test_what_hive_reports_of_its_installation_is_read(
    stage: str, said: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    path = "/apis/hive.openshift.io/v1/namespaces/ephemeral-trial"
    httpserver.expect_request(f"{path}/clusterdeployments/trial").respond_with_json(recorded(stage))
    httpserver.expect_request(f"{path}/clusterstates/trial").respond_with_data("no", status=404)
    http = Http(tmp_path, timeout=5, retries=0)
    api = httpserver.url_for("/").rstrip("/")
    answer = ask_hive(Target(cluster=cluster_of_text("trial", TRIAL), api=api, http=http, through_hive=True))
    assert said in (answer.waiting or answer.not_installed)
