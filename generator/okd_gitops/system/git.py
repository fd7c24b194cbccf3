"""Read what is committed.

Refs are checked against a pattern, paths come after `--`, and objects are read by `git cat-file`, which knows
every format of them.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.git_program import failure, must_run, run
from okd_gitops.tree import Tree

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/~^-]{0,200}")
# Objects are read in groups of so many bytes.
_GROUP = 32 << 20
REGULAR_FILES = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class Status:
    """Paths that differ from HEAD, relative to the given root, with git's two status letters."""

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
    """A repository as git finds it around `root`.

    `prefix` leads from the top of its work tree to `root`, and ends with a slash or is empty.
    """

    root: Path
    prefix: str
    folder: Path
    common: Path
    objects: Path
    hash: str


def opened(root: Path, *, bare: bool = False) -> Clone:
    """Find the repository around `root`; raises UsageError unless it has a work tree, or `bare` is given."""
    questions = [
        "--is-bare-repository",
        "--show-object-format",
        "--absolute-git-dir",
        "--git-common-dir",
        "--git-path",
        "objects",
        "--show-prefix",
    ]
    answers = must_run("rev-parse", *questions, cwd=root).text.split("\n")
    # --git-path and its argument are one question.
    if len(answers) != len(questions) - 1:
        raise UsageError("the path of this repository has a line feed in it", "clone it elsewhere")

    is_bare, hash_name, folder, common, objects, prefix = answers
    if is_bare == "true" and not bare:
        raise UsageError("this git repository has no work tree", "clone it")

    return Clone(
        root,
        prefix,
        Path(folder),
        common=(root / common).resolve(),
        objects=(root / objects).resolve(),
        hash=hash_name,
    )


def resolve(root: Path, ref: str) -> str:
    """Return the hash of a commit; raises UsageError for an unknown one."""
    if not _REF.fullmatch(ref):
        raise UsageError(f'"{ref}" is not the name of a commit', "use a branch, a tag or a hash")

    clone = opened(root)
    result = run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", cwd=root)
    if result.code < 0:
        raise failure(result, "rev-parse")

    if result.code:
        is_shallow = (clone.common / "shallow").exists()
        fetch = f"this clone is shallow: git fetch origin {ref}"
        remedy = fetch if is_shallow else "git branch -a lists the branches"
        raise UsageError(f'there is no commit "{ref}" in this clone', remedy)

    return result.text


def committed_at(root: Path, commit: str) -> datetime:
    """Return when a commit was made, by the clock of who made it, in UTC."""
    result = must_run("log", "-1", "--no-show-signature", "--format=%ct", commit, "--", cwd=root)

    return datetime.fromtimestamp(int(result.text), UTC)


def came_in(root: Path, path: str, pattern: str) -> datetime | None:
    """Return when the commit was made that brought a line like `pattern` (a regular expression) into a file
    of HEAD; None if it is not committed, or if a shallow clone hides the commit.
    """
    if (opened(root).common / "shallow").exists():
        return None

    words = ("log", "-1", "--no-show-signature", "--format=%ct", "--pickaxe-regex", f"-S{pattern}")
    result = must_run(*words, "HEAD", "--", path, cwd=root)

    return datetime.fromtimestamp(int(result.text), UTC) if result.text else None


def changed_paths(root: Path, commit: str) -> list[str]:
    """Return the paths below `root` that differ between a commit and HEAD."""
    clone = opened(root)
    result = must_run("diff-tree", "-r", "-z", "--name-only", "--no-renames", commit, "HEAD", "--", cwd=root)
    below = [path for path in _split(result.out) if path.startswith(clone.prefix)]

    return [path.removeprefix(clone.prefix) for path in below]


def head_contains(root: Path, commit: str) -> bool | None:
    """Whether HEAD contains a commit; None where a shallow clone cannot tell."""
    result = run("merge-base", "--is-ancestor", commit, "HEAD", cwd=root)

    if result.code not in (0, 1):
        raise failure(result, "merge-base")

    if result.code == 0:
        return True

    if not (opened(root).common / "shallow").exists():
        return False

    # A shallow clone hides the parents of its oldest commit; the commit itself names them.
    lines = must_run("cat-file", "commit", "HEAD", cwd=root).text.splitlines()

    return True if f"parent {commit}" in lines else None


def references(root: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the hashes of those references (full names) that this clone has."""
    result = must_run("for-each-ref", "--format=%(objectname)\t%(refname)", "--", *names, cwd=root)
    pairs = [line.split("\t") for line in result.text.splitlines()]

    return {name: sha for sha, name in pairs}


def short_references(root: Path) -> list[str]:
    """Return the names of branches, fetched branches and tags, as people type them."""
    return must_run("for-each-ref", "--format=%(refname:short)", cwd=root).text.splitlines()


def unmerged(root: Path, patterns: Iterable[str]) -> list[str]:
    """Return the full names of matching references with commits that HEAD does not have."""
    result = must_run("for-each-ref", "--format=%(refname)", "--no-merged=HEAD", "--", *patterns, cwd=root)

    return result.text.splitlines()


def entries(clone: Clone, commit: str, folders: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
    """Return mode and hash of all that a commit has below `folders` of the root, by path from the root.

    Without folders it is all below the root.
    """
    wanted = [f"{clone.prefix}{folder}" for folder in folders]
    if not wanted and clone.prefix:
        wanted = [clone.prefix]

    result = must_run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *wanted, cwd=clone.root)
    listed: dict[str, tuple[str, str]] = {}

    for entry in _split(result.out):
        metadata, _, path = entry.partition("\t")
        mode, _, sha = metadata.split(" ")
        listed[path.removeprefix(clone.prefix)] = (mode, sha)

    return listed


def tree_at(root: Path, ref: str, folders: Iterable[str]) -> Tree:
    """Return the files below `folders` as they are at a commit; raises UsageError for an unknown ref."""
    commit, clone = resolve(root, ref), opened(root)
    listed = entries(clone, commit, folders)

    blobs = {path: sha for path, (mode, sha) in listed.items() if mode in REGULAR_FILES}
    contents_of = contents(root, blobs.values())

    return Tree({path: contents_of[sha] for path, sha in blobs.items()})


def contents(root: Path, shas: Iterable[str], *, max_bytes: int | None = None) -> dict[str, bytes]:
    """Return objects by their hashes, larger ones cut after `max_bytes`.

    Raises UsageError for one that is not in this clone.
    """
    result = must_run("cat-file", "--batch-check", cwd=root, data=_lines(sorted(set(shas))))
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


def _split(output: bytes) -> list[str]:
    """Return the entries of an output that is separated by zeros."""
    text = output.decode("utf-8", "surrogateescape")
    return [entry for entry in text.split("\0") if entry]


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


def status(root: Path, folders: Iterable[str], *, ignored: bool = False) -> Status:
    """Return what differs from HEAD below `folders`, also untracked files.

    With `ignored` it has what an exclude pattern hides, with the letters `!!`. The repository's own filters
    decide what a file would be in git.
    """
    clone = opened(root)
    options = [
        "--porcelain",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        f"--ignored={'traditional' if ignored else 'no'}",
    ]
    wanted = [f":(top,literal){clone.prefix}{folder}" for folder in folders]
    result = must_run("status", *options, "--", *wanted, cwd=root)

    return Status({entry[3:].removeprefix(clone.prefix): entry[:2] for entry in _split(result.out)})
