"""Branches, here and on the remote: their commits, and moving one unless somebody was faster.

A remote is asked from a bare repository of our own, by an address that was checked: what the clone's
configuration names as remotes, hooks, helpers and addresses is not in use. A person's own configuration
(credentials, proxies) is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from okd_gitops.errors import BusyError, OkdGitopsError, RefusedByRemoteError, RemoteError, UsageError
from okd_gitops.redaction import plain
from okd_gitops.system import push_target
from okd_gitops.system.git import opened
from okd_gitops.system.git_program import failure, must_run, run
from okd_gitops.system.process import Completed
from okd_gitops.system.store import bare

T = TypeVar("T")
_REMOTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,100}")
# No question is asked where nobody can answer it.
_REACHING = {
    "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
}
_SECONDS = 120
# The status of a reference in the answer of git-push(1) to --porcelain: from our git or the remote's, and
# from no hook.
_STATUS = re.compile(r"^!\t[^\t]*\t\[(?P<kind>[a-z ]+)\](?: \((?P<why>.*)\))?$", re.MULTILINE)
_MOVED = re.compile(
    r"failed to (update ref|lock)|cannot lock ref|incorrect old value.*|reference already exists|fetch first"
    r"|non-fast-forward|stale info"
)
_REFUSED = re.compile(
    r"returned error: 4(?!08|29)[0-9]{2}|Authentication failed|Permission denied"
    r"|could not read (Username|Password)|repository '.*' not found"
    r"|unable to update url base from redirection|Host key verification failed"
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a branch: its hash, that of its tree, and its message."""

    sha: str
    tree: str
    message: str


class RaceError(BusyError):
    """Somebody else pushed in between."""


def commits(root: Path, base: str, tip: str) -> list[Commit]:
    """Return the commits of `tip` that `base` does not have, oldest first."""
    result = must_run(
        "log",
        "--reverse",
        "--topo-order",
        "--no-show-signature",
        "--format=%H%x00%T%x00%B%x00%x01",
        f"{base}..{tip}",
        "--",
        cwd=root,
    )
    entries = result.out.decode("utf-8", "replace").split("\x01")
    fields = [entry.strip("\n").split("\0") for entry in entries if entry.strip("\n")]

    return [Commit(sha, tree, message.strip()) for sha, tree, message, *_ in fields]


def merge_base(root: Path, one: str, other: str) -> str:
    """Return the commit at which two histories part, or nothing."""
    result = run("merge-base", one, other, cwd=root)
    if result.code not in (0, 1):
        raise failure(result, "merge-base")
    return result.text


def set_branch(root: Path, name: str, sha: str, expected: str) -> None:
    """Let a local branch that is at `expected` ("": does not exist) point at `sha`.

    Raises UsageError when a work tree has it open, RaceError when it moved, BusyError when it is locked.
    """
    ref = f"refs/heads/{name}"
    if must_run("for-each-ref", "--format=%(worktreepath)", ref, cwd=root).text.strip():
        raise UsageError(f"the branch {name} is checked out", "git switch to another one, then run again")
    result = run("update-ref", ref, sha, expected or "0" * len(sha), cwd=root)
    if result.code > 0 and "File exists" not in result.err and _MOVED.search(result.err):
        raise RaceError(f"the branch {name} was changed in between", "run again")
    if result.code:
        raise failure(result, "update-ref")


def local_heads(root: Path, *patterns: str) -> dict[str, str]:
    """Return the branches of this clone that match a pattern, with their hashes."""
    references = [f"refs/heads/{pattern}" for pattern in patterns]

    return _heads(must_run("for-each-ref", "--format=%(objectname)\t%(refname)", *references, cwd=root))


def heads(root: Path, url: str, *patterns: str) -> dict[str, str]:
    """Return the branches of a remote (with "": the local ones) that match a pattern, with their hashes.

    All are of one moment. Raises RemoteError.
    """
    if not url:
        return local_heads(root, *patterns)

    references = [f"refs/heads/{pattern}" for pattern in patterns]

    return _heads(_reach(root, "ls-remote", "--heads", "--", url, *references))


def _heads(result: Completed) -> dict[str, str]:
    pairs = (line.split("\t") for line in result.text.splitlines() if "\t" in line)
    return {ref.removeprefix("refs/heads/"): sha for sha, ref in pairs}


def address(root: Path, remote: str, repository: str) -> str:
    """Return the address that a push to `remote` (a name, or an address) reaches.

    It must be the fleet's `repository`, or on this machine. What the configuration makes of an address
    (insteadOf, pushInsteadOf, pushurl) counts, and must not lead elsewhere. Raises UsageError.
    """
    if _REMOTE_NAME.fullmatch(remote):
        written = _configured(root, remote)
        url = _single(must_run("remote", "get-url", "--push", "--all", "--", remote, cwd=root))
    elif push_target.is_permitted(remote):
        written = url = remote
    else:
        reason = "this is not an address that can be pushed to"
        raise UsageError(reason, f"write it like {push_target.FORMS}")

    reached = _reached(root, url)
    is_here = push_target.is_here(reached) and reached == written
    if not is_here and not push_target.same_repository(reached, repository):
        reason = f"a push would go to {plain(reached)}, but fleet.yaml names {repository}"
        raise UsageError(reason, "git remote -v, and git config --get-regexp 'url.*', show why")

    return url


def _reached(root: Path, url: str) -> str:
    """Return what a person's own configuration, which applies to every push, makes of an address."""
    with bare(opened(root)) as store:
        must_run("config", "remote.target.url", url, cwd=store.folder, environment=store.environment)
        question = ("remote", "get-url", "--push", "--all", "--", "target")
        return _single(must_run(*question, cwd=store.folder, environment=store.environment))


def _single(result: Completed) -> str:
    urls = result.text.split("\n")
    if len(urls) != 1 or not push_target.is_permitted(urls[0]):
        reason = "the remote has no single address that can be pushed to"
        raise UsageError(reason, f"write it like {push_target.FORMS}")
    return urls[0]


def _configured(root: Path, name: str) -> str:
    """Return the address of a remote before git rewrites it; raises UsageError for an unknown remote."""
    for key in ("pushurl", "url"):
        result = run("config", "--get-all", f"remote.{name}.{key}", cwd=root)
        if result.code == 0:
            return result.text
        if result.code != 1:
            raise failure(result, "config")
    opened(root)
    raise UsageError(f"there is no remote {name}", f"git remote add {name} ADDRESS, or say --remote")


def fetch(root: Path, url: str, branch: str) -> str:
    """Fetch one branch of a remote and return its hash.

    Raises RemoteError, or UsageError for an unknown branch.
    """
    sha = heads(root, url, branch).get(branch)
    if not sha:
        raise UsageError(
            f"the remote has no branch {branch}", "look at revision: in fleet.yaml, or push it first"
        )
    _reach(
        root,
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-gc",
        "--",
        url,
        f"refs/heads/{branch}",
    )
    return sha


def push(root: Path, url: str, sha: str, branch: str, expected: str | None) -> None:
    """Push `sha` as `branch` if the remote still has the branch at `expected`.

    An empty `expected` means that the branch must be absent; None permits only to move it forward. An empty
    `sha` deletes.

    Raises RaceError when somebody was faster, RefusedByRemoteError when the remote does not want it,
    RemoteError when it cannot be reached.
    """
    lease = [] if expected is None else [f"--force-with-lease=refs/heads/{branch}:{expected}"]
    _reach(
        root,
        "push",
        "--quiet",
        "--porcelain",
        "--no-verify",
        "--no-signed",
        *lease,
        "--",
        url,
        f"{sha}:refs/heads/{branch}",
    )


def _reach(root: Path, *arguments: str) -> Completed:
    with bare(opened(root)) as store:
        result = run(
            *arguments, cwd=store.folder, environment={**_REACHING, **store.environment}, seconds=_SECONDS
        )
    if result.code:
        raise unreached(result, arguments[0])
    return result


def unreached(result: Completed, command: str) -> OkdGitopsError:
    """Return the error for a git command that a remote did not carry out."""
    local_error = failure(result, command)
    if isinstance(local_error, BusyError) and "Timeout: " not in result.err:
        return local_error

    words = plain(result.err) or "no reason given"
    if status := _STATUS.search(result.text):
        return _refused_push(status["kind"], status["why"] or "", words)

    own_lines = [line for line in result.err.splitlines() if not line.startswith("remote:")]
    if _REFUSED.search("\n".join(own_lines)):
        reason = f"git {command}: the remote refused: {words}"
        return RefusedByRemoteError(reason, "look at the remote's address and at your access")

    reason = f"git {command} failed: {words}"
    return RemoteError(reason, "look at the remote's address and at the network, and run again")


def _refused_push(kind: str, why: str, words: str) -> OkdGitopsError:
    if kind == "rejected" or _MOVED.fullmatch(why):
        return RaceError("somebody else pushed in between", "run again")

    reason = f"the remote refused the push: {plain(why)}: {words}"
    remedy = "ask who administers it whether this account may push the branch; trying again changes nothing"
    return RefusedByRemoteError(reason, remedy)


def repeated(work: Callable[[], T], *, attempts: int, on_race: Callable[[], None] = lambda: None) -> T:
    """Return what `work` returns; call it again while somebody else pushes in between.

    It is called `attempts` times in all. `on_race` is called before each repetition. Raises RaceError
    of the last time.
    """
    for _ in range(attempts - 1):
        try:
            return work()
        except RaceError:
            on_race()

    return work()
