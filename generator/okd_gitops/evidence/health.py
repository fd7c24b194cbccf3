"""Observation: judge an upgrade by what the cluster's own API reports.

A pure function of the API's answers and a clock. The answers have the form of openshift/api
(config/v1/types_cluster_version.go and types_cluster_operator.go); those about nodes are in `pools`. What is
missing, or has another form, is never taken for fine.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from okd_gitops.evidence.acceptance import Wanted, why_no_evidence
from okd_gitops.evidence.answers import Seen, condition, maps, name_of, newest_update, time_of, words
from okd_gitops.evidence.pools import Pools, pools_of
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import Refused
from okd_gitops.manifests.objects import at
from okd_gitops.redaction import one_line

_TEST = "test "
_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The evidence to report, or (without evidence) why the cluster cannot be judged yet.

    `no_evidence` says why a complete update never becomes evidence.
    """

    evidence: Evidence | None
    reason: str
    no_evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is wrong with a cluster, and what is under way."""

    faults: tuple[str, ...]
    unfinished: tuple[str, ...]
    pools: Pools = field(default_factory=Pools)


def health_of(seen: Seen) -> Health:
    """Return what is wrong with a cluster now, whatever release it runs."""
    pools = pools_of(seen.pools)
    status = at(seen.version, "status")

    return Health(
        faults=(*_faults(status, seen), *pools.faults, *_failed_tests(seen)),
        unfinished=(*_unfinished_parts(status, seen), *pools.unfinished, *_running_tests(seen)),
        pools=pools,
    )


def judge(
    seen: Seen,
    wanted: Wanted,
    *,
    refused: Refused | None,
    now: datetime,
    patience: timedelta,
    known_no_evidence: str = "",
) -> Observation:
    """Judge a cluster that is to run a release: passed, failed, or not decided yet.

    An update has failed when it reports a failure, or refuses the release, without a break for longer than
    `patience`, or when something is wrong `patience` after its completion. An update that only takes long has
    not failed. `known_no_evidence` is what was seen of this very update before: the cluster forgets accepted
    risks with its next desiredUpdate.
    """
    newest = newest_update(seen.version)

    if refused:
        return _refused(refused, wanted, now, patience)

    why_not_judged = _why_not_judged(seen.version, newest, wanted)

    if why_not_judged:
        return Observation(evidence=None, reason=why_not_judged)

    if newest.get("state") != "Completed":
        started = time_of(newest.get("startedTime"))

        return _unfinished(at(seen.version, "status"), wanted, started, now, patience)

    finished = time_of(newest.get("completionTime"))

    if finished is None or finished > now or newest.get("version") != wanted.version:
        reason = (
            f"{wanted.version} is complete, but the cluster does not report since when, or a clock is wrong"
        )
        return Observation(evidence=None, reason=reason)

    no_evidence = why_no_evidence(seen.version, wanted) or known_no_evidence

    if no_evidence and not wanted.is_emergency:
        reason = f"{wanted.version} is complete, but it is no evidence for other clusters: {no_evidence}"
        return Observation(evidence=None, reason=reason, no_evidence=no_evidence)

    return _finished(seen, wanted, finished, now, patience, no_evidence)


def _why_not_judged(cluster_version: object, newest: Mapping[str, Any], wanted: Wanted) -> str:
    """Return why the newest update of a cluster is not the one to judge; nothing when it is."""
    if at(cluster_version, "kind") != "ClusterVersion" or not newest:
        return "the cluster does not report which releases it has had"

    generation = at(cluster_version, "metadata", "generation")

    if generation is None or at(cluster_version, "status", "observedGeneration") != generation:
        return "the cluster has not yet read which release it must run"

    # The version is empty when the image could not be read; the image is always there.
    if newest.get("image") != wanted.image or newest.get("version") not in (wanted.version, "", None):
        shown = one_line(f"{newest.get('version')}, {newest.get('image')}", _LONGEST)
        return f"git has {wanted.version}, {wanted.image}; the newest update of the cluster is {shown}"

    return ""


def _refused(refused: Refused, wanted: Wanted, now: datetime, patience: timedelta) -> Observation:
    since = f"{refused.since:%Y-%m-%d %H:%M}"
    said = f"{refused.reason}: {refused.message}"
    reason = one_line(f"{wanted.version} is refused since {since}: {said}", _LONGEST)

    if now - refused.since <= patience:
        return Observation(evidence=None, reason=reason)

    return Observation(evidence=_failed(wanted, now, reason), reason=reason)


def _finished(
    seen: Seen, wanted: Wanted, finished: datetime, now: datetime, patience: timedelta, passed_by: str
) -> Observation:
    """Judge a complete update: healthy, still busy, or unhealthy for longer than `patience`.

    `passed_by` is what an emergency went past.
    """
    health = health_of(seen)
    tests = _results(seen)
    complete = f"{wanted.version} is complete since {finished:%Y-%m-%d %H:%M}"

    if not health.faults and not health.unfinished:
        evidence = Evidence(
            cluster=wanted.cluster,
            version=wanted.version,
            image=wanted.image,
            finished=finished,
            passed=True,
            operators="healthy",
            tests=tests,
            emergency=passed_by,
        )
        return Observation(evidence=evidence, reason=f"{complete}, and all is well")

    reason = f"{complete}, but {'; '.join((*health.faults, *health.unfinished))}"

    if health.unfinished or now - finished <= patience:
        return Observation(evidence=None, reason=reason)

    only_tests_failed = all(fault.startswith(_TEST) for fault in health.faults)
    operators: Literal["healthy", "degraded"] = "healthy" if only_tests_failed else "degraded"
    failed = _failed(wanted, now, one_line(reason, _LONGEST), operators)

    return Observation(evidence=failed.model_copy(update={"tests": tests}), reason=reason)


def _unfinished(
    status: object, wanted: Wanted, started: datetime | None, now: datetime, patience: timedelta
) -> Observation:
    failing = condition(status, "Failing")
    failing_since = time_of(failing.get("lastTransitionTime"))

    if failing.get("status") != "True" or failing_since is None or started is None:
        return Observation(evidence=None, reason=f"{wanted.version} is under way")

    # A cluster that failed before may well be repaired by this release.
    since = max(failing_since, started)
    why = words(failing) or "no message"
    reason = one_line(f"{wanted.version} fails since {since:%Y-%m-%d %H:%M}: {why}", _LONGEST)

    if now - since <= patience:
        return Observation(evidence=None, reason=reason)

    # An incomplete update was not tested, and some of its operators still report on the release before.
    return Observation(evidence=_failed(wanted, now, reason), reason=reason)


def _failed(
    wanted: Wanted,
    now: datetime,
    reason: str,
    operators: Literal["healthy", "degraded", "unknown"] = "unknown",
) -> Evidence:
    return Evidence(
        cluster=wanted.cluster,
        version=wanted.version,
        image=wanted.image,
        finished=now,
        passed=False,
        operators=operators,
        reason=reason,
    )


def _results(seen: Seen) -> dict[str, Literal["passed", "failed"]]:
    return {name: "passed" if passed else "failed" for name, passed in seen.tests.items()}


def _faults(status: object, seen: Seen) -> Iterator[str]:
    """Name what is wrong; a condition that is missing is wrong too."""
    yield from _differing("ClusterVersion", status, {"Available": "True", "Failing": "False"})
    operators = list(maps(seen.operators, "items"))
    is_list = at(seen.operators, "kind") == "ClusterOperatorList"
    is_partial = bool(at(seen.operators, "metadata", "continue"))

    if not is_list or not operators or is_partial:
        yield "the operators cannot be listed"

    for operator in operators:
        wanted = {"Available": "True", "Degraded": "False"}
        yield from _differing(f"operator {name_of(operator)}", at(operator, "status"), wanted)


def _unfinished_parts(status: object, seen: Seen) -> Iterator[str]:
    """Name what is still under way."""
    yield from _differing("ClusterVersion", status, {"Progressing": "False"})

    for operator in maps(seen.operators, "items"):
        wanted = {"Progressing": "False"}
        yield from _differing(f"operator {name_of(operator)}", at(operator, "status"), wanted)


def _running_tests(seen: Seen) -> Iterator[str]:
    return (f"{_TEST}{name} has not ended" for name in seen.running)


def _failed_tests(seen: Seen) -> Iterator[str]:
    failed = sorted(name for name, passed in seen.tests.items() if not passed)

    return (f"{_TEST}{name} failed{_words(seen.told.get(name, ''))}" for name in failed)


def _words(told: str) -> str:
    return f" ({told})" if told else ""


def _differing(what: str, status: object, wanted: Mapping[str, str]) -> Iterator[str]:
    return (
        f"{what} is not {kind}={value}"
        for kind, value in wanted.items()
        if condition(status, kind).get("status") != value
    )
