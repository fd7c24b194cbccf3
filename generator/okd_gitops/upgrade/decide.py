"""Upgrades: for each cluster that follows a stream, whether it goes on by its route now.

One commit is one hop: the next one waits for evidence of this one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from okd_gitops.evidence.proposal import ProposalNote
from okd_gitops.evidence.records import Records
from okd_gitops.explanation import explanation_of
from okd_gitops.releases.barriers import Barrier
from okd_gitops.releases.cross_check import Release
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.upgrade.edges import RefusedEdge
from okd_gitops.upgrade.path import Hop, NoPath, Path
from okd_gitops.upgrade.question import Follower, Question, Way
from okd_gitops.upgrade.refusals import Decision, decide
from okd_gitops.upgrade.route import Known, first_release, newer_releases
from okd_gitops.upgrade.trials import needed_trials
from okd_gitops.upgrade.vanished import vanished_releases


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
    release = first_release(cluster, path, known)
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
        newer=newer_releases(cluster, known),
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
