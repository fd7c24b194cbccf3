"""Announced removals of long-term clusters: since when each is announced, by the history of its file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.system import git
from okd_gitops.times import time_text

# Until then whoever announced a removal is taken to be about to make it.
PATIENCE = timedelta(days=30)
_KEY = "^decommission: *true"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedRemoval:
    """A cluster that is to leave the fleet; `since` is None where the history does not show the commit."""

    cluster: str
    since: datetime | None

    def as_json(self) -> dict[str, object]:
        """Return the form that `--output json` prints."""
        return {"cluster": self.cluster, "since": time_text(self.since) if self.since else None}

    def words(self, now: datetime) -> str:
        """Return how old the announcement is."""
        if self.since is None:
            return "its removal is announced; this clone does not show since when"

        return f"its removal was announced on {self.since:%Y-%m-%d}, {(now - self.since).days} days ago"

    def is_forgotten(self, now: datetime) -> bool:
        """Whether the removal should have been made, or the announcement taken back."""
        return self.since is not None and now - self.since > PATIENCE


def announced_removals(root: Path, clusters: Iterable[Cluster]) -> Iterator[AnnouncedRemoval]:
    """Yield each announced removal with the time of the commit that announced it."""
    for cluster in clusters:
        if cluster.spec.decommission:
            since = git.came_in(root, f"clusters/{cluster.name}.yaml", _KEY)
            yield AnnouncedRemoval(cluster=cluster.name, since=since)
