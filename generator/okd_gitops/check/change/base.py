"""The base of a change: the commit, whether the tree contains it, and the fleet that it has."""

from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.finding import Finding, FindingsError, Severity, finding_of
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.system import git

_NO_TOOL = 4
_CLUSTER = "clusters/"


def resolve_base(root: Path, base: str) -> str:
    """Return the hash of the base; raises UsageError with the fetch to run when it is not in this clone."""
    try:
        return git.resolve(root, base)
    except UsageError as error:
        remote, _, branch = base.partition("/")
        ref = branch if remote == "origin" and branch else base
        raise UsageError(error.reason, f"git fetch origin {ref}, then run again") from None


def contains_base(root: Path, commit: str) -> list[Finding]:
    """Return a finding unless what is checked out contains the base: what is judged is what a merge gives."""
    contained = git.head_contains(root, commit)

    if contained:
        return []

    remedy = f"check out the merge result, or run: git merge {commit[:12]}"
    if contained is None:
        reason = f"this shallow clone does not show whether what is checked out contains {commit[:12]}"
        return [finding_of("base-not-merged", ".", reason, remedy, severity=Severity.WARNING)]

    reason = f"what is checked out does not contain {commit[:12]}"
    return [finding_of("base-not-merged", ".", reason, remedy)]


def load_base(folder: Path, now: Fleet) -> tuple[Fleet, list[Finding]]:
    """Return the fleet of the base, read below `folder`, and a finding for each cluster file left out of it.

    A file that this version cannot read must not keep its own repair from being merged; a file that is gone
    must not have been unreadable. Raises FindingsError when there is more to it than cluster files.
    """
    try:
        return load(folder), []
    except FindingsError as error:
        files = {finding.location.file for finding in error.findings}

        if error.exit_code == _NO_TOOL or not all(_is_cluster_file(file) for file in files):
            raise

    for file in files:
        (folder / file).unlink(missing_ok=True)

    return load(folder), [_unreadable(file, now) for file in sorted(files)]


def _is_cluster_file(file: str) -> bool:
    return file.startswith(_CLUSTER) and file.endswith(".yaml") and file.count("/") == 1


def _unreadable(file: str, now: Fleet) -> Finding:
    is_there = now.cluster(file.removeprefix(_CLUSTER).removesuffix(".yaml")) is not None
    reason = f"{file} could not be read at the base, so it counts as new"

    if not is_there:
        reason = f"{file} could not be read at the base, and it is gone now"

    return finding_of("base-unreadable", file, reason, severity=Severity.WARNING if is_there else None)
