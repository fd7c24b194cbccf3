"""The commits of a repository, oldest first, with the files that they changed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.git import contents, opened
from okd_gitops.system.git_program import failure, run


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit that is no merge, with the files it changes: path, content before and after, None where
    there is none.
    """

    sha: str
    seconds: int
    subject: str
    changes: tuple[tuple[str, bytes | None, bytes | None], ...]


def history(
    root: Path, limit: int, wanted: Callable[[bytes], bool], *, max_bytes: int
) -> tuple[list[Revision], bool]:
    """Return the newest `limit` commits of HEAD that change YAML or JSON, oldest first, and whether this
    clone has no more of the history.

    Of each commit only the files are kept whose content, before or after, is wanted; larger ones are cut
    after `max_bytes` and one more. The repository may be anybody's: nothing that its configuration names is
    run, and nothing is fetched. Raises UsageError when it has no commit, or is a clone without all contents.
    """
    options = [
        "--no-merges",
        "--full-history",
        "--topo-order",
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
    ]
    # A repository's configuration can ask log for signatures, and name the program that checks them.
    options += [
        "--no-show-signature",
        "--no-color",
        "--no-notes",
        f"--max-count={limit}",
        "--format=tformat:%H %ct %s",
        "HEAD",
        "--",
    ]
    clone = opened(root, bare=True)
    said = run("log", *options, "*.yaml", "*.yml", "*.json", cwd=root)
    if said.code > 0:
        raise UsageError("this git repository has no commit", "look at the path")
    if said.code:
        raise failure(said, "log")
    commits = list(_log(said.out.decode("utf-8", "replace")))
    needed = {
        sha for _, _, _, changes in commits for old, new, _ in changes for sha in (old, new) if sha.strip("0")
    }
    kept = _wanted(root, needed, wanted, max_bytes + 1)
    revisions = []
    for sha, seconds, subject, changes in commits:
        pairs = [(path, kept.get(old), kept.get(new)) for old, new, path in changes]
        shown = tuple((path, old, new) for path, old, new in pairs if old or new)
        if shown:
            revisions.append(Revision(sha, seconds, subject, shown))
    return revisions[::-1], (clone.common / "shallow").exists()


def _wanted(
    root: Path, shas: Iterable[str], wanted: Callable[[bytes], bool], max_bytes: int
) -> dict[str, bytes]:
    """Return the contents of objects, empty where they are not wanted; a thousand are in memory at a time."""
    ordered = sorted(shas)
    kept: dict[str, bytes] = {}
    for start in range(0, len(ordered), 1000):
        found = contents(root, ordered[start : start + 1000], max_bytes=max_bytes)
        kept |= {sha: data if wanted(data) else b"" for sha, data in found.items()}
    return kept


def _log(text: str) -> Iterator[tuple[str, int, str, list[tuple[str, str, str]]]]:
    """Yield commits of `git log --raw -z`: hash, time, subject, and (blob before, blob after, path) of
    regular files.

    A token of a change starts with a colon, the first of a commit after a line feed, and the next token is
    its path; a commit's own starts with its hash.
    """
    tokens = iter(text.split("\0"))
    head: list[str] = []
    entries: list[tuple[str, str, str]] = []
    for token in tokens:
        if token.lstrip("\n").startswith(":"):
            old_mode, new_mode, old, new, _ = token.lstrip("\n:").split(" ")
            path = next(tokens)
            if {old_mode, new_mode} <= {"000000", "100644", "100755"}:
                entries.append((old, new, path))
        elif token:
            if head:
                yield head[0], int(head[1]), head[2], entries
            head, entries = token.split(" ", 2), []
    if head:
        yield head[0], int(head[1]), head[2], entries
