"""What clusters said last: questions about the hub's newest observation, asked before every wave.

A cluster of which nothing was ever recorded is not refused, because records begin with the observer; for a
long-term cluster an old observation counts as none.
"""

from datetime import timedelta

from okd_gitops.evidence.state import ClusterState
from okd_gitops.redaction import one_line
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.question import Answer, Question

# The observer runs four times an hour; after a day without a look somebody must look at it.
OLDEST = timedelta(days=1)
_ACKNOWLEDGED_BY_THE_CHANGE = "AdminAckRequired"


def observation_is_too_old(question: Question) -> Answer | None:
    state = question.state

    if state is None or not question.cluster.guarded or _is_fresh(state, question):
        return None

    return Answer(f"({state.seen:%Y-%m-%d %H:%M})")


def cluster_takes_no_minor(question: Question) -> Answer | None:
    """The cluster's own words: its version operator would refuse the update."""
    state, hop = _fresh_state(question), question.hop

    if state is None or hop is None or hop.kind not in ("minor", "major") or not state.not_upgradeable:
        return None

    # The same commit brings the acknowledgements, and a row of its own asks for them.
    if hop.acks and state.not_upgradeable.startswith(_ACKNOWLEDGED_BY_THE_CHANGE):
        return None

    return Answer(f"({one_line(state.not_upgradeable, 300)})")


def operators_hold_the_line(question: Question) -> Answer | None:
    """`olm.maxOpenShiftVersion` of an installed operator is lower than the line of the release."""
    state, hop = _fresh_state(question), question.hop

    if state is None or hop is None or not state.max_line or hop.kind not in ("minor", "major"):
        return None

    return Answer(f"({state.max_line})") if _numbers(state.max_line) < (hop.to.major, hop.to.minor) else None


def cluster_runs_another_release(question: Question) -> Answer | None:
    """The edge that was looked up begins at the pin in git, so it says nothing about another release."""
    state, cluster = _fresh_state(question), question.cluster

    if state is None or not cluster.guarded or not state.version or state.updating:
        return None

    if (state.version, state.image) == (cluster.version.text, cluster.image):
        return None

    return Answer(f"(it runs {one_line(state.version, 60)}, its file has {cluster.version.text})")


def cluster_is_updating(question: Question) -> Answer | None:
    state = _fresh_state(question)

    if state is None or not question.cluster.guarded or not state.updating:
        return None

    return Answer(f"(from {one_line(state.version, 60)} to {one_line(state.wanted_version, 60)})")


def pools_are_paused(question: Question) -> Answer | None:
    """Nodes of a paused pool keep the old release, so the update never ends."""
    state = _fresh_state(question)

    return Answer(f"({', '.join(state.paused_pools)})") if state and state.paused_pools else None


def cluster_is_unhealthy(question: Question) -> Answer | None:
    """A test cluster may take a release to get well; a long-term one must be well before."""
    state = _fresh_state(question)

    if state is None or not question.cluster.guarded or not state.unhealthy:
        return None

    return Answer(f"({one_line(', '.join(state.unhealthy), 300)})")


def earlier_cluster_is_unhealthy(question: Question) -> Answer | None:
    """A cluster that sickened or left the release after its report does not confirm it any more."""
    for earlier in question.earlier:
        state = question.states.get(earlier.name)

        if state is None or not _is_fresh(state, question) or question.release is None:
            continue

        # The observer withdraws a report whose cluster sickened, or runs or wants another release since.
        if state.withdrawn and state.withdrawn.version == question.release.version.text:
            return Answer(f"({earlier.name}: {state.withdrawn.reason})")

        if state.unhealthy:
            return Answer(f"({earlier.name}: {one_line(', '.join(state.unhealthy), 300)})")

        if not state.updating and _is_older(state.version, question.release.version):
            return Answer(f"({earlier.name} runs {one_line(state.version, 60)})")

    return None


def _fresh_state(question: Question) -> ClusterState | None:
    """Return what the cluster said last, unless that is too old."""
    state = question.state

    return state if state and _is_fresh(state, question) else None


def _is_fresh(state: ClusterState, question: Question) -> bool:
    return question.now - state.seen <= OLDEST


def _is_older(text: str, version: Version) -> bool:
    """Whether what a cluster runs is an older release; a version that cannot be read is not judged here."""
    try:
        return Version.parse(text) < version
    except ValueError:
        return False


def _numbers(line: str) -> tuple[int, ...]:
    """Return the numbers of a line such as 4.22; a text of another form allows nothing."""
    parts = line.split(".")

    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else (0,)
