"""Commit exactly what was generated: by a person, in the clone that the person works in."""

from collections.abc import Iterable
from pathlib import Path

from okd_gitops.errors import OkdGitopsError, ToolError, UsageError
from okd_gitops.redaction import plain
from okd_gitops.system.git import Clone, opened, resolve
from okd_gitops.system.git_program import failure, must_run, run
from okd_gitops.system.process import Completed

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
    """Commit exactly `paths` as they are on disk (also deleted ones), and return the commit's hash.

    What else is staged stays so. Signing and hooks of the user apply. Raises UsageError when the repository
    is in the middle of something, or git refuses; the index is then as it was. BusyError when another git
    works here, or a killed one left its lock.
    """
    clone = opened(root)
    _refuse_other_work(clone)

    full_paths = [f"{clone.prefix}{path}" for path in sorted(paths)]
    index = clone.folder / "index"
    index_before = index.read_bytes() if index.exists() else None

    try:
        _commit(_top(clone), full_paths, message)
    except OkdGitopsError:
        _restore(index, index_before)
        raise

    return resolve(root, "HEAD")


def _refuse_other_work(clone: Clone) -> None:
    for name, work in _STATES.items():
        if (clone.folder / name).exists():
            raise UsageError(
                f"{work} is under way in this repository", "finish it, or abort it, then run again"
            )

    branch = run("symbolic-ref", "--quiet", "HEAD", cwd=clone.root)
    if branch.code == 1:
        raise UsageError("HEAD is detached: a commit here would belong to no branch", "git switch -c NAME")


def _top(clone: Clone) -> Path:
    """Return the top of the work tree."""
    if not clone.prefix:
        return clone.root
    return clone.root.resolve().parents[clone.prefix.count("/") - 1]


def _commit(top: Path, paths: list[str], message: str) -> None:
    listed = must_run("ls-files", "-z", "--", *_short(paths), cwd=top, environment=_LITERAL)
    tracked = set(listed.text.split("\0"))
    new = [path for path in paths if path not in tracked]

    if new:
        # `commit --only` takes tracked files; an intent to add makes new ones tracked without staging
        # content.
        _refuse(_run_configured(top, new, "add", "--intent-to-add", "--force"))

    result = _run_configured(top, paths, "commit", "--only", "--quiet", "--message", message)
    if result.code != 1 or not _is_committed(top, paths):
        _refuse(result)


def _run_configured(top: Path, paths: list[str], *command: str) -> Completed:
    """Run git on paths with the configuration of the person whose clone it is."""
    data = _nul(paths)
    return run(*command, *_LISTING, cwd=top, data=data, environment=_LITERAL, configured=True)


def _is_committed(top: Path, paths: list[str]) -> bool:
    """Whether HEAD has the paths as they are on disk: a run was killed after it had committed them.

    What that run left of the index is put right.
    """
    must_run("reset", "--quiet", *_LISTING, cwd=top, data=_nul(paths), environment=_LITERAL)
    options = ("--porcelain", "--untracked-files=all", "--no-renames")
    changes = must_run("status", *options, "--", *_short(paths), cwd=top, environment=_LITERAL)

    return not changes.text


def _refuse(result: Completed) -> None:
    """Raise the error of a result, if it is one: git made no commit."""
    if result.code == 0:
        return

    error = failure(result, "commit")
    if not isinstance(error, ToolError):
        raise error

    reason = f"git refused the commit: {plain(result.err, 600) or 'no reason given'}"
    raise UsageError(reason, "correct that, then run okd-gitops commit again")


def _restore(index: Path, before: bytes | None) -> None:
    """Let the index be what it was before a refused commit, unless another git holds its lock now."""
    lock_file = index.with_name("index.lock")
    try:
        lock = lock_file.open("xb")
    except OSError:
        return

    with lock:
        lock.write(before or b"")

    if before is None:
        index.unlink(missing_ok=True)
        lock_file.unlink()
    else:
        lock_file.replace(index)


def _short(paths: list[str]) -> list[str]:
    """Return the folders of many paths, or the few paths themselves: a command line has an end."""
    return paths if len(paths) < 200 else sorted({path.split("/")[0] for path in paths})


def _nul(paths: list[str]) -> bytes:
    return "\0".join(paths).encode("utf-8", "surrogateescape")
