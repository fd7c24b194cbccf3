"""Branches, here and on the remote: what they have, and letting one be a commit unless somebody was
faster.

A remote is asked from a bare repository of our own, by an address that was checked: what the clone's
configuration says of remotes, hooks, helpers and addresses is not in use. A person's own configuration
(credentials, proxies) is.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import BusyError, OkdGitopsError, RefusedByRemoteError, RemoteError, UsageError
from okd_gitops.redaction import plain
from okd_gitops.system import push_target as pushtarget
from okd_gitops.system.draft import bare
from okd_gitops.system.git import opened
from okd_gitops.system.git_program import Said, asked, failure, run

_REMOTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,100}")
# No question is asked where nobody can answer it.
_REACHING = {
    "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
}
_SECONDS = 120
# The status of a reference in the answer of git-push(1) to --porcelain: what our git, or the remote's, says
# and no hook.
_STATUS = re.compile(r"^!\t[^\t]*\t\[(?P<kind>[a-z ]+)\](?: \((?P<why>.*)\))?$", re.MULTILINE)
_MOVED = re.compile(
    r"failed to (update ref|lock)|cannot lock ref|incorrect old value.*|reference already exists|fetch first|non-fast-forward|stale info"
)
_REFUSED = re.compile(
    r"returned error: 4(?!08|29)[0-9]{2}|Authentication failed|Permission denied|could not read (Username|Password)|repository '.*' not found"
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
    said = asked(
        "log",
        "--reverse",
        "--topo-order",
        "--no-show-signature",
        "--format=%H%x00%T%x00%B%x00%x01",
        f"{base}..{tip}",
        "--",
        cwd=root,
    )
    text = said.out.decode("utf-8", "replace")
    entries = (entry.strip("\n").split("\0") for entry in text.split("\x01") if entry.strip("\n"))
    return [Commit(entry[0], entry[1], entry[2].strip()) for entry in entries]


def merge_base(root: Path, one: str, other: str) -> str:
    """Return the commit at which two histories part, or nothing."""
    said = run("merge-base", one, other, cwd=root)
    if said.code not in (0, 1):
        raise failure(said, "merge-base")
    return said.text


def set_branch(root: Path, name: str, sha: str, expected: str) -> None:
    """Let a local branch that is at `expected` ("": not there) point at `sha`.

    Raises UsageError when somebody has it open, RaceError when it moved, BusyError when its lock is there.
    """
    ref = f"refs/heads/{name}"
    if asked("for-each-ref", "--format=%(worktreepath)", ref, cwd=root).text.strip():
        raise UsageError(f"the branch {name} is checked out", "git switch to another one, then run again")
    said = run("update-ref", ref, sha, expected or "0" * len(sha), cwd=root)
    if said.code > 0 and "File exists" not in said.err and _MOVED.search(said.err):
        raise RaceError(f"the branch {name} was changed in between", "run again")
    if said.code:
        raise failure(said, "update-ref")


def local_heads(root: Path, pattern: str) -> dict[str, str]:
    """Return the branches of this clone that match, with their hashes."""
    return _heads(
        asked("for-each-ref", "--format=%(objectname)\t%(refname)", f"refs/heads/{pattern}", cwd=root)
    )


def heads(root: Path, url: str, pattern: str) -> dict[str, str]:
    """Return the branches that match, with their hashes: those of a remote, or (with "") the local ones.
    Raises RemoteError.
    """
    if not url:
        return local_heads(root, pattern)
    return _heads(_reach(root, "ls-remote", "--heads", "--", url, f"refs/heads/{pattern}"))


def _heads(said: Said) -> dict[str, str]:
    pairs = (line.split("\t") for line in said.text.splitlines() if "\t" in line)
    return {ref.removeprefix("refs/heads/"): sha for sha, ref in pairs}


def address(root: Path, remote: str, repository: str) -> str:
    """Return the address that a push to `remote` (a name, or an address) reaches, which must be the
    fleet's `repository`, or on this machine.

    What the configuration makes of an address (insteadOf, pushInsteadOf, pushurl) counts, and must not lead
    elsewhere. Raises UsageError.
    """
    named = bool(_REMOTE_NAME.fullmatch(remote))
    if not named and not pushtarget.is_permitted(remote):
        raise UsageError("this is not an address that can be pushed to", f"write it like {pushtarget.FORMS}")
    raw = _configured(root, remote) if named else remote
    url = _single(asked("remote", "get-url", "--push", "--all", "--", remote, cwd=root)) if named else remote
    with bare(opened(root)) as store:
        # A person's own configuration applies there, and may rewrite the address once more.
        asked("config", "remote.target.url", url, cwd=store.folder, environment=store.environment)
        reached = _single(
            asked(
                "remote",
                "get-url",
                "--push",
                "--all",
                "--",
                "target",
                cwd=store.folder,
                environment=store.environment,
            )
        )
    here = pushtarget.is_here(reached) and reached == raw
    if not here and not pushtarget.same_repository(reached, repository):
        reason = f"a push would go to {plain(reached)}, and fleet.yaml says {repository}"
        raise UsageError(reason, "git remote -v, and git config --get-regexp 'url.*', say why")
    return url


def _single(said: Said) -> str:
    urls = said.text.split("\n")
    if len(urls) != 1 or not pushtarget.is_permitted(urls[0]):
        raise UsageError(
            "the remote has no single address that can be pushed to", f"write it like {pushtarget.FORMS}"
        )
    return urls[0]


def _configured(root: Path, name: str) -> str:
    """Return the address of a remote as it is written, before git rewrites it; raises UsageError when
    there is no such remote.
    """
    for key in ("pushurl", "url"):
        said = run("config", "--get-all", f"remote.{name}.{key}", cwd=root)
        if said.code == 0:
            return said.text
        if said.code != 1:
            raise failure(said, "config")
    opened(root)
    raise UsageError(f"there is no remote {name}", f"git remote add {name} ADDRESS, or say --remote")


def fetch(root: Path, url: str, branch: str) -> str:
    """Fetch one branch of a remote and return its hash; raises RemoteError, UsageError when it is not
    there.
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
    """Push `sha` as `branch` if the remote still has it at `expected` ("": it is not there); without
    `expected`, only forward.

    Raises RaceError when somebody was faster, RefusedByRemoteError when the remote does not want it,
    RemoteError when it cannot be reached. An empty `sha` deletes.
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


def _reach(root: Path, *arguments: str) -> Said:
    with bare(opened(root)) as store:
        said = run(
            *arguments, cwd=store.folder, environment={**_REACHING, **store.environment}, seconds=_SECONDS
        )
    if said.code:
        raise unreached(said, arguments[0])
    return said


def unreached(said: Said, what: str) -> OkdGitopsError:
    """Return what it means that a remote did not do what it was asked."""
    known = failure(said, what)
    if isinstance(known, BusyError) and "Timeout: " not in said.err:
        return known
    status = _STATUS.search(said.text)
    shown = plain(said.err) or "no reason given"
    if status:
        if status["kind"] == "rejected" or _MOVED.fullmatch(status["why"] or ""):
            return RaceError("somebody else pushed in between", "run again")
        reason = f"the remote refused the push: {plain(status['why'] or '')}: {shown}"
        return RefusedByRemoteError(reason, "ask who administers it; trying again changes nothing")
    ours = "\n".join(line for line in said.err.splitlines() if not line.startswith("remote:"))
    if _REFUSED.search(ours):
        return RefusedByRemoteError(
            f"git {what}: the remote refused: {shown}", "look at the remote's address and at your access"
        )
    return RemoteError(
        f"git {what} failed: {shown}", "look at the remote's address and at the network, and run again"
    )
