"""Moves: for each cluster that follows a stream, the release it goes to next, by which path, and whether now.

The first clusters go to the newest release that they can reach. All others go to the newest one that every earlier wave has passed, by hops
that those waves have passed too where there are such. One commit is one hop: the next one waits for evidence of this one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from okd_gitops.evidence import Evidence
from okd_gitops.graph import Graph
from okd_gitops.promotion import Candidate, Decision, Member, Terms, Verdict, decide
from okd_gitops.release import KUBERNETES, Version, outside_channel
from okd_gitops.rollout import Window
from okd_gitops.upgrade import KIND, NOTHING_NEWER, SAME, Hop, NoPath, Path, Wanted, kind, plan

NO_DIGEST, NO_ACK, FORCED, NO_SCHEMAS = "GM017", "GM018", "GM019", "GM020"
CODES = {
    NO_DIGEST: "No source tells the digest of the release's signed image. A tag can move after review, so it is never used instead.",
    NO_ACK: "The update needs an administrator's acknowledgement. Read what it is about, then give it by name: --ack NAME.",
    FORCED: "Only ephemeral clusters are forced.",
    NO_SCHEMAS: "The Kubernetes of the release's line is not known, so nothing could be checked. Update okd-gitops, or add kubernetes: to the file.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A release as the sources agree on it: the signed image by digest (empty: nobody knows it), and whether the stream still accepts it."""

    version: Version
    stream: str
    image: str
    published: datetime
    accepted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A cluster that follows a stream, with what its file and its purpose say. `held` is why it takes no minor update."""

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
    held: str = ""
    # The minor of Kubernetes, where the file says it.
    kubernetes: str = ""

    @property
    def member(self) -> Member:
        """What promotion looks at."""
        return Member(
            name=self.name, guarded=self.guarded, wave=self.wave, version=self.version, image=self.image, hold=self.hold, window=self.window
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the sources say, what the fleet says about paths, and the reports of its clusters."""

    offers: Sequence[Offer]
    graph: Graph
    evidence: Sequence[Evidence]
    wanted: Wanted

    def offer(self, stream: str, version: Version) -> Offer | None:
        """Return a release of a stream."""
        return next((offer for offer in self.offers if offer.stream == stream and offer.version == version), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a cluster is to do: the path (or why there is none), the release of its first hop, and the decision."""

    cluster: Follower
    path: Path | NoPath
    offer: Offer | None
    decision: Decision
    forced: bool = False

    @property
    def hop(self) -> Hop | None:
        """The first hop."""
        return self.path.hops[0] if isinstance(self.path, Path) else None

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        hops = self.path.hops if isinstance(self.path, Path) else ()
        none = self.path if isinstance(self.path, NoPath) else None
        return {
            "cluster": self.cluster.name,
            "purpose": self.cluster.purpose,
            "wave": self.cluster.wave,
            "version": self.cluster.version.text,
            "hops": [
                {
                    "from": hop.source.text,
                    "to": hop.to.text,
                    "kind": hop.kind,
                    "risks": list(hop.risks),
                    "channel": hop.channel,
                    "acks": list(hop.acks),
                    "barriers": [{"name": one.name, "message": one.message, "url": one.url} for one in hop.barriers],
                }
                for hop in hops
            ],
            "image": self.offer.image if self.offer else "",
            "verdict": str(self.decision.verdict),
            "code": self.decision.code,
            "reason": self.decision.reason,
            "until": self.decision.until.isoformat() if self.decision.until else None,
            "nearest": none.nearest.text if none and none.nearest else None,
            "refused": [{"code": each.code, "reason": each.reason} for each in none.refused] if none else [],
            "forced": self.forced,
        }


def routes(fleet: Sequence[Follower], known: Known, target: Version | None = None) -> dict[str, Path | NoPath]:
    """Return the path of each cluster, by name; with a target, the path to that."""
    return {cluster.name: _route(cluster, fleet, known, target) for cluster in fleet}


def candidates(fleet: Sequence[Follower], paths: Mapping[str, Path | NoPath], known: Known) -> list[Offer]:
    """Return the releases of all first hops: those whose signatures need to be checked."""
    found = (known.offer(cluster.stream, path.hops[0].to) for cluster in fleet if isinstance(path := paths[cluster.name], Path))
    return sorted({offer for offer in found if offer}, key=lambda offer: (offer.version, offer.stream))


def moves(
    fleet: Sequence[Follower],
    paths: Mapping[str, Path | NoPath],
    known: Known,
    *,
    verified: Collection[str],
    terms: Terms,
    now: datetime,
    acks: Iterable[str] = (),
) -> list[Move]:
    """Decide for each cluster, by wave and name. `verified` are the images whose signature is good; `acks` are given now."""
    given = frozenset(acks)
    soak: dict[int, timedelta] = {}
    for cluster in fleet:
        soak[cluster.wave] = max(cluster.soak, soak.get(cluster.wave, timedelta(0)))
    terms = replace(terms, soak=soak)
    ordered = sorted(fleet, key=lambda cluster: (cluster.wave, cluster.name))
    return [_move(cluster, fleet, paths[cluster.name], known, verified, terms, now, given) for cluster in ordered]


def force(move: Move, target: Offer) -> Move:
    """Return the move of an ephemeral cluster to a release that it is not to be kept from; for any other cluster a refusal."""
    cluster = move.cluster
    if cluster.purpose != "ephemeral" or not target.image:
        code = NO_DIGEST if cluster.purpose == "ephemeral" else FORCED
        return replace(move, decision=_refused(cluster, code, CODES[code]), forced=True)
    hop = Hop(cluster.version, target.version, "forced", (), None, cluster.channel, ())
    decision = Decision(cluster=cluster.name, wave=cluster.wave, verdict=Verdict.UPGRADE)
    return replace(move, path=Path((hop,)), offer=target, decision=decision, forced=True)


def _route(cluster: Follower, fleet: Sequence[Follower], known: Known, target: Version | None) -> Path | NoPath:
    accepted = {offer.version for offer in known.offers if offer.stream == cluster.stream and offer.accepted}
    wanted = replace(
        known.wanted,
        accepted=frozenset(version.text for version in accepted),
        kinds=cluster.takes,
        channel=cluster.channel,
        accepted_risks=known.wanted.accepted_risks | cluster.accept_risks,
        held=cluster.held,
    )
    if target is not None:
        return plan(known.graph, cluster.version, target, wanted)
    # A channel like stable-scos-4.22 says that the cluster stays in that line until a person says otherwise.
    inside = {version for version in accepted if not outside_channel(version.text, cluster.channel) and kind(version) in cluster.takes}
    proven = inside & _proven(cluster, fleet, known)
    if proven and max(proven) > cluster.version:
        texts = frozenset(version.text for version in proven)
        path = plan(known.graph, cluster.version, max(proven), replace(wanted, accepted=texts))
        return path if isinstance(path, Path) else plan(known.graph, cluster.version, max(proven), wanted)
    return plan(known.graph, cluster.version, None, replace(wanted, accepted=frozenset(version.text for version in inside)))


def _proven(cluster: Follower, fleet: Sequence[Follower], known: Known) -> set[Version]:
    """Return the releases that every cluster of an earlier wave has passed; none when there is no such cluster."""
    earlier = [other for other in fleet if other.stream == cluster.stream and other.wave < cluster.wave and not other.hold]
    passed = [{Version.parse(report.version) for report in known.evidence if report.cluster == other.name and report.passed} for other in earlier]
    return set.intersection(*passed) if passed else set()


def _move(
    cluster: Follower,
    fleet: Sequence[Follower],
    path: Path | NoPath,
    known: Known,
    verified: Collection[str],
    terms: Terms,
    now: datetime,
    acks: frozenset[str],
) -> Move:
    def move(decision: Decision, offer: Offer | None = None) -> Move:
        return Move(cluster=cluster, path=path, offer=offer, decision=decision)

    if isinstance(path, NoPath):
        if path.code in (SAME, NOTHING_NEWER) and all(refusal.code == KIND for refusal in path.refused):
            return move(Decision(cluster=cluster.name, wave=cluster.wave, verdict=Verdict.DONE, code=path.code, reason=path.reason))
        return move(_refused(cluster, path.code, path.reason))
    hop = path.hops[0]
    offer = known.offer(cluster.stream, hop.to)
    if offer is None or not offer.image:
        return move(_refused(cluster, NO_DIGEST, CODES[NO_DIGEST]), offer)
    if hop.to.line not in KUBERNETES and not cluster.kubernetes:
        return move(_refused(cluster, NO_SCHEMAS, f"{CODES[NO_SCHEMAS]} ({hop.to.line})"), offer)
    candidate = Candidate(
        version=offer.version, image=offer.image, published=offer.published, verified=offer.image in verified, withdrawn=not offer.accepted
    )
    peers = [other.member for other in fleet if other.stream == cluster.stream]
    (decision,) = (
        decision
        for decision in decide(peers, candidate, known.evidence, terms, reachable=frozenset({cluster.name}), now=now)
        if decision.cluster == cluster.name
    )
    missing = sorted(set(hop.acks) - cluster.acks - acks)
    if decision.verdict in (Verdict.UPGRADE, Verdict.WAIT) and missing:
        decision = _refused(cluster, NO_ACK, f"{CODES[NO_ACK]} ({', '.join(missing)})")
    return move(decision, offer)


def _refused(cluster: Follower, code: str, reason: str) -> Decision:
    return Decision(cluster=cluster.name, wave=cluster.wave, verdict=Verdict.REFUSE, code=code, reason=reason)
