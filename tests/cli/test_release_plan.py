"""`release plan` decides by what the files say, and warns about what would stop the upgrade later."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from okd_gitops.evidence.record import record
from okd_gitops.evidence.report import Evidence
from release_controller import image
from release_fleet import NEW, OLD, Fleet, cluster, offered_new


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet in which a cluster asks for a feature that the catalog does not have."""
    with offered_new(tmp_path) as fleet:
        text = cluster("canary", "test", more="features:\n  no-such: {}\n")
        fleet.write("clusters/canary.yaml", text)
        yield fleet


def plan(fleet: Fleet, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
    command = [sys.executable, "-m", "okd_gitops", "--cache", str(fleet.root.parent / "cache")]
    return subprocess.run(
        [*command, "release", "plan", *options],
        cwd=fleet.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_plan_is_made_in_spite_of_a_fault_that_only_generation_finds_and_warns_of_it(fleet: Fleet) -> None:
    done = plan(fleet)

    assert done.returncode == 0
    assert f"{OLD} → {NEW}" in done.stdout
    assert 'warning not-in-catalog: unknown feature "no-such"' in done.stderr
    assert "clusters/canary.yaml:" in done.stderr


def test_the_plan_as_json_has_these_faults_under_a_key_of_their_own(fleet: Fleet) -> None:
    value = json.loads(plan(fleet, "--output", "json").stdout)
    faults = [(fault["name"], fault["severity"], fault["location"]["file"]) for fault in value["faults"]]

    assert faults == [("not-in-catalog", "warning", "clusters/canary.yaml")]
    assert {move["verdict"] for move in value["moves"]} >= {"upgrade"}


def test_a_report_is_recorded_in_spite_of_such_a_fault(fleet: Fleet) -> None:
    report = Evidence(cluster="canary", version=OLD, image=image(OLD), finished=fleet.now, passed=True)

    assert record(fleet.root, report).new
