"""The two sides of a change: the base and the tree that is checked out, each with its own rules.

Old and new rules both hold for a release, so that no change loosens what it is judged by.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from okd_gitops.evidence.records import Records
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.releases.cross_check import Learned
from okd_gitops.releases.graph import Graph
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.upgrade.followers import follower_of, followers
from okd_gitops.upgrade.plan import known_of
from okd_gitops.upgrade.question import Follower
from okd_gitops.upgrade.recorded import Recorded
from okd_gitops.upgrade.route import Known

_NO_GRAPH = Graph({}, frozenset(), {})


# Without slots, because a cached property needs a dictionary.
@dataclass(frozen=True, kw_only=True)
class Side:
    """A fleet as one side of the change has it; files that it names are below `root`."""

    root: Path
    fleet: Fleet
    records: Records
    now: datetime

    @cached_property
    def followers(self) -> list[Follower]:
        """The clusters that follow a stream."""
        return followers(self.fleet)

    @cached_property
    def known(self) -> Known:
        """What the records say, with the rules of this side, read once for all clusters.

        Raises FindingsError (sources-missing) when fleet.yaml does not say where releases are found.
        """
        learned = Learned(releases=(), graph=_NO_GRAPH)

        if self.records.releases:
            learned = self._recorded.learn(self.root, self.fleet.spec, ())

        return known_of(self.fleet.spec, learned, self.records)

    def trust(self, image: str, version: str) -> Trust:
        """Check the recorded signatures of an image with the keys of this side."""
        return self._recorded.verify(self.root, self.fleet.spec, image, version)

    def follower_to(self, cluster: Cluster, version: str) -> Follower:
        """Return a cluster that goes to a version; without a stream it counts to the one that has it.

        Then the clusters that follow this stream come before it, as before any other.
        """
        release = cluster.spec.release
        assert release is not None

        return follower_of(cluster, release, release.stream or self._stream_of(version))

    def _stream_of(self, version: str) -> str:
        record = self.records.release(version)
        listed = sorted(record.streams) if record else []
        followed = {follower.stream for follower in self.followers}

        return next((stream for stream in listed if stream in followed), listed[0] if listed else "")

    @property
    def _recorded(self) -> Recorded:
        return Recorded(self.records, self.now)
