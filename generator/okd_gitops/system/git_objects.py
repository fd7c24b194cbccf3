"""Read what a commit has: its paths, and the contents of its files.

Objects are read by `git cat-file`, which knows every format of them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.git import Clone, opened, resolve, split_at_zeros
from okd_gitops.system.git_program import failure, must_run, run
from okd_gitops.tree import Tree

# Objects are read in groups of so many bytes.
_GROUP = 32 << 20
REGULAR_FILES = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class BlobIds:
    """Paths with the names that git gives their contents, as commits have them."""

    pairs: frozenset[tuple[str, str]]

    def holds(self, path: str, data: bytes) -> bool:
        """Whether a commit has exactly these bytes at this path."""
        blob = b"blob %d\0%b" % (len(data), data)
        return any((path, hashlib.new(name, blob).hexdigest()) in self.pairs for name in ("sha1", "sha256"))


def entries(clone: Clone, commit: str, folders: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
    """Return mode and hash of all that a commit has below `folders` of the root, by path from the root.

    Without folders it is all below the root.
    """
    wanted = [f"{clone.prefix}{folder}" for folder in folders]
    if not wanted and clone.prefix:
        wanted = [clone.prefix]

    result = must_run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *wanted, cwd=clone.root)
    listed: dict[str, tuple[str, str]] = {}

    for entry in split_at_zeros(result.out):
        metadata, _, path = entry.partition("\t")
        mode, _, sha = metadata.split(" ")
        listed[path.removeprefix(clone.prefix)] = (mode, sha)

    return listed


def tree_at(root: Path, ref: str, folders: Iterable[str]) -> Tree:
    """Return the files below `folders` as they are at a commit; raises UsageError for an unknown ref."""
    blobs = blobs_at(root, ref, folders)
    contents_of = contents(root, blobs.values())

    return Tree({path: contents_of[sha] for path, sha in blobs.items()})


def blobs_at(root: Path, ref: str, folders: Iterable[str]) -> dict[str, str]:
    """Return the hash of each regular file that a commit has below `folders`; raises UsageError like
    `tree_at`.
    """
    commit, clone = resolve(root, ref), opened(root)
    listed = entries(clone, commit, folders)

    return {path: sha for path, (mode, sha) in listed.items() if mode in REGULAR_FILES}


def contents(root: Path, shas: Iterable[str], *, max_bytes: int | None = None) -> dict[str, bytes]:
    """Return objects by their hashes, larger ones cut after `max_bytes`.

    Raises UsageError for one that is not in this clone.
    """
    wanted = sorted(set(shas))
    if not wanted:
        return {}

    result = must_run("cat-file", "--batch-check", cwd=root, data=_lines(wanted))
    lines = result.text.splitlines()
    if any(line.endswith(" missing") for line in lines):
        raise UsageError("this clone lacks contents of its history", "git clone without --filter")

    sizes: dict[str, int] = {}
    for line in lines:
        sha, _, size = line.split(" ")
        sizes[sha] = int(size)

    contents_of: dict[str, bytes] = {}
    for group in _groups(sizes, max_bytes):
        contents_of |= _whole(root, group, sizes)

    for sha in sizes.keys() - contents_of.keys():
        beginning = _First(max_bytes or 0)
        must_run("cat-file", "blob", sha, cwd=root, sink=beginning)
        contents_of[sha] = bytes(beginning.data)

    return contents_of


def _whole(root: Path, shas: Sequence[str], sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return objects that fit in memory together: `cat-file --batch` puts a line before each content."""
    data = must_run("cat-file", "--batch", cwd=root, data=_lines(shas)).out
    contents_of: dict[str, bytes] = {}
    end = 0

    for sha in shas:
        begin = data.index(b"\n", end) + 1
        contents_of[sha] = data[begin : begin + sizes[sha]]
        end = begin + sizes[sha] + 1

    return contents_of


def _lines(shas: Iterable[str]) -> bytes:
    return "".join(f"{sha}\n" for sha in shas).encode()


class _First:
    """Keeps the first bytes of an output, however long that is."""

    def __init__(self, limit: int) -> None:
        self.limit, self.data = limit, bytearray()

    def write(self, data: bytes) -> int:
        """Keep what there is room for."""
        self.data += data[: self.limit - len(self.data)]
        return len(data)


def _groups(sizes: Mapping[str, int], max_bytes: int | None) -> Iterator[list[str]]:
    """Yield the objects that are not too large, in groups that fit in memory."""
    group: list[str] = []
    total = 0

    for sha, size in sizes.items():
        if max_bytes is not None and size > max_bytes:
            continue

        if group and total + size > _GROUP:
            yield group
            group, total = [], 0

        group.append(sha)
        total += size

    if group:
        yield group


def committed_blobs(root: Path, folders: Iterable[str]) -> BlobIds:
    """Return what is below `folders` in HEAD, and in the commits that are being merged or applied.

    It is nothing where there is no commit.
    """
    wanted = tuple(folders)
    try:
        clone = opened(root)
    except UsageError:
        return BlobIds(frozenset())

    pairs: set[tuple[str, str]] = set()
    for ref in ("HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD"):
        result = run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=root)
        if result.code < 0:
            raise failure(result, "rev-parse")

        if result.code == 0:
            listed = entries(clone, result.text, wanted)
            pairs |= {(path, sha) for path, (_, sha) in listed.items()}

    return BlobIds(frozenset(pairs))
