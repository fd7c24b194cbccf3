"""Upgrades: for each cluster that follows a stream, where it goes next, by which path, and whether now.

The first clusters go to the newest release that they can reach. All others go to the newest one that every
earlier wave has passed, by hops that those waves have passed too where there are such. One commit is one hop:
the next one waits for evidence of this one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from okd_gitops.evidence.proposal import ProposalNote
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.explanation import explanation_of
from okd_gitops.releases.barriers import Barrier
from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.releases.version import Version, outside_channel
from okd_gitops.upgrade.edges import RefusedEdge, Wanted, kind
from okd_gitops.upgrade.path import Hop, NoPath, Path, plan
from okd_gitops.upgrade.question import Follower, Question, Way, earlier_clusters
from okd_gitops.upgrade.refusals import Decision, decide
from okd_gitops.upgrade.trials import needed_trials
from okd_gitops.upgrade.vanished import vanished_releases


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """One cluster's path (or why there is none), the release of its first hop, and the decision."""

    cluster: Follower
    path: Path | NoPath
    release: Release | None
    decision: Decision
    forced: bool = False
    # The cluster runs the release already: Git follows.
    adopted: bool = False

    @property
    def first_hop(self) -> Hop:
        """The first hop of an upgrade that has a path."""
        assert isinstance(self.path, Path)
        return self.path.hops[0]

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        hops = self.path.hops if isinstance(self.path, Path) else ()
        none = self.path if isinstance(self.path, NoPath) else None

        return {
            "cluster": self.cluster.name,
            "purpose": self.cluster.purpose,
            "wave": self.cluster.wave,
            "version": self.cluster.version.text,
            "hops": [_hop_as_json(hop) for hop in hops],
            "image": self.release.signed if self.release else "",
            "verdict": str(self.decision.verdict),
            "name": self.decision.name,
            "reason": self.decision.reason,
            "remedy": self.decision.remedy,
            "until": self.decision.until.isoformat() if self.decision.until else None,
            "nearest": none.nearest.text if none and none.nearest else None,
            "refused": [_edge_as_json(edge) for edge in none.refused] if none else [],
            "forced": self.forced,
        }


def routes(
    fleet: Sequence[Follower], known: Known, target: Version | None = None
) -> dict[str, Path | NoPath]:
    """Return the path of each cluster, by name; with a target, the path to that."""
    return {cluster.name: _route(cluster, fleet, known, target) for cluster in fleet}


def first_releases(
    fleet: Sequence[Follower], paths: Mapping[str, Path | NoPath], known: Known
) -> list[Release]:
    """Return the releases of all first hops: those whose signatures need to be checked."""
    of_clusters = [_first_release(cluster, paths[cluster.name], known) for cluster in fleet]
    releases = {release for release in of_clusters if release}

    return sorted(releases, key=lambda release: release.version)


def upgrades(
    fleet: Sequence[Follower],
    paths: Mapping[str, Path | NoPath],
    known: Known,
    *,
    trust: Mapping[str, Trust],
    now: datetime,
    acks: Iterable[str] = (),
    forced: Mapping[str, Release] | None = None,
) -> list[Upgrade]:
    """Decide for each cluster, by wave and name.

    `trust` has what is known of each version's signature, `acks` are given now, `forced` are releases that
    clusters take past every refusal, by name of the cluster.
    """
    ordered = sorted(fleet, key=lambda cluster: (cluster.wave, cluster.name))
    given_acks = frozenset(acks)
    questions = [question_of(cluster, fleet, paths[cluster.name], known, now) for cluster in ordered]
    of_bot = [
        replace(question, acks=given_acks, closed=_closed(question, known.records)) for question in questions
    ]

    return [_upgrade(question, trust, forced or {}) for question in of_bot]


def _closed(question: Question, records: Records) -> ProposalNote | None:
    """Return the proposal that a person closed: it binds the bot, and no person who makes the change."""
    release = question.release

    return records.closed(question.cluster.name, release.version.text, release.signed) if release else None


def question_of(
    cluster: Follower, fleet: Sequence[Follower], path: Path | NoPath, known: Known, now: datetime
) -> Question:
    """Return the question whether a cluster goes on by a path, with what is known of its first hop."""
    release = _first_release(cluster, path, known)
    own_release = known.learned.known(cluster.version)
    own_record = known.records.release(cluster.version.text)
    recorded_images = tuple(item.image for item in own_record.images) if own_record else ()

    return Question(
        cluster=cluster,
        fleet=fleet,
        path=path,
        release=release,
        image=release.signed if release else "",
        evidence=known.records.evidence,
        now=now,
        images=(own_release.images if own_release else ()) or recorded_images,
        withdrawn=_withdrawn(own_release, own_record),
        newer=_newer(cluster, known),
        record=known.records.release(release.version.text) if release else None,
        minimum_age=known.minimum_age,
        freeze=known.freeze,
        vanished=vanished_releases(known.learned, known.records, cluster.stream),
        states={state.cluster: state for state in known.records.clusters},
        needed_trials=_needed_trials(cluster, release, known),
        suite=known.tried_streams.get(cluster.stream, ""),
    )


def _needed_trials(cluster: Follower, release: Release | None, known: Known) -> tuple[str, ...]:
    """Return the clusters for tests that must have passed a release before this cluster takes it."""
    if release is None or not cluster.guarded or cluster.stream not in known.tried_streams:
        return ()

    return needed_trials(release.version, known.learned)


def _withdrawn(release: Release | None, record: ReleaseRecord | None) -> str:
    """Return why a release must not be used, by the sources or as the hub recorded it."""
    return (release.withdrawn if release else "") or (record.withdrawn if record else "")


def _upgrade(question: Question, trust: Mapping[str, Trust], forced: Mapping[str, Release]) -> Upgrade:
    cluster = question.cluster

    if cluster.name in forced:
        question = _forced(question, forced[cluster.name])

    decision = decide(with_signature(question, trust))

    return Upgrade(
        cluster=cluster,
        path=question.path,
        release=question.release,
        decision=decision,
        forced=question.way == Way.FORCE,
    )


def with_signature(question: Question, trust: Mapping[str, Trust]) -> Question:
    """Return the question with what is known of the release's signature, by version."""
    cluster, release = question.cluster, question.release
    signature = trust.get(release.version.text) if release else None

    if signature is None:
        return question

    key_fault = signature.fault_for(cluster.stream, cluster.purpose)

    return replace(question, verified=signature.verified, key_fault=key_fault)


def _forced(question: Question, release: Release) -> Question:
    """Return the question whether a cluster goes to a release in one hop, past every edge."""
    cluster = question.cluster
    hop = Hop(cluster.version, release.version, "forced", (), cluster.channel, ())

    return replace(question, path=Path((hop,)), release=release, image=release.signed, way=Way.FORCE)


def _first_release(cluster: Follower, path: Path | NoPath, known: Known) -> Release | None:
    return known.learned.release(cluster.stream, path.hops[0].to) if isinstance(path, Path) else None


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


def _newer(cluster: Follower, known: Known) -> tuple[Version, ...]:
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


def _edge_as_json(edge: RefusedEdge) -> dict[str, str]:
    return {"name": edge.name, "reason": edge.reason, "remedy": explanation_of(edge.name).remedy}


def _barrier_as_json(barrier: Barrier) -> dict[str, str]:
    return {"name": barrier.name, "message": barrier.message, "url": barrier.url}


def _hop_as_json(hop: Hop) -> dict[str, Any]:
    return {
        "from": hop.source.text,
        "to": hop.to.text,
        "kind": hop.kind,
        "risks": list(hop.risks),
        "channel": hop.channel,
        "acks": list(hop.acks),
        "barriers": [_barrier_as_json(barrier) for barrier in hop.barriers],
    }
