"""Refusals: everything that keeps a cluster from a release, as one table; the first that applies decides.

A pure question: the cluster, the fleet, the release, the evidence and a clock are values. The answer to
missing data is no: a long-term cluster moves when the release is verified, and every wave before its own runs
exactly this image, has passed, and has soaked.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from okd_gitops.explanation import explanation_of
from okd_gitops.upgrade import by_people, earlier_waves, observation, standing, trials, wanted_release
from okd_gitops.upgrade.edges import (
    BLOCKED,
    CHANNEL,
    HELD,
    IGNORED,
    KIND,
    LEFT_OUT,
    LOWER,
    MAJOR,
    MINOR,
    NO_EDGE,
    NOT_A_NODE,
    NOT_ACCEPTED,
    NOTHING_NEWER,
    OUTSIDE,
    PATTERN,
    RISK,
    ROLLBACK,
    SAME,
    UNKNOWN,
)
from okd_gitops.upgrade.path import NoPath
from okd_gitops.upgrade.question import Answer, Question, Way

_NOBODY: frozenset[Way] = frozenset()
_FORCED = frozenset({Way.FORCE})
# What a cluster runs already needs no edge, no evidence and no acknowledgement any more. It still must not
# lead git back, and a long-term cluster's signature must be good.
_ADOPTED = frozenset({Way.FORCE, Way.ADOPTION})
# A new cluster leaves no release, but it must want the one that it gets.
_RUNS_IT = frozenset({Way.FORCE, Way.ADOPTION, Way.INSTALLATION})
# An emergency is one digest that must not wait; it never passes a signature, a digest or an edge.
_ITS_OWN = frozenset({Way.EMERGENCY})
_NO_WAITING = frozenset({Way.FORCE, Way.EMERGENCY, Way.ADOPTION, Way.INSTALLATION})


class Verdict(StrEnum):
    """What happens to a cluster now."""

    DONE = "done"
    UPGRADE = "upgrade"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row: the name of a reason, what it means for the cluster, and the question that finds it.

    `passed_by` are the ways on which a cluster goes past the row. One that is `acceptable` is passed too when
    the cluster's file accepts it for the release, by name.
    """

    name: str
    verdict: Verdict
    applies: Callable[[Question], Answer | None]
    passed_by: frozenset[Way] = _FORCED
    acceptable: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one cluster, the reason by name and as a sentence, and when to ask again.

    `values` stand in the remedy in place of words such as VERSION.
    """

    verdict: Verdict
    name: str = ""
    reason: str = ""
    until: datetime | None = None
    values: tuple[tuple[str, str], ...] = ()

    @property
    def remedy(self) -> str:
        """What to do next; nothing for a cluster that is upgraded."""
        return explanation_of(self.name).remedy_with(dict(self.values)) if self.name else ""


def decide(question: Question) -> Decision:
    """Return what happens to the cluster now: the first refusal that applies, else the upgrade."""
    return next(_decisions(question), Decision(Verdict.UPGRADE))


def every_refusal(question: Question) -> list[Decision]:
    """Return everything that keeps the cluster from the release, in the order of the table."""
    refusals: dict[str, Decision] = {}

    for decision in _decisions(question):
        # A path that does not exist is told once, by the row that knows why.
        if decision.verdict != Verdict.DONE:
            refusals.setdefault(decision.reason, decision)

    return list(refusals.values())


def without_vain_advice(decisions: Sequence[Decision]) -> list[Decision]:
    """Return decisions without those that advise acceptance, where another one refuses that no acceptance
    passes.
    """
    acceptable = {refusal.name for refusal in REFUSALS if refusal.acceptable}
    # A missing edge is accepted by name too, and then there is a path.
    passable = acceptable | {NO_EDGE}
    is_vain = any(item.verdict == Verdict.REFUSE and item.name not in passable for item in decisions)

    return [item for item in decisions if not (is_vain and item.name in acceptable)]


def _decisions(question: Question) -> Iterator[Decision]:
    for refusal in REFUSALS:
        is_accepted = refusal.acceptable and question.accepted(refusal.name)

        if question.way in refusal.passed_by or is_accepted:
            continue

        answer = refusal.applies(question)

        if answer is not None:
            general = explanation_of(refusal.name).statement
            reason = answer.sentence or f"{general} {answer.detail}".strip()

            yield Decision(refusal.verdict, refusal.name, reason, answer.until, _values(question, answer))


def _values(question: Question, answer: Answer) -> tuple[tuple[str, str], ...]:
    """Return what a remedy names: what the answer is about, else the release that is asked about."""
    version = question.release.version.text if question.release else ""

    return answer.values or ((("VERSION", version),) if version else ())


def nothing_is_newer(question: Question) -> Answer | None:
    path = question.path

    return Answer() if isinstance(path, NoPath) and path.name == NOTHING_NEWER else None


def no_path(name: str, verdict: Verdict, passed_by: frozenset[Way] = _RUNS_IT) -> Refusal:
    """Return the row that speaks when `name` is why there is no path."""

    def applies(question: Question) -> Answer | None:
        path = question.path

        if not isinstance(path, NoPath) or path.name != name:
            return None

        values = (("VERSION", path.about.text),) if path.about else ()

        return Answer(sentence=path.reason, values=values)

    return Refusal(name, verdict, applies, passed_by)


def no_path_at_all(question: Question) -> Answer | None:
    """Whatever the reason: without a path nothing moves."""
    return Answer(sentence=question.path.reason) if isinstance(question.path, NoPath) else None


def cluster_failed_with_it(question: Question) -> Answer | None:
    """A cluster that passed a release and was installed anew at an older one may take it again."""
    has_failed = any(not report.passed for report in question.reports(question.cluster))

    return Answer() if has_failed else None


# In the order in which they are asked: is force allowed, does the pin agree with the sources, is there a
# path, what waiting does not resolve, what waiting resolves.
REFUSALS: tuple[Refusal, ...] = (
    Refusal("force-not-allowed", Verdict.REFUSE, by_people.force_is_not_for_this_cluster, _NOBODY),
    Refusal("digest-differs", Verdict.REFUSE, standing.digest_is_another),
    Refusal("release-withdrawn", Verdict.REFUSE, standing.release_is_withdrawn, _RUNS_IT),
    Refusal("newer-not-reachable", Verdict.REFUSE, standing.newer_cannot_be_reached, _RUNS_IT),
    Refusal("digest-unconfirmed", Verdict.REFUSE, standing.digest_is_not_confirmed, _RUNS_IT),
    no_path(SAME, Verdict.DONE, _FORCED),
    Refusal(NOTHING_NEWER, Verdict.DONE, nothing_is_newer, _RUNS_IT),
    no_path(NOT_A_NODE, Verdict.REFUSE),
    no_path(UNKNOWN, Verdict.REFUSE),
    no_path(LEFT_OUT, Verdict.REFUSE),
    no_path(CHANNEL, Verdict.REFUSE),
    no_path(PATTERN, Verdict.REFUSE),
    no_path(KIND, Verdict.REFUSE, _ADOPTED),
    no_path(NOT_ACCEPTED, Verdict.REFUSE, _ADOPTED),
    no_path(OUTSIDE, Verdict.REFUSE, _ADOPTED),
    no_path(LOWER, Verdict.REFUSE, _FORCED),
    no_path(MINOR, Verdict.REFUSE),
    no_path(MAJOR, Verdict.REFUSE),
    no_path(ROLLBACK, Verdict.REFUSE, _FORCED),
    no_path(BLOCKED, Verdict.REFUSE),
    no_path(IGNORED, Verdict.REFUSE),
    no_path(RISK, Verdict.REFUSE),
    no_path(HELD, Verdict.REFUSE),
    Refusal(NO_EDGE, Verdict.REFUSE, no_path_at_all, _RUNS_IT),
    Refusal("signed-digest-unknown", Verdict.REFUSE, wanted_release.digest_is_not_known, _NOBODY),
    Refusal("image-of-another-release", Verdict.REFUSE, wanted_release.image_is_of_another_release),
    Refusal("kubernetes-unknown", Verdict.REFUSE, wanted_release.kubernetes_is_not_known),
    Refusal("signature-not-verified", Verdict.REFUSE, wanted_release.long_term_cluster_lacks_signature),
    Refusal("key-for-other-clusters", Verdict.REFUSE, wanted_release.key_is_for_other_clusters),
    Refusal("newest-release-vanished", Verdict.REFUSE, wanted_release.newest_release_vanished, _RUNS_IT),
    Refusal("already-tried", Verdict.REFUSE, cluster_failed_with_it, _RUNS_IT),
    Refusal("runs-another-release", Verdict.REFUSE, observation.cluster_runs_another_release, _RUNS_IT),
    Refusal("not-upgradeable", Verdict.REFUSE, observation.cluster_takes_no_minor, _RUNS_IT),
    Refusal("operators-hold-line", Verdict.REFUSE, observation.operators_hold_the_line, _RUNS_IT),
    Refusal("earlier-wave-failed", Verdict.REFUSE, earlier_waves.earlier_cluster_failed, _RUNS_IT),
    Refusal(
        "evidence-of-other-image", Verdict.REFUSE, earlier_waves.earlier_cluster_ran_another_image, _RUNS_IT
    ),
    Refusal("evidence-from-future", Verdict.REFUSE, earlier_waves.evidence_is_from_the_future, _RUNS_IT),
    Refusal(
        "evidence-before-release", Verdict.REFUSE, earlier_waves.evidence_is_older_than_the_release, _RUNS_IT
    ),
    Refusal("trial-failed", Verdict.REFUSE, trials.trial_failed, _RUNS_IT, acceptable=True),
    Refusal("acknowledgement-missing", Verdict.REFUSE, by_people.acknowledgement_is_missing, _RUNS_IT),
    Refusal(
        "evidence-unobtainable",
        Verdict.REFUSE,
        earlier_waves.earlier_cluster_cannot_report,
        _NO_WAITING,
        acceptable=True,
    ),
    Refusal(
        "release-untried",
        Verdict.REFUSE,
        earlier_waves.long_term_cluster_would_be_first,
        _NO_WAITING,
        acceptable=True,
    ),
    Refusal(
        "release-age-unknown",
        Verdict.REFUSE,
        wanted_release.release_age_is_not_known,
        _NO_WAITING,
        acceptable=True,
    ),
    Refusal("proposal-closed", Verdict.REFUSE, by_people.proposal_was_closed, _NO_WAITING),
    Refusal("earlier-waves-held", Verdict.WAIT, earlier_waves.every_earlier_cluster_is_held, _NO_WAITING),
    Refusal("soak-not-over", Verdict.WAIT, earlier_waves.earlier_cluster_still_soaks, _NO_WAITING),
    Refusal("evidence-missing", Verdict.WAIT, earlier_waves.earlier_cluster_has_no_evidence, _NO_WAITING),
    Refusal("trial-missing", Verdict.WAIT, trials.trial_is_missing, _NO_WAITING, acceptable=True),
    Refusal("earlier-cluster-unhealthy", Verdict.WAIT, observation.earlier_cluster_is_unhealthy, _NO_WAITING),
    Refusal("observation-too-old", Verdict.WAIT, observation.observation_is_too_old, _NO_WAITING),
    Refusal("cluster-updating", Verdict.WAIT, observation.cluster_is_updating, _NO_WAITING),
    Refusal("pools-paused", Verdict.WAIT, observation.pools_are_paused, _NO_WAITING),
    Refusal("cluster-unhealthy", Verdict.WAIT, observation.cluster_is_unhealthy, _NO_WAITING),
    Refusal("emergency-stands", Verdict.WAIT, by_people.emergency_stands, _ITS_OWN),
    Refusal("cluster-held", Verdict.WAIT, by_people.cluster_is_held, _NO_WAITING),
    Refusal("fleet-frozen", Verdict.WAIT, by_people.fleet_is_frozen, _NO_WAITING),
    Refusal("release-too-young", Verdict.WAIT, wanted_release.release_is_too_young, _NO_WAITING),
    Refusal("outside-window", Verdict.WAIT, by_people.outside_the_window, _NO_WAITING),
)
