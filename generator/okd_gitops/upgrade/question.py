"""What the table of refusals answers: may this cluster go to this release now?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from okd_gitops.evidence.proposal import ProposalNote
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import ClusterState
from okd_gitops.fleet.upgrades import Accepted, Window
from okd_gitops.releases.cross_check import Release
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.holds import Hold
from okd_gitops.upgrade.path import Hop, NoPath, Path, first_hop


class Way(StrEnum):
    """How a cluster gets a release.

    A person may force an ephemeral cluster, name an emergency for one digest, or adopt what the cluster runs
    already; a new cluster is installed with one. Everything else is ordinary.
    """

    ORDINARY = "ordinary"
    FORCE = "force"
    EMERGENCY = "emergency"
    ADOPTION = "adoption"
    INSTALLATION = "installation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A cluster that follows a stream, with what its file and its purpose say.

    `image` is the digest that it is to run now, `guarded` are the long-term clusters, `soak` is how long its
    wave runs a release before the next one starts, `holds` are why it refuses updates, `accepts` are the
    refusals that people accepted.
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
    accepts: tuple[Accepted, ...] = ()
    hold: str = ""
    window: Window | None = None
    holds: tuple[Hold, ...] = ()
    # The minor of Kubernetes, where the file says it.
    kubernetes: str = ""
    # Why the emergency that its file names cannot wait.
    emergency: str = ""
    cluster_id: str = ""

    @property
    def accepted_edges(self) -> frozenset[tuple[str, str]]:
        """The missing edges that a person accepted."""
        return frozenset((item.source, item.to) for item in self.accepts if item.source)

    def accepted(self, name: str, version: Version) -> bool:
        """Whether a person accepted a refusal for a release."""
        return any((item.name, item.to) == (name, version.text) for item in self.accepts)

    def comes_before(self, other: "Follower") -> bool:
        """Whether this cluster has to pass a release first: it is of an earlier wave, or in the same wave a
        test cluster where the other one is long-term.
        """
        if self.stream != other.stream:
            return False

        if self.wave == other.wave:
            return other.guarded and not self.guarded

        return self.wave < other.wave


def clusters_before(cluster: Follower, fleet: Iterable[Follower]) -> list[Follower]:
    """Return all clusters of the earlier waves, by wave and name, with those that are held."""
    before = [other for other in fleet if other.comes_before(cluster)]

    return sorted(before, key=lambda other: (other.wave, other.name))


def earlier_clusters(cluster: Follower, fleet: Iterable[Follower]) -> list[Follower]:
    """Return the clusters that have to pass a release before `cluster` takes it, by wave and name.

    A held cluster stops itself, not the fleet; that it was held is in git for everyone to see.
    """
    return [other for other in clusters_before(cluster, fleet) if not other.hold]


@dataclass(frozen=True, slots=True)
class Answer:
    """Why a refusal applies: the detail, or the whole sentence, and when to ask again.

    `values` stand in the remedy in place of words such as VERSION.
    """

    detail: str = ""
    sentence: str = ""
    until: datetime | None = None
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether one cluster goes to a release now, by a path, with everything that the answer rests on.

    `release` is what the first hop enters, `image` what the cluster is to run of it, and `record` what the
    hub has seen of it; `verified` says that its signature is good for exactly this image, and `key_fault` why
    its key is not for this cluster. Of the cluster's own version, `images` are known at each registry and
    `withdrawn` is why it must not be used. `newer` are the accepted releases that the cluster takes and has
    not got, the newest first; `vanished` are newer ones that the stream does not list any more. `acks` are
    given now, besides those in the file. `states` are what clusters reported last, by name, `closed` is the
    proposal of this release that a person closed, `way` is how the release comes. `needed_trials` are
    the clusters for tests that a long-term cluster waits for, and `suite` is what they must pass, if any.
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
    withdrawn: str = ""
    newer: tuple[Version, ...] = ()
    record: ReleaseRecord | None = None
    minimum_age: timedelta = timedelta(0)
    freeze: str = ""
    acks: frozenset[str] = frozenset()
    states: Mapping[str, ClusterState] = field(default_factory=dict)
    closed: ProposalNote | None = None
    way: Way = Way.ORDINARY
    needed_trials: tuple[str, ...] = ()
    suite: str = ""

    @property
    def hop(self) -> Hop | None:
        """The first hop."""
        return first_hop(self.path)

    @property
    def state(self) -> ClusterState | None:
        """What the cluster reported last."""
        return self.states.get(self.cluster.name)

    @property
    def earlier(self) -> list[Follower]:
        """The clusters that have to pass the release before this one, by wave and name."""
        return earlier_clusters(self.cluster, self.fleet)

    @property
    def published(self) -> datetime | None:
        """When the release was published, by the sources or as the hub recorded it."""
        of_sources = self.release.published if self.release else None

        return of_sources or (self.record.published if self.record else None)

    def accepted(self, name: str) -> bool:
        """Whether the cluster's file accepts a refusal for the release."""
        return self.release is not None and self.cluster.accepted(name, self.release.version)

    def reports(self, cluster: Follower) -> list[Evidence]:
        """Return what a cluster reported of the release, oldest first.

        A report of another clusterID is of another cluster that had the name before, and one of an emergency
        is none for other clusters.
        """
        version = self.release.version.text if self.release else ""

        of_name = [item for item in self.evidence if (item.cluster, item.version) == (cluster.name, version)]
        same_id = (None, cluster.cluster_id)
        mine = [item for item in of_name if item.cluster_id in same_id and not item.emergency]

        return sorted(mine, key=lambda report: (report.finished, report.path, report.image))

    def soak(self, wave: int) -> timedelta:
        """Return how long a wave runs a release: as long as its most careful cluster."""
        return max(other.soak for other in self.fleet if other.wave == wave)
