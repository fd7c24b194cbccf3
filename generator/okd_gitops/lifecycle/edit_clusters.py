"""Make the edits of the `cluster` commands in the repository: all or nothing, and committed where asked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.finding import Finding, FindingsError
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.fleet.placeholders import placeholder_warnings, placeholders
from okd_gitops.generate.commit import FOLDERS, commit
from okd_gitops.generate.generate import Edit, Edited, generate_edit
from okd_gitops.lifecycle.committed import past_uses, read_committed
from okd_gitops.lifecycle.expire_clusters import expire_clusters
from okd_gitops.lifecycle.list_clusters import ListedCluster, list_clusters
from okd_gitops.lifecycle.new_cluster import NewCluster, new_cluster
from okd_gitops.lifecycle.remove_cluster import Removal, remove_cluster
from okd_gitops.lifecycle.try_releases import Candidate, clusters_for, clusters_to_try
from okd_gitops.manifests.read import Document, read
from okd_gitops.system.git import status


@dataclass(frozen=True, slots=True)
class Saving:
    """How an edit is saved: not at all for a dry run, in the working tree, or also as a commit.

    With `whole`, somebody else commits it, so nothing may be left to fill in.
    """

    dry_run: bool = False
    commit: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What an edit was and wrote, with warnings; `subject` says it in a line, `removal` what vanishes,
    `commit` is the hash of its commit, `unfinished` are the files in which a person has to fill something in,
    `nothing` says why there was nothing to edit.
    """

    edited: Edited
    subject: str
    removal: Removal | None = None
    findings: tuple[Finding, ...] = ()
    commit: str = ""
    unfinished: tuple[str, ...] = ()
    nothing: str = ""


def add_cluster(root: Path, request: NewCluster, records: Records, saving: Saving, *, now: datetime) -> Saved:
    """Add a cluster to the fleet of `root`; `records` have its release. Raises like `new_cluster`.

    A file in which a person must fill something in is written alone, and refused where it would be committed.
    """
    committed = read_committed(root)
    past = list(past_uses(root, committed, now))

    def decide(fleet: Fleet) -> Edit:
        edit = new_cluster(fleet, request, records, committed, past=past, now=now)

        if edit.fleet is None and (saving.commit or saving.whole):
            raise FindingsError(placeholders(_documents(edit)))

        return edit

    edited = _edit(root, decide, saving)
    edit = edited.edit
    subject = f"Add cluster {request.name}"
    sha = _commit(root, edit, saving, subject)
    unfinished = () if edit.fleet else tuple(edit.paths)

    return Saved(
        edited=edited,
        subject=subject,
        findings=tuple(placeholder_warnings(_documents(edit))),
        commit=sha,
        unfinished=unfinished,
    )


def try_releases(root: Path, version: str, records: Records, saving: Saving, *, now: datetime) -> Saved:
    """Add the clusters on which a version, or the newest release of each stream, is tried.

    All of them are added or none. Raises like `clusters_to_try` and `new_cluster`.
    """
    ever = read_committed(root).ever

    def choose(fleet: Fleet) -> list[NewCluster]:
        return clusters_to_try(fleet, records, version, ever=ever)

    return _add_all(root, choose, records, saving, now)


def try_candidate(root: Path, candidate: Candidate, saving: Saving, *, now: datetime) -> Saved:
    """Add the clusters on which a candidate is tried, all of them or none.

    Raises like `clusters_for` and `new_cluster`.
    """
    return _add_all(root, lambda fleet: clusters_for(fleet, candidate), Records(), saving, now)


def _add_all(
    root: Path,
    choose: Callable[[Fleet], list[NewCluster]],
    records: Records,
    saving: Saving,
    now: datetime,
) -> Saved:
    committed = read_committed(root)
    past = list(past_uses(root, committed, now))
    requests: list[NewCluster] = []

    def decide(fleet: Fleet) -> Edit:
        requests[:] = choose(fleet)
        edit = Edit(fleet=None)

        for request in requests:
            so_far = edit.fleet or fleet
            added = new_cluster(so_far, request, records, committed, past=past, now=now)
            edit = Edit(fleet=added.fleet, put={**edit.put, **added.put})

        return edit

    edited = _edit(root, decide, saving)
    names = " and ".join(request.name for request in requests)
    subject = f"Try {', '.join(sorted({request.version for request in requests}))} on {names}"
    sha = _commit(root, edited.edit, saving, subject)
    nothing = "" if requests else "nothing to try: every release has its clusters, or has been tried"

    return Saved(edited=edited, subject=subject, commit=sha, nothing=nothing)


def drop_cluster(root: Path, name: str, saving: Saving) -> Saved:
    """Remove a cluster from the fleet of `root`, or announce that; raises like `remove_cluster`."""
    committed = read_committed(root)

    return _remove(root, lambda fleet: remove_cluster(fleet, name, committed), saving)


def drop_expired(root: Path, saving: Saving, *, now: datetime) -> Saved:
    """Remove the ephemeral clusters of `root` whose last day has passed."""
    committed = read_committed(root)

    return _remove(root, lambda fleet: expire_clusters(fleet, committed, now), saving)


def listed_clusters(root: Path, *, now: datetime, fleet: Fleet | None = None) -> list[ListedCluster]:
    """Return the clusters of `root`, those that end first before the others; `fleet`, if it was read
    already.
    """
    return list_clusters(fleet or load(root), read_committed(root), now)


def _remove(root: Path, choose: Callable[[Fleet], Removal], saving: Saving) -> Saved:
    removals: list[Removal] = []

    def decide(fleet: Fleet) -> Edit:
        removals.append(choose(fleet))
        return removals[-1].edit

    edited = _edit(root, decide, saving)
    removal = removals[-1]
    subject = _subject(removal)
    sha = _commit(root, edited.edit, saving, subject)

    nothing = "" if removal.leaving else "nothing to remove: no ephemeral cluster has passed its last day"

    return Saved(
        edited=edited,
        subject=subject,
        removal=removal,
        findings=removal.findings,
        commit=sha,
        nothing=nothing,
    )


def _subject(removal: Removal) -> str:
    """Return the subject of the commit that removes clusters, or announces that."""
    names = [leaving.name for leaving in removal.leaving]

    if removal.is_announced_only:
        return f"Announce the removal of cluster {names[0]}"

    return f"Remove cluster {names[0]}" if len(names) == 1 else f"Remove {len(names)} clusters"


def _documents(edit: Edit) -> list[Document]:
    return [read(path, data) for path, data in edit.put.items()]


def _edit(root: Path, decide: Callable[[Fleet], Edit], saving: Saving) -> Edited:
    if saving.commit:
        _refuse_other_changes(root)

    return generate_edit(root, decide, write=not saving.dry_run)


def _commit(root: Path, edit: Edit, saving: Saving, subject: str) -> str:
    """Commit what an edit wrote, where that is asked, and return the hash."""
    if not saving.commit or saving.dry_run or not edit.paths:
        return ""

    return commit(root, subject=subject).sha


def _refuse_other_changes(root: Path) -> None:
    """Raise UsageError when the commit would contain more than the edit."""
    changed = sorted(status(root, FOLDERS).paths)

    if changed:
        reason = f"the commit would contain other changes: {', '.join(changed[:3])}"
        raise UsageError(reason, "okd-gitops commit commits them first, or leave out --commit")
