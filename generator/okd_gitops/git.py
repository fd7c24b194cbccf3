"""The one module that uses GitPython: what is committed, and committing exactly what was generated.

GitPython had injection advisories (CVE-2022-24439, CVE-2023-40267 and others): refs are checked against a pattern, paths come after `--`, and
its objects never leave this module.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from okd_gitops.errors import UsageError
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


@contextmanager
def _repository(root: Path) -> Iterator["Repo"]:
    from git import InvalidGitRepositoryError, NoSuchPathError, Repo

    try:
        repository = Repo(root, search_parent_directories=True)
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise UsageError("this is not a git repository", "git init") from None
    with repository:
        if repository.bare:
            raise UsageError("this git repository has no work tree", "clone it")
        yield repository


def _prefix(repository: "Repo", root: Path) -> str:
    """Return the path from the top of the work tree to `root`, with a slash at its end, or nothing."""
    prefix = root.resolve().relative_to(Path(repository.working_dir).resolve()).as_posix()
    return "" if prefix == "." else f"{prefix}/"


def tree_at(root: Path, ref: str, folders: Iterable[str]) -> Tree:
    """Return the files below `folders` as they are at a commit; raises UsageError for a ref that is not there."""
    from git import GitCommandError

    if not _REF.fullmatch(ref):
        raise UsageError(f'"{ref}" is not the name of a commit', "use a branch, a tag or a hash")
    with _repository(root) as repository:
        prefix = _prefix(repository, root)
        try:
            commit = repository.git.rev_parse("--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
            names = repository.git.ls_tree("-r", "-z", "--full-tree", commit, "--", *(f"{prefix}{folder}" for folder in folders))
        except GitCommandError:
            shallow = Path(repository.git_dir, "shallow").exists()
            remedy = f"this clone is shallow: git fetch origin {ref}" if shallow else "git branch -a lists what there is"
            raise UsageError(f'there is no commit "{ref}" in this clone', remedy) from None
        entries = [entry.partition("\t") for entry in names.split("\0") if entry]
        blobs = {path: meta.split()[2] for meta, _, path in entries if meta.startswith(("100644", "100755"))}
        files = {path.removeprefix(prefix): repository.odb.stream(bytes.fromhex(sha)).read() for path, sha in blobs.items()}
    return Tree(files)


def status(root: Path, folders: Iterable[str]) -> Status:
    """Return what differs from HEAD below `folders`, untracked files included."""
    with _repository(root) as repository:
        prefix = _prefix(repository, root)
        text = repository.git.status("--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", *(f"{prefix}{f}" for f in folders))
    entries = [entry for entry in text.split("\0") if entry]
    return Status({entry[3:].removeprefix(prefix): entry[:2] for entry in entries})


def commit(root: Path, paths: Iterable[str], message: str) -> str:
    """Commit exactly `paths` as they are on disk (also deleted ones), whatever else is staged, and return the commit's hash.

    Signing and hooks of the user apply. Raises UsageError when the repository is in the middle of something, or git refuses.
    """
    from git import GitCommandError

    chosen = sorted(paths)
    with _repository(root) as repository:
        for name, what in _STATES.items():
            if Path(repository.git_dir, name).exists():
                raise UsageError(f"{what} is under way in this repository", "finish it, or abort it, then run again")
        if repository.head.is_detached:
            raise UsageError("HEAD is detached: a commit here would belong to no branch", "git switch -c NAME")
        prefix = _prefix(repository, root)
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
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(data.encode())
        file.seek(0)
        repository.git.execute(["git", *arguments], istream=file)
