"""What is committed, and committing exactly what was generated: by a person, in the clone that the person
works in.

Refs are checked against a pattern, paths come after `--`, and objects are read by `git cat-file`, which knows
every format of them.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import OkdGitopsError, ToolError, UsageError
from okd_gitops.redaction import plain
from okd_gitops.system.git_program import Said, asked, failure, run
from okd_gitops.tree import Tree

# The trailer of every commit that this tool makes, with its version.
GENERATED_BY = "Generated-By"
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/~^-]{0,200}")
# Objects are read in groups of so many bytes.
_GROUP = 32 << 20
_STATES = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisect",
}


@dataclass(frozen=True, slots=True)
class Status:
    """Paths that differ from HEAD, relative to the root that was asked about, with git's two status
    letters.
    """

    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit that is no merge, with the files it changes: path, content before and after, None where
    there is none.
    """

    sha: str
    seconds: int
    subject: str
    changes: tuple[tuple[str, bytes | None, bytes | None], ...]


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


_LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}
_LISTING = ("--pathspec-from-file=-", "--pathspec-file-nul")


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
