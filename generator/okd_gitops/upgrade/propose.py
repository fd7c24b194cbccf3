"""A release that a person proposes for a cluster, asked of the same table as the planner's.

A person's change is one hop from the release that git has to the one that it names. A new cluster makes no
hop: it is installed with a release that has to be accepted, of a kind that it takes, and genuine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from okd_gitops.releases.cross_check import Release
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.adoption import adopted_path
from okd_gitops.upgrade.decide import question_of
from okd_gitops.upgrade.edges import KIND, LOWER, MAJOR, MINOR, ROLLBACK, Wanted, unwanted
from okd_gitops.upgrade.path import Hop, NoPath, Path, one_hop
from okd_gitops.upgrade.question import Follower, Question, Way
from okd_gitops.upgrade.refusals import Decision, every_refusal, without_vain_advice
from okd_gitops.upgrade.route import Known, wanted_by

# What can be said of a release that nobody recorded.
_KNOWN_BY_NAME = frozenset({LOWER, MINOR, MAJOR, ROLLBACK, KIND, "cluster-held", "fleet-frozen"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The release that a change gives to a cluster: `cluster` has the release before it.

    `fleet` are the followers by whose waves it is judged, `acks` are given with the change.
    """

    cluster: Follower
    fleet: Sequence[Follower]
    version: Version
    image: str
    trust: Trust
    acks: frozenset[str] = frozenset()
    way: Way = Way.ORDINARY


def path_of(proposal: Proposal, known: Known) -> Sequence[Path | NoPath]:
    """Return the path that a proposal takes, or everything that keeps the cluster from any."""
    cluster, target = proposal.cluster, proposal.version
    wanted = wanted_by(cluster, known)

    if proposal.way == Way.INSTALLATION:
        return _installed(cluster, target, wanted)

    if proposal.way == Way.ADOPTION and target != cluster.version:
        return [adopted_path(cluster, target)]

    if proposal.way == Way.FORCE or target == cluster.version:
        # Another image of the version that it has: only the image is judged.
        return [Path((Hop(cluster.version, target, str(proposal.way), (), cluster.channel, ()),))]

    return one_hop(known.learned.graph, cluster.version, target, wanted)


def refusals_of(proposal: Proposal, known: Known, now: datetime) -> list[Decision]:
    """Return everything that keeps a cluster from the release that is proposed, each reason once."""
    decisions: dict[tuple[str, str], Decision] = {}

    for path in path_of(proposal, known):
        for decision in every_refusal(_question(proposal, path, known, now)):
            decisions.setdefault((decision.name, decision.reason), decision)

    if known.records.release(proposal.version.text):
        return without_vain_advice(list(decisions.values()))

    return [decision for decision in decisions.values() if decision.name in _KNOWN_BY_NAME]


def _installed(cluster: Follower, target: Version, wanted: Wanted) -> list[Path] | list[NoPath]:
    faults = [NoPath(name, reason) for name, reason in unwanted(target, wanted)]

    return faults or [Path((Hop(target, target, "installation", (), cluster.channel, ()),))]


def _question(proposal: Proposal, path: Path | NoPath, known: Known, now: datetime) -> Question:
    cluster, target = proposal.cluster, proposal.version
    # Of a release that nobody recorded, the version is known.
    release = known.learned.known(target) or Release(version=target)
    question = question_of(cluster, proposal.fleet, path, known, now)
    # A change that gives a version its right image repairs the pin; the old one is not asked about.
    repairs = target == cluster.version and proposal.way != Way.INSTALLATION

    return replace(
        question,
        release=release,
        record=known.records.release(target.text),
        image=proposal.image,
        images=() if repairs else question.images,
        acks=proposal.acks,
        way=proposal.way,
        verified=proposal.trust.verified,
        key_fault=proposal.trust.fault_for(cluster.stream, cluster.purpose)
        if proposal.trust.verified
        else "",
    )
