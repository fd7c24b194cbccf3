"""Branches, here and on remotes: what they have, building one in a folder of its own, and pushing it unless somebody was faster."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from okd_gitops.errors import BusyError, RemoteError, UsageError
from okd_gitops.git import opened, prefix_of

if TYPE_CHECKING:
    from git import Repo

# What git-push(1) says when the remote moved in between.
_OVERTAKEN = ("stale info", "fetch first", "non-fast-forward", "[rejected]", "cannot lock ref", "failed to update ref")
_LEFT = re.compile(r"^worktree (?P<path>/.*/okd-gitops-(?P<pid>[1-9][0-9]{0,8})-[^/]+/work)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a branch: its hash, that of its tree, and its message."""

    sha: str
    tree: str
    message: str


class RaceError(BusyError):
    """Somebody else pushed in between."""


@contextmanager
def checkout(root: Path, sha: str) -> Iterator[Path]:
    """Check a commit out in a folder of its own for as long as the block runs, and give the path that `root` has there.

    The work tree that people have open is neither read nor written. What a killed run leaves is cleared by the next one.
    """
    with opened(root) as repository, tempfile.TemporaryDirectory(prefix=f"okd-gitops-{os.getpid()}-") as folder:
        _clear(repository)
        work = Path(folder, "work")
        repository.git.worktree("add", "--quiet", "--detach", "--force", str(work), sha)
        try:
            yield work / prefix_of(repository, root)
        finally:
            repository.git.worktree("remove", "--force", str(work))


def _clear(repository: "Repo") -> None:
    """Remove the folders of runs that were killed; those of runs that live are theirs."""
    from git import GitCommandError

    repository.git.worktree("prune")
    for match in _LEFT.finditer(repository.git.worktree("list", "--porcelain")):
        try:
            os.kill(int(match["pid"]), 0)
        except ProcessLookupError:
            # A child of the killed run may still write there; then it is the next run that clears it.
            with suppress(GitCommandError, OSError):
                repository.git.worktree("remove", "--force", match["path"])
                Path(match["path"]).parent.rmdir()
        except OSError:
            continue


def commits(root: Path, base: str, tip: str) -> list[Commit]:
    """Return the commits of `tip` that `base` does not have, oldest first."""
    with opened(root) as repository:
        text = repository.git.log("--reverse", "--topo-order", "--format=%H%x00%T%x00%B%x00%x01", f"{base}..{tip}", "--")
    entries = (entry.strip("\n").split("\0") for entry in text.split("\x01") if entry.strip("\n"))
    return [Commit(entry[0], entry[1], entry[2].strip()) for entry in entries]


def merge_base(root: Path, one: str, other: str) -> str:
    """Return the commit at which two histories part, or nothing."""
    from git import GitCommandError

    with opened(root) as repository:
        try:
            return str(repository.git.merge_base(one, other))
        except GitCommandError:
            return ""


def set_branch(root: Path, name: str, sha: str) -> None:
    """Let a local branch point at `sha`; raises UsageError when somebody has it open."""
    from git import GitCommandError

    with opened(root) as repository:
        try:
            repository.git.branch("--force", "--no-track", "--", name, sha)
        except GitCommandError:
            raise UsageError(f"the branch {name} is checked out", "git switch to another one, then run again") from None


def heads(root: Path, remote: str, pattern: str) -> dict[str, str]:
    """Return the branches that match, with their hashes: those of a remote, or (with "") the local ones. Raises RemoteError."""
    with opened(root) as repository:
        if not remote:
            text = repository.git.for_each_ref("--format=%(objectname)\t%(refname)", f"refs/heads/{pattern}")
        else:
            text = _remote(repository, "ls-remote", "--heads", "--", remote, f"refs/heads/{pattern}")
    pairs = (line.split("\t") for line in text.splitlines() if "\t" in line)
    return {ref.removeprefix("refs/heads/"): sha for sha, ref in pairs}


def is_folder(root: Path, remote: str) -> bool:
    """Whether a remote is a folder of this machine, where nobody else is reached."""
    from git import GitCommandError

    with opened(root) as repository:
        try:
            url = str(repository.git.remote("get-url", "--push", "--", remote))
        except GitCommandError:
            url = remote
        # A path with a colon before the first slash is one of ssh (git-clone(1), GIT URLS).
        return url.startswith("file:///") or ("://" not in url and ":" not in url.partition("/")[0])


def fetch(root: Path, remote: str, branch: str) -> str:
    """Fetch one branch of a remote and return its hash; raises RemoteError, UsageError when it is not there."""
    sha = heads(root, remote, branch).get(branch)
    if not sha:
        raise UsageError(f"{remote} has no branch {branch}", "look at revision: in fleet.yaml, or push it first")
    with opened(root) as repository:
        _remote(repository, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", remote, f"refs/heads/{branch}")
    return sha


def push(root: Path, remote: str, sha: str, branch: str, expected: str | None) -> None:
    """Push `sha` as `branch` if the remote still has it at `expected` ("": it is not there); without `expected`, only forward.

    Raises RaceError when somebody was faster, RemoteError when the remote cannot be reached. An empty `sha` deletes.
    """
    lease = [] if expected is None else [f"--force-with-lease=refs/heads/{branch}:{expected}"]
    with opened(root) as repository:
        _remote(repository, "push", "--quiet", "--porcelain", *lease, "--", remote, f"{sha}:refs/heads/{branch}")


def _remote(repository: "Repo", *arguments: str) -> str:
    from git import GitCommandError

    # No question is asked where nobody can answer it.
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=20")}
    try:
        return str(repository.git.execute(["git", *arguments], env=quiet, kill_after_timeout=120, strip_newline_in_stdout=True))
    except GitCommandError as error:
        said = f"{error.stdout}{error.stderr}".replace("stdout: ", "").replace("stderr: ", "").strip("'\" \n")
        if arguments[0] == "push" and any(word in said for word in _OVERTAKEN):
            raise RaceError("somebody else pushed in between", "run again") from None
        raise RemoteError(f"git {arguments[0]} failed: {said[-400:] or 'no reason given'}", "look at the remote's URL and at your access") from None
