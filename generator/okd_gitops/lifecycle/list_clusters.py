"""cluster list: the clusters of a fleet with their age, their end and their owners."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.fleet.providers import Providers
from okd_gitops.lifecycle.committed import Committed
from okd_gitops.redaction import one_line
from okd_gitops.times import time_text

_LONGEST_AUTHOR = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCluster:
    """A cluster as `cluster list` shows it; `since` is empty where git does not know when it was added.

    `age` is in whole days, `end` the last day. `asked_by` is the author of the commit that added the file,
    `node_hours` what its machines have run since then, for a cluster that a provider installs.
    """

    name: str
    purpose: str
    release: str
    since: str
    age: int | None
    end: date | None
    is_leaving: bool
    owners: tuple[str, ...]
    asked_by: str = ""
    node_hours: int | None = None


def list_clusters(fleet: Fleet, committed: Committed, now: datetime) -> list[ListedCluster]:
    """Return the clusters of a fleet, those that end first before the others."""
    rows = []
    since, authors = committed.added, committed.authors

    for cluster in fleet.clusters:
        added = since.get(cluster.name)
        row = ListedCluster(
            name=cluster.name,
            purpose=str(cluster.spec.purpose),
            release=cluster.spec.release.version if cluster.spec.release else "",
            since=time_text(added) if added else "",
            age=max((now - added).days, 0) if added else None,
            end=cluster.spec.expires,
            is_leaving=cluster.spec.decommission,
            owners=cluster.owners,
            asked_by=one_line(authors.get(cluster.name, ""), _LONGEST_AUTHOR),
            node_hours=_node_hours(fleet.spec.providers, cluster, added, now),
        )
        rows.append(row)

    return sorted(rows, key=lambda row: (row.end or date.max, row.name))


def _node_hours(providers: Providers, cluster: Cluster, added: datetime | None, now: datetime) -> int | None:
    provider = cluster.spec.provider
    settings = providers.of(provider) if provider else None

    if settings is None or added is None:
        return None

    hours = max((now - added) // timedelta(hours=1), 0)
    return hours * settings.machines
