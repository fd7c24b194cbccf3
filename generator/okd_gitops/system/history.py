"""The commits of a repository, oldest first, with the files that they changed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.git import opened
from okd_gitops.system.git_objects import contents
from okd_gitops.system.git_program import failure, run

# A commit as git logs it: hash, time, subject, and (blob before, blob after, path) of regular files.
LoggedCommit = tuple[str, int, str, list[tuple[str, str, str]]]
_LOG = (
    "log",
    "--no-merges",
    "--full-history",
    "--topo-order",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    # A repository's configuration can ask log for signatures, and name the program that checks them.
    "--no-show-signature",
    "--no-color",
    "--no-notes",
    "--format=tformat:%H %ct %s",
)
_REGULAR_FILES = {"000000", "100644", "100755"}
# So many objects are in memory at a time.
_GROUP = 1000


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit that is no merge, with its files: path, content before and after, None where there is none."""

    sha: str
    seconds: int
    subject: str
    changes: tuple[tuple[str, bytes | None, bytes | None], ...]


def history(
    root: Path, limit: int, wanted: Callable[[bytes], bool], *, max_bytes: int
) -> tuple[list[Revision], bool]:
    """Return the newest `limit` commits of HEAD that change YAML or JSON, and whether the clone is shallow.

    Commits are oldest first. Of each, only the files are kept whose content, before or after, is wanted;
    larger ones are cut after `max_bytes` and one more. The repository may be anybody's: nothing that its
    configuration names is run, and nothing is fetched. Raises UsageError when it has no commit, or is a clone
    without all contents.
    """
    clone = opened(root, bare=True)
    files = ("*.yaml", "*.yml", "*.json")
    result = run(*_LOG, f"--max-count={limit}", "HEAD", "--", *files, cwd=root)
    if result.code > 0:
        raise UsageError("this git repository has no commit", "look at the path")
    if result.code:
        raise failure(result, "log")

    logged = list(_log(result.out.decode("utf-8", "replace")))
    contents_of = _wanted(root, _blobs(logged), wanted, max_bytes + 1)

    revisions = []
    for sha, seconds, subject, changes in logged:
        pairs = [(path, contents_of.get(old), contents_of.get(new)) for old, new, path in changes]
        wanted_changes = tuple((path, old, new) for path, old, new in pairs if old or new)
        if wanted_changes:
            revisions.append(Revision(sha, seconds, subject, wanted_changes))

    return revisions[::-1], (clone.common / "shallow").exists()


def _blobs(logged: Iterable[LoggedCommit]) -> set[str]:
    """Return the contents before and after; a hash of zeros stands for an absent file."""
    blobs: set[str] = set()
    for _, _, _, changes in logged:
        for old, new, _ in changes:
            blobs.update({old, new})
    return {sha for sha in blobs if sha.strip("0")}


def _wanted(
    root: Path, shas: Iterable[str], wanted: Callable[[bytes], bool], max_bytes: int
) -> dict[str, bytes]:
    """Return the contents of objects, empty where they are not wanted."""
    ordered = sorted(shas)
    wanted_contents: dict[str, bytes] = {}

    for start in range(0, len(ordered), _GROUP):
        group = contents(root, ordered[start : start + _GROUP], max_bytes=max_bytes)
        wanted_contents |= {sha: data if wanted(data) else b"" for sha, data in group.items()}

    return wanted_contents


def _log(text: str) -> Iterator[LoggedCommit]:
    """Yield the commits of `git log --raw -z`.

    A token of a change starts with a colon, the first of a commit after a line feed, and the next token is
    its path; a commit's own starts with its hash.
    """
    tokens = iter(text.split("\0"))
    head: list[str] = []
    changes: list[tuple[str, str, str]] = []

    for token in tokens:
        if token.lstrip("\n").startswith(":"):
            old_mode, new_mode, old, new, _ = token.lstrip("\n:").split(" ")
            path = next(tokens)
            if {old_mode, new_mode} <= _REGULAR_FILES:
                changes.append((old, new, path))
        elif token:
            if head:
                yield head[0], int(head[1]), head[2], changes
            head, changes = token.split(" ", 2), []

    if head:
        yield head[0], int(head[1]), head[2], changes
