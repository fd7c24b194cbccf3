"""`okd-gitops release adopt`, as a person types it: a pushed branch, and an image that nobody signed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CACHE, ROOT, git
from okd_gitops.evidence.state import ClusterState
from release_controller import image
from release_fleet import NEW, NEWER, OLD, Fleet, offered_new


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose hub recorded a signed and an unsigned release."""
    with offered_new(tmp_path) as fleet:
        fleet.controller.publish(NEWER, before=(OLD, NEW), signed=False)
        recorded = release(fleet, "record", "--push")
        assert recorded.returncode == 0, recorded.stderr
        git(fleet.root, "fetch", "-q", "origin", "+refs/heads/records:refs/heads/records")
        yield fleet


def release(fleet: Fleet, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `okd-gitops release`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
    command = [sys.executable, "-m", "okd_gitops", "--quiet", "--cache", str(CACHE), "release", *words]
    return subprocess.run(
        command, cwd=fleet.root, env=environment, capture_output=True, text=True, check=False
    )


def upgraded_by_hand(fleet: Fleet, name: str, version: str) -> None:
    """Let the observer write that a cluster runs a release which Git does not name, and push that."""
    known = {
        "cluster": name,
        "clusterID": f"8c5e1d37-02bb-4f6a-8e49-{sum(name.encode()):012x}",
        "seen": fleet.now,
        "version": version,
        "image": image(version),
        "wantedVersion": version,
        "wantedImage": image(version),
    }
    state = ClusterState.model_validate(known)
    fleet.write_on_records({state.path: state.text().encode()})
    git(fleet.root, "push", "-q", "origin", "records")
    git(fleet.root, "fetch", "-q", "origin")


def test_the_branch_is_pushed_with_the_release_that_the_cluster_runs(fleet: Fleet) -> None:
    upgraded_by_hand(fleet, "prod", NEW)
    done = release(fleet, "adopt", "prod", "--push", "--output", "json")

    assert done.returncode == 0, done.stderr
    (branch,) = json.loads(done.stdout)["branches"]
    name = "okd/adopt-prod--wave3"
    assert branch["name"] == name
    pushed = git(fleet.root, "--git-dir", str(fleet.remote), "show", f"{name}:clusters/prod.yaml")
    assert f"version: {NEW}  # agreed" in pushed
    assert f"image: {image(NEW)}" in pushed
    assert git(fleet.root, "status", "--porcelain") == ""

    again = release(fleet, "adopt", "prod", "--push")
    assert again.returncode == 0, again.stderr
    assert len(fleet.on_remote(name)) == 1


def test_an_image_that_nobody_signed_is_not_adopted_by_a_long_term_cluster(fleet: Fleet) -> None:
    upgraded_by_hand(fleet, "prod", NEWER)
    done = release(fleet, "adopt", "prod", "--push")

    assert done.returncode == 5
    assert "signature-not-verified" in done.stderr
    assert "okd/" not in git(fleet.root, "ls-remote", "origin")


@pytest.mark.parametrize("words", [("--write",), ("--push",), ("--open",)])
def test_a_dry_run_is_nothing_else(words: tuple[str, ...], fleet: Fleet) -> None:
    upgraded_by_hand(fleet, "prod", NEW)
    done = release(fleet, "adopt", "prod", "--dry-run", *words)

    assert done.returncode == 2
    assert "okd/" not in git(fleet.root, "ls-remote", "origin")
