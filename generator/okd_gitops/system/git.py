"""Find a clone, and what is committed in it.

Refs are checked against a pattern, and paths come after `--`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.git_program import failure, must_run, run

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/~^-]{0,200}")


@dataclass(frozen=True, slots=True)
class Status:
    """Paths that differ from HEAD, relative to the given root, with git's two status letters."""

    paths: Mapping[str, str]


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


def top_of(root: Path) -> Path | None:
    """Return the top of the work tree around `root`; None outside of a git repository."""
    result = run("rev-parse", "--show-toplevel", cwd=root)

    if result.code and "not a git repository" in result.err:
        return None

    if result.code:
        raise failure(result, "rev-parse")

    return Path(result.text)


def begin(root: Path, branch: str) -> None:
    """Make a git repository of a folder; its first commit will begin `branch`."""
    must_run("init", "--quiet", f"--initial-branch={branch}", cwd=root)


def branch_of(root: Path) -> str:
    """Return the name of the branch that is checked out, also one without a commit; empty for none."""
    return run("symbolic-ref", "--quiet", "--short", "HEAD", cwd=root).text


def address_of(root: Path, remote: str) -> str:
    """Return the address of a remote as this clone has it, which may hold a credential; empty for none."""
    return run("config", "--get", f"remote.{remote}.url", cwd=root).text


def resolve(root: Path, ref: str) -> str:
    """Return the hash of a commit; raises UsageError for an unknown one."""
    if not _REF.fullmatch(ref):
        raise UsageError(f'"{ref}" is not the name of a commit', "use a branch, a tag or a hash")

    clone = opened(root)
    result = run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", cwd=root)
    if result.code < 0:
        raise failure(result, "rev-parse")

    if result.code and ref == "HEAD":
        raise UsageError("this clone has no commit yet", "git add --all, then git commit")
    if result.code:
        is_shallow = (clone.common / "shallow").exists()
        fetch = f"this clone is shallow: git fetch origin {ref}"
        remedy = fetch if is_shallow else "git branch -a lists the branches"
        raise UsageError(f'there is no commit "{ref}" in this clone', remedy)

    return result.text


def has_commit(root: Path) -> bool:
    """Whether anything was committed to what is checked out."""
    return not run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=root).code


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
    below = [path for path in split_at_zeros(result.out) if path.startswith(clone.prefix)]

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
    """Return the full names of matching references with commits that HEAD does not have; none where there is
    no commit yet.
    """
    if not has_commit(root):
        return []

    result = must_run("for-each-ref", "--format=%(refname)", "--no-merged=HEAD", "--", *patterns, cwd=root)

    return result.text.splitlines()


def split_at_zeros(output: bytes) -> list[str]:
    """Return the entries of an output that is separated by zeros."""
    text = output.decode("utf-8", "surrogateescape")
    return [entry for entry in text.split("\0") if entry]


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

    return Status({entry[3:].removeprefix(clone.prefix): entry[:2] for entry in split_at_zeros(result.out)})
