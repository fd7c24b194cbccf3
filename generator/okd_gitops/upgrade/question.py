"""The question that the table of refusals answers: may this cluster go to this release now?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import ClusterState
from okd_gitops.fleet.upgrades import Window
from okd_gitops.releases.cross_check import Release
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.holds import Hold
from okd_gitops.upgrade.path import Hop, NoPath, Path


class Way(StrEnum):
    """How a cluster gets a release.

    A person may force an ephemeral cluster, name an emergency for one digest, or adopt what the cluster runs
    already. Everything else is ordinary.
    """

    ORDINARY = "ordinary"
    FORCE = "force"
    EMERGENCY = "emergency"
    ADOPTION = "adoption"


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A cluster that follows a stream, with what its file and its purpose say.

    `image` is the digest that it is to run now, `guarded` are the long-term clusters, `soak` is how long its
    wave runs a release before the next one starts, `holds` are why it refuses updates.
    """

    name: str
    purpose: str
    guarded: bool
    wave: int
    soak: timedelta
    stream: str
    version: Version
    image: str
    channel: str
    takes: frozenset[str]
    acks: frozenset[str] = frozenset()
    accept_risks: frozenset[str] = frozenset()
    hold: str = ""
    window: Window | None = None
    holds: tuple[Hold, ...] = ()
    # The minor of Kubernetes, where the file says it.
    kubernetes: str = ""


def earlier_clusters(cluster: Follower, fleet: Iterable[Follower]) -> list[Follower]:
    """Return the clusters of the same stream that have to pass a release before `cluster` takes it.

    A held cluster stops itself, not the fleet; that it was held is in git for everyone to see.
    """
    of_stream = [other for other in fleet if other.stream == cluster.stream]

    return [other for other in of_stream if other.wave < cluster.wave and not other.hold]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether one cluster goes to a release now, by a path, with everything that the answer rests on.

    `release` is what the first hop enters and `image` what the cluster is to run of it; `verified` says that
    its signature is good for exactly this image, and `key_fault` why its key is not for this cluster.
    `images` are the cluster's own version as the sources know it, at each registry. `vanished` are newer
    releases that the stream listed before and does not list any more. `acks` are given now, besides those in
    the file. `state` is what the cluster reported last, `way` how it gets the release.
    """

    cluster: Follower
    fleet: Sequence[Follower]
    path: Path | NoPath
    release: Release | None
    evidence: Sequence[Evidence]
    now: datetime
    image: str = ""
    verified: bool = False
    key_fault: str = ""
    vanished: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    minimum_age: timedelta = timedelta(0)
    freeze: str = ""
    acks: frozenset[str] = frozenset()
    state: ClusterState | None = None
    way: Way = Way.ORDINARY

    @property
    def hop(self) -> Hop | None:
        """The first hop."""
        return self.path.hops[0] if isinstance(self.path, Path) else None

    @property
    def earlier(self) -> list[Follower]:
        """The clusters that have to pass the release before this one, by wave and name."""
        return sorted(earlier_clusters(self.cluster, self.fleet), key=lambda other: (other.wave, other.name))

    def reports(self, cluster: Follower) -> list[Evidence]:
        """Return what a cluster reported of the release."""
        version = self.release.version.text if self.release else ""

        return [
            report for report in self.evidence if (report.cluster, report.version) == (cluster.name, version)
        ]

    def soak(self, wave: int) -> timedelta:
        """Return how long a wave runs a release: as long as its most careful cluster."""
        return max(other.soak for other in self.fleet if other.wave == wave)
