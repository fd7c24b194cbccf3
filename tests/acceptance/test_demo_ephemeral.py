"""The life of a cluster for tests, from its release to its end, as `make demo-ephemeral` plays it."""

import subprocess
import sys

from conftest import ROOT


def test_a_cluster_is_born_reports_and_dies_and_git_is_as_before() -> None:
    command = [sys.executable, "-I", str(ROOT / "tests"), "demo_ephemeral"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [
        "pushed okd/try-releases",
        "clusterdeployment-try-4-22-0-scos-1-up.yaml",
        "evidence/try-4-22-0-scos-1/4.22.0-okd-scos.1.yaml",
        "evidence/try-4-22-0-scos-1-up/4.22.0-okd-scos.1.yaml",
        "pushed okd/expire",
        "nothing to remove",
        "Git is as it was before: True",
    ]
    places = [done.stdout.find(step) for step in steps]
    assert -1 not in places
    assert places == sorted(places)
