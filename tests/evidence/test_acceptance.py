"""How an update was let in: what makes it no evidence, which condition is a refusal, and since when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from okd_gitops.evidence.acceptance import Wanted, refusal_of, refused_since, why_no_evidence
from okd_gitops.evidence.state import ClusterState, Refused

OLD, NEW, NEXT_LINE = "4.22.0-okd-scos.7", "4.22.0-okd-scos.9", "4.23.0-okd-scos.0"
A, B = (f"registry.example.org/release@sha256:{letter * 64}" for letter in "ab")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WANTED = Wanted(cluster="canary", version=NEW, image=B, accepted_risks=frozenset({"SlowDisks"}))
RECOMMENDED = 'Precondition "ClusterVersionRecommendedUpdate" failed because of '
SLOW, OTHER = (f'{RECOMMENDED}"{name}": disks wait' for name in ("SlowDisks", "Other"))


def hours(number: float) -> str:
    """Return a time so many hours before now, as the API writes it."""
    return f"{NOW - timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}"


def cluster_version(
    *conditions: dict[str, str], asks: dict[str, Any] | None = None, **newest: Any
) -> dict[str, Any]:
    """Return a ClusterVersion that runs the old release and is asked for the new one."""
    update = {"version": OLD, "image": A, "state": "Completed", "verified": True, **newest}

    return {
        "spec": {"desiredUpdate": {"version": NEW, "image": B} if asks is None else asks},
        "status": {"history": [update, {"version": "4.22.0-okd-scos.6"}], "conditions": list(conditions)},
    }


def condition(kind: str, status: str, **words: str) -> dict[str, str]:
    return {"type": kind, "status": status, **words}


@pytest.mark.parametrize(
    ("version", "why"),
    [
        (cluster_version(), ""),
        (cluster_version(acceptedRisks=SLOW), ""),
        (
            cluster_version(asks={"version": NEW, "image": B, "force": True}),
            "its ClusterVersion has force: true, which goes past every check",
        ),
        (cluster_version(asks={"version": NEW, "image": B, "force": False}), ""),
        (
            cluster_version(verified=False, acceptedRisks="Forced\nthrough"),
            "the cluster did not verify the release before it took it: Forced through",
        ),
        (cluster_version(verified=None), "the cluster did not verify the release before it took it:"),
        (cluster_version(acceptedRisks=OTHER), f"the cluster went past a risk: {OTHER}"),
        (cluster_version(acceptedRisks=SLOW + OTHER), f"the cluster went past a risk: {SLOW}{OTHER}"),
        (cluster_version(acceptedRisks=f"Forced. {SLOW}"), f"the cluster went past a risk: Forced. {SLOW}"),
        (cluster_version(acceptedRisks=RECOMMENDED), f"the cluster went past a risk: {RECOMMENDED.strip()}"),
    ],
)
def test_what_makes_an_update_no_evidence(version: dict[str, Any], why: str) -> None:
    assert why_no_evidence(version, WANTED) == why


@pytest.mark.parametrize("newest", [{"verified": False}, {"acceptedRisks": OTHER}])
def test_the_words_of_a_cluster_are_cut(newest: dict[str, Any]) -> None:
    newest["acceptedRisks"] = newest.get("acceptedRisks", "") + "x" * 900

    assert len(why_no_evidence(cluster_version(**newest), WANTED)) == 500


def test_the_first_entry_of_a_history_is_an_installation_that_nobody_verified() -> None:
    version = cluster_version(verified=False)
    del version["status"]["history"][1]

    assert why_no_evidence(version, WANTED) == ""


NOT_ACCEPTED = condition("ReleaseAccepted", "False", message=f'failed image="{B}"')
INVALID = condition("Invalid", "True", message="it is not there")
HELD = condition("Upgradeable", "False", reason="PoolUpdating")


@pytest.mark.parametrize(
    ("version", "found"),
    [
        (cluster_version(), None),
        (cluster_version(NOT_ACCEPTED), NOT_ACCEPTED),
        (cluster_version(INVALID, NOT_ACCEPTED), NOT_ACCEPTED),
        (cluster_version(condition("ReleaseAccepted", "False", message=f'failed image="{A}"')), None),
        (cluster_version(condition("ReleaseAccepted", "Unknown", message=f'image="{B}"')), None),
        (cluster_version(condition("ReleaseAccepted", "True", message=f'image="{B}"')), None),
        (cluster_version(condition("ReleaseAccepted", "False")), None),
        (cluster_version(INVALID), INVALID),
        (cluster_version(condition("Invalid", "False")), None),
        (cluster_version(HELD), None),
        (cluster_version(HELD, version="4.21.0-okd-scos.9"), HELD),
        (cluster_version(HELD, version="5.22.0-okd-scos.9"), HELD),
        (cluster_version(condition("Upgradeable", "True"), version="4.21.0-okd-scos.9"), None),
        (cluster_version(NOT_ACCEPTED, image=B, version=NEW), None),
        (cluster_version(NOT_ACCEPTED, asks={"version": NEW}), NOT_ACCEPTED),
        (cluster_version(NOT_ACCEPTED, asks={"image": B}), NOT_ACCEPTED),
        (cluster_version(NOT_ACCEPTED, asks={"version": OLD}), None),
        (cluster_version(NOT_ACCEPTED, asks={"version": NEW, "image": A}), None),
        (cluster_version(NOT_ACCEPTED, asks={}), None),
    ],
    ids=[
        "nothing",
        "not accepted",
        "not accepted before invalid",
        "another image is not accepted",
        "it is being looked at",
        "accepted",
        "nobody knows which is not accepted",
        "invalid",
        "valid",
        "a patch of a cluster that takes no minor",
        "a minor of a cluster that takes none",
        "a major of a cluster that takes no minor",
        "a minor of a cluster that takes it",
        "it runs already",
        "asked for by version alone",
        "asked for by image alone",
        "asked for another version",
        "asked for another image",
        "asked for nothing",
    ],
)
def test_a_refusal_is_a_condition_about_this_release(
    version: dict[str, Any], found: dict[str, str] | None
) -> None:
    assert refusal_of(version, WANTED) == found


def refused(version: dict[str, Any], found: dict[str, str], before: ClusterState | None = None) -> Refused:
    return refused_since(version, found, WANTED, before=before, now=NOW)


@pytest.mark.parametrize(
    ("words", "reason", "message"),
    [
        ({"reason": "RetrievePayload", "message": "not\nsigned"}, "RetrievePayload", "not signed"),
        ({"reason": "RetrievePayload"}, "RetrievePayload", "RetrievePayload"),
        ({"message": "not signed"}, "not signed", "not signed"),
        ({}, "refused", ""),
        ({"reason": "RetrievePayload", "message": "x" * 900}, "RetrievePayload", f"{'x' * 499}…"),
    ],
)
def test_a_refusal_has_the_words_of_the_cluster(words: dict[str, str], reason: str, message: str) -> None:
    assert refused(cluster_version(), words) == Refused(
        version=NEW, image=B, reason=reason, message=message, since=NOW
    )


@pytest.mark.parametrize(
    ("transition", "started", "completed", "age"),
    [(3, 9, 8, 3), (9, 3, None, 3), (9, 8, 3, 3), (None, None, None, 0), (None, 5, None, 5)],
)
def test_a_refusal_is_no_older_than_the_newest_update(
    transition: float | None, started: float | None, completed: float | None, age: float
) -> None:
    given = {"lastTransitionTime": transition, "startedTime": started, "completionTime": completed}
    times: dict[str, Any] = {name: hours(number) for name, number in given.items() if number is not None}
    found = {"lastTransitionTime": times.pop("lastTransitionTime")} if transition else {}

    assert refused(cluster_version(**times), found).since == NOW - timedelta(hours=age)


def state(seen: float, **said: Any) -> ClusterState:
    """Return what the hub saw so many hours ago."""
    well = {"cluster": "canary", "clusterID": "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926"}

    return ClusterState.model_validate({**well, "seen": NOW - timedelta(hours=seen), **said})


EARLIER = {"version": NEW, "image": B, "reason": "x", "since": NOW - timedelta(hours=7)}


@pytest.mark.parametrize(
    ("before", "age"),
    [
        (state(1, refused=EARLIER), 7),
        (state(1, refused={**EARLIER, "version": OLD}), 1),
        (state(1, refused={**EARLIER, "image": A}), 1),
        (state(1), 1),
        (state(20), 9),
        (state(-5), 0),
    ],
    ids=["of this release", "of another version", "of another image", "none", "long ago", "a wrong clock"],
)
def test_a_refusal_is_as_old_as_the_hub_first_saw_it(before: ClusterState, age: float) -> None:
    found = {"lastTransitionTime": hours(9)}

    assert refused(cluster_version(startedTime=hours(20)), found, before).since == NOW - timedelta(hours=age)
