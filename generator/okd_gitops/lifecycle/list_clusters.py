"""cluster list: the clusters of a fleet with their age, their end and their owners."""

from dataclasses import dataclass
from datetime import date, datetime

from okd_gitops.fleet.load import Fleet
from okd_gitops.lifecycle.committed import Committed
from okd_gitops.times import time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCluster:
    """A cluster as `cluster list` shows it; `since` is empty where git does not know when it was added.

    `age` is in whole days, `end` the last day.
    """

    name: str
    purpose: str
    release: str
    since: str
    age: int | None
    end: date | None
    is_leaving: bool
    owners: tuple[str, ...]


def list_clusters(fleet: Fleet, committed: Committed, now: datetime) -> list[ListedCluster]:
    """Return the clusters of a fleet, those that end first before the others."""
    rows = []

    for cluster in fleet.clusters:
        added = committed.added.get(cluster.name)
        row = ListedCluster(
            name=cluster.name,
            purpose=str(cluster.spec.purpose),
            release=cluster.spec.release.version if cluster.spec.release else "",
            since=time_text(added) if added else "",
            age=max((now - added).days, 0) if added else None,
            end=cluster.spec.expires,
            is_leaving=cluster.spec.decommission,
            owners=cluster.owners,
        )
        rows.append(row)

    return sorted(rows, key=lambda row: (row.end or date.max, row.name))
