"""What is committed, and committing exactly what was generated: by a person, in the clone that the person
works in.

Refs are checked against a pattern, paths come after `--`, and objects are read by `git cat-file`, which knows
every format of them.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.git_program import asked, failure, run
from okd_gitops.tree import Tree

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/~^-]{0,200}")
# Objects are read in groups of so many bytes.
_GROUP = 32 << 20


@dataclass(frozen=True, slots=True)
class Status:
    """Paths that differ from HEAD, relative to the root that was asked about, with git's two status
    letters.
    """

    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BlobIds:
    """Paths with the names that git gives their contents, as commits have them."""

    pairs: frozenset[tuple[str, str]]

    def holds(self, path: str, data: bytes) -> bool:
        """Whether a commit has exactly these bytes at this path."""
        blob = b"blob %d\0%b" % (len(data), data)
        return any((path, hashlib.new(name, blob).hexdigest()) in self.pairs for name in ("sha1", "sha256"))


@dataclass(frozen=True, slots=True)
class Clone:
    """A repository as git finds it around `root`: `prefix` leads from the top of its work tree to `root`,
    and ends with a slash or is empty.
    """

    root: Path
    prefix: str
    folder: Path
    common: Path
    objects: Path
    hash: str
    bare: bool


def opened(root: Path, *, bare: bool = False) -> Clone:
    """Find the repository around `root`; raises UsageError when there is none, or (without `bare`) none
    with a work tree.
    """
    questions = [
        "--is-bare-repository",
        "--show-object-format",
        "--absolute-git-dir",
        "--git-common-dir",
        "--git-path",
        "objects",
        "--show-prefix",
    ]
    said = asked("rev-parse", *questions, cwd=root)
    answers = said.text.split("\n")
    if len(answers) != len(questions) - 1:
        raise UsageError("the path of this repository has a line feed in it", "clone it elsewhere")
    is_bare, hash_name, folder, common, objects, prefix = answers
    if is_bare == "true" and not bare:
        raise UsageError("this git repository has no work tree", "clone it")
    return Clone(
        root,
        prefix,
        Path(folder),
        (root / common).resolve(),
        (root / objects).resolve(),
        hash_name,
        is_bare == "true",
    )


def resolve(root: Path, ref: str) -> str:
    """Return the hash of a commit; raises UsageError when it is not there."""
    if not _REF.fullmatch(ref):
        raise UsageError(f'"{ref}" is not the name of a commit', "use a branch, a tag or a hash")
    clone = opened(root)
    said = run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", cwd=root)
    if said.code < 0:
        raise failure(said, "rev-parse")
    if said.code:
        shallow = (clone.common / "shallow").exists()
        remedy = (
            f"this clone is shallow: git fetch origin {ref}"
            if shallow
            else "git branch -a lists what there is"
        )
        raise UsageError(f'there is no commit "{ref}" in this clone', remedy)
    return said.text


def entries(clone: Clone, commit: str, folders: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
    """Return mode and hash of everything that a commit has below `folders` of the root (without: below the
    root), by path from there.
    """
    wanted = [f"{clone.prefix}{folder}" for folder in folders] or ([clone.prefix] if clone.prefix else [])
    text = asked("ls-tree", "-r", "-z", "--full-tree", commit, "--", *wanted, cwd=clone.root).out.decode(
        "utf-8", "surrogateescape"
    )
    listed = (entry.partition("\t") for entry in text.split("\0") if entry)
    return {path.removeprefix(clone.prefix): (meta.split()[0], meta.split()[2]) for meta, _, path in listed}


def tree_at(root: Path, ref: str, folders: Iterable[str]) -> Tree:
    """Return the files below `folders` as they are at a commit; raises UsageError for a ref that is not
    there.
    """
    commit, clone = resolve(root, ref), opened(root)
    blobs = {
        path: sha
        for path, (mode, sha) in entries(clone, commit, folders).items()
        if mode in ("100644", "100755")
    }
    found = contents(root, blobs.values())
    return Tree({path: found[sha] for path, sha in blobs.items()})


def contents(root: Path, shas: Iterable[str], *, max_bytes: int | None = None) -> dict[str, bytes]:
    """Return objects by their hashes, larger ones cut after `max_bytes`; raises UsageError for one that is
    not in this clone.
    """
    wanted = sorted(set(shas))
    listed = asked(
        "cat-file", "--batch-check", cwd=root, data="".join(f"{sha}\n" for sha in wanted).encode()
    ).text.splitlines()
    if any(line.endswith(" missing") for line in listed):
        raise UsageError("this clone lacks contents of its history", "git clone without --filter")
    sizes = {line.split()[0]: int(line.split()[2]) for line in listed}
    found: dict[str, bytes] = {}
    for group in _groups(sizes, max_bytes):
        data = asked("cat-file", "--batch", cwd=root, data="".join(f"{sha}\n" for sha in group).encode()).out
        place = 0
        for sha in group:
            begin = data.index(b"\n", place) + 1
            place = begin + sizes[sha] + 1
            found[sha] = data[begin : place - 1]
    for sha in sizes.keys() - found.keys():
        first = _First(max_bytes or 0)
        asked("cat-file", "blob", sha, cwd=root, sink=first)
        found[sha] = bytes(first.data)
    return found


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
    """Return what lies below `folders` in HEAD, and in the commits that are being merged or applied;
    nothing where there is no commit.
    """
    wanted = tuple(folders)
    try:
        clone = opened(root)
    except UsageError:
        return BlobIds(frozenset())
    pairs: set[tuple[str, str]] = set()
    for ref in ("HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD"):
        said = run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=root)
        if said.code < 0:
            raise failure(said, "rev-parse")
        if not said.code:
            pairs |= {(path, sha) for path, (_, sha) in entries(clone, said.text, wanted).items()}
    return BlobIds(frozenset(pairs))


def status(root: Path, folders: Iterable[str], *, ignored: bool = False) -> Status:
    """Return what differs from HEAD below `folders`: untracked files too, and with `ignored` (letters
    `!!`) what an exclude pattern hides.

    The repository's own filters say what a file would be in git.
    """
    clone = opened(root)
    options = [
        "--porcelain",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        f"--ignored={'traditional' if ignored else 'no'}",
    ]
    wanted = [f"{clone.prefix}{folder}" for folder in folders]
    text = asked(
        "status", *options, "--", *(f":(top,literal){path}" for path in wanted), cwd=root
    ).out.decode("utf-8", "surrogateescape")
    listed = [entry for entry in text.split("\0") if entry]
    return Status({entry[3:].removeprefix(clone.prefix): entry[:2] for entry in listed})
