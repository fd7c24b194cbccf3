"""release replay: report what okd-gitops would have found in each past release change of a repository.

Each file is judged by itself. A file of JSON operations names no kind, so its changes are not seen.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from okd_gitops.check.history import JudgedPastChange, PastChange, judge_history, summary
from okd_gitops.finding import FindingsError
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.read import read_all
from okd_gitops.releases.cluster_version import mentions
from okd_gitops.releases.read_cluster_version import (
    MAX_BYTES,
    acknowledges,
    acks,
    cluster_name,
    read_state,
    without_removed,
)
from okd_gitops.system.history import Revision, history


@dataclass(frozen=True, slots=True)
class Replay:
    """The judged changes, counts, and what could not be read: `commit path:line:column reason`."""

    changes: tuple[JudgedPastChange, ...]
    counts: dict[str, int]
    unread: tuple[str, ...]
    commits: int
    shallow: bool


def replay(git_dir: Path, limit: int, *, until: datetime | None = None) -> Replay:
    """Judge the newest `limit` commits up to `until` that change YAML in the repository at `git_dir`.

    The repository is only read. Raises UsageError when it is not a git repository or has no commit.
    """
    revisions, shallow = history(git_dir, limit, _concerns_releases, max_bytes=MAX_BYTES)
    if until:
        revisions = [revision for revision in revisions if revision.seconds <= until.timestamp()]

    unread: list[str] = []
    changes = [change for revision in revisions for change in _changes(revision, unread)]
    judged = judge_history(_without_moved_files(changes))
    return Replay(tuple(judged), summary(judged), tuple(unread), len(revisions), shallow)


def _concerns_releases(data: bytes) -> bool:
    return mentions(data) or acknowledges(data)


def _changes(revision: Revision, unread: list[str]) -> list[PastChange]:
    """Return the changes of a commit, and note in `unread` the files that cannot be read."""
    states: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    acked = False

    for path, old, new in revision.changes:
        try:
            states.append((path, _state(path, old), _state(path, new)))
            acked |= bool(_acks(path, new) - _acks(path, old))
        except FindingsError as error:
            # Without one of the two sides the change cannot be judged.
            finding = error.findings[0]
            unread.append(f"{revision.sha[:9]} {finding.location} {finding.reason}")

    return [
        PastChange(
            commit=revision.sha,
            seconds=revision.seconds,
            subject=revision.subject,
            path=path,
            cluster=cluster_name(path),
            before=before,
            after=after,
            acked=acked,
        )
        for path, before, after in states
        if before != after
    ]


def _without_moved_files(changes: Sequence[PastChange]) -> list[PastChange]:
    """Leave out files that a commit only moved: the values that one file loses, another one gets."""
    lost = Counter(_values(change) for change in changes if not change.after)
    gained = Counter(_values(change) for change in changes if not change.before)
    left_to_drop = {"source": lost & gained, "target": lost & gained}
    kept: list[PastChange] = []

    for change in changes:
        moved = left_to_drop["target" if change.after else "source"]
        values = _values(change)
        if (change.before and change.after) or not moved[values]:
            kept.append(change)
        else:
            moved[values] -= 1

    return kept


def _values(change: PastChange) -> tuple[str, str]:
    """Return the commit and the values of a file that it adds or removes, in a form that compares."""
    state = change.after or change.before
    return change.commit, repr(sorted((name, str(value)) for name, value in state.items()))


def _state(path: str, data: bytes | None) -> dict[str, Any]:
    state = without_removed(read_state(path, data or b""))
    return {name: stated.value for name, stated in state.items()}


def _acks(path: str, data: bytes | None) -> set[str]:
    return set(acks(read_all(path, data, bounds=FOREIGN))) if data and acknowledges(data) else set()
