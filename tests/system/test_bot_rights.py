"""The token of the bot can push its own branches, and not the one that people merge to."""

from pathlib import Path

import pytest

import bot_rights
from bot_rights import Push, line, protected
from conftest import git


@pytest.fixture(autouse=True)
def _own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bot's credentials set is gone after the test."""
    for name in ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_the_bot_pushes_its_branches_and_is_refused_main_with_exit_8_and_the_way_out(tmp_path: Path) -> None:
    records, own, main, other = bot_rights.pushes(tmp_path)
    assert own.branch.startswith("okd/")
    assert (own.code, records.code) == (0, 0)
    for push in (main, other):
        assert push.code == 8
        assert (
            f"protected branch: refs/heads/{push.branch} changes by merged pull requests alone" in push.said
        )
        assert "fix: ask who administers it whether this account may push the branch" in push.said
        assert "trying again changes nothing" in push.said
        assert bot_rights.TOKEN not in push.said

    remote = tmp_path / "remote.git"
    assert git(remote, "rev-parse", "main") != git(remote, "rev-parse", "records")
    assert "release-4.22" not in git(remote, "branch", "--list")


def test_the_hook_refuses_the_token_and_not_a_person(tmp_path: Path) -> None:
    with protected(tmp_path) as (fleet, _):
        (fleet.root / "note").write_text("by a person\n")
        git(fleet.root, "add", "note")
        git(fleet.root, "commit", "-qm", "a note")
        git(fleet.root, "push", "-q", "origin", "main")
        assert git(fleet.remote, "rev-parse", "main") == git(fleet.root, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("push", "expected"),
    [
        (Push("main", 8, "refused"), False),
        (Push("okd/x--wave1", 0, "pushed"), False),
        (Push("main", 0, "pushed"), True),
        (Push("main", 6, "away"), True),
        (Push("records", 8, "refused"), True),
    ],
)
def test_a_token_that_may_push_more_or_less_is_told(push: Push, *, expected: bool) -> None:
    assert line(push).startswith("REFUSED ") is expected
