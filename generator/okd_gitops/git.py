"""What is committed, and committing exactly what was generated.

This module and `branches` are all that uses GitPython, which had injection advisories (CVE-2022-24439, CVE-2023-40267 and others): refs are
checked against a pattern, paths come after `--`, and its objects leave neither module.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from okd_gitops.errors import ToolError, UsageError
from okd_gitops.tree import Tree

if TYPE_CHECKING:
    from git import Repo

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/~^-]{0,200}")
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
    """Paths that differ from HEAD, relative to the root that was asked about, with git's two status letters."""

    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit that is no merge, with the files it changes: path, content before and after, None where there is none."""

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


@contextmanager
def opened(root: Path, *, bare: bool = False) -> Iterator["Repo"]:
    """Open the repository around `root`; raises UsageError when there is none, or (without `bare`) none with a work tree."""
    from git import InvalidGitRepositoryError, NoSuchPathError, Repo

    try:
        repository = Repo(root, search_parent_directories=True)
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise UsageError("this is not a git repository", "git init") from None
    with repository:
        if repository.bare and not bare:
            raise UsageError("this git repository has no work tree", "clone it")
        yield repository


def prefix_of(repository: "Repo", root: Path) -> str:
    """Return the path from the top of the work tree to `root`, with a slash at its end, or nothing."""
    prefix = root.resolve().relative_to(Path(repository.working_dir).resolve()).as_posix()
    return "" if prefix == "." else f"{prefix}/"


def resolve(root: Path, ref: str) -> str:
    """Return the hash of a commit; raises UsageError when it is not there."""
    from git import GitCommandError

    if not _REF.fullmatch(ref):
        raise UsageError(f'"{ref}" is not the name of a commit', "use a branch, a tag or a hash")
    with opened(root) as repository:
        try:
            return str(repository.git.rev_parse("--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"))
        except GitCommandError:
            shallow = Path(repository.git_dir, "shallow").exists()
            remedy = f"this clone is shallow: git fetch origin {ref}" if shallow else "git branch -a lists what there is"
            raise UsageError(f'there is no commit "{ref}" in this clone', remedy) from None


def tree_at(root: Path, ref: str, folders: Iterable[str]) -> Tree:
    """Return the files below `folders` as they are at a commit; raises UsageError for a ref that is not there."""
    commit = resolve(root, ref)
    with opened(root) as repository:
        prefix = prefix_of(repository, root)
        names = repository.git.ls_tree("-r", "-z", "--full-tree", commit, "--", *(f"{prefix}{folder}" for folder in folders))
        entries = [entry.partition("\t") for entry in names.split("\0") if entry]
        blobs = {path: meta.split()[2] for meta, _, path in entries if meta.startswith(("100644", "100755"))}
        files = {path.removeprefix(prefix): repository.odb.stream(bytes.fromhex(sha)).read() for path, sha in blobs.items()}
    return Tree(files)


def committed_blobs(root: Path, folders: Iterable[str]) -> BlobIds:
    """Return what lies below `folders` in HEAD, and in the commits that are being merged or applied; nothing where there is no commit."""
    from git import GitCommandError

    try:
        with opened(root) as repository:
            prefix = prefix_of(repository, root)
            paths = [f"{prefix}{folder}" for folder in folders]
            others = [name for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD") if Path(repository.git_dir, name).exists()]
            trees = [repository.git.ls_tree("-r", "-z", "--full-tree", ref, "--", *paths) for ref in ("HEAD", *others)]
    except GitCommandError as error:
        if "Not a valid object name" in str(error.stderr):
            return BlobIds(frozenset())
        raise ToolError(f"git ls-tree failed: {str(error.stderr).strip()[-300:]}", "git status says what is wrong") from None
    except UsageError:
        return BlobIds(frozenset())
    entries = (entry.partition("\t") for tree in trees for entry in tree.split("\0") if entry)
    return BlobIds(frozenset((path.removeprefix(prefix), meta.split()[2]) for meta, _, path in entries))


def history(root: Path, limit: int, wanted: Callable[[bytes], bool], *, max_bytes: int) -> tuple[list[Revision], bool]:
    """Return the newest `limit` commits of HEAD that change YAML or JSON, oldest first, and whether this clone has no more of the history.

    Of each commit only the files are kept whose content, before or after, is wanted; larger ones are cut after `max_bytes` and one more. The
    repository may be anybody's: nothing that its configuration names is run, and nothing is fetched. Raises UsageError when
    it has no commit, or is a clone without all contents.
    """
    from git import GitCommandError

    quiet = {"GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    options = ["--no-merges", "--full-history", "--topo-order", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv"]
    # A repository's configuration can ask log for signatures, and name the program that checks them.
    options += ["--no-show-signature", "--no-color", "--no-notes", f"--max-count={limit}", "--format=tformat:%H %ct %s", "HEAD", "--"]
    with opened(root, bare=True) as repository, repository.git.custom_environment(**quiet):
        try:
            text = repository.git.log(*options, "*.yaml", "*.yml", "*.json")
        except GitCommandError:
            raise UsageError("this git repository has no commit", "look at the path") from None
        contents: dict[str, bytes | None] = {"0" * 40: None}

        def content(sha: str) -> bytes | None:
            if sha not in contents:
                data = repository.odb.stream(bytes.fromhex(sha)).read(max_bytes + 1)
                contents[sha] = data if wanted(data) else b""
            return contents[sha]

        revisions = []
        for sha, seconds, subject, entries in _log(text):
            try:
                pairs = [(path, content(old), content(new)) for old, new, path in entries]
            except ValueError:
                # GitPython's answer to an object that is not there.
                raise UsageError("this clone lacks contents of its history", "git clone without --filter") from None
            kept = tuple((path, old, new) for path, old, new in pairs if old or new)
            if kept:
                revisions.append(Revision(sha, seconds, subject, kept))
        return revisions[::-1], Path(repository.git_dir, "shallow").exists()


def _log(text: str) -> Iterator[tuple[str, int, str, list[tuple[str, str, str]]]]:
    """Yield commits of `git log --raw -z`: hash, time, subject, and (blob before, blob after, path) of regular files.

    A token of a change starts with a colon, the first of a commit after a line feed, and the next token is its path; a commit's own starts with
    its hash.
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


def status(root: Path, folders: Iterable[str]) -> Status:
    """Return what differs from HEAD below `folders`, untracked files included."""
    with opened(root) as repository:
        prefix = prefix_of(repository, root)
        text = repository.git.status("--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", *(f"{prefix}{f}" for f in folders))
    entries = [entry for entry in text.split("\0") if entry]
    return Status({entry[3:].removeprefix(prefix): entry[:2] for entry in entries})


def commit(root: Path, paths: Iterable[str], message: str, *, detached: bool = False) -> str:
    """Commit exactly `paths` as they are on disk (also deleted ones), whatever else is staged, and return the commit's hash.

    Signing and hooks of the user apply. Raises UsageError when the repository is in the middle of something, or git refuses.
    `detached` permits a commit that belongs to no branch yet.
    """
    from git import GitCommandError

    chosen = sorted(paths)
    with opened(root) as repository:
        for name, what in _STATES.items():
            if Path(repository.git_dir, name).exists():
                raise UsageError(f"{what} is under way in this repository", "finish it, or abort it, then run again")
        if repository.head.is_detached and not detached:
            raise UsageError("HEAD is detached: a commit here would belong to no branch", "git switch -c NAME")
        prefix = prefix_of(repository, root)
        full = [f"{prefix}{path}" for path in chosen]
        listed = "\0".join(full)
        try:
            with repository.git.custom_environment(GIT_LITERAL_PATHSPECS="1"):
                untracked = {path for path in repository.git.ls_files("-z", "--others", "--", *_short(full)).split("\0") if path}
                new = [path for path in full if path in untracked]
                if new:
                    # `commit --only` takes tracked files; an intent to add makes new ones tracked without staging content.
                    _stdin(repository, "add", "--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", data="\0".join(new))
                try:
                    _stdin(
                        repository, "commit", "--only", "--quiet", "--message", message, "--pathspec-from-file=-", "--pathspec-file-nul", data=listed
                    )
                except GitCommandError:
                    if new:
                        _stdin(
                            repository, "rm", "--cached", "--quiet", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", data="\0".join(new)
                        )
                    raise
        except GitCommandError as error:
            reason = str(error.stderr).strip().removeprefix("stderr: ").strip("'\" \n")
            raise UsageError(f"git refused the commit: {reason[-600:] or 'no reason given'}", "mend that, then run okd-gitops commit again") from None
        return str(repository.head.commit.hexsha)


def _short(paths: list[str]) -> list[str]:
    """Return the folders of many paths, or the few paths themselves: a command line has an end."""
    return paths if len(paths) < 200 else sorted({path.split("/")[0] for path in paths})


def _stdin(repository: "Repo", *arguments: str, data: str) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(data.encode())
        file.seek(0)
        repository.git.execute(["git", *arguments], istream=file)
