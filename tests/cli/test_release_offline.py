"""--offline: every release command answers from the branch `records`, and sends no request."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CACHE, ROOT, git
from release_controller import image
from release_fleet import NEW, NEWER, OLD, Fleet, offered_new, wave


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose hub recorded a signed and an unsigned release; now all its sources are away."""
    with offered_new(tmp_path) as fleet:
        fleet.controller.publish(NEWER, signed=False)
        done = run(fleet, "record", "--push")
        assert done.returncode == 0, done.stderr
        git(fleet.root, "fetch", "-q", "origin")
        yield fleet


def run(fleet: Fleet, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
    command = [sys.executable, "-m", "okd_gitops", "--quiet", "--cache", str(CACHE), "release", *words]
    return subprocess.run(
        command, cwd=fleet.root, env=environment, capture_output=True, text=True, check=False
    )


def test_offline_commands_answer_from_the_records(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away(path: str) -> int:
        asked.append(path)
        return 503

    monkeypatch.setattr(fleet.controller, "answer", away)

    assert NEW in run(fleet, "list", "--offline").stdout
    shown = run(fleet, "show", NEW, "--offline").stdout
    assert image(NEW) in shown
    assert OLD in shown

    good = run(fleet, "verify", NEW, "--offline")
    assert (good.returncode, fleet.controller.fingerprint in good.stdout) == (0, True)
    bad = run(fleet, "verify", NEWER, "--offline", "--output", "json")
    assert bad.returncode == 5
    assert json.loads(bad.stdout)["findings"][0]["name"] == "signature-missing"

    assert f"{OLD} → {NEW}" in run(fleet, "plan", "--offline").stdout
    assert run(fleet, "update", "--offline", "--push").returncode == 0
    assert fleet.on_remote(wave(NEW, 1)) == [f"okd(canary): {OLD} → {NEW}", f"okd(probe): {OLD} → {NEW}"]
    assert "no cluster is upgraded now" in run(fleet, "promote", "--offline").stdout
    assert asked == []


@pytest.mark.parametrize("words", [("plan",), ("list",), ("show", NEW), ("verify", NEW), ("update",)])
def test_without_records_an_offline_command_tells_how_to_get_them(
    fleet: Fleet, words: tuple[str, ...]
) -> None:
    git(fleet.root, "update-ref", "-d", "refs/remotes/origin/records")
    done = run(fleet, *words, "--offline")
    assert done.returncode == 2
    assert "records-missing" in done.stderr
    assert "git fetch origin records:refs/remotes/origin/records" in done.stderr


def test_another_reference_can_be_named(fleet: Fleet) -> None:
    git(fleet.root, "update-ref", "refs/heads/seen", "refs/remotes/origin/records")
    git(fleet.root, "update-ref", "-d", "refs/remotes/origin/records")
    assert run(fleet, "plan", "--offline", "--records", "seen").returncode == 0
    done = run(fleet, "plan", "--offline", "--records", "unseen")
    assert done.returncode == 2
    assert 'no commit "unseen"' in done.stderr
