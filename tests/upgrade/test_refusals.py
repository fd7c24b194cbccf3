"""The table of refusals: each row speaks where it must and nowhere else, and what passes all of them
breaks no promise.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from okd_gitops.evidence.proposal import ProposalNote
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import ClusterState
from okd_gitops.evidence.trial_names import fresh_cluster, upgrading_cluster
from okd_gitops.explanation import explanation_of, explanations
from okd_gitops.fleet.upgrades import Accepted, Window
from okd_gitops.releases.cross_check import Release
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.releases.version import Version
from okd_gitops.upgrade import edges, refusals
from okd_gitops.upgrade.edges import RefusedEdge
from okd_gitops.upgrade.path import Hop, NoPath, Path
from okd_gitops.upgrade.question import Answer, Follower, Question, Way
from okd_gitops.upgrade.refusals import (
    REFUSALS,
    Decision,
    Verdict,
    decide,
    every_refusal,
    without_vain_advice,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OLD, NEW = Version.parse("4.22.0-okd-scos.7"), Version.parse("4.22.0-okd-scos.9")
NEWER = Version.parse("4.22.0-okd-scos.10")
A, B = "registry.example.org/release@sha256:" + "a" * 64, "registry.example.org/release@sha256:" + "b" * 64
C = "registry.example.org/release@sha256:" + "c" * 64
MIRRORED = "mirror.example.org/release@sha256:" + "c" * 64
OTHER_ID = "5a7e90c2-4d13-4b88-b6f5-e21c07d9384a"
SOAK = {0: timedelta(hours=1), 1: timedelta(days=3), 2: timedelta(days=2), 3: timedelta(0)}
GOOD = Release(version=NEW, signed=B, published=NOW - timedelta(days=10))


def follower(name: str, purpose: str, wave: int, **changes: Any) -> Follower:
    cluster = Follower(
        name=name,
        purpose=purpose,
        guarded=purpose in ("hub", "cd"),
        wave=wave,
        soak=SOAK[wave],
        stream="4-scos-stable",
        version=OLD,
        image=A,
        channel="stable-scos-4",
        takes=frozenset({"release"}),
    )
    return replace(cluster, **changes)


FLEET = {
    "eph": follower("eph", "ephemeral", 0),
    "test": follower("test", "test", 1),
    "hub": follower("hub", "hub", 2),
    "cd": follower("cd", "cd", 3),
}


def path(start: Version, end: Version = NEW, *acks: str) -> Path | NoPath:
    """Return one hop up, or what the search for a path says of any other way."""
    if start == end:
        return NoPath(edges.SAME, "the cluster already has it")
    if start > end:
        return NoPath(edges.LOWER, "it is lower")
    return Path((Hop(start, end, "patch", (), "stable-scos-4", acks),))


def passed(cluster: str, days: float = 9, *, image: str = B, ok: bool = True) -> Evidence:
    return Evidence(
        cluster=cluster, version=NEW.text, image=image, finished=NOW - timedelta(days=days), passed=ok
    )


def moved(*names: str) -> list[Follower]:
    """Return the fleet, in which some clusters are to run the release."""
    return [
        replace(cluster, version=NEW, image=B) if cluster.name in names else cluster
        for cluster in FLEET.values()
    ]


def question(cluster: Follower, fleet: Iterable[Follower], **changes: Any) -> Question:
    asked = Question(
        cluster=cluster,
        fleet=tuple(fleet),
        path=path(cluster.version),
        release=GOOD,
        image=GOOD.signed,
        evidence=(),
        now=NOW,
        verified=True,
        images=(A, MIRRORED) if cluster.version == OLD else (B, MIRRORED),
    )
    return replace(asked, **changes)


def decided(fleet: list[Follower], evidence: list[Evidence], **changes: Any) -> dict[str, Decision]:
    return {cluster.name: decide(question(cluster, fleet, evidence=evidence, **changes)) for cluster in fleet}


def names(found: dict[str, Decision]) -> dict[str, str]:
    return {
        name: str(decision.verdict) if decision.verdict in ("done", "upgrade") else decision.name
        for name, decision in found.items()
    }


# A question that every row lets pass; each case below changes one thing.
READY = question(
    FLEET["cd"], moved("eph", "test", "hub"), evidence=(passed("eph"), passed("test"), passed("hub"))
)
PATH_NAMES = [value for value in vars(edges).values() if isinstance(value, str) and value in explanations()]


def no_path(name: str, *refused: str) -> dict[str, Any]:
    edges = tuple(RefusedEdge(code, "why", (OLD.text, NEW.text)) for code in refused)

    return {"path": NoPath(name, "why", None, edges)}


TRY, TRY_UP = fresh_cluster(NEW.text), upgrading_cluster(NEW.text)


def tried(*reports: Evidence) -> dict[str, Any]:
    """Let the release need trials, of which these are reports."""
    return {"needed_trials": (TRY, TRY_UP), "evidence": (*READY.evidence, *reports)}


def reports(other: Evidence) -> dict[str, Any]:
    """Put a report in the place of the one by the same cluster."""
    kept = [report for report in READY.evidence if report.cluster != other.cluster]

    return {"evidence": (*kept, other)}


def cluster(**changes: Any) -> dict[str, Any]:
    return {"cluster": replace(READY.cluster, **changes)}


def state(name: str = "cd", **said: Any) -> dict[str, Any]:
    """Return what a cluster reported last: all is well, but for what is said otherwise."""
    well = {
        "cluster": name,
        "clusterID": "8c5e1d37-02bb-4f6a-8e49-000000000001",
        "seen": NOW,
        "version": OLD.text,
        "image": A,
    }

    return {"states": {name: ClusterState.model_validate({**well, **said})}}


def went_on(name: str) -> dict[str, Any]:
    """Let a cluster of an earlier wave have a newer release, without a report on the one in question."""
    fleet = [replace(other, version=NEWER) if other.name == name else other for other in READY.fleet]

    return {"fleet": fleet, "evidence": [report for report in READY.evidence if report.cluster != name]}


NEXT_LINE = Hop(OLD, Version.parse("5.0.0-okd-scos.0"), "major", (), "stable-scos-5", ())
MINOR_HOP: dict[str, Any] = {"path": Path((NEXT_LINE,))}
FROM_4_21: dict[str, Any] = {"path": Path((replace(NEXT_LINE, to=NEW, kind="minor"),))}
MINOR_HOP_WITH_ACK: dict[str, Any] = {"path": Path((replace(NEXT_LINE, acks=("ack-4.22-x",)),))}


OPEN = ProposalNote(
    cluster="cd", version=NEW.text, image=B, wave=3, commit="c" * 40, opened=NOW - timedelta(days=2)
)
CLOSED = OPEN.model_copy(update={"closed": NOW - timedelta(days=1)})

CASES: list[tuple[str, Verdict, dict[str, Any]]] = [
    ("force-not-allowed", Verdict.REFUSE, {"way": Way.FORCE}),
    ("digest-differs", Verdict.REFUSE, {"images": (B, MIRRORED)}),
    (edges.SAME, Verdict.DONE, no_path(edges.SAME)),
    ("release-withdrawn", Verdict.REFUSE, {**no_path(edges.NOTHING_NEWER), "withdrawn": "nodes do not boot"}),
    ("newer-not-reachable", Verdict.REFUSE, {**no_path(edges.NOTHING_NEWER), "newer": (NEWER, NEW)}),
    ("digest-unconfirmed", Verdict.REFUSE, {**no_path(edges.NOTHING_NEWER), "images": (MIRRORED,)}),
    (edges.NOTHING_NEWER, Verdict.DONE, no_path(edges.NOTHING_NEWER, edges.KIND, edges.RISK)),
    *(
        (name, Verdict.REFUSE, no_path(name))
        for name in PATH_NAMES
        if name not in (edges.SAME, edges.NOTHING_NEWER)
    ),
    ("signed-digest-unknown", Verdict.REFUSE, {"release": replace(GOOD, signed="")}),
    (
        "image-of-another-release",
        Verdict.REFUSE,
        {"release": replace(GOOD, images=(B, MIRRORED)), "image": A},
    ),
    ("kubernetes-unknown", Verdict.REFUSE, {"path": path(OLD, Version.parse("4.99.0-okd-scos.0"))}),
    ("signature-not-verified", Verdict.REFUSE, {"verified": False}),
    ("key-for-other-clusters", Verdict.REFUSE, {"key_fault": "it is for test"}),
    ("newest-release-vanished", Verdict.REFUSE, {"vanished": ("4.22.0-okd-scos.11",)}),
    ("already-tried", Verdict.REFUSE, reports(passed("cd", ok=False))),
    ("earlier-wave-failed", Verdict.REFUSE, reports(passed("test", ok=False))),
    ("evidence-of-other-image", Verdict.REFUSE, reports(passed("test", image=A))),
    ("evidence-from-future", Verdict.REFUSE, reports(passed("test", days=-1))),
    ("trial-failed", Verdict.REFUSE, tried(passed(TRY), passed(TRY_UP, ok=False))),
    ("acknowledgement-missing", Verdict.REFUSE, {"path": path(OLD, NEW, "ack-4.21-x")}),
    ("runs-another-release", Verdict.REFUSE, state(version=NEWER.text)),
    ("not-upgradeable", Verdict.REFUSE, {**MINOR_HOP, **state(notUpgradeable="PoolUpdating: nodes wait")}),
    ("operators-hold-line", Verdict.REFUSE, {**MINOR_HOP, **state(maxLine="4.22")}),
    ("evidence-before-release", Verdict.REFUSE, reports(passed("test", days=11))),
    ("evidence-unobtainable", Verdict.REFUSE, went_on("test")),
    ("release-untried", Verdict.REFUSE, {"fleet": (READY.cluster,)}),
    (
        "release-age-unknown",
        Verdict.REFUSE,
        {"release": replace(GOOD, published=None), "minimum_age": timedelta(1)},
    ),
    ("proposal-closed", Verdict.REFUSE, {"closed": CLOSED}),
    (
        "earlier-waves-held",
        Verdict.WAIT,
        {"fleet": [replace(other, hold="broken" if other.wave < 3 else "") for other in READY.fleet]},
    ),
    ("soak-not-over", Verdict.WAIT, reports(passed("test", days=2))),
    ("evidence-missing", Verdict.WAIT, {"evidence": READY.evidence[1:]}),
    ("trial-missing", Verdict.WAIT, tried()),
    ("trial-missing", Verdict.WAIT, tried(passed(TRY))),
    # An emergency went past something; no report is from the future, or older than its release.
    ("trial-missing", Verdict.WAIT, tried(passed(TRY), passed(TRY_UP).model_copy(update={"emergency": "x"}))),
    ("trial-missing", Verdict.WAIT, tried(passed(TRY), passed(TRY_UP, days=-1))),
    ("trial-missing", Verdict.WAIT, tried(passed(TRY), passed(TRY_UP, days=11))),
    # The edge of a failed upgrade has been withdrawn, so nobody would try it any more.
    (
        "trial-failed",
        Verdict.REFUSE,
        {**tried(passed(TRY), passed(TRY_UP, ok=False)), "needed_trials": (TRY,)},
    ),
    ("trial-missing", Verdict.WAIT, tried(passed(TRY), passed(TRY_UP, image=A))),
    # The fleet demands a suite, and the repository of the trials does not.
    ("trial-missing", Verdict.WAIT, {**tried(passed(TRY), passed(TRY_UP)), "suite": "openshift/conformance"}),
    ("earlier-cluster-unhealthy", Verdict.WAIT, state("test", version=NEW.text, unhealthy=("etcd",))),
    ("earlier-cluster-unhealthy", Verdict.WAIT, state("test", version=OLD.text)),
    ("observation-too-old", Verdict.WAIT, state(seen=NOW - timedelta(days=1, seconds=1))),
    ("cluster-updating", Verdict.WAIT, state(updating=True)),
    ("pools-paused", Verdict.WAIT, state(pausedPools=("worker",))),
    ("cluster-unhealthy", Verdict.WAIT, state(unhealthy=("etcd",))),
    ("emergency-stands", Verdict.WAIT, cluster(emergency="4.21.0-okd-scos.2")),
    ("cluster-held", Verdict.WAIT, cluster(hold="disk is full")),
    ("fleet-frozen", Verdict.WAIT, {"freeze": "holidays"}),
    ("release-too-young", Verdict.WAIT, {"minimum_age": timedelta(days=11)}),
    (
        "release-too-young",
        Verdict.WAIT,
        {
            "release": replace(GOOD, published=None),
            "record": ReleaseRecord(version=NEW.text, seen=NOW - timedelta(hours=5)),
            "minimum_age": timedelta(1),
        },
    ),
    ("outside-window", Verdict.WAIT, cluster(window=Window(day="sunday", start="00:00", hours=1))),
]


def test_an_upgrade_that_no_row_refuses_goes_ahead() -> None:
    assert decide(READY) == Decision(Verdict.UPGRADE)
    assert decide(replace(READY, **tried(passed(TRY), passed(TRY_UP)))) == Decision(Verdict.UPGRADE)


@pytest.mark.parametrize(
    ("name", "verdict", "changes"), CASES, ids=[f"{name}-{verdict}" for name, verdict, _ in CASES]
)
def test_each_row_decides_alone(
    name: str, verdict: Verdict, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(READY, **changes)
    assert (decide(asked).name, decide(asked).verdict) == (name, verdict)

    others = tuple(row for row in REFUSALS if (row.name, row.verdict) != (name, verdict))
    monkeypatch.setattr(refusals, "REFUSALS", others)
    assert (decide(asked).name, decide(asked).verdict) != (name, verdict)


def test_every_row_has_a_case_and_every_reason_of_the_table_a_text() -> None:
    rows = [(row.name, row.verdict) for row in REFUSALS]
    assert sorted(rows) == sorted({(name, verdict) for name, verdict, _ in CASES})
    assert {row.name for row in REFUSALS} <= explanations().keys()


# Which rows each way goes past; force goes past all others too, for ephemeral clusters alone.
WAITING = {
    "evidence-unobtainable",
    "release-untried",
    "release-age-unknown",
    "proposal-closed",
    "earlier-waves-held",
    "earlier-cluster-unhealthy",
    "observation-too-old",
    "cluster-updating",
    "pools-paused",
    "cluster-unhealthy",
    "soak-not-over",
    "evidence-missing",
    "trial-missing",
    "cluster-held",
    "fleet-frozen",
    "release-too-young",
    "outside-window",
}
NEVER_FORCED = {"force-not-allowed", "signed-digest-unknown", "emergency-stands"}
PASSED = {
    Way.ORDINARY: set(),
    Way.EMERGENCY: {*WAITING, "emergency-stands"},
    Way.ADOPTION: {
        *WAITING,
        *(name for name in PATH_NAMES if name not in (edges.SAME, edges.LOWER, edges.ROLLBACK)),
        "release-withdrawn",
        "newer-not-reachable",
        "digest-unconfirmed",
        "runs-another-release",
        "not-upgradeable",
        "operators-hold-line",
        "evidence-before-release",
        "newest-release-vanished",
        "already-tried",
        "earlier-wave-failed",
        "evidence-of-other-image",
        "evidence-from-future",
        "trial-failed",
        "acknowledgement-missing",
    },
    Way.FORCE: {row.name for row in REFUSALS} - NEVER_FORCED,
}
# A new cluster has nothing to leave, as one that runs the release already; but it must want its release.
PASSED[Way.INSTALLATION] = PASSED[Way.ADOPTION] - {edges.KIND, edges.NOT_ACCEPTED, edges.OUTSIDE}


@pytest.mark.parametrize("way", Way)
def test_each_way_passes_exactly_its_rows(way: Way) -> None:
    assert {row.name for row in REFUSALS if way in row.passed_by} == PASSED[way]


@pytest.mark.parametrize("way", [Way.EMERGENCY, Way.ADOPTION, Way.INSTALLATION])
@pytest.mark.parametrize(
    ("name", "verdict", "changes"), CASES, ids=[f"{name}-{verdict}" for name, verdict, _ in CASES]
)
def test_a_way_is_refused_by_every_row_that_it_does_not_pass(
    way: Way, name: str, verdict: Verdict, changes: dict[str, Any]
) -> None:
    found = decide(replace(READY, **{"way": way, **changes}))
    way_of_case = changes.get("way", way)

    if name in PASSED[way_of_case]:
        assert found == Decision(Verdict.UPGRADE)
    else:
        assert (found.name, found.verdict) == (name, verdict)


@pytest.mark.parametrize(
    ("name", "verdict", "changes"), CASES, ids=[f"{name}-{verdict}" for name, verdict, _ in CASES]
)
def test_a_remedy_has_the_values_that_are_known(name: str, verdict: Verdict, changes: dict[str, Any]) -> None:
    assert not re.search(r"\b(VERSION|NAME)\b", decide(replace(READY, **changes)).remedy)


def test_a_remedy_is_about_the_version_that_is_wrong() -> None:
    of_cluster = decide(replace(READY, images=(B,)))
    assert f"`okd-gitops release show {READY.cluster.version.text}`" in of_cluster.remedy

    left_out = NoPath(edges.LEFT_OUT, "it is left out", about=NEWER)
    assert f"`okd-gitops release show {NEWER.text}`" in decide(replace(READY, path=left_out)).remedy


def test_a_digest_of_another_release_is_not_taken() -> None:
    known = replace(GOOD, images=(B, MIRRORED))
    assert decide(replace(READY, release=known)).verdict == Verdict.UPGRADE

    found = decide(replace(READY, release=known, image=A))
    assert (found.name, found.verdict) == ("image-of-another-release", Verdict.REFUSE)
    assert NEW.text in found.reason


NO_LONGER_HERE = passed("test").model_copy(update={"cluster_id": OTHER_ID})
WITHDRAWN = {"version": NEW.text, "reason": "etcd is sick", "since": NOW}
FROM, TO = OLD.text, NEW.text
# What each refusal says of the case, after the statement that all cases of its name have.
DETAILS: list[tuple[str, dict[str, Any], str]] = [
    ("digest-differs", {"images": (B, MIRRORED)}, f"({FROM} is {B})"),
    ("digest-differs", {"images": (B, C)}, f"({FROM} is {B}, {C})"),
    (
        "release-withdrawn",
        {**no_path(edges.NOTHING_NEWER), "withdrawn": f"nodes\ndo not boot{'x' * 400}"},
        f"({FROM}: nodes do not boot{'x' * 282}…)",
    ),
    (
        "newer-not-reachable",
        {**no_path(edges.NOTHING_NEWER, edges.RISK), "newer": (NEWER, NEW)},
        f"({NEWER.text}, {TO}); no edge from {FROM} may be taken",
    ),
    (
        "newer-not-reachable",
        {**no_path(edges.NOTHING_NEWER, edges.RISK), "newer": (NEWER, NEW, OLD)},
        f"({NEWER.text}, {TO}, {FROM}); no edge from {FROM} may be taken",
    ),
    (
        "newer-not-reachable",
        {**no_path(edges.NOTHING_NEWER, edges.RISK), "newer": (NEWER, NEW, OLD, OLD, OLD)},
        f"({NEWER.text}, {TO}, {FROM} and 2 more); no edge from {FROM} may be taken",
    ),
    (
        "newer-not-reachable",
        {**no_path(edges.NOTHING_NEWER), "newer": (NEWER,)},
        (
            f"({NEWER.text}); no edge that was tested with success leads on from {FROM}; `upgrades.accept: "
            f"[{{name: no-path, from: {FROM}, to: {NEWER.text}, reason: …}}]` accepts the newest"
        ),
    ),
    (
        "digest-unconfirmed",
        {**no_path(edges.NOTHING_NEWER), "images": (MIRRORED,)},
        f"({FROM} at registry.example.org/release)",
    ),
    (
        "image-of-another-release",
        {"release": replace(GOOD, images=(B, MIRRORED)), "image": A},
        f"({TO} is {B})",
    ),
    (
        "image-of-another-release",
        {"release": replace(GOOD, images=(B, MIRRORED)), "image": A.replace("registry", "third")},
        f"({TO} is {B}, {MIRRORED})",
    ),
    ("kubernetes-unknown", {"path": path(OLD, Version.parse("4.99.0-okd-scos.0"))}, "(4.99)"),
    ("signature-not-verified", {"verified": False}, ""),
    ("key-for-other-clusters", {"key_fault": "it is for test"}, "(it is for test)"),
    ("newest-release-vanished", {"vanished": (NEWER.text, TO)}, f"({NEWER.text}, {TO})"),
    ("already-tried", reports(passed("cd", ok=False)), ""),
    ("earlier-wave-failed", reports(passed("test", ok=False)), "(test: finished 2026-11-12 12:00)"),
    ("evidence-of-other-image", reports(passed("test", image=A)), "(test: finished 2026-11-12 12:00)"),
    ("evidence-from-future", reports(passed("test", days=-1)), "(test: finished 2026-11-22 12:00)"),
    (
        "evidence-before-release",
        reports(passed("test", days=11)),
        "(test: finished 2026-11-10 12:00), published 2026-11-11 12:00",
    ),
    ("acknowledgement-missing", {"path": path(OLD, NEW, "ack-b", "ack-a")}, "(ack-a, ack-b)"),
    ("runs-another-release", state(version=NEWER.text), f"(it runs {NEWER.text}, its file has {FROM})"),
    ("runs-another-release", state(image=B), f"(it runs {FROM}, its file has {FROM})"),
    (
        "runs-another-release",
        state(version="x" * 90, image=B),
        f"(it runs {'x' * 59}…, its file has {FROM})",
    ),
    (
        "not-upgradeable",
        {**MINOR_HOP, **state(notUpgradeable=f"PoolUpdating:\nnodes wait{'x' * 400}")},
        f"(PoolUpdating: nodes wait{'x' * 275}…)",
    ),
    ("operators-hold-line", {**MINOR_HOP, **state(maxLine="4.22")}, "(4.22)"),
    ("operators-hold-line", {**MINOR_HOP, **state(maxLine="the newest")}, "(the newest)"),
    ("operators-hold-line", {**FROM_4_21, **state(maxLine="4.21")}, "(4.21)"),
    ("not-upgradeable", {**FROM_4_21, **state(notUpgradeable="nodes wait")}, "(nodes wait)"),
    ("release-untried", {"fleet": (READY.cluster,)}, "(no cluster of an earlier wave follows 4-scos-stable)"),
    (
        "evidence-unobtainable",
        went_on("test"),
        f"(test has {NEWER.text} already and never goes back to {TO})",
    ),
    ("soak-not-over", reports(passed("test", days=0)), "(test)"),
    ("evidence-missing", reports(NO_LONGER_HERE), f"(test runs {TO} and has not reported on it)"),
    (
        "evidence-missing",
        reports(passed("test").model_copy(update={"emergency": "forced"})),
        f"(test runs {TO} and has not reported on it)",
    ),
    (
        "release-age-unknown",
        {"release": replace(GOOD, published=None), "minimum_age": timedelta(1)},
        f"({TO})",
    ),
    (
        "earlier-waves-held",
        {"fleet": [replace(other, hold="broken" if other.wave < 3 else "") for other in READY.fleet]},
        "(eph: broken, test: broken, hub: broken)",
    ),
    ("soak-not-over", reports(passed("test", days=2)), "(test)"),
    (
        "earlier-cluster-unhealthy",
        state("test", version=TO, unhealthy=("etcd", "dns", "x" * 400)),
        f"(test: etcd, dns, {'x' * 288}…)",
    ),
    ("earlier-cluster-unhealthy", state("test", version=FROM), f"(test runs {FROM})"),
    (
        "earlier-cluster-unhealthy",
        state("test", version=f"4.21.0-okd-scos.{'7' * 90}"),
        f"(test runs 4.21.0-okd-scos.{'7' * 43}…)",
    ),
    ("earlier-cluster-unhealthy", state("test", version=TO, withdrawn=WITHDRAWN), "(test: etcd is sick)"),
    ("observation-too-old", state(seen=NOW - timedelta(days=2)), "(2026-11-19 12:00)"),
    ("cluster-updating", state(updating=True, wantedVersion=TO), f"(from {FROM} to {TO})"),
    (
        "cluster-updating",
        state(updating=True, version="x" * 90, wantedVersion="y" * 90),
        f"(from {'x' * 59}… to {'y' * 59}…)",
    ),
    ("pools-paused", state(pausedPools=("infra", "worker")), "(infra, worker)"),
    ("cluster-unhealthy", state(unhealthy=("etcd", "dns", "x" * 400)), f"(etcd, dns, {'x' * 288}…)"),
    ("emergency-stands", cluster(emergency="a hole in the kernel"), "(a hole in the kernel)"),
    ("proposal-closed", {"closed": CLOSED}, f"(okd/{NEW.text}--wave3, since 2026-11-20T12:00:00Z)"),
    ("cluster-held", cluster(hold="disk is full"), "(disk is full)"),
    ("fleet-frozen", {"freeze": "holidays"}, "(holidays)"),
]


@pytest.mark.parametrize(("name", "changes", "detail"), DETAILS)
def test_a_refusal_says_what_it_is_about(name: str, changes: dict[str, Any], detail: str) -> None:
    found = decide(replace(READY, **changes))

    assert found.name == name
    assert found.reason == f"{explanation_of(name).statement} {detail}".strip()


@pytest.mark.parametrize(
    ("name", "changes", "until"),
    [
        ("soak-not-over", reports(passed("test", days=2)), NOW + timedelta(days=1)),
        ("release-too-young", {"minimum_age": timedelta(days=11)}, NOW + timedelta(days=1)),
        (
            "outside-window",
            cluster(window=Window(day="sunday", start="01:30", hours=1)),
            datetime(2026, 11, 22, 1, 30, tzinfo=UTC),
        ),
        ("fleet-frozen", {"freeze": "holidays"}, None),
    ],
)
def test_a_wait_that_time_ends_says_when(name: str, changes: dict[str, Any], until: datetime | None) -> None:
    found = decide(replace(READY, **changes))

    assert (found.name, found.until) == (name, until)


def test_a_release_is_old_enough_at_the_second_of_its_age() -> None:
    assert decide(replace(READY, minimum_age=timedelta(days=10))).verdict == Verdict.UPGRADE
    older = timedelta(days=10, seconds=1)
    assert decide(replace(READY, minimum_age=older)).name == "release-too-young"


@pytest.mark.parametrize("name", [edges.NO_EDGE, edges.KIND, edges.SAME])
def test_a_row_about_the_path_says_what_the_planner_says(name: str) -> None:
    assert decide(replace(READY, **no_path(name))).reason == "why"


def test_a_row_about_the_path_speaks_of_one_reason() -> None:
    """The rows of the table are made when the module is imported; here one is made by hand."""
    row = refusals.no_path(edges.KIND, Verdict.WAIT, frozenset({Way.ADOPTION}))
    assert (row.name, row.verdict, row.passed_by) == (edges.KIND, Verdict.WAIT, frozenset({Way.ADOPTION}))
    assert not row.acceptable

    assert row.applies(replace(READY, **no_path(edges.KIND))) == Answer(sentence="why")
    of_another = replace(READY, path=NoPath(edges.KIND, "why", about=NEWER))
    assert row.applies(of_another) == Answer(sentence="why", values=(("VERSION", NEWER.text),))
    assert row.applies(replace(READY, **no_path(edges.RISK))) is None
    assert row.applies(READY) is None


def test_every_refusal_is_told_once_and_in_the_order_of_the_table() -> None:
    """The path that is missing is what its own row says, not once more what the row about any path says."""
    asked = replace(READY, **no_path(edges.KIND), verified=False, freeze="holidays")
    assert [(found.name, found.verdict) for found in every_refusal(asked)] == [
        (edges.KIND, Verdict.REFUSE),
        ("signature-not-verified", Verdict.REFUSE),
        ("fleet-frozen", Verdict.WAIT),
    ]
    assert every_refusal(READY) == []


def test_without_a_release_every_row_can_be_asked() -> None:
    asked = replace(READY, release=None, image="", minimum_age=timedelta(1), states=state()["states"])
    refused = every_refusal(asked)

    assert [found.name for found in refused] == ["signed-digest-unknown"]
    assert refused[0].values == ()


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({"verified": False}, (("VERSION", NEW.text),)),
        ({"images": (B,)}, (("VERSION", OLD.text),)),
        ({"path": path(OLD, NEW, "ack-b", "ack-a")}, (("NAME", "ack-a --ack ack-b"),)),
        ({"path": NoPath(edges.KIND, "why", about=NEWER)}, (("VERSION", NEWER.text),)),
        ({"path": NoPath(edges.KIND, "why")}, (("VERSION", NEW.text),)),
        ({"closed": CLOSED}, (("CLUSTER", "cd"),)),
    ],
    ids=[
        "the release",
        "the one that it has",
        "acknowledgements",
        "the one on the way",
        "none on the way",
        "the cluster of a closed proposal",
    ],
)
def test_a_remedy_names_what_the_refusal_is_about(
    changes: dict[str, Any], values: tuple[tuple[str, str], ...]
) -> None:
    assert decide(replace(READY, **changes)).values == values


UNTRIED, MISSING_EDGE = Decision(Verdict.REFUSE, "release-untried"), Decision(Verdict.REFUSE, edges.NO_EDGE)
UNSIGNED, HELD = Decision(Verdict.REFUSE, "signature-not-verified"), Decision(Verdict.WAIT, "cluster-held")


@pytest.mark.parametrize(
    ("decisions", "left"),
    [
        ([UNTRIED, HELD], [UNTRIED, HELD]),
        ([MISSING_EDGE, UNTRIED], [MISSING_EDGE, UNTRIED]),
        ([UNSIGNED, UNTRIED, HELD], [UNSIGNED, HELD]),
        ([MISSING_EDGE, UNSIGNED, UNTRIED], [MISSING_EDGE, UNSIGNED]),
        ([], []),
    ],
    ids=["only time is missing", "both are accepted", "another refuses", "another refuses a path", "none"],
)
def test_acceptance_is_advised_only_where_it_helps(decisions: list[Decision], left: list[Decision]) -> None:
    assert without_vain_advice(decisions) == left


def test_a_missing_path_upgrades_nothing() -> None:
    assert decide(replace(READY, path=NoPath("a reason of tomorrow", "why"))).verdict == Verdict.REFUSE


@pytest.mark.parametrize(
    "changes",
    [
        state(),
        state(seen=NOW - timedelta(days=1)),
        state(notUpgradeable="PoolUpdating: nodes wait"),
        state(maxLine="4.22"),
        state("test", version=NEW.text),
        state("test", version=NEWER.text),
        state("test", version=OLD.text, updating=True),
        state("test", version="a build of its own"),
        state(maxLine="4.21"),
        state(version="", image=""),
        MINOR_HOP,
        {**MINOR_HOP, **state()},
        {**MINOR_HOP, **state(maxLine="5.0")},
        state(
            "test", version=NEW.text, withdrawn={"version": OLD.text, "reason": "it left it", "since": NOW}
        ),
        state("test", version=OLD.text, seen=NOW - timedelta(days=2)),
        reports(passed("test", days=10)),
        {"record": ReleaseRecord(version=NEW.text, seen=NOW), "minimum_age": timedelta(9)},
        {"closed": OPEN},
        {**no_path("withdrawn"), "path": READY.path, "withdrawn": "nodes do not boot", "newer": (NEWER,)},
    ],
    ids=[
        "well",
        "seen a day ago",
        "a patch of a cluster that takes no minor",
        "a patch within the line of its operators",
        "the earlier cluster runs it",
        "the earlier cluster went on",
        "the earlier cluster is on its way",
        "the earlier cluster runs what nobody can compare",
        "a patch beyond the line of its operators",
        "a cluster that has completed nothing yet",
        "a major of a cluster that nobody looked at",
        "a major of a cluster without limits",
        "a major within the line of its operators",
        "the earlier cluster withdrew its report on another release",
        "nobody looked at the earlier cluster for two days",
        "a report of the hour of publication",
        "the publication counts before what the hub saw",
        "a proposal that is open",
        "a way on from a withdrawn release",
    ],
)
def test_what_is_right_passes(changes: dict[str, Any]) -> None:
    assert decide(replace(READY, **changes)).verdict == Verdict.UPGRADE


def test_a_minor_passes_when_the_operators_allow_its_line_and_the_change_brings_the_acks() -> None:
    acked = cluster(acks=frozenset({"ack-4.22-x"}))
    words = state(notUpgradeable="AdminAckRequired: Kubernetes 1.36 removes APIs", maxLine="5.0")
    assert decide(replace(READY, **acked, **words, **MINOR_HOP_WITH_ACK)).verdict == Verdict.UPGRADE
    assert decide(replace(READY, **acked, **words, **MINOR_HOP)).name == "not-upgradeable"


@pytest.mark.parametrize("said", [{"unhealthy": ("etcd",)}, {"version": NEWER.text}, {"updating": True}])
def test_a_test_cluster_may_take_a_release_to_get_well(said: dict[str, Any]) -> None:
    asked = question(FLEET["eph"], FLEET.values(), **state("eph", **said))
    assert decide(asked).verdict == Verdict.UPGRADE
    assert decide(replace(asked, **state("eph", pausedPools=("worker",)))).name == "pools-paused"
    old = state("eph", pausedPools=("worker",), seen=NOW - timedelta(days=2))
    assert decide(replace(asked, **old)).verdict == Verdict.UPGRADE


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("evidence-unobtainable", went_on("test")),
        ("release-untried", {"fleet": (READY.cluster,)}),
        ("trial-missing", tried()),
        ("trial-failed", tried(passed(TRY), passed(TRY_UP, ok=False))),
        ("release-age-unknown", {"release": replace(GOOD, published=None), "minimum_age": timedelta(1)}),
    ],
)
def test_a_person_accepts_a_refusal_for_one_release_by_name(name: str, changes: dict[str, Any]) -> None:
    asked = replace(READY, **changes)
    accepted = Accepted.model_validate({"name": name, "to": NEW.text, "reason": "tried by hand"})
    other = Accepted.model_validate({"name": name, "to": NEWER.text, "reason": "tried by hand"})
    assert decide(asked).name == name
    assert decide(replace(asked, cluster=replace(asked.cluster, accepts=(other,)))).name == name
    mine = replace(asked, cluster=replace(asked.cluster, accepts=(accepted,)))
    assert decide(mine).verdict == Verdict.UPGRADE
    # What failed or is not signed is never accepted.
    assert decide(replace(mine, verified=False)).name == "signature-not-verified"


def test_a_newer_release_without_an_edge_is_named_with_what_makes_one() -> None:
    stranded = decide(replace(READY, **no_path(edges.NOTHING_NEWER), newer=(NEWER, NEW)))
    assert f"{NEWER.text}, {NEW.text}" in stranded.reason
    assert f"{{name: no-path, from: {OLD.text}, to: {NEWER.text}, reason: …}}" in stranded.reason


def test_a_wait_names_the_cluster_and_what_it_must_report() -> None:
    behind = decide(question(FLEET["test"], FLEET.values()))
    assert f"eph must take {NEW.text} and report on it" in behind.reason
    there = decide(question(FLEET["test"], moved("eph")))
    assert f"eph runs {NEW.text} and has not reported on it" in there.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": NEWER}, "never goes back"),
        ({"takes": frozenset({"rc"})}, "takes no release of kind release"),
        ({"channel": "stable-scos-4.21"}, "stays in channel stable-scos-4.21"),
    ],
)
def test_a_report_that_cannot_come_is_not_waited_for(changes: dict[str, Any], words: str) -> None:
    test = replace(FLEET["test"], **changes)
    found = decide(question(FLEET["cd"], [test, FLEET["cd"]]))
    assert (found.name, found.verdict) == ("evidence-unobtainable", Verdict.REFUSE)
    assert words in found.reason


def test_a_cluster_that_never_reports_hides_no_other_when_a_person_accepts_that() -> None:
    accepted = Accepted.model_validate(
        {"name": "evidence-unobtainable", "to": NEW.text, "reason": "it is gone"}
    )
    waiting = replace(READY, **went_on("eph"), cluster=replace(READY.cluster, accepts=(accepted,)))
    assert decide(waiting).verdict == Verdict.UPGRADE

    of_test, of_hub = passed("test", days=2), passed("hub")
    missing = decide(replace(waiting, evidence=(of_hub,)))
    assert (missing.name, "(test runs" in missing.reason) == ("evidence-missing", True)
    soaking = decide(replace(waiting, evidence=(of_test, of_hub)))
    assert (soaking.name, "(test)" in soaking.reason) == ("soak-not-over", True)


def test_a_cluster_that_runs_the_release_may_report_on_it_in_any_channel() -> None:
    fleet = [
        replace(other, channel="stable-scos-4.21") if other.name == "test" else other for other in READY.fleet
    ]
    evidence = [report for report in READY.evidence if report.cluster != "test"]

    assert decide(replace(READY, fleet=fleet, evidence=evidence)).name == "evidence-missing"


def test_a_cluster_that_passed_and_was_installed_anew_takes_it_again() -> None:
    assert decide(question(FLEET["eph"], FLEET.values(), evidence=[passed("eph")])).verdict == Verdict.UPGRADE


@pytest.mark.parametrize(("seconds", "verdict"), [(-1, Verdict.WAIT), (0, Verdict.UPGRADE)])
def test_w04_a_soak_ends_at_its_second_by_the_clock_of_the_hub(seconds: int, verdict: Verdict) -> None:
    """A cluster whose clock is behind shortens no soak: it counts from when the hub saw the report."""
    early = passed("test", days=9).model_copy(update={"seen": NOW - SOAK[1] - timedelta(seconds=seconds)})
    found = decide(replace(READY, **reports(early)))
    assert found.verdict == verdict
    assert found.until == (NOW + timedelta(seconds=1) if seconds else None)
    ahead = passed("test").model_copy(update={"seen": NOW + timedelta(seconds=1)})
    assert decide(replace(READY, **reports(ahead))).name == "evidence-from-future"


@pytest.mark.parametrize("time", ["2026-11-21T12:00:00", "2026-11-21T12:00:00+02:00", "2026-11-21"])
def test_w04_a_time_without_a_zone_or_of_another_one_is_refused(time: str) -> None:
    report = passed("test").model_dump()
    for name in ("finished", "seen"):
        with pytest.raises(ValidationError, match="a time is in UTC"):
            Evidence.model_validate({**report, name: time})


def test_p04_a_long_term_cluster_never_goes_beside_the_test_clusters_of_its_wave() -> None:
    beside = replace(FLEET["cd"], wave=1)
    assert decide(question(beside, [FLEET["test"], beside])).name == "evidence-missing"
    assert decide(question(FLEET["test"], [FLEET["test"], beside])).verdict == Verdict.UPGRADE
    before = replace(FLEET["cd"], wave=0)
    assert decide(question(before, [FLEET["test"], before])).name == "release-untried"


def test_permanent_refusals_are_reported_before_temporary_ones() -> None:
    order = [row.verdict for row in REFUSALS if row.verdict in (Verdict.REFUSE, Verdict.WAIT)]
    assert order == sorted(order)
    failed = [passed("eph", days=0), passed("test", ok=False)]
    assert names(decided(moved("eph", "test"), failed))["cd"] == "earlier-wave-failed"


def test_a_force_passes_some_refusals_and_needs_the_digest() -> None:
    eph = FLEET["eph"]
    asked = question(eph, FLEET.values(), way=Way.FORCE, verified=False, images=(B,), freeze="holidays")
    assert decide(asked).verdict == Verdict.UPGRADE
    assert decide(replace(asked, release=None)).name == "signed-digest-unknown"


@pytest.mark.parametrize(
    "images", [(A, MIRRORED), (MIRRORED,), ()], ids=["the same", "at another registry", "not known"]
)
def test_a_digest_differs_only_at_the_same_registry(images: tuple[str, ...]) -> None:
    assert decide(replace(READY, images=images)).verdict == Verdict.UPGRADE


def test_a_different_digest_is_reported_on_any_path(monkeypatch: pytest.MonkeyPatch) -> None:
    found = decide(replace(READY, images=(B,), **no_path(edges.SAME)))
    assert (found.name, found.verdict) == ("digest-differs", Verdict.REFUSE)
    assert B in found.reason


def test_the_first_wave_moves_and_the_others_wait_for_its_evidence() -> None:
    assert names(decided(moved(), [])) == {
        "eph": "upgrade",
        "test": "evidence-missing",
        "hub": "evidence-missing",
        "cd": "evidence-missing",
    }


def test_each_wave_waits_for_evidence_and_soak_of_all_before() -> None:
    first = [passed("eph")]
    assert names(decided(moved("eph"), first)) == {
        "eph": "done",
        "test": "upgrade",
        "hub": "evidence-missing",
        "cd": "evidence-missing",
    }

    found = decided(moved("eph", "test"), [*first, passed("test", 2)])
    assert names(found) == {"eph": "done", "test": "done", "hub": "soak-not-over", "cd": "soak-not-over"}
    assert found["cd"].until == NOW + timedelta(days=1)
    assert "(test)" in found["cd"].reason
    assert names(decided(moved("eph", "test"), [*first, passed("test", 3)]))["hub"] == "upgrade"


def test_a_wave_soaks_as_long_as_its_most_careful_cluster() -> None:
    careful = follower("slow", "test", 1, soak=timedelta(days=5), stream="4-scos-next")
    fleet, evidence = moved("eph", "test"), [passed("eph"), passed("test", 3)]
    assert names(decided([*fleet, careful], evidence))["hub"] == "soak-not-over"


def test_a_cluster_that_went_on_to_a_newer_release_still_confirms_this_one() -> None:
    ahead = replace(FLEET["eph"], version=NEWER, image=B)
    assert names(decided([ahead, FLEET["test"]], [passed("eph")]))["test"] == "upgrade"
    assert names(decided([ahead, FLEET["test"]], []))["test"] == "evidence-unobtainable"


def test_an_unverified_release_may_be_tried_on_an_ephemeral_cluster() -> None:
    assert decide(question(FLEET["eph"], FLEET.values(), verified=False)).verdict == Verdict.UPGRADE


def test_a_held_cluster_does_not_hold_the_fleet() -> None:
    held = replace(FLEET["eph"], hold="broken")
    found = decided([held, FLEET["test"]], [])
    assert names(found) == {"eph": "cluster-held", "test": "upgrade"}
    assert found["eph"].reason.endswith("(broken)")


def test_clusters_of_another_stream_are_not_waited_for() -> None:
    other = replace(FLEET["eph"], stream="4-scos-next")
    assert names(decided([other, FLEET["test"]], []))["test"] == "upgrade"


def test_one_cluster_is_decided_without_the_others() -> None:
    """Its fleet is asked for evidence alone: what keeps another cluster of its own wave is nothing to it."""
    frozen = replace(FLEET["test"], name="other", hold="broken")
    assert decide(question(FLEET["test"], [FLEET["test"], frozen])) == Decision(Verdict.UPGRADE)


@pytest.mark.parametrize(("hour", "inside"), [(22, True), (23, True), (0, True), (2, False), (21, False)])
def test_a_window_reaches_over_midnight_and_the_end_of_the_week(hour: int, inside: bool) -> None:
    sunday = datetime(2026, 11, 22, hour, 30, tzinfo=UTC) + timedelta(days=1 if hour < 12 else 0)
    assert Window(day="sunday", start="22:00", hours=4).contains(sunday) == inside


VERSIONS = [OLD, NEW, NEWER]
CLUSTERS = st.builds(
    lambda index, purpose, wave, version, hold: follower(
        f"c{index}", purpose, wave, version=version, image=A if version == OLD else B, hold=hold
    ),
    st.integers(0, 5),
    st.sampled_from(["test", "cd"]),
    st.integers(0, 3),
    st.sampled_from(VERSIONS),
    st.sampled_from(["", "", "", "held"]),
)
FLEETS = st.lists(CLUSTERS, max_size=6, unique_by=lambda cluster: cluster.name)
REPORTS = st.lists(
    st.builds(
        passed,
        st.sampled_from([f"c{index}" for index in range(6)]),
        st.floats(-2, 10),
        image=st.sampled_from([A, B]),
        ok=st.booleans(),
    ),
    max_size=6,
)


@given(FLEETS, REPORTS, st.booleans())
def test_no_upgrade_breaks_a_promise(fleet: list[Follower], evidence: list[Evidence], verified: bool) -> None:
    for cluster in fleet:
        decision = decide(question(cluster, fleet, evidence=tuple(evidence), verified=verified))
        if decision.verdict != Verdict.UPGRADE:
            assert decision.name in {row.name for row in REFUSALS}
            continue

        assert cluster.version < NEW
        assert not cluster.guarded or any(other.wave <= cluster.wave for other in fleet if not other.hold)
        assert verified or not cluster.guarded
        for earlier in fleet:
            if earlier.wave < cluster.wave and not earlier.hold:
                told = [report for report in evidence if report.cluster == earlier.name]
                assert told
                assert all(report.passed and report.image == B for report in told)
                assert all(report.finished + SOAK[earlier.wave] <= NOW for report in told)


@given(FLEETS)
def test_it_always_makes_progress_when_all_goes_well(fleet: list[Follower]) -> None:
    """Played to the end with good evidence and time, every cluster that is behind and not held runs the
    release; with a held one, a long-term cluster and all that wait for it may be behind.
    """
    newest = replace(GOOD, version=NEWER)
    first = Accepted.model_validate(
        {"name": "release-untried", "to": NEWER.text, "reason": "there is no test"}
    )
    standing = {cluster.name: replace(cluster, accepts=(first,)) for cluster in fleet}
    now, some_are_held = NOW, any(cluster.hold for cluster in fleet)
    evidence = [
        Evidence(cluster=cluster.name, version=NEWER.text, image=B, finished=NOW, passed=True)
        for cluster in fleet
        if cluster.version == NEWER
    ]
    for _ in range(8):
        for cluster in list(standing.values()):
            way = path(cluster.version, NEWER)
            asked = question(
                cluster, list(standing.values()), path=way, release=newest, evidence=evidence, now=now
            )
            if decide(asked).verdict == Verdict.UPGRADE:
                standing[cluster.name] = replace(cluster, version=NEWER, image=B)
                evidence.append(
                    Evidence(cluster=cluster.name, version=NEWER.text, image=B, finished=now, passed=True)
                )
        now += timedelta(days=4)
    behind = [cluster for cluster in standing.values() if cluster.version != NEWER and not cluster.hold]
    assert some_are_held or not behind


@given(FLEETS, REPORTS)
def test_the_order_in_which_things_are_given_does_not_matter(
    fleet: list[Follower], evidence: list[Evidence]
) -> None:
    assert decided(fleet, evidence) == decided(list(reversed(fleet)), list(reversed(evidence)))
