"""What every release command begins with: the fleet as its files say, what the sources know, and what each cluster is to do now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from okd_gitops.barriers import KNOWN, Barrier
from okd_gitops.cluster import Fleet
from okd_gitops.commands.release.followers import evidence, followers
from okd_gitops.commands.repository import Repository, load
from okd_gitops.errors import OkdGitopsError, UsageError
from okd_gitops.evidence import Evidence
from okd_gitops.finding import Finding, nearest
from okd_gitops.graph import Graph
from okd_gitops.moves import Known, Move, Offer, candidates, force, moves, routes
from okd_gitops.promotion import Terms, Verdict
from okd_gitops.release import Version
from okd_gitops.rollout import Releases, duration
from okd_gitops.upgrade import Block, Wanted


class BlockedError(OkdGitopsError):
    """An upgrade that was asked for by name is not possible."""

    exit_code = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is known of one image: whether its signature is good, by which key, and what is wrong or will be."""

    verified: bool
    fingerprint: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the sources said, the graph, and where they disagree."""

    offers: Sequence[Offer]
    graph: Graph
    findings: Sequence[Finding] = ()


class Sources(Protocol):
    """Where releases, the graph and signatures come from."""

    def learn(self, root: Path, fleet: Fleet, streams: Collection[str]) -> Learned:
        """Return what is known of the streams' releases; files that the fleet names are below `root`.

        Raises NetworkError or FindingsError when nothing can be concluded.
        """

    def verify(self, root: Path, fleet: Fleet, image: str) -> Trust:
        """Check the signature of an image by digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The moves of all followers, by wave and name, with all that they rest on."""

    repository: Repository
    moves: tuple[Move, ...]
    trust: Mapping[str, Trust]
    evidence: Sequence[Evidence]
    learned: Learned
    now: datetime

    @property
    def waves(self) -> list[int]:
        """The waves of the fleet, in order."""
        return sorted({move.cluster.wave for move in self.moves})

    def first(self, move: Move) -> bool:
        """Whether no cluster of an earlier wave has to try a release before this one."""
        return not any(
            other.cluster.stream == move.cluster.stream and other.cluster.wave < move.cluster.wave and not other.cluster.hold for other in self.moves
        )


def outlook(
    root: Path,
    sources: Sources,
    *,
    now: datetime,
    target: str = "",
    acks: Collection[str] = (),
    forced: Collection[str] = (),
) -> Outlook:
    """Decide the next move of every cluster of `root` that follows a stream; with `target`, towards that release.

    `forced` are names of ephemeral clusters that take the target whatever speaks against it. Raises FindingsError for bad files and answers,
    NetworkError when a source cannot be reached.
    """
    repository = load(root)
    fleet = repository.plan.fleet
    releases = releases_of(fleet)
    clusters = followers(repository)
    reports = evidence(root)
    learned = sources.learn(root, fleet, sorted({cluster.stream for cluster in clusters}))
    known = Known(offers=learned.offers, graph=learned.graph, evidence=reports, wanted=_wanted(releases))
    goal = _goal(target, learned.offers) if target else None
    paths = routes(clusters, known, goal)
    trust = {offer.image: sources.verify(root, fleet, offer.image) for offer in candidates(clusters, paths, known) if offer.image}
    terms = Terms(soak={}, minimum_age=duration(releases.minimum_age), frozen=releases.freeze or "")
    verified = {image for image, result in trust.items() if result.verified}
    decided = moves(clusters, paths, known, verified=verified, terms=terms, now=now, acks=acks)
    if forced:
        decided = _forced(decided, forced, known, goal)
    return Outlook(repository=repository, moves=tuple(decided), trust=trust, evidence=reports, learned=learned, now=now)


def releases_of(fleet: Fleet) -> Releases:
    """Return what fleet.yaml says about releases; raises UsageError when it says nothing."""
    if fleet.releases is None:
        raise UsageError("fleet.yaml does not say where releases are found", "add releases: with controller, graph and signatures (docs/upgrades.md)")
    return fleet.releases


def matching(found: Sequence[Move], patterns: Collection[str]) -> list[Move]:
    """Return the moves of the clusters that match a pattern, all without one; raises UsageError for a pattern that matches nothing."""
    names = [move.cluster.name for move in found]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f'no cluster that follows a stream matches "{pattern}"', nearest(pattern, names))
    return [move for move in found if not patterns or any(fnmatchcase(move.cluster.name, pattern) for pattern in patterns)]


def chosen(outlook: Outlook, patterns: Collection[str], *, first: bool) -> list[Move]:
    """Return the matching moves of the clusters that come first, or of all others; raises UsageError when all matching ones are of the other kind."""
    fitting = matching(outlook.moves, patterns)
    found = [move for move in fitting if move.forced or outlook.first(move) == first]
    if patterns and not found:
        reason = "clusters of earlier waves try a release before these" if first else "no cluster comes before these"
        raise UsageError(reason, f"okd-gitops release {'promote' if first else 'update'} moves them")
    return found


def due(found: Sequence[Move]) -> list[Move]:
    """Return the moves that may be made now."""
    return [move for move in found if move.decision.verdict == Verdict.UPGRADE]


def _goal(target: str, offers: Sequence[Offer]) -> Version:
    try:
        version = Version.parse(target)
    except ValueError as error:
        raise UsageError(str(error), nearest(target, {offer.version.text for offer in offers}) or "okd-gitops release list") from None
    if version not in {offer.version for offer in offers}:
        known = {offer.version.text for offer in offers if offer.version.line == version.line} or {offer.version.text for offer in offers}
        raise BlockedError(f"no source offers {version.text} in a stream that a cluster follows", nearest(target, known) or "okd-gitops release list")
    return version


def _wanted(releases: Releases) -> Wanted:
    own = (Barrier(one.source, one.to, one.name, one.message, one.url) for one in releases.barriers)
    return Wanted(
        accepted=frozenset(),
        blocked=tuple(Block(block.source, block.to, block.name) for block in releases.blocked),
        majors=releases.majors,
        acks=releases.acks,
        barriers=tuple({one.name: one for one in (*KNOWN, *own)}.values()),
    )


def _forced(decided: Sequence[Move], names: Collection[str], known: Known, goal: Version | None) -> list[Move]:
    if goal is None:
        raise UsageError("a cluster is forced to one release", "add --to VERSION")
    there = {move.cluster.name for move in decided}
    for name in sorted(set(names) - there):
        raise UsageError(f'no cluster that follows a stream is called "{name}"', nearest(name, there))
    result = []
    for move in decided:
        offer = known.offer(move.cluster.stream, goal)
        result.append(force(move, offer) if move.cluster.name in names and offer else move)
    return result
