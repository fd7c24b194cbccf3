"""release replay: walk the history of any repository and say what okd-gitops would have said of each
change of a release.

Each file is judged for itself. Patches by JSON operations in files of their own name no kind, so their
changes are not seen.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from okd_gitops.check import history as core
from okd_gitops.finding import FindingsError
from okd_gitops.manifests.read import FOREIGN, read_all
from okd_gitops.releases.cluster_version import (
    MAX_BYTES,
    acknowledges,
    acks,
    cluster_name,
    mentions,
    read_state,
)
from okd_gitops.system.history import Revision, history


@dataclass(frozen=True, slots=True)
class Replay:
    """What is said of each change, counts, and what could not be read: `commit:path:line:column reason`."""

    said: tuple[core.Said, ...]
    counts: dict[str, int]
    unread: tuple[str, ...]
    commits: int
    shallow: bool


def replay(git_dir: Path, limit: int, *, until: datetime | None = None) -> Replay:
    """Judge the newest `limit` commits that change YAML in the repository at `git_dir`, which is only
    read; later ones than `until` are left out.

    Raises UsageError when it is not a git repository or has no commit.
    """
    revisions, shallow = history(
        git_dir, limit, lambda data: mentions(data) or acknowledges(data), max_bytes=MAX_BYTES
    )
    if until:
        revisions = [revision for revision in revisions if revision.seconds <= until.timestamp()]
    unread: list[str] = []
    changes = [change for revision in revisions for change in _changes(revision, unread)]
    said = core.replay(changes)
    return Replay(tuple(said), core.summary(said), tuple(unread), len(revisions), shallow)


def _changes(revision: Revision, unread: list[str]) -> list[core.Change]:
    states: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    acked = False
    for path, old, new in revision.changes:
        try:
            states.append((path, _state(path, old), _state(path, new)))
            acked |= bool(_acks(path, new) - _acks(path, old))
        except FindingsError as error:
            # What one side says is not known, so nothing can be said of the change.
            finding = error.findings[0]
            unread.append(f"{revision.sha[:9]} {finding.location} {finding.reason}")
    return [
        core.Change(
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


def _state(path: str, data: bytes | None) -> dict[str, Any]:
    return {
        name: each.value for name, each in read_state(path, data or b"").items() if each.value is not None
    }


def _acks(path: str, data: bytes | None) -> set[str]:
    return set(acks(read_all(path, data, bounds=FOREIGN))) if data and acknowledges(data) else set()
