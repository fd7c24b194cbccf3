"""adopt: a branch in which Git follows a cluster that a person upgraded by hand.

Only what the hub recorded counts: which release the cluster runs, and whether that is genuine.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.evidence.proposal import PREFIX
from okd_gitops.evidence.records import FETCH, Records
from okd_gitops.evidence.state import ClusterState
from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.releases.version import Version
from okd_gitops.rollout.publish import Branch
from okd_gitops.rollout.request import Request, Tools, base_of, records_of, tools_for
from okd_gitops.rollout.waves import make_branch
from okd_gitops.system import branches
from okd_gitops.system.draft import drafted
from okd_gitops.upgrade.adoption import adopted, is_settled
from okd_gitops.upgrade.decide import Upgrade, with_signature
from okd_gitops.upgrade.followers import follower_of
from okd_gitops.upgrade.path import NoPath
from okd_gitops.upgrade.plan import BlockedError, Outlook, outlook
from okd_gitops.upgrade.question import Question
from okd_gitops.upgrade.recorded import Recorded
from okd_gitops.upgrade.refusals import Verdict, decide

_ATTEMPTS = 4
_LOOK = "okd-gitops status shows what the hub saw of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What was decided, and the branch (none: Git names already what the cluster runs)."""

    outlook: Outlook
    upgrade: Upgrade
    branch: Branch | None


def adopt(
    root: Path, cache: Path, name: str, request: Request, *, now: datetime, say: Callable[[str], None]
) -> Adoption:
    """Let the file of the cluster `name` follow what it runs; `request` says what is written and pushed.

    Raises UsageError for a cluster that is not there or that the hub has not seen, BlockedError when Git must
    not follow it, and what `rollout` raises.
    """
    tools = tools_for(root, cache, Recorded(Records(), now), request, now=now, say=say)

    return branches.repeated(lambda: _once(tools, name, request), attempts=_ATTEMPTS)


def _once(tools: Tools, name: str, request: Request) -> Adoption:
    base, records = base_of(tools), records_of(tools, request)
    sources = Recorded(records, tools.now)

    with drafted(tools.root, base) as draft:
        seen = outlook(draft.folder, sources, records, now=tools.now)
        cluster = _cluster(seen, name)
        state = _state(records, cluster)
        trust = sources.verify(draft.folder, seen.fleet.spec, state.image, state.version)

    seen = replace(seen, trust={**seen.trust, state.version: trust})
    upgrade = _decided(seen, cluster, state)

    if upgrade.decision.verdict == Verdict.DONE:
        return Adoption(outlook=seen, upgrade=upgrade, branch=None)

    branch_name = f"{PREFIX}adopt-{name}--wave{cluster.wave}"
    branch = make_branch(tools, request, seen, base, [upgrade], branch_name)

    return Adoption(outlook=seen, upgrade=upgrade, branch=branch)


def _cluster(seen: Outlook, name: str) -> Cluster:
    cluster = seen.fleet.cluster(name)

    if cluster is None:
        names = [other.name for other in seen.fleet.clusters]
        raise UsageError(f'there is no cluster "{name}"', nearest(name, names))

    if cluster.spec.release is None:
        raise UsageError(f"{name} has no release: only okd clusters are adopted", "okd-gitops status")

    return cluster


def _state(records: Records, cluster: Cluster) -> ClusterState:
    """Return what the hub saw of a cluster that may be followed."""
    state = records.cluster(cluster.name)

    if state is None or not state.version:
        remedy = (
            f"let the observer on the hub look at it: `okd-gitops release observe --push`; then `{FETCH}`"
        )
        raise UsageError(f"the hub has not recorded which release {cluster.name} runs", remedy)

    if state.cluster_id != cluster.spec.cluster_id:
        reason = f"the cluster that answers for {cluster.name} has the clusterID {state.cluster_id}"
        raise BlockedError(reason, "look at server: and clusterID: in its file")

    if not is_settled(state):
        reason = f"{cluster.name} is on its way to {state.wanted_version or state.wanted_image}"
        raise BlockedError(reason, f"wait until it runs that release; {_LOOK}")

    return state


def _decided(seen: Outlook, cluster: Cluster, state: ClusterState) -> Upgrade:
    """Return the upgrade that Git catches up on; raises BlockedError when the table of refusals says no."""
    assert cluster.spec.release is not None
    version = Version.parse(state.version)
    release = seen.learned.known(version)

    if release is None:
        reason = f"the hub has no record of {state.version}, which {cluster.name} runs"
        raise BlockedError(reason, "okd-gitops release record --push records what the sources publish")

    stream = cluster.spec.release.stream or ""
    follower = follower_of(cluster, cluster.spec.release, stream)
    own_release = seen.learned.known(follower.version)
    asked = Question(
        cluster=follower,
        fleet=(follower,),
        path=NoPath("no-path", "nobody looks for one"),
        release=None,
        evidence=seen.records.evidence,
        now=seen.now,
        images=own_release.images if own_release else (),
    )
    question = with_signature(adopted(asked, release, state.image), seen.trust)
    decision = decide(question)

    if decision.verdict not in (Verdict.UPGRADE, Verdict.DONE):
        raise BlockedError(f"{cluster.name}: {decision.reason} [{decision.name}]", decision.remedy)

    return Upgrade(
        cluster=follower,
        path=question.path,
        release=replace(release, signed=state.image),
        decision=decision,
        adopted=True,
    )
