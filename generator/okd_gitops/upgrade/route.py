"""Routes: by which path a cluster goes on, by what its earlier waves have passed.

The first clusters go to the newest release that they can reach. All others go to the newest one that every
earlier wave has passed, by hops that those waves have passed too where there are such.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.releases.barriers import Barrier
from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.version import Version, outside_channel
from okd_gitops.upgrade.edges import Wanted, kind
from okd_gitops.upgrade.path import NoPath, Path, first_hop, plan
from okd_gitops.upgrade.question import Follower, earlier_clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The answers of the sources, the fleet's rules about paths and times, and what the hub has seen."""

    learned: Learned
    records: Records
    wanted: Wanted
    minimum_age: timedelta = timedelta(0)
    freeze: str = ""
    # The suite that clusters for tests must pass, empty for none, by the stream whose releases are tried.
    tried_streams: Mapping[str, str] = field(default_factory=dict)


def routes(
    fleet: Sequence[Follower], known: Known, target: Version | None = None
) -> dict[str, Path | NoPath]:
    """Return the path of each cluster, by name; with a target, the path to that."""
    return {cluster.name: _route(cluster, fleet, known, target) for cluster in fleet}


def first_releases(
    fleet: Sequence[Follower], paths: Mapping[str, Path | NoPath], known: Known
) -> list[Release]:
    """Return the releases of all first hops: those whose signatures need to be checked."""
    of_clusters = [first_release(cluster, paths[cluster.name], known) for cluster in fleet]
    releases = {release for release in of_clusters if release}

    return sorted(releases, key=lambda release: release.version)


def first_release(cluster: Follower, path: Path | NoPath, known: Known) -> Release | None:
    """Return the release of the first hop, as the cluster's stream lists it."""
    hop = first_hop(path)

    return known.learned.release(cluster.stream, hop.to) if hop else None


def _route(
    cluster: Follower, fleet: Sequence[Follower], known: Known, target: Version | None
) -> Path | NoPath:
    graph = known.learned.graph
    accepted = _accepted(cluster, known)
    wanted = wanted_by(cluster, known)

    if target is not None:
        return plan(graph, cluster.version, target, wanted)

    wished = _wished(cluster, accepted)
    proven = wished & _proven(cluster, fleet, known)

    if not proven or max(proven) <= cluster.version:
        return plan(graph, cluster.version, None, replace(wanted, stays_in_channel=True))

    by_proven_hops = plan(graph, cluster.version, max(proven), replace(wanted, accepted=_texts(proven)))

    if isinstance(by_proven_hops, Path):
        return by_proven_hops

    return plan(graph, cluster.version, max(proven), wanted)


def wanted_by(cluster: Follower, known: Known) -> Wanted:
    """Return what one cluster takes, by the rules of the fleet and its own."""
    return replace(
        known.wanted,
        accepted=_texts(_accepted(cluster, known)),
        kinds=cluster.takes,
        channel=cluster.channel,
        accepted_risks=known.wanted.accepted_risks | cluster.accept_risks,
        accepted_edges=cluster.accepted_edges,
        holds=cluster.holds,
        barriers=_open_barriers(cluster, known),
    )


def _open_barriers(cluster: Follower, known: Known) -> tuple[Barrier, ...]:
    """Return the barriers without the gates that the cluster's file acknowledges already."""
    return tuple(barrier for barrier in known.wanted.barriers if barrier.name not in cluster.acks)


def _accepted(cluster: Follower, known: Known) -> set[Version]:
    """Return the versions that the cluster's stream accepts."""
    return {release.version for release in known.learned.releases if cluster.stream in release.offered_in}


def _wished(cluster: Follower, accepted: Collection[Version]) -> set[Version]:
    """Return the accepted versions in the cluster's channel, of the kinds that it takes.

    A channel like stable-scos-4.22 keeps the cluster in that line until a person changes it.
    """
    in_channel = {version for version in accepted if not outside_channel(version.text, cluster.channel)}
    return {version for version in in_channel if kind(version) in cluster.takes}


def newer_releases(cluster: Follower, known: Known) -> tuple[Version, ...]:
    """Return the accepted releases that the cluster takes and has not got, the newest first.

    A channel in which the stream has nothing bounds nothing: it contradicts the stream.
    """
    accepted = _accepted(cluster, known)
    of_kinds = {version for version in accepted if kind(version) in cluster.takes}
    newer = {version for version in _wished(cluster, accepted) or of_kinds if version > cluster.version}

    return tuple(sorted(newer, reverse=True))


def _proven(cluster: Follower, fleet: Sequence[Follower], known: Known) -> set[Version]:
    """Return the releases that every cluster of an earlier wave has passed; none without such a cluster."""
    earlier = earlier_clusters(cluster, fleet)

    if not earlier:
        return set()

    return set.intersection(*(_passed(other, known) for other in earlier))


def _passed(cluster: Follower, known: Known) -> set[Version]:
    reports = [
        report for report in known.records.evidence if report.cluster == cluster.name and report.passed
    ]

    return {Version.parse(report.version) for report in reports if not _is_too_early(report, known)}


def _is_too_early(report: Evidence, known: Known) -> bool:
    """Whether a report was finished before its release was published: it proves nothing."""
    release = known.learned.known(Version.parse(report.version))

    return bool(release and release.published and report.finished < release.published)


def _texts(versions: Iterable[Version]) -> frozenset[str]:
    return frozenset(version.text for version in versions)
