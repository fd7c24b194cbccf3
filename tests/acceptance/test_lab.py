"""`make lab` says what did not run, and its rows tell a cluster that does what it must from another one."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rows
from conftest import CACHE, ROOT
from examples import CALLS, TOKEN, Call
from kubectl import Kubectl

each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
ACCOUNT = {"metadata": {"namespace": "lab-okd-team", "name": "okd-team-cron"}}


def lab(*arguments: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    """Run the program of `make lab`."""
    command = [sys.executable, "-I", str(ROOT / "tests"), "lab", *arguments]
    environment = {**os.environ, "PATH": path, "OKD_GITOPS_CACHE": str(CACHE)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_a_cluster_it_names_each_row_that_did_not_run_and_runs_what_needs_none() -> None:
    done = lab()
    assert done.returncode == 2, done.stderr
    for row, about in rows.ROWS.items():
        assert f"{row} NOT RUN, no cluster is named: {about}\n" in done.stdout
    assert "No object was sent to an API server" in done.stdout
    assert "fix: make lab ARGS='--context NAME'" in done.stderr
    assert "T08 the bot pushes main: exit 8, the remote refused the push" in done.stdout
    assert "REFUSED" not in done.stdout


def test_without_kubectl_it_says_so(tmp_path: Path) -> None:
    for name in ("git", "env", "sh", "cat"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / name).symlink_to(found)
    done = lab("--context", "x", path=str(tmp_path))
    assert done.returncode == 4, done.stderr
    assert "T01 NOT RUN, kubectl is not on PATH" in done.stdout


@each_call
def test_no_forged_call_is_one_that_a_sender_would_make(call: Call) -> None:
    forged = call.forged()
    assert {"no proof", "a wrong key", "an empty key", "a form"} <= forged.keys()
    assert ("sha1 alone" in forged) is call.is_signed
    for name, (body, headers) in forged.items():
        assert proves(call, body, headers) is (name == "a form")

    form, _ = forged["a form"]
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(form)
    assert proves(call, call.body, {**call.plain, **call.proof})


def proves(call: Call, body: bytes, headers: dict[str, str]) -> bool:
    """Whether headers prove a body with the key of the Secret, as the forge or the caller does."""
    if not call.is_signed:
        return call.proof.items() <= headers.items()
    right = "sha256=" + hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
    return headers.get("X-Hub-Signature-256") == right


class Cluster(Kubectl):
    """kubectl that gives answers instead of asking a cluster."""

    def __init__(self, may: str, active: int = 1) -> None:
        super().__init__("nowhere")
        self.may, self.active = may, active
        self.made: list[dict[str, Any]] = []
        self.asked: list[object] = []

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        if arguments[0] == "serviceaccounts":
            return [ACCOUNT]
        state: dict[str, Any] = {"active": [{}] * self.active}
        return [{"metadata": made["metadata"], "status": state} for made in self.made]

    def make(self, values: list[dict[str, Any]], *arguments: str) -> None:
        self.asked.append(arguments)
        self.made += values

    def run(
        self, *arguments: str, given: object = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        self.asked.append((arguments, given, check))
        answer = "yes" if arguments[:4] == ("auth", "can-i", *self.may.split()) else "no"
        return subprocess.CompletedProcess([], 0, stdout=f"{answer}\n", stderr="")


@pytest.mark.parametrize("may", ["list secrets", "create pods", ""])
def test_an_account_that_may_more_is_told(may: str) -> None:
    said = rows.rights(Cluster(may or "no thing"))
    assert all(line.startswith("REFUSED lab-okd-team/okd-team-cron may") for line in said) is bool(may)
    assert any(may in line for line in said)


@pytest.mark.parametrize(("active", "expected"), [(1, False), (2, True), (0, True)])
def test_jobs_of_a_schedule_that_overlap_are_told(
    monkeypatch: pytest.MonkeyPatch, active: int, *, expected: bool
) -> None:
    monkeypatch.setattr("rows.time.sleep", lambda _: None)
    container = {"name": "x", "image": "registry.example.org/x"}
    template = {"spec": {"containers": [container]}}
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "prune", "namespace": "okd-team"},
        "spec": {"schedule": "0 8 * * *", "jobTemplate": {"spec": {"template": template}}},
    }
    cluster = Cluster("no thing", active)
    (line,) = rows.overlapping(cluster, [cron], seconds=0.01)
    assert line.startswith("REFUSED ") is expected
    (made,) = cluster.made
    assert (made["metadata"]["namespace"], made["spec"]["schedule"]) == ("lab-okd-team", "* * * * *")
    assert (
        made["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"]
        != container["image"]
    )


def test_a_line_of_a_row_begins_with_its_row_or_with_the_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("forged_calls", "repeated_calls", "heavy_calls", "taken_away"):
        monkeypatch.setattr(rows, name, lambda _: ["fine", "REFUSED not so"])
    monkeypatch.setattr(rows, "overlapping", lambda *_: [])
    said = rows.run(Cluster("no thing"), [])
    assert said[:2] == ["T01 fine", "REFUSED T01 not so"]
    assert {line.removeprefix("REFUSED ").split()[0] for line in said} == rows.ROWS.keys()
