"""Observation: judge an upgrade by what the cluster's own API reports.

A pure function of the API's answers and a clock. The answers have the form of openshift/api
(config/v1/types_cluster_version.go and types_cluster_operator.go); the conditions of node pools are in
openshift/machine-config-operator, pkg/operator/status.go. What is missing, or has another form, is never
taken for fine.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from okd_gitops.evidence.report import Evidence
from okd_gitops.manifests.objects import at, items
from okd_gitops.redaction import one_line
from okd_gitops.times import parse_time

_TEST = "test "


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a cluster answered: its ClusterVersion, its ClusterOperatorList, and which tests passed."""

    version: object
    operators: object
    tests: Mapping[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The evidence to report, or (without evidence) why the cluster cannot be judged yet."""

    evidence: Evidence | None
    reason: str


def judge(
    seen: Seen, *, cluster: str, version: str, image: str, now: datetime, patience: timedelta
) -> Observation:
    """Judge a cluster that is to run `version` and `image`: passed, failed, or not decided yet.

    An update has failed when it reports a failure without a break for longer than `patience`, or when
    something is wrong `patience` after its completion. An update that only takes long has not failed.
    """
    status = at(seen.version, "status")
    newest_update = next(_maps(status, "history"), {})
    report: dict[str, Any] = {"cluster": cluster, "version": version, "image": image}

    why_not_judged = _why_not_judged(seen.version, newest_update, version, image)
    if why_not_judged:
        return Observation(evidence=None, reason=why_not_judged)

    if newest_update.get("state") != "Completed":
        return _unfinished(status, report, _time(newest_update.get("startedTime")), now, patience)

    finished = _time(newest_update.get("completionTime"))
    if finished is None or finished > now or newest_update.get("version") != version:
        reason = f"{version} is complete, but the cluster does not report since when, or its clock is wrong"
        return Observation(evidence=None, reason=reason)

    return _finished(seen, report, finished, now, patience)


def _why_not_judged(
    cluster_version: object, newest_update: Mapping[str, Any], version: str, image: str
) -> str:
    """Return why the newest update of a cluster is not the one to judge; nothing when it is."""
    if at(cluster_version, "kind") != "ClusterVersion" or not newest_update:
        return "the cluster does not report which releases it has had"

    generation = at(cluster_version, "metadata", "generation")
    if generation is None or at(cluster_version, "status", "observedGeneration") != generation:
        return "the cluster has not yet read which release it must run"

    # The version is empty when the image could not be read; the image is always there.
    if newest_update.get("image") != image or newest_update.get("version") not in (version, "", None):
        shown = one_line(f"{newest_update.get('version')}, {newest_update.get('image')}", 500)
        return f"git has {version}, {image}; the newest update of the cluster is {shown}"

    return ""


def _finished(
    seen: Seen, report: dict[str, Any], finished: datetime, now: datetime, patience: timedelta
) -> Observation:
    """Judge a complete update: healthy, still busy, or unhealthy for longer than `patience`."""
    status = at(seen.version, "status")
    version = report["version"]
    report["tests"] = {name: "passed" if passed else "failed" for name, passed in seen.tests.items()}
    faults, unfinished = tuple(_faults(status, seen)), tuple(_unfinished_parts(status, seen))
    complete = f"{version} is complete since {finished:%Y-%m-%d %H:%M}"

    if not faults and not unfinished:
        return Observation(
            evidence=Evidence(**report, finished=finished, passed=True, operators="healthy"),
            reason=f"{complete}, and all is well",
        )

    reason = f"{complete}, but {'; '.join((*faults, *unfinished))}"

    if unfinished or now - finished <= patience:
        return Observation(evidence=None, reason=reason)

    only_tests_failed = all(fault.startswith(_TEST) for fault in faults)
    operators: Literal["healthy", "degraded"] = "healthy" if only_tests_failed else "degraded"

    return Observation(
        evidence=Evidence(
            **report, finished=now, passed=False, operators=operators, reason=one_line(reason, 500)
        ),
        reason=reason,
    )


def _unfinished(
    status: object, report: dict[str, Any], started: datetime | None, now: datetime, patience: timedelta
) -> Observation:
    failing = _condition(status, "Failing")
    failing_since = _time(failing.get("lastTransitionTime"))

    if failing.get("status") != "True" or failing_since is None or started is None:
        return Observation(evidence=None, reason=f"{report['version']} is under way")

    # A cluster that failed before may well be repaired by this release.
    since = max(failing_since, started)
    why = one_line(f"{failing.get('reason') or 'Failing'}: {failing.get('message') or 'no message'}", 500)
    reason = one_line(f"{report['version']} fails since {since:%Y-%m-%d %H:%M}: {why}", 500)

    if now - since <= patience:
        return Observation(evidence=None, reason=reason)

    # An incomplete update was not tested, and some of its operators still report on the release before.
    return Observation(
        evidence=Evidence(**report, finished=now, passed=False, operators="unknown", reason=reason),
        reason=reason,
    )


def _faults(status: object, seen: Seen) -> Iterator[str]:
    """Name what is wrong; a condition that is missing is wrong too."""
    yield from _differing("ClusterVersion", status, {"Available": "True", "Failing": "False"})
    operators = list(_maps(seen.operators, "items"))
    is_list = at(seen.operators, "kind") == "ClusterOperatorList"
    is_partial = bool(at(seen.operators, "metadata", "continue"))

    if not is_list or not operators or is_partial:
        yield "the operators cannot be listed"

    wanted = {"Available": "True", "Degraded": "False"}

    for operator in operators:
        yield from _differing(f"operator {_name(operator)}", at(operator, "status"), wanted)

        if _pools(operator) == "DegradedPool":
            yield "nodes of a pool are degraded"

    yield from (f"{_TEST}{name} failed" for name, passed in sorted(seen.tests.items()) if not passed)


def _unfinished_parts(status: object, seen: Seen) -> Iterator[str]:
    """Name what is still under way."""
    yield from _differing("ClusterVersion", status, {"Progressing": "False"})

    for operator in _maps(seen.operators, "items"):
        yield from _differing(f"operator {_name(operator)}", at(operator, "status"), {"Progressing": "False"})

        if _pools(operator) == "PoolUpdating":
            yield "nodes of a pool are updating"


def _differing(what: str, status: object, wanted: Mapping[str, str]) -> Iterator[str]:
    yield from (
        f"{what} is not {kind}={value}"
        for kind, value in wanted.items()
        if _condition(status, kind).get("status") != value
    )


def _pools(operator: object) -> object:
    """Return why the machine-config operator holds minor updates back.

    It reports on worker nodes only there, and they go on updating after completion.
    """
    if at(operator, "metadata", "name") != "machine-config":
        return None

    condition = _condition(at(operator, "status"), "Upgradeable")

    return condition.get("reason") if condition.get("status") == "False" else None


def _name(operator: object) -> str:
    return one_line(str(at(operator, "metadata", "name")), 60)


def _maps(value: object, *path: str) -> Iterator[Mapping[str, Any]]:
    return (item for item in items(value, *path) if isinstance(item, dict))


def _condition(status: object, kind: str) -> Mapping[str, Any]:
    of_kind = (condition for condition in _maps(status, "conditions") if condition.get("type") == kind)

    return next(of_kind, {})


def _time(value: object) -> datetime | None:
    """Read a time of the Kubernetes API (RFC 3339 in UTC, in whole seconds)."""
    try:
        return parse_time(str(value))
    except ValueError:
        return None
