"""What every release command begins with: fleet, releases, evidence, and a decision for each cluster."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from okd_gitops.errors import OkdGitopsError, UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.finding import matching_names, nearest
from okd_gitops.fleet.fleet_file import FleetSpec, releases_of
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.fleet.upgrades import Releases
from okd_gitops.releases.barriers import Barrier, known_barriers
from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.lines import required_acks
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.releases.version import Version
from okd_gitops.times import parse_duration
from okd_gitops.upgrade.decide import Upgrade, upgrades
from okd_gitops.upgrade.edges import Wanted
from okd_gitops.upgrade.followers import followers
from okd_gitops.upgrade.own_releases import upstream_streams, with_own_releases
from okd_gitops.upgrade.question import Follower, earlier_clusters
from okd_gitops.upgrade.recorded import trust_of
from okd_gitops.upgrade.refusals import Verdict
from okd_gitops.upgrade.route import Known, first_releases, routes
from okd_gitops.upgrade.sources import Sources
from okd_gitops.upgrade.vanished import vanished_findings


class BlockedError(OkdGitopsError):
    """An upgrade that was asked for by name is not possible."""

    exit_code = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The upgrades of all followers, by wave and name, with all that they rest on.

    `trust` has what is known of the signature of each version that a first hop enters.
    """

    fleet: Fleet
    upgrades: tuple[Upgrade, ...]
    trust: Mapping[str, Trust]
    records: Records
    learned: Learned
    now: datetime

    @property
    def waves(self) -> list[int]:
        """The waves of the fleet, in order."""
        return sorted({upgrade.cluster.wave for upgrade in self.upgrades})

    def first(self, upgrade: Upgrade) -> bool:
        """Whether no cluster of an earlier wave has to try a release before this one."""
        return not earlier_clusters(upgrade.cluster, [other.cluster for other in self.upgrades])


def outlook(
    root: Path,
    sources: Sources,
    records: Records,
    *,
    now: datetime,
    target: str = "",
    acks: Collection[str] = (),
    forced: Collection[str] = (),
    fleet: Fleet | None = None,
) -> Outlook:
    """Decide the next upgrade of every cluster of `root` that follows a stream; `target` limits the release.

    `records` are what the hub has seen. `forced` are names of ephemeral clusters that take the target past
    every refusal. `fleet` is that of `root`, if it was read already. Raises FindingsError for bad files and
    answers, NetworkError when a source cannot be reached.
    """
    fleet = fleet or load(root)
    spec = fleet.spec
    clusters = followers(fleet)
    streams = sorted({cluster.stream for cluster in clusters})
    answered = with_own_releases(sources.learn(root, spec, upstream_streams(streams, records)), records)
    vanished = vanished_findings(answered, records, streams)
    learned = replace(
        answered,
        findings=(*answered.findings, *vanished),
    )

    known = known_of(spec, learned, records)
    goal = _goal(target, learned) if target else None
    forced_to = _forced(forced, clusters, learned, goal)

    paths = routes(clusters, known, goal)
    signed = [release for release in first_releases(clusters, paths, known) if release.signed]
    trust = {
        release.version.text: trust_of(root, sources, records, spec, release, now=now) for release in signed
    }

    decided = upgrades(clusters, paths, known, trust=trust, now=now, acks=acks, forced=forced_to)

    return Outlook(
        fleet=fleet,
        upgrades=tuple(decided),
        trust=trust,
        records=records,
        learned=learned,
        now=now,
    )


def known_of(fleet: FleetSpec, learned: Learned, records: Records) -> Known:
    """Return what is known, with the rules that fleet.yaml has about paths, times and trials."""
    releases = releases_of(fleet)

    return Known(
        learned=learned,
        records=records,
        wanted=_wanted(releases),
        minimum_age=parse_duration(releases.minimum_age),
        freeze=releases.freeze or "",
        tried_streams={trials.stream: trials.conformance for trials in fleet.trials},
    )


def matching(upgrades: Sequence[Upgrade], patterns: Collection[str]) -> list[Upgrade]:
    """Return the upgrades of the clusters that match a pattern; without patterns, all of them.

    Raises UsageError for a pattern that matches nothing.
    """
    if not patterns:
        return list(upgrades)

    names = [upgrade.cluster.name for upgrade in upgrades]
    matched = matching_names(patterns, names, kind="cluster that follows a stream")

    return [upgrade for upgrade in upgrades if upgrade.cluster.name in matched]


def chosen(outlook: Outlook, patterns: Collection[str], *, first: bool) -> list[Upgrade]:
    """Return the matching upgrades of the clusters that come first, or of all others.

    Raises UsageError when all matching ones are of the other kind.
    """
    candidates = matching(outlook.upgrades, patterns)
    upgrades = [upgrade for upgrade in candidates if upgrade.forced or outlook.first(upgrade) == first]

    if patterns and not upgrades:
        command = "promote" if first else "update"
        reason = "no cluster comes before these"

        if first:
            reason = "clusters of earlier waves try a release before these"

        raise UsageError(reason, f"okd-gitops release {command} moves them")

    return upgrades


def due(upgrades: Sequence[Upgrade]) -> list[Upgrade]:
    """Return the upgrades that may be made now."""
    return [upgrade for upgrade in upgrades if upgrade.decision.verdict == Verdict.UPGRADE]


def _goal(target: str, learned: Learned) -> Version:
    versions = {release.version for release in learned.releases if release.listed}
    names = {version.text for version in versions}

    try:
        version = Version.parse(target)
    except ValueError as error:
        raise UsageError(str(error), nearest(target, names) or "okd-gitops release list") from None

    if version not in versions:
        raise _not_offered(version, versions, learned.newer)

    return version


def _not_offered(version: Version, offered: Collection[Version], newer: str) -> BlockedError:
    """Return the error for a target that no source offers, with the nearest version of its line.

    `newer` is the command that gets newer records, if the answers are recorded ones.
    """
    if newer:
        return BlockedError(f"{version.text} is not recorded in a stream that a cluster follows", newer)

    of_line = [other.text for other in offered if other.line == version.line]
    names = of_line or [other.text for other in offered]
    remedy = nearest(version.text, names) or "okd-gitops release list"

    return BlockedError(f"no source offers {version.text} in a stream that a cluster follows", remedy)


def _wanted(releases: Releases) -> Wanted:
    own_barriers = (
        Barrier(barrier.source, barrier.to, barrier.name, barrier.message, barrier.url)
        for barrier in releases.barriers
    )
    # A barrier of the fleet replaces the known one of that name.
    barriers = {barrier.name: barrier for barrier in (*known_barriers(), *own_barriers)}

    return Wanted(
        accepted=frozenset(),
        blocked=releases.blocked,
        majors=releases.majors,
        acks=_acks(releases),
        barriers=tuple(barriers.values()),
    )


def _acks(releases: Releases) -> dict[str, tuple[str, ...]]:
    """Return what leaving each line needs: what the table of lines has, and what fleet.yaml adds to it.

    An acknowledgement that no gate asks for changes nothing on a cluster, so fleet.yaml never takes one away.
    """
    acks = dict(required_acks())

    for line, added in releases.acks.items():
        acks[line] = tuple(dict.fromkeys((*acks.get(line, ()), *added)))

    return acks


def _forced(
    names: Collection[str], clusters: Sequence[Follower], learned: Learned, goal: Version | None
) -> dict[str, Release]:
    """Return the release that each cluster is forced to.

    Raises UsageError for a name that no cluster has, and when no release was named.
    """
    if not names:
        return {}

    if goal is None:
        raise UsageError("a cluster is forced to one release", "add --to VERSION")

    by_name = {cluster.name: cluster for cluster in clusters}

    for name in sorted(set(names) - by_name.keys()):
        raise UsageError(f'no cluster that follows a stream is called "{name}"', nearest(name, by_name))

    releases = {name: learned.release(by_name[name].stream, goal) for name in names}

    return {name: release for name, release in releases.items() if release}
