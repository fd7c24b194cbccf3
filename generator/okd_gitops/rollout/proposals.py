"""Proposals that people closed: what the bot pushed is noted, and what is gone is not pushed again.

The branch of a proposal disappears when people merge it, when they close it, or when the bot takes it back.
The clusters' files tell the first, and before the third the bot deletes its notes; what is left was closed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from okd_gitops.errors import RefusedByRemoteError, RemoteError
from okd_gitops.evidence.proposal import FOLDER, ProposalNote
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.write_records import write_records
from okd_gitops.finding import Finding, finding_of, matching_names
from okd_gitops.releases.version import Version
from okd_gitops.rollout.publish import Branch
from okd_gitops.system.branches import RaceError
from okd_gitops.upgrade.decide import Upgrade

_SUBJECT = "records: what is proposed"

Notes = Mapping[str, ProposalNote]


@dataclass(frozen=True, slots=True)
class Change:
    """A note as it was read (None: there was none), and as a run leaves it (None: it goes)."""

    before: ProposalNote | None
    after: ProposalNote | None


def seen_now(recorded: Iterable[ProposalNote], heads: Mapping[str, str], now: datetime) -> list[ProposalNote]:
    """Return the notes as the remote's branches have them, which must have been read after the notes.

    A note without its branch is closed, and one whose branch was restored as it was is open again.
    """
    return [_seen(note, heads.get(note.branch), now) for note in recorded]


def _seen(note: ProposalNote, head: str | None, now: datetime) -> ProposalNote:
    if note.closed is None and head is None:
        return note.model_copy(update={"closed": now})

    if note.closed and head == note.commit:
        return note.model_copy(update={"closed": None})

    return note


def closed_branches(
    recorded: Iterable[ProposalNote], heads: Mapping[str, str], is_closed: Callable[[str, str], bool]
) -> set[str]:
    """Return the noted branches that exist as they were pushed, and whose pull requests people closed."""
    as_pushed = {note.branch: note.commit for note in recorded if heads.get(note.branch) == note.commit}

    return {branch for branch, commit in as_pushed.items() if is_closed(branch, commit)}


def without_reopened(notes: Sequence[ProposalNote], patterns: Collection[str]) -> list[ProposalNote]:
    """Return the notes without closed ones of the clusters that match; raises UsageError for a pattern that
    matches no cluster with a note.
    """
    names = {note.cluster for note in notes}
    reopened = matching_names(patterns, names, kind="cluster with a proposal")

    return [note for note in notes if not (note.closed and note.cluster in reopened)]


def noted(
    notes: Iterable[ProposalNote],
    upgrades: Iterable[Upgrade],
    published: Sequence[tuple[Branch, Sequence[Upgrade]]],
    *,
    superseded: Collection[str],
    now: datetime,
) -> list[ProposalNote]:
    """Return the notes after a run: with what is published now, without what has ended.

    `upgrades` are those of all clusters; `superseded` are the branches that the bot takes back.
    """
    versions = {upgrade.cluster.name: upgrade.cluster.version for upgrade in upgrades}
    left = {note.path: note for note in notes if _is_pending(note, versions, superseded)}
    names = {branch.name for branch, _ in published}
    # A cluster that waits again has left the branch that was made anew.
    kept = {path: note for path, note in left.items() if note.closed or note.branch not in names}
    new = [_note(branch, upgrade, left, now) for branch, of_wave in published for upgrade in of_wave]

    return list((kept | {note.path: note for note in new}).values())


def _is_pending(note: ProposalNote, versions: Mapping[str, Version], superseded: Collection[str]) -> bool:
    """Whether the cluster follows a stream, has not got the release, and the bot does not take it back."""
    version = versions.get(note.cluster)
    is_open = note.closed is None and note.branch in superseded

    return version is not None and version < Version.parse(note.version) and not is_open


def _note(branch: Branch, upgrade: Upgrade, earlier: Notes, now: datetime) -> ProposalNote:
    assert upgrade.release is not None
    note = ProposalNote(
        cluster=upgrade.cluster.name,
        version=upgrade.release.version.text,
        image=upgrade.release.signed,
        wave=upgrade.cluster.wave,
        commit=branch.sha,
        opened=now,
    )
    old = earlier.get(note.path)
    is_same = old is not None and old.closed is None and old.image == note.image

    return note.model_copy(update={"opened": old.opened}) if old and is_same else note


def write_notes(
    root: Path, url: str, before: Iterable[ProposalNote], after: Iterable[ProposalNote]
) -> list[Finding]:
    """Write the notes that changed to the remote's branch `records`; what another run changed since stays.

    Returns a warning when the remote does not take them: the proposals themselves stand.
    """
    changes = _changes(before, after)

    def change(records: Records) -> Mapping[str, bytes | None]:
        recorded = {note.path: note for note in records.proposals}
        mine = {path: item for path, item in changes.items() if recorded.get(path) == item.before}

        return {path: item.after.text().encode() if item.after else None for path, item in mine.items()}

    if not changes:
        return []

    try:
        write_records(root, url, _SUBJECT, change)
    except (RemoteError, RefusedByRemoteError, RaceError) as error:
        return [finding_of("proposal-not-noted", FOLDER, error.reason)]

    return []


def _changes(before: Iterable[ProposalNote], after: Iterable[ProposalNote]) -> dict[str, Change]:
    old = {note.path: note for note in before}
    new = {note.path: note for note in after}
    changes = {path: Change(old.get(path), new.get(path)) for path in old | new}

    return {path: change for path, change in changes.items() if change.before != change.after}
