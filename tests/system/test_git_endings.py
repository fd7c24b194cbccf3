"""How a run ends when git, the clone or the remote does not do what it should: with the exit code of the
reason, and the next command.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from okd_gitops.errors import (
    BusyError,
    OkdGitopsError,
    RefusedByRemoteError,
    RemoteError,
    ToolError,
    UsageError,
)
from okd_gitops.redaction import plain, redacted
from okd_gitops.system import branches
from okd_gitops.system import git as reading
from okd_gitops.system.commit import commit
from okd_gitops.system.git_program import failure
from okd_gitops.system.process import Completed

HIDDEN = "CANARY-7f3a9c"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--initial-branch=main", "clone")
    git(tmp_path, "init", "-q", "--bare", "--initial-branch=main", "remote.git")
    root = tmp_path / "clone"
    (root / "a").write_text("a\n")
    git(root, "add", "--all")
    git(root, "commit", "-qm", "start")
    return root


def substitute(clone: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a git in front of the real one."""
    folder = clone.parent / "bin"
    folder.mkdir()
    real = next(
        str(Path(entry, "git"))
        for entry in os.environ["PATH"].split(os.pathsep)
        if Path(entry, "git").is_file()
    )
    (folder / "git").write_text(f'#!/bin/sh\n{script}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_missing_git_is_reported(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match="git is not on PATH"):
        reading.resolve(clone, "HEAD")


@pytest.mark.parametrize("said", ["git version 2.17.1", "git version 2.33.9", "something else"])
def test_an_old_git_is_reported(clone: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    substitute(clone, monkeypatch, f"echo '{said}'; exit 0")
    with pytest.raises(ToolError, match=r"version|too old") as error:
        reading.resolve(clone, "HEAD")
    assert "2.34" in error.value.remedy


@pytest.mark.parametrize(
    "step",
    [
        "rev-parse",
        "ls-files",
        "add",
        "commit",
        "status",
        "ls-remote",
        "push",
        "for-each-ref",
        "log",
        "merge-base",
    ],
)
def test_a_git_that_is_killed_at_any_step_ends_as_busy(
    clone: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    substitute(clone, monkeypatch, f'for word; do test "$word" != {step} || kill -KILL $$; done')
    (clone / "b").write_text("b\n")
    remote, head = (
        str(clone.parent / "remote.git"),
        git(clone, "rev-parse", "HEAD").strip() if step != "rev-parse" else "0" * 40,
    )

    def everything() -> None:
        reading.status(clone, ["."])
        branches.commits(clone, head, head)
        branches.merge_base(clone, head, head)
        branches.heads(clone, remote, "*")
        branches.push(clone, remote, head, "main", "")
        commit(clone, ["b"], "more\n")

    with pytest.raises(
        BusyError, match=rf"git ({step}|commit) was ended by signal {signal.SIGKILL}"
    ) as error:
        everything()
    assert error.value.exit_code == 7


def test_a_clone_of_another_user_names_the_command(clone: Path) -> None:
    text = f"fatal: detected dubious ownership in repository at '{clone}'\nTo add an exception"
    ending = failure(Completed(128, b"", text), "status")
    assert (ending.exit_code, f"git config --global --add safe.directory {clone}" in ending.remedy) == (
        4,
        True,
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_clone_that_was_given_away_is_not_read(clone: Path) -> None:
    for path in (clone, clone / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(ToolError, match="belongs to another user"):
        reading.resolve(clone, "HEAD")


def test_a_lock_that_was_left_is_named_and_stays(clone: Path) -> None:
    remote, head = clone.parent / "remote.git", git(clone, "rev-parse", "HEAD").strip()
    (clone / "b").write_text("b\n")
    locks = [
        clone / ".git/index.lock",
        clone / ".git/refs/heads/okd/x.lock",
        remote / "refs/heads/okd/x.lock",
    ]
    actions: list[Callable[[], object]] = [
        lambda: commit(clone, ["b"], "more\n"),
        lambda: branches.set_branch(clone, "okd/x", head, ""),
        lambda: branches.push(clone, str(remote), head, "okd/x", ""),
    ]
    for lock, action in zip(locks, actions, strict=True):
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
        with pytest.raises(BusyError) as error:
            action()
        assert not isinstance(error.value, branches.RaceError)
        assert (lock.name in error.value.reason, lock.exists()) == (True, True)
        lock.unlink()
        action()


def test_a_signature_that_fails_leaves_the_index_as_it_was(clone: Path) -> None:
    for key, value in {"commit.gpgSign": "true", "gpg.program": "/bin/false"}.items():
        git(clone, "config", key, value)
    (clone / "b").write_text("b\n")
    (clone / "a").write_text("changed\n")
    index = (clone / ".git/index").read_bytes()
    with pytest.raises(UsageError, match="refused the commit"):
        commit(clone, ["a", "b"], "more\n")
    assert (clone / ".git/index").read_bytes() == index


def test_a_remote_that_refuses_is_not_tried_again_whatever_it_says(clone: Path) -> None:
    remote, head = clone.parent / "remote.git", git(clone, "rev-parse", "HEAD").strip()
    hook = remote / "hooks/pre-receive"
    hook.write_text(
        "#!/bin/sh\nprintf 'fetch first \\033[31m! [rejected] (stale info) cannot lock ref\\n' >&2\nexit 1\n"
    )
    hook.chmod(0o755)
    with pytest.raises(RefusedByRemoteError, match="pre-receive hook declined") as error:
        branches.push(clone, str(remote), head, "main", None)
    assert "\x1b" not in error.value.reason


def test_a_remote_that_moved_is_a_race_and_one_that_is_away_is_away(clone: Path) -> None:
    remote, head = str(clone.parent / "remote.git"), git(clone, "rev-parse", "HEAD").strip()
    branches.push(clone, remote, head, "main", "")
    other = git(clone, "commit-tree", "-m", "other", "HEAD^{tree}").strip()
    for expected in ("", None, other):
        with pytest.raises(branches.RaceError):
            branches.push(clone, remote, other, "main", expected)
    with pytest.raises(RemoteError):
        branches.heads(clone, "http://127.0.0.1:9/fleet.git", "*")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 403", 8),
        ("fatal: Authentication failed for 'https://h/x/'", 8),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", 8),
        ("git@h: Permission denied (publickey).", 8),
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 503", 6),
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 429", 6),
        ("fatal: unable to access 'https://h/x/': Could not resolve host: h", 6),
        ("remote: Authentication failed\nfatal: the remote end hung up unexpectedly", 6),
    ],
)
def test_the_message_of_git_tells_an_unreachable_remote_from_a_refusal(said: str, code: int) -> None:
    ending: OkdGitopsError = branches.unreached(Completed(128, b"", said), "push")
    assert ending.exit_code == code


@pytest.mark.parametrize(
    "text",
    [
        f"could not read Password for 'http://{HIDDEN}@127.0.0.1:45149': no",
        f"https://user:{HIDDEN}@git.example.org/x",
        f"unable to access 'http://127.0.0.1:9/fleet.git?token={HIDDEN}/': no",
    ],
)
def test_no_secret_of_an_address_is_shown(text: str) -> None:
    assert HIDDEN not in redacted(text)
    assert HIDDEN not in plain(text)
    assert redacted("ssh://git@h/x and https://h/x") == "ssh://git@h/x and https://h/x"
