"""The base of a change: the commit, whether the tree contains it, and the fleet that it has."""

import re
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.check.change.repairs import repair_findings
from okd_gitops.errors import UsageError
from okd_gitops.finding import Finding, FindingsError, Severity, finding_of
from okd_gitops.fleet.kept_documents import KeptDocuments
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.system import git
from okd_gitops.system.disk import CATALOG, FLEET, MAX_GENERATED, ROOTS, leave_out, read_file, read_tree
from okd_gitops.system.draft import Draft
from okd_gitops.system.files_on_disk import different
from okd_gitops.system.kept import Kept
from okd_gitops.tree import Tree

# All that a check reads.
FOLDERS = (*ROOTS, "clusters", CATALOG, FLEET)
_NO_TOOL = 4
# What names a commit by its place in the history, which git cannot fetch.
_RELATIVE = re.compile(r"[~^@]|^[0-9a-f]{4,39}$")
_CLUSTER = "clusters/"


@dataclass(frozen=True, slots=True)
class Base:
    """The files of the base that a check reads.

    Sound ones are in `folder` as soon as somebody is told to read them there; others all are. `kept` has what
    the check of the tree has found of overlays that may be as they were.
    """

    folder: Path
    files: Tree
    is_sound: bool
    kept: Kept | None

    @classmethod
    def of(cls, draft: Draft, kept: Kept | None) -> "Base":
        """Return the base of which a draft has the files.

        Raises FindingsError for files that must not be read: what a cluster loses could not be told.
        """
        sound = draft.files_in(*FOLDERS)
        if sound is not None:
            return cls(draft.folder, sound, is_sound=True, kept=kept)

        draft.write_late()
        files = read_tree(draft.folder, *FOLDERS, max_file=MAX_GENERATED)
        return cls(draft.folder, files, is_sound=False, kept=kept)


def resolve_base(root: Path, base: str) -> str:
    """Return the hash of the base; raises UsageError with the fetch to run when it is not in this clone."""
    try:
        return git.resolve(root, base)
    except UsageError as error:
        if _RELATIVE.search(base):
            raise UsageError(
                error.reason,
                "fetch more of the history (git fetch --unshallow), or name a branch: --base origin/main",
            ) from None

        remote, _, branch = base.partition("/")
        ref = branch if remote == "origin" and branch else base
        fetch = f"git fetch origin {ref}:refs/remotes/origin/{ref}"
        raise UsageError(error.reason, f"{fetch}, then run again with --base origin/{ref}") from None


def edited_clusters(old: Tree, new: Tree) -> frozenset[str]:
    """Return the names of the clusters whose file is another one in `new` files, or was not there."""
    edited = [path for path in different(old, new) if _is_cluster_file(path) and path in new]

    return frozenset(path.removeprefix(_CLUSTER).removesuffix(".yaml") for path in edited)


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


def load_base(base: Base, now: Fleet) -> tuple[Fleet, list[Finding]]:
    """Return the fleet of the base, and what is wrong with the repair of a cluster file.

    A file that cannot be read must not keep its own repair from being merged: it is left out of the base, and
    `repairs` judges it. Raises FindingsError when there is more to it than cluster files.
    """
    folder = base.folder
    try:
        return load(folder, (), KeptDocuments(base.kept), base.files if base.is_sound else None), []
    except FindingsError as error:
        found = error
        files = {finding.location.file for finding in error.findings}

        if error.exit_code == _NO_TOOL or not all(_is_cluster_file(file) for file in files):
            raise

    findings: list[Finding] = []

    for file in sorted(files):
        faults = [finding for finding in found.findings if finding.location.file == file]
        cluster = now.cluster(file.removeprefix(_CLUSTER).removesuffix(".yaml"))
        findings += repair_findings(file, read_file(folder, file), faults, cluster)
        leave_out(folder, file)

    return load(folder), findings


def _is_cluster_file(file: str) -> bool:
    return file.startswith(_CLUSTER) and file.endswith(".yaml") and file.count("/") == 1
