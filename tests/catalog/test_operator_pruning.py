"""operator-pipeline: the pruner keeps what wait-for-needs reads, on an API on loopback."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from rendered import objects, of_kind
from script_checks import shellchecked
from steps import catalog, environment, run_step

RUNS = "/apis/tekton.dev/v1/namespaces/okd-team/pipelineruns"
CRON_JOB = catalog("operator-pipeline")["CronJob/prune-okd-team"]
(CONTAINER,) = CRON_JOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]


def pipeline_run(component: str, day: int, state: str, version: str = "4.22") -> dict[str, Any]:
    """Return a run as the API has it: fields of tektoncd/pipeline v1.6.0, pkg/apis/pipeline/v1."""
    name = f"{component}-{version}-{day}"
    labels = {"okd-gitops.io/component": component, "okd-gitops.io/version": version}
    created = f"2026-01-{day:02}T00:00:00Z"
    conditions = [{"type": "Succeeded", "status": state}] if state else []
    return {
        "metadata": {"name": name, "labels": labels, "creationTimestamp": created},
        "status": {"conditions": conditions},
    }


class Api:
    """An API server that lists runs and lets them be deleted."""

    def __init__(self, server: HTTPServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        (folder / "token").write_text("t0ken")
        (folder / "ca.crt").write_text("")

    def prune(self, runs: list[dict[str, Any]], keep: int = 2) -> subprocess.CompletedProcess[str]:
        self.server.expect_request(
            RUNS, method="GET", query_string={"labelSelector": "okd-gitops.io/component"}
        ).respond_with_json({"items": runs})
        for run in runs:
            path = f"{RUNS}/{run['metadata']['name']}"
            self.server.expect_request(path, method="DELETE").respond_with_json({})

        url = self.server.url_for("").rstrip("/")
        return run_step(CONTAINER, self.folder, API_SERVER=url, ACCOUNT=str(self.folder), KEEP=str(keep))

    def deleted(self) -> list[str]:
        requests = [request for request, _ in self.server.log]
        assert all(request.headers["Authorization"] == "Bearer t0ken" for request in requests)
        return sorted(request.path.rpartition("/")[2] for request in requests if request.method == "DELETE")


@pytest.fixture
def api(httpserver: HTTPServer, tmp_path: Path) -> Api:
    return Api(httpserver, tmp_path)


def test_the_newest_successful_run_of_each_entry_stays_behind_newer_failures(api: Api) -> None:
    rook = [pipeline_run("rook", 1, "True"), pipeline_run("rook", 2, "True")]
    failures = [pipeline_run("rook", day, "False") for day in (3, 4, 5)]
    done = api.prune([*failures, *rook])
    assert done.returncode == 0, done.stderr
    assert api.deleted() == ["rook-4.22-1", "rook-4.22-3"]


def test_an_entry_or_minor_that_is_built_often_pushes_out_no_other(api: Api) -> None:
    often = [pipeline_run("odf", day, "True") for day in range(1, 6)]
    rare = [pipeline_run("rook", 1, "True"), pipeline_run("odf", 1, "True", "4.21")]
    done = api.prune([*often, *rare])
    assert done.returncode == 0, done.stderr
    assert api.deleted() == ["odf-4.22-1", "odf-4.22-2", "odf-4.22-3"]


def test_a_run_that_has_not_finished_stays(api: Api) -> None:
    going = [pipeline_run("odf", 1, "Unknown"), pipeline_run("odf", 2, "")]
    done = api.prune([*going, *(pipeline_run("odf", day, "True") for day in (3, 4, 5))])
    assert done.returncode == 0, done.stderr
    assert api.deleted() == ["odf-4.22-3"]


def test_without_an_answer_nothing_is_deleted(api: Api) -> None:
    api.server.expect_request(RUNS).respond_with_data("", status=403)
    done = run_step(
        CONTAINER,
        api.folder,
        API_SERVER=api.server.url_for("").rstrip("/"),
        ACCOUNT=str(api.folder),
        KEEP="1",
    )
    assert done.returncode != 0
    assert api.deleted() == []


def test_to_keep_nothing_is_refused(api: Api) -> None:
    done = api.prune([pipeline_run("odf", 1, "True")], keep=0)
    assert (done.returncode, api.deleted()) == (1, [])


def test_its_script_is_clean() -> None:
    variables = "\n".join(f"export {name}=x" for name in environment(CONTAINER))
    checked = shellchecked(f"#!/usr/bin/env bash\nset -e\n{variables}\n{CONTAINER['args'][0]}")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("kind", ["okd", "kubernetes"])
def test_no_other_pruner_counts_these_runs(kind: str) -> None:
    text = f"""\
  tekton:
  notify: {{}}
  operator-pipeline:
    version: "4.22"
    tools-image: registry.example.org/tools@sha256:{"5" * 64}
    components:
    - {{name: lvms, kind: operator, build: script, folder: lvms, ref: main, schedule: 30 18 * * 2,
       repository: https://github.com/okd-project/okd-operator-pipeline.git}}
"""
    values = objects(kind, text)
    annotations = of_kind(values, "Namespace")["okd-team"]["metadata"]["annotations"]
    assert annotations["operator.tekton.dev/prune.skip"] == "true"
    assert "prune-okd-team" in of_kind(values, "CronJob")
