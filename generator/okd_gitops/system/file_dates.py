"""Since when git has the files of a folder, and until when it had those that are gone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.git import opened
from okd_gitops.system.git_program import failure, run

_LOG = (
    "log",
    "--topo-order",
    "--reverse",
    "--no-renames",
    "--no-ext-diff",
    "--no-show-signature",
    "--no-color",
    "--no-notes",
    "--diff-filter=AD",
    "--name-status",
    "--relative",
    "-z",
    "--format=tformat:%H %ct %an",
)


@dataclass(frozen=True, slots=True)
class FileDates:
    """A file from the commit that added it, whose author is `author`, to the one that deleted it, whose hash
    is `deleted_by`.

    A file that was deleted and added again has several.
    """

    path: str
    added: datetime
    author: str = ""
    deleted: datetime | None = None
    deleted_by: str = ""


def file_dates(root: Path, folder: str) -> list[FileDates]:
    """Return the dates of each file that HEAD has, or once had, below `folder`.

    There are none without a repository or a commit, and none in a shallow clone, which hides when a file was
    added.
    """
    try:
        is_shallow = (opened(root).common / "shallow").exists()
    except UsageError:
        return []

    result = run(*_LOG, "HEAD", "--", folder, cwd=root)
    if result.code < 0:
        raise failure(result, "log")

    if is_shallow or result.code:
        return []

    return _dates(result.out.decode("utf-8", "replace"))


def _dates(text: str) -> list[FileDates]:
    existing: dict[str, FileDates] = {}
    gone: list[FileDates] = []

    for commit, status, path in _changes(text):
        if status == "A":
            existing.setdefault(path, FileDates(path, commit.time, commit.author))
        elif path in existing:
            gone.append(replace(existing.pop(path), deleted=commit.time, deleted_by=commit.sha))

    return [*gone, *existing.values()]


@dataclass(frozen=True, slots=True)
class _Commit:
    sha: str
    time: datetime
    author: str


def _changes(text: str) -> Iterator[tuple[_Commit, str, str]]:
    """Yield commit, status and path of each file in `git log --name-status -z`, the oldest first."""
    tokens = iter(text.split("\0"))
    commit = _Commit("", datetime.fromtimestamp(0, UTC), "")

    for token in tokens:
        word = token.strip("\n")
        if word in ("A", "D"):
            yield commit, word, next(tokens)
        elif word:
            sha, seconds, author = f"{word} ".split(" ", 2)
            commit = _Commit(sha, datetime.fromtimestamp(int(seconds), UTC), author.strip())
