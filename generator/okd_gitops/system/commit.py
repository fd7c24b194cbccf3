"""Commit exactly what was generated: by a person, in the clone that the person works in."""

from collections.abc import Iterable
from pathlib import Path

from okd_gitops.errors import OkdGitopsError, ToolError, UsageError
from okd_gitops.redaction import plain
from okd_gitops.system.git import Clone, opened, resolve
from okd_gitops.system.git_program import Said, asked, failure, run

# The trailer of every commit that this tool makes, with its version.
GENERATED_BY = "Generated-By"
_STATES = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisect",
}
_LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}
_LISTING = ("--pathspec-from-file=-", "--pathspec-file-nul")


def commit(root: Path, paths: Iterable[str], message: str) -> str:
    """Commit exactly `paths` as they are on disk (also deleted ones), whatever else is staged, and return
    the commit's hash.

    Signing and hooks of the user apply. Raises UsageError when the repository is in the middle of something,
    or git refuses; the index is then as it was. BusyError when another git works here, or a killed one left
    its lock.
    """
    clone = opened(root)
    for name, what in _STATES.items():
        if (clone.folder / name).exists():
            raise UsageError(
                f"{what} is under way in this repository", "finish it, or abort it, then run again"
            )
    branch = run("symbolic-ref", "--quiet", "HEAD", cwd=root)
    if branch.code == 1:
        raise UsageError("HEAD is detached: a commit here would belong to no branch", "git switch -c NAME")
    full = [f"{clone.prefix}{path}" for path in sorted(paths)]
    index = clone.folder / "index"
    before = index.read_bytes() if index.exists() else None
    try:
        _committed(_top(clone), full, message)
    except OkdGitopsError:
        _restore(index, before)
        raise
    return resolve(root, "HEAD")


def _top(clone: Clone) -> Path:
    return clone.root.resolve().parents[clone.prefix.count("/") - 1] if clone.prefix else clone.root


def _committed(top: Path, full: list[str], message: str) -> None:
    literal, listing = _LITERAL, _LISTING
    tracked = {
        path
        for path in asked("ls-files", "-z", "--", *_short(full), cwd=top, environment=literal).text.split(
            "\0"
        )
        if path
    }
    new = [path for path in full if path not in tracked]
    if new:
        # `commit --only` takes tracked files; an intent to add makes new ones tracked without staging
        # content.
        added = run(
            "add",
            "--intent-to-add",
            "--force",
            *listing,
            cwd=top,
            data=_nul(new),
            environment=literal,
            configured=True,
        )
        _accepted(added)
    made = run(
        *("commit", "--only", "--quiet", "--message", message, *listing),
        cwd=top,
        data=_nul(full),
        environment=literal,
        configured=True,
    )
    if made.code != 1 or not _there_already(top, full):
        _accepted(made)


def _there_already(top: Path, full: list[str]) -> bool:
    """Whether HEAD has the paths as they are on disk: a run was killed when it had committed them. What it
    left of the index is mended.
    """
    asked("reset", "--quiet", *_LISTING, cwd=top, data=_nul(full), environment=_LITERAL)
    status = asked(
        "status",
        "--porcelain",
        "--untracked-files=all",
        "--no-renames",
        "--",
        *_short(full),
        cwd=top,
        environment=_LITERAL,
    )
    return not status.text


def _accepted(said: Said) -> None:
    """Raise what it means that git made no commit."""
    if not said.code:
        return
    known = failure(said, "commit")
    if not isinstance(known, ToolError):
        raise known
    raise UsageError(
        f"git refused the commit: {plain(said.err, 600) or 'no reason given'}",
        "mend that, then run okd-gitops commit again",
    )


def _restore(index: Path, before: bytes | None) -> None:
    """Let the index be what it was before a commit that was refused, unless another git has it now."""
    try:
        lock = index.with_name("index.lock").open("xb")
    except OSError:
        return
    with lock:
        lock.write(before or b"")
    if before is None:
        index.unlink(missing_ok=True)
        index.with_name("index.lock").unlink()
    else:
        index.with_name("index.lock").replace(index)


def _short(paths: list[str]) -> list[str]:
    """Return the folders of many paths, or the few paths themselves: a command line has an end."""
    return paths if len(paths) < 200 else sorted({path.split("/")[0] for path in paths})


def _nul(paths: list[str]) -> bytes:
    return "\0".join(paths).encode("utf-8", "surrogateescape")
