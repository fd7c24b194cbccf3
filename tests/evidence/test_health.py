"""What a cluster's API says of an upgrade, judged: passed needs everything, failed needs time, and odd
answers are never either.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_state import DONE, conditions, operators, pool, pools
from okd_gitops.evidence.acceptance import Wanted
from okd_gitops.evidence.answers import Seen
from okd_gitops.evidence.health import Observation, health_of, judge
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import Refused
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.releases.version import Version

VERSION, OLD = "4.22.0-okd-scos.9", "4.22.0-okd-scos.7"
IMAGE, OTHER = (
    "registry.example.org/release@sha256:" + "b" * 64,
    "registry.example.org/release@sha256:" + "a" * 64,
)
PATIENCE = timedelta(hours=4)
SOON, LATE = DONE + timedelta(minutes=20), DONE + PATIENCE + timedelta(seconds=1)


@dataclass
class Answers:
    """A ClusterVersion, a ClusterOperatorList and a MachineConfigPoolList."""

    version: dict[str, Any]
    operators: dict[str, Any]
    pools: dict[str, Any]


WANTED = Wanted(cluster="canary", version=VERSION, image=IMAGE)


def answers() -> Answers:
    """Return those of a cluster that is well, in the form of openshift/api,
    config/v1/types_cluster_version.go.
    """
    entry = {
        "state": "Completed",
        "startedTime": "2026-11-21T11:00:00Z",
        "completionTime": f"{DONE:%Y-%m-%dT%H:%M:%SZ}",
    }
    before = {**entry, "version": OLD, "image": OTHER, "verified": True}
    status = {
        "desired": {"version": VERSION, "image": IMAGE},
        "observedGeneration": 4,
        "versionHash": "x",
        "history": [{**entry, "version": VERSION, "image": IMAGE, "verified": True}, before],
        "conditions": conditions(Available="True", Failing="False", Progressing="False"),
    }
    version = {
        "apiVersion": "config.openshift.io/v1",
        "kind": "ClusterVersion",
        "metadata": {"name": "version", "generation": 4},
        "status": status,
    }
    return Answers(version, operators(), pools())


def judged(
    change: Callable[[Answers], object] | None = None,
    *,
    now: datetime = SOON,
    tests: dict[str, bool] | None = None,
) -> Observation:
    given = answers()
    if change:
        change(given)
    seen = Seen(
        version=given.version,
        operators=given.operators,
        pools=given.pools,
        tests={"api-ready": True} if tests is None else tests,
    )
    return judge(seen, WANTED, refused=None, now=now, patience=PATIENCE)


def condition(value: dict[str, Any], kind: str) -> dict[str, str]:
    return next(each for each in value["status"]["conditions"] if each["type"] == kind)


def partial(version: dict[str, Any], /, **said: object) -> None:
    version["status"]["history"][0] |= {"state": "Partial", "completionTime": None, **said}


def failing(version: dict[str, Any], /, since: datetime = DONE, **said: object) -> dict[str, str]:
    partial(version, **said)
    words = {
        "reason": "ClusterOperatorDegraded",
        "message": "Cluster operator etcd is degraded\n\x1b[31m" + "x" * 900,
    }
    found = condition(version, "Failing")
    found.update(status="True", lastTransitionTime=f"{since:%Y-%m-%dT%H:%M:%SZ}", **words)
    return found


def test_a_complete_release_with_all_well_is_passed_once_and_for_all_with_the_clusters_own_time() -> None:
    found = judged()
    assert found.evidence == judged(now=LATE).evidence
    assert found.evidence == Evidence(
        cluster="canary",
        version=VERSION,
        image=IMAGE,
        finished=DONE,
        passed=True,
        tests={"api-ready": "passed"},
    )


WAITING: dict[str, Callable[[Answers], object]] = {
    "no answer": lambda a: a.version.clear(),
    "another kind": lambda a: a.version.update(kind="Status"),
    "no history": lambda a: a.version["status"].pop("history"),
    "an empty history": lambda a: a.version["status"].update(history=[]),
    "no generation": lambda a: (
        a.version["metadata"].pop("generation"),
        a.version["status"].pop("observedGeneration"),
    ),
    "a wish that it has not read": lambda a: a.version["metadata"].update(generation=5),
    "the release before": lambda a: a.version["status"]["history"].pop(0),
    "the same version, another image": lambda a: a.version["status"]["history"][0].update(image=OTHER),
    "a tag": lambda a: a.version["status"]["history"][0].update(image="registry.example.org/release:4.22"),
    "another version in the image": lambda a: a.version["status"]["history"][0].update(version=OLD),
    "no version": lambda a: a.version["status"]["history"][0].update(version=""),
    "no time": lambda a: a.version["status"]["history"][0].update(completionTime=None),
    "half a time": lambda a: a.version["status"]["history"][0].update(completionTime="2026-11-21"),
    "a time to come": lambda a: a.version["status"]["history"][0].update(
        completionTime="2099-01-01T00:00:00Z"
    ),
    "under way": lambda a: partial(a.version),
    "failing in an update of an unknown time": lambda a: failing(a.version, startedTime=None),
    "failing since an unknown time": lambda a: failing(a.version).pop("lastTransitionTime"),
    "progressing": lambda a: condition(a.version, "Progressing").update(status="True"),
    "an operator that progresses": lambda a: condition(a.operators["items"][0], "Progressing").update(
        status="True"
    ),
    "nodes that restart": lambda a: a.pools["items"].append(pool("infra", 2, updated=1)),
    "nodes that restart while an operator is degraded": lambda a: (
        a.pools["items"].append(pool("infra", 2, updated=1)),
        condition(a.operators["items"][0], "Degraded").update(status="True"),
    ),
    "a paused pool": lambda a: a.pools["items"][1]["spec"].update(paused=True),
    "a configuration that the pool has not read": lambda a: a.pools["items"][1]["metadata"].update(
        generation=4
    ),
}


@pytest.mark.parametrize("name", WAITING)
def test_an_unfinished_or_unknown_state_is_never_reported(name: str) -> None:
    for now in (SOON, LATE, DONE + timedelta(days=30)):
        assert judged(WAITING[name], now=now).evidence is None


SINCE = f"{VERSION} is complete since 2026-11-21 12:00"
NOT_REPORTED = "the cluster does not report which releases it has had"
NOT_READ = "the cluster has not yet read which release it must run"
NO_TIME = f"{VERSION} is complete, but the cluster does not report since when, or a clock is wrong"
UNDER_WAY = f"{VERSION} is under way"
INSTEAD = f"git has {VERSION}, {IMAGE}; the newest update of the cluster is"
REASONS = {
    "no answer": NOT_REPORTED,
    "another kind": NOT_REPORTED,
    "no history": NOT_REPORTED,
    "an empty history": NOT_REPORTED,
    "no generation": NOT_READ,
    "a wish that it has not read": NOT_READ,
    "the release before": f"{INSTEAD} {OLD}, {OTHER}",
    "another version in the image": f"{INSTEAD} {OLD}, {IMAGE}",
    "no version": NO_TIME,
    "no time": NO_TIME,
    "a time to come": NO_TIME,
    "under way": UNDER_WAY,
    "failing in an update of an unknown time": UNDER_WAY,
    "failing since an unknown time": UNDER_WAY,
    "progressing": f"{SINCE}, but ClusterVersion is not Progressing=False",
    "an operator that progresses": f"{SINCE}, but operator etcd is not Progressing=False",
    "nodes that restart while an operator is degraded": (
        f"{SINCE}, but operator etcd is not Degraded=False; "
        "pool infra is not updated: 1 of 2 nodes have its latest configuration"
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_what_is_not_decided_yet_has_a_reason(name: str) -> None:
    assert judged(WAITING[name]).reason == REASONS[name]


def test_a_foreign_name_of_a_release_is_one_line_of_limited_length() -> None:
    reason = judged(lambda a: a.version["status"]["history"][0].update(version=f"a\nb{'x' * 900}")).reason

    assert reason == f"{INSTEAD} a b{'x' * 496}…"


def test_a_release_is_passed_from_the_second_of_its_completion() -> None:
    assert judged(now=DONE).evidence
    assert judged(now=DONE - timedelta(seconds=1)).evidence is None
    assert judged().reason == f"{SINCE}, and all is well"


def test_a_whole_list_of_operators_has_a_version_of_its_own() -> None:
    assert judged(lambda a: a.operators["metadata"].update(resourceVersion="7")).evidence


def test_health_names_every_part_that_is_not_well() -> None:
    given = answers()
    condition(given.version, "Failing").update(status="True")
    condition(given.version, "Progressing").update(status="True")
    condition(given.operators["items"][0], "Degraded").update(status="True")
    given.pools["items"][1]["status"].update(degradedMachineCount=1)
    given.pools["items"].append(pool("infra", 2, updated=1))
    tests = {"console": False, "api-ready": True}
    seen = Seen(version=given.version, operators=given.operators, pools=given.pools, tests=tests)

    found = health_of(seen)

    assert found.faults == (
        "ClusterVersion is not Failing=False",
        "operator etcd is not Degraded=False",
        "pool worker is degraded (1 of 6 nodes)",
        "test console failed",
    )
    assert found.unfinished == (
        "ClusterVersion is not Progressing=False",
        "pool infra is not updated: 1 of 2 nodes have its latest configuration",
    )
    assert found.pools.faults == ("pool worker is degraded (1 of 6 nodes)",)


def failed_because(reason: str) -> Evidence:
    """Return the report of a release that failed when patience was over."""
    return Evidence(
        cluster="canary",
        version=VERSION,
        image=IMAGE,
        finished=LATE,
        passed=False,
        operators="unknown",
        reason=reason,
    )


def test_a_refusal_fails_the_release_after_patience_in_the_clusters_words() -> None:
    given = answers()
    seen = Seen(version=given.version, operators=given.operators, pools=given.pools, tests={})
    refused = Refused(reason="Invalid", message="it is\nnot there", since=DONE)
    reason = f"{VERSION} is refused since 2026-11-21 12:00: Invalid: it is not there"

    for now, evidence in ((DONE + PATIENCE, None), (LATE, failed_because(reason))):
        found = judge(seen, WANTED, refused=refused, now=now, patience=PATIENCE)
        assert found == Observation(evidence=evidence, reason=reason)

    wordy = Refused(reason="Invalid", message="x" * 900, since=DONE)
    assert len(judge(seen, WANTED, refused=wordy, now=LATE, patience=PATIENCE).reason) == 500


def test_what_was_seen_of_an_update_before_is_no_evidence_but_for_an_emergency() -> None:
    given = answers()
    seen = Seen(version=given.version, operators=given.operators, pools=given.pools, tests={})
    known: Any = {"refused": None, "now": SOON, "patience": PATIENCE, "known_no_evidence": "it was forced"}

    found = judge(seen, WANTED, **known)
    reason = f"{VERSION} is complete, but it is no evidence for other clusters: it was forced"
    assert found == Observation(evidence=None, reason=reason, no_evidence="it was forced")

    emergency = judge(seen, replace(WANTED, is_emergency=True), **known).evidence
    assert emergency
    assert (emergency.passed, emergency.emergency) == (True, "it was forced")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ({"reason": "UpdatePayloadFailed", "message": "no\nspace"}, "UpdatePayloadFailed: no space"),
        ({"reason": "", "message": ""}, "no message"),
    ],
)
def test_an_update_that_fails_says_since_when_and_why(words: dict[str, str], shown: str) -> None:
    found = judged(lambda a: failing(a.version).update(words), now=LATE)
    early = judged(lambda a: failing(a.version).update(words))

    assert early == Observation(evidence=None, reason=found.reason)
    assert found.reason == f"{VERSION} fails since 2026-11-21 12:00: {shown}"
    assert found.evidence == failed_because(found.reason)


UNWELL: dict[str, tuple[str, Callable[[Answers], object]]] = {
    "not available": (
        "ClusterVersion is not Available=True",
        lambda a: condition(a.version, "Available").update(status="False"),
    ),
    "failing again": (
        "ClusterVersion is not Failing=False",
        lambda a: condition(a.version, "Failing").update(status="True"),
    ),
    "an operator down": (
        "operator etcd is not Available=True",
        lambda a: condition(a.operators["items"][0], "Available").update(status="False"),
    ),
    "an operator unknown": (
        "operator etcd is not Degraded=False",
        lambda a: condition(a.operators["items"][0], "Degraded").update(status="Unknown"),
    ),
    "an operator without a word": (
        "operator etcd is not Degraded=False",
        lambda a: a.operators["items"][0]["status"]["conditions"].pop(1),
    ),
    "nodes that failed": (
        "pool worker is degraded (2 of 6 nodes)",
        lambda a: a.pools["items"][1]["status"].update(updatedMachineCount=4, degradedMachineCount=2),
    ),
    "a node that is not ready": (
        "pool worker has 5 of 6 nodes ready",
        lambda a: a.pools["items"][1]["status"].update(readyMachineCount=5),
    ),
    "no pools": ("the pools of nodes cannot be listed", lambda a: a.pools.update(items=[])),
    "no operators": ("the operators cannot be listed", lambda a: a.operators.update(items=[])),
    "half of the operators": (
        "the operators cannot be listed",
        lambda a: a.operators["metadata"].update({"continue": "eyJ2"}),
    ),
    "a list of something else": (
        "the operators cannot be listed",
        lambda a: a.operators.update(kind="PodList"),
    ),
}


@pytest.mark.parametrize("name", UNWELL)
def test_a_degraded_cluster_waits_before_it_fails_the_release(name: str) -> None:
    reason, change = UNWELL[name]
    early, late = judged(change), judged(change, now=LATE).evidence
    assert early.evidence is None
    assert early.reason == f"{SINCE}, but {reason}"
    assert judged(change, now=DONE + PATIENCE).evidence is None
    assert late
    assert (late.passed, late.operators, late.finished) == (False, "degraded", LATE)
    assert late.reason == early.reason


def test_a_test_that_fails_is_not_an_operator_that_fails() -> None:
    assert judged(tests={"api-ready": True, "console": False}).evidence is None
    late = judged(tests={"api-ready": True, "console": False}, now=LATE).evidence
    assert late
    assert (late.passed, late.operators, late.tests) == (
        False,
        "healthy",
        {"api-ready": "passed", "console": "failed"},
    )


def test_an_update_that_fails_long_enough_has_failed_and_its_reason_is_one_line() -> None:
    assert judged(lambda a: failing(a.version), now=DONE + PATIENCE).evidence is None
    # It failed, went on, and fails again: it may still come through.
    assert judged(lambda a: failing(a.version, LATE), now=LATE + timedelta(minutes=5)).evidence is None
    # It failed with the release before already.
    assert judged(lambda a: failing(a.version, DONE - timedelta(days=9)), now=DONE).evidence is None
    late = judged(lambda a: failing(a.version, version=""), now=LATE).evidence
    assert late
    assert (late.passed, late.operators, late.version, late.tests) == (False, "unknown", VERSION, {})
    assert len(late.reason) == 500
    assert late.reason.isprintable()
    assert parse(Evidence, read(late.path, late.text().encode())) == late


@pytest.mark.parametrize("index", [0, 1])
def test_an_operator_that_only_refuses_minor_updates_is_well(index: int) -> None:
    assert judged(
        lambda a: condition(a.operators["items"][index], "Upgradeable").update(status="False", reason="Other")
    ).evidence


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["True", "False", "Completed", VERSION, IMAGE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "history", "items", "conditions", "type", "kind"]), inner
        )
    ),
    max_leaves=12,
)


@given(version=JSON, operators=JSON, nodes=JSON)
def test_any_answer_at_all_is_judged_without_an_error_and_reports_nothing(
    version: object, operators: object, nodes: object
) -> None:
    seen = Seen(version=version, operators=operators, pools=nodes, tests={})
    assert judge(seen, WANTED, refused=None, now=LATE, patience=PATIENCE).evidence is None


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of everything inside a value."""
    pairs: list[tuple[str | int, object]] = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    return [found for key, item in pairs for found in ((*path, key), *places(item, (*path, key)))]


@given(data=st.data())
def test_one_odd_value_anywhere_never_raises_and_never_turns_bad_into_passed(data: st.DataObject) -> None:
    given = answers()
    failing(given.version)
    both = {"version": given.version, "operators": given.operators, "pools": given.pools}
    path = data.draw(st.sampled_from(places(both)))
    inner: Any = both
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = data.draw(JSON)
    tests = {"api-ready": True}
    seen = Seen(version=both["version"], operators=both["operators"], pools=both["pools"], tests=tests)
    now = data.draw(st.sampled_from([SOON, LATE]))
    found = judge(seen, WANTED, refused=None, now=now, patience=PATIENCE).evidence
    assert found is None or not found.passed
    if found:
        assert Version.parse(found.version).text == VERSION
