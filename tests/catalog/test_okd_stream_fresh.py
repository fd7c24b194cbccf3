"""stream-test on clusters that are made for a candidate: its steps, with the real tool and a git remote.

The remote is real git-http-backend and requires the token. Hive's reports are written as `release observe`
writes them (tests/catalog/test_cluster_trials_job.py lets it do so).
"""

import base64
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import git_server
import release_controller
from conftest import CACHE, ROOT, git
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.write_records import write_records
from release_controller import image
from release_fleet import OLD, Fleet
from steps import catalog, program, run_step, shellcheck
from unattended_fleet import make_unattended

TOKEN = "s3cret-of-the-trials"
CANDIDATE = "4.21.0-okd-scos.1.lab.0"
FRESH = "try-4-21-0-scos-1-lab-0"
TRIALS = "{stream: next, channel: stable-scos-4, provider: hive-openstack, expires: 1d}"
STEPS = {step["name"]: step for step in catalog("okd-stream")["Task/stream-test"]["spec"]["steps"]}
TESTS = f"quay.io/okd/tests@sha256:{'d' * 64}"


@dataclass
class Bench:
    folder: Path
    fleet: Fleet
    repository: str
    signature: str

    def run(self, name: str, **given: str) -> subprocess.CompletedProcess[str]:
        """Run a step with the parameters of a fresh test."""
        key = f"credential.{self.repository}.helper"
        value = STEPS["ask"]["env"][-1]["value"].replace("/var/run/okd-stream-trials", str(self.folder))
        variables = {
            "WORKSPACE": str(self.folder),
            "FRESH": "true",
            "STREAM": "next",
            "NAME": CANDIDATE,
            "IMAGE": image(CANDIDATE),
            "SIGNATURE": self.signature,
            "SUITE": "openshift/conformance",
            "MINUTES": "1",
            "INTERVAL": "0",
            "REPOSITORY": self.repository,
            "REVISION": "main",
            "BEFORE": f"quay.io/okd/next:{OLD}",
            "REGISTRY_AUTH_FILE": str(self.folder / "none"),
            "KUBECONFIG": str(self.folder / "none"),
            "GIT_CONFIG_KEY_0": key,
            "GIT_CONFIG_VALUE_0": value,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "OKD_GITOPS_CACHE": str(CACHE),
            "PYTHONPATH": str(ROOT / "generator"),
        }
        return run_step(STEPS[name], self.folder, **{**variables, **given})

    def report(self, cluster: str, **changes: Any) -> None:
        """Record a report as the job on the hub does."""
        values = {"cluster": cluster, "version": CANDIDATE, "image": image(CANDIDATE), "passed": True}
        report = Evidence.model_validate(
            {**values, "finished": self.fleet.now + timedelta(hours=1), **changes}
        )
        write_records(
            self.fleet.root,
            str(self.fleet.remote),
            f"Record {cluster}",
            lambda _: {report.path: report.text().encode()},
        )

    def result(self, name: str) -> str:
        return (self.folder / f"RESULT_{name}").read_text()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with release_controller.serving() as controller:
        fleet = Fleet(tmp_path / "trials", controller)
        controller.sign(image(CANDIDATE))
        signature = controller.signatures[image(CANDIDATE).partition("@")[2]]

        with git_server.serving(fleet.remote, TOKEN) as served:
            make_unattended(fleet, TRIALS)
            folder = tmp_path / "pod"
            folder.mkdir()
            (folder / "token").write_text(TOKEN)
            program(folder, "okd-gitops", f'#!/bin/sh\nexec "{sys.executable}" -m okd_gitops "$@"\n')
            program(folder, "skopeo", "#!/bin/sh\nprintf manifest\n")
            program(folder, "oc", f"#!/bin/sh\necho '{release()}'\n")
            yield Bench(folder, fleet, served.url, base64.b64encode(signature).decode())


def release() -> str:
    """Return what `oc adm release info` says, as far as the step reads it."""
    return f'{{"references": {{"spec": {{"tags": [{{"name": "tests", "from": {{"name": "{TESTS}"}}}}]}}}}}}'


def test_the_scripts_are_shellcheck_clean() -> None:
    assert [shellcheck(STEPS[name]) for name in ("before", "ask")] == ["", ""]


def test_a_candidate_passes_when_the_clusters_that_were_made_for_it_have(bench: Bench) -> None:
    assert bench.run("before").returncode == 0
    version, of = (bench.folder / "before").read_text().split()
    assert (version, of.partition("@")[0], len(of.partition(":")[2])) == (
        OLD,
        "quay.io/okd/next",
        64,
    )

    # The reports are there already: the second run of a step that was killed while it waited finds them so.
    bench.report(FRESH, tests={"conformance": "passed"})
    bench.report(f"{FRESH}-up", tests={"conformance": "passed"})
    done = bench.run("ask")
    assert done.returncode == 0, done.stderr
    files = git(bench.fleet.remote, "ls-tree", "-r", "--name-only", "main").split()
    assert {f"clusters/{FRESH}.yaml", f"clusters/{FRESH}-up.yaml"} <= set(files)
    upgrading = git(bench.fleet.remote, "show", f"main:clusters/{FRESH}-up.yaml")
    assert bench.signature in upgrading
    assert of in upgrading
    assert "suite: openshift/conformance" in upgrading
    assert TOKEN not in done.stdout + done.stderr

    head = git(bench.fleet.remote, "rev-parse", "main")
    assert bench.run("ask").returncode == 0
    assert git(bench.fleet.remote, "rev-parse", "main") == head

    done = bench.run("test")
    assert done.returncode == 0, done.stderr
    results = (bench.result("EVIDENCE"), bench.result("TESTS"), bench.result("IMAGE"))
    assert results == (f"installed anew, and updated from {OLD}", TESTS, image(CANDIDATE))


def test_a_candidate_that_failed_or_was_not_reported_ends_the_chain(bench: Bench) -> None:
    (bench.folder / "before").touch()
    done = bench.run("ask", MINUTES="0")
    assert done.returncode == 5, done.stderr
    assert f"{FRESH} has not reported" in done.stdout

    bench.report(FRESH, passed=False, operators="degraded", reason="etcd is degraded")
    done = bench.run("ask")
    assert done.returncode == 1, done.stderr
    assert f"{FRESH} failed: etcd is degraded" in done.stdout
    assert not (bench.folder / "evidence").exists()


def test_without_fresh_the_new_steps_do_nothing(bench: Bench) -> None:
    for name in ("before", "ask"):
        assert bench.run(name, FRESH="false").returncode == 0
    assert git(bench.fleet.remote, "ls-tree", "-r", "--name-only", "main", "clusters/").split() == [
        "clusters/.gitkeep"
    ]
