"""What is concluded from a cluster's answer with what is recorded of it: evidence, state and findings."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster_files import cluster_of_text
from cluster_state import conditions, operator, operators, pool, pools
from okd_gitops.evidence.answers import Seen
from okd_gitops.evidence.ask_cluster import Answer
from okd_gitops.evidence.conclude import Result, conclude
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import ClusterState, Withdrawn
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.system.address import NetworkError

ID, OTHER_ID = "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926", "5a7e90c2-4d13-4b88-b6f5-e21c07d9384a"
OLD, NEW, NEWER = "4.22.0-okd-scos.7", "4.22.0-okd-scos.9", "4.22.0-okd-scos.10"
DIGITS = {OLD: "a", NEW: "b", NEWER: "c"}
IMAGES = {version: f"registry.example.org/release@sha256:{digit * 64}" for version, digit in DIGITS.items()}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PATIENCE = timedelta(hours=4)
_MAXIMUM = "maximum supported OCP version for"
FILE = f"""\
purpose: test
server: https://api.canary.example.org:6443
clusterID: {ID}
release:
  stream: 4-scos-stable
  channel: stable-scos-4
  version: {NEW}
  image: {IMAGES[NEW]}
"""
EMERGENCY = f"""\
emergency:
  version: {NEW}
  image: {IMAGES[NEW]}
  reason: A hole in the kernel.
  until: 2026-11-22T12:00:00Z
"""


def update(version: str, hours: int = 6, **changes: Any) -> dict[str, Any]:
    """Return an entry of the history that was completed some hours ago."""
    done = NOW - timedelta(hours=hours)
    entry = {"version": version, "image": IMAGES[version], "state": "Completed", "verified": True}
    times = {"startedTime": f"{done:%Y-%m-%dT%H:%M:%SZ}", "completionTime": f"{done:%Y-%m-%dT%H:%M:%SZ}"}
    return {**entry, **times, **changes}


def seen(*history: dict[str, Any], asks: str = NEW, force: bool = False) -> Seen:
    """Return the answers of a healthy cluster with a history, the newest first."""
    version = {
        "kind": "ClusterVersion",
        "metadata": {"generation": 4},
        "spec": {
            "clusterID": ID,
            "desiredUpdate": {"version": asks, "image": IMAGES[asks], "force": force},
        },
        "status": {
            "observedGeneration": 4,
            "history": list(history),
            "conditions": conditions(Available="True", Failing="False", Progressing="False"),
        },
    }
    return Seen(version=version, operators=operators(), pools=pools(), tests={"api-ready": True})


HEALTHY = seen(update(NEW), update(OLD, 900))
SICK = Seen(
    version=HEALTHY.version, operators=operators(operator("etcd", Degraded="True")), pools=pools(), tests={}
)


def concluded(
    answer: Seen | Answer, records: Records | None = None, *, text: str = FILE, now: datetime = NOW
) -> Result:
    full = answer if isinstance(answer, Answer) else Answer(seen=answer)
    cluster = cluster_of_text("canary", text)
    result = conclude(cluster, "https://api", full, records or Records(), now=now, patience=PATIENCE)
    for written in (result.state, result.evidence):
        assert written is None or parse(type(written), read(written.path, written.text().encode())) == written
    return result


def report(**changes: Any) -> Evidence:
    """Return a report of this cluster, as it lies on the branch."""
    said = {"cluster": "canary", "clusterID": ID, "version": NEW, "image": IMAGES[NEW], "passed": True}
    return Evidence.model_validate({**said, "finished": NOW - timedelta(hours=5), **changes})


def recorded(*reports: Evidence, state: ClusterState | None = None) -> Records:
    return Records(evidence=reports, clusters=(state,) if state else ())


def names(result: Result) -> list[str]:
    return [finding.name for finding in result.findings]


def test_a_new_report_has_the_id_of_the_cluster_and_the_time_of_the_hub() -> None:
    result = concluded(HEALTHY)

    assert result.is_new
    assert result.evidence
    assert (result.evidence.passed, result.evidence.cluster_id, result.evidence.seen) == (True, ID, NOW)
    assert result.evidence.finished == NOW - timedelta(hours=6)
    assert names(result) == []


def test_w01_a_soak_begins_when_the_hub_saw_the_report_however_old_the_cluster_says_it_is() -> None:
    result = concluded(seen(update(NEW, hours=9000), update(OLD, 9999)))

    assert result.evidence
    assert result.evidence.counted_from == NOW


def test_w01_a_report_from_the_future_of_a_cluster_is_not_written() -> None:
    assert concluded(seen(update(NEW, hours=-1), update(OLD, 900))).evidence is None


def test_the_state_says_what_it_runs_and_wants() -> None:
    state = concluded(seen(update(OLD, 900), asks=NEW)).state

    assert state
    assert (state.version, state.image, state.wanted_version, state.wanted_image) == (
        OLD,
        IMAGES[OLD],
        NEW,
        IMAGES[NEW],
    )
    assert (state.cluster_id, state.seen, state.updating, state.forced) == (ID, NOW, False, False)
    under_way = concluded(seen(update(NEW, state="Partial", completionTime=None), update(OLD, 900))).state
    assert under_way
    assert (under_way.version, under_way.updating) == (OLD, True)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            f"blocking:\n- {_MAXIMUM} a/logging.v6 is 4.22\n- {_MAXIMUM} a/b.v1 is 4.9",
            "4.9",
        ),
        (
            "default/test is incompatible with OpenShift minor versions greater than 4.18",
            "4.18",
        ),
        ("- a/b has invalid olm.maxOpenShiftVersion properties: no", ""),
    ],
    ids=["of 2026", "of 2024", "without a line"],
)
def test_the_state_has_the_highest_line_that_olm_allows(message: str, line: str) -> None:
    olm = operator("operator-lifecycle-manager", Upgradeable="False")
    olm["status"]["conditions"][3] |= {"reason": "IncompatibleOperatorsInstalled", "message": message}
    answer = Seen(version=HEALTHY.version, operators=operators(olm), pools=pools(), tests={})
    result = concluded(answer)

    assert result.state
    assert result.state.max_line == line
    assert result.evidence, "it is no fault of the release"


def test_the_state_names_what_holds_minor_updates_and_which_pools_are_paused() -> None:
    version = deepcopy(HEALTHY.version)
    assert isinstance(version, dict)
    held = {"type": "Upgradeable", "status": "False", "reason": "AdminAckRequired", "message": "read\nthis"}
    version["status"]["conditions"].append(held)
    paused = pool("worker", 6)
    paused["spec"]["paused"] = True
    answer = Seen(version=version, operators=operators(), pools=pools(paused), tests={})
    state = concluded(answer).state

    assert state
    assert state.not_upgradeable == "AdminAckRequired: read this"
    assert state.paused_pools == ("worker",)
    held["reason"] = "ClusterVersionUpdating"
    updating = concluded(answer).state
    assert updating
    assert updating.not_upgradeable == ""


SICK_SINCE = f"{NEW} is complete since 2026-11-21 06:00, but operator etcd is not Degraded=False"
AT_API = f"the cluster at https://api has clusterID {OTHER_ID}, and"


@pytest.mark.parametrize(
    ("answer", "text", "place", "reason"),
    [
        (
            Answer(other_id=OTHER_ID),
            FILE,
            "clusters/canary.yaml:3:12",
            f"{AT_API} the file has clusterID {ID}",
        ),
        (
            Answer(other_id=OTHER_ID),
            FILE.replace(f"clusterID: {ID}\n", ""),
            "clusters/canary.yaml",
            f"{AT_API} the file has no clusterID",
        ),
        (
            Answer(error=NetworkError("no answer", status=503)),
            FILE,
            "clusters/canary.yaml",
            "canary: no answer",
        ),
        (
            Answer(seen=seen(update(NEWER, 1), update(NEW), asks=NEWER)),
            FILE,
            "clusters/canary.yaml:7:12",
            f"it runs {NEWER}, and git has {NEW}",
        ),
        (Answer(seen=SICK), FILE, "clusters/canary.yaml", SICK_SINCE),
    ],
    ids=["another cluster", "a file without an ID", "away", "differs", "sick"],
)
def test_a_finding_names_the_cluster_its_place_and_the_reason(
    answer: Answer, text: str, place: str, reason: str
) -> None:
    result = concluded(answer, recorded(report()), text=text)

    assert [(str(found.location), found.reason) for found in result.findings] == [(place, reason)]
    assert [found.clusters for found in result.findings] == [("canary",)]
    assert (result.cluster, result.reason) == ("canary", reason)


def test_a_withdrawal_has_the_reason_and_is_of_the_release_of_git() -> None:
    other = concluded(SICK, recorded(report())).state
    assert other
    assert other.withdrawn == Withdrawn(version=NEW, reason=SICK_SINCE, since=NOW)

    # What was withdrawn of another release began at another time.
    earlier = NOW - timedelta(hours=9)
    of_old = Withdrawn(version=OLD, reason="x", since=earlier)
    again = concluded(SICK, recorded(report(), state=other.model_copy(update={"withdrawn": of_old}))).state
    assert again
    assert again.withdrawn == other.withdrawn


def test_the_reason_of_a_withdrawal_is_cut() -> None:
    many = operators(*(operator(f"operator-{number}", Degraded="True") for number in range(40)))
    answer = Seen(version=HEALTHY.version, operators=many, pools=pools(), tests={})
    state = concluded(answer, recorded(report())).state

    assert state
    assert state.withdrawn
    assert len(state.withdrawn.reason) == 500


def test_c14_the_state_of_the_cluster_that_had_the_name_before_is_none_of_this_one() -> None:
    forced = concluded(seen(update(NEW, verified=False), update(OLD, 900), force=True)).state
    assert forced

    assert concluded(HEALTHY, recorded(state=forced)).evidence is None
    before = forced.model_copy(update={"cluster_id": OTHER_ID})
    assert concluded(HEALTHY, recorded(state=before)).evidence


def test_a_report_without_an_id_is_of_this_cluster() -> None:
    by_hand = report().model_copy(update={"cluster_id": None})

    assert concluded(HEALTHY, recorded(by_hand)).is_new is False


def test_a_report_of_another_release_or_cluster_is_no_report_of_this_one() -> None:
    for other in ({"version": OLD}, {"cluster": "other"}):
        assert concluded(HEALTHY, recorded(report(**other))).is_new


def test_c14_nothing_is_recorded_of_a_cluster_with_another_id() -> None:
    for text, words in (
        (FILE, f"the file has clusterID {ID}"),
        (FILE.replace(f"clusterID: {ID}\n", ""), "has no clusterID"),
    ):
        result = concluded(Answer(other_id=OTHER_ID), text=text)
        assert names(result) == ["another-cluster"]
        assert OTHER_ID in result.reason
        assert words in result.reason
        assert (result.evidence, result.state) == (None, None)


@pytest.mark.parametrize(
    ("status", "name"),
    [(0, "cluster-away"), (503, "cluster-away"), (401, "account-refused"), (403, "account-refused")],
)
def test_nothing_is_recorded_of_a_cluster_that_does_not_answer(status: int, name: str) -> None:
    result = concluded(Answer(error=NetworkError("no answer", status=status)))

    assert names(result) == [name]
    assert (result.evidence, result.state) == (None, None)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (seen(update(NEWER, 1), update(NEW), update(OLD, 900), asks=NEWER), f"runs {NEWER}"),
        (seen(update(NEWER, 1), update(OLD, 900), asks=NEWER), f"runs {NEWER}"),
        (seen(update(OLD, 1), update(NEW), update(OLD, 900), asks=OLD), f"runs {OLD}"),
        (seen(update(NEW), update(OLD, 900), asks=NEWER), f"asks for {NEWER}"),
        (seen(update(OLD, 900), asks=NEWER), f"asks for {NEWER}"),
    ],
    ids=["went on", "upgraded by hand", "went back", "wants another one", "wants another one before"],
)
def test_a_cluster_that_differs_from_git_is_a_finding_and_writes_no_report(answer: Seen, words: str) -> None:
    result = concluded(answer)

    assert names(result) == ["cluster-differs"]
    assert words in result.reason
    assert result.evidence is None


@pytest.mark.parametrize("asks", [OLD, NEW], ids=["not synced", "just synced"])
def test_a_cluster_that_has_not_begun_yet_does_not_differ(asks: str) -> None:
    assert names(concluded(seen(update(OLD, 900), asks=asks))) == []


def test_a_report_is_withdrawn_while_its_cluster_differs_or_is_sick() -> None:
    for answer, name in (
        (seen(update(NEWER, 1), update(NEW), asks=NEWER), "cluster-differs"),
        (SICK, "no-longer-healthy"),
    ):
        result = concluded(answer, recorded(report()))
        assert names(result) == [name]
        assert result.state
        assert result.state.withdrawn
        assert (result.state.withdrawn.version, result.state.withdrawn.since) == (NEW, NOW)
        assert (result.is_new, result.evidence) == (False, report())

        # It is as old as it was first seen, and ends when the cluster is well again.
        later = concluded(answer, recorded(report(), state=result.state), now=NOW + timedelta(hours=1))
        assert later.state
        assert later.state.withdrawn
        assert later.state.withdrawn.since == NOW
        well = concluded(HEALTHY, recorded(report(), state=later.state))
        assert well.state
        assert (well.state.withdrawn, names(well)) == (None, [])


def test_a_cluster_whose_nodes_restart_is_not_sick() -> None:
    restarting = pools(pool("master", 3), pool("worker", 6, updated=5))
    answer = Seen(version=SICK.version, operators=SICK.operators, pools=restarting, tests={})
    result = concluded(answer, recorded(report()))

    assert names(result) == []
    assert result.state
    assert result.state.withdrawn is None


def test_a_report_that_failed_is_not_withdrawn() -> None:
    result = concluded(SICK, recorded(report(passed=False, operators="degraded")))

    assert names(result) == []
    assert result.state
    assert result.state.withdrawn is None


def test_c14_a_report_of_the_cluster_that_had_the_name_before_is_none_of_this_one() -> None:
    result = concluded(HEALTHY, recorded(report(clusterID=OTHER_ID)))

    assert result.is_new
    assert concluded(HEALTHY, recorded(report())).is_new is False


def test_c14_what_was_forced_is_no_evidence_and_stays_so_when_the_cluster_forgets_it() -> None:
    forced = concluded(seen(update(NEW, verified=False), update(OLD, 900), force=True))
    assert forced.evidence is None
    assert forced.state
    assert "force" in forced.state.no_evidence
    assert forced.state.forced

    forgotten = concluded(HEALTHY, recorded(state=forced.state))
    assert forgotten.evidence is None
    assert forgotten.state
    assert forgotten.state.no_evidence == forced.state.no_evidence
    # The next release is another matter.
    next_one = forced.state.model_copy(update={"image": IMAGES[OLD], "version": OLD})
    assert concluded(HEALTHY, recorded(state=next_one)).evidence


def test_c14_what_an_emergency_forced_is_evidence_of_an_emergency() -> None:
    forced = seen(update(NEW, verified=False, acceptedRisks="Forced"), update(OLD, 900))
    result = concluded(forced, text=FILE + EMERGENCY)

    assert result.evidence
    assert result.evidence.passed
    assert "did not verify the release" in result.evidence.emergency
    # One that went past nothing is ordinary evidence.
    ordinary = concluded(HEALTHY, text=FILE + EMERGENCY).evidence
    assert ordinary
    assert ordinary.emergency == ""


def refusing(since: datetime) -> Seen:
    """Return a cluster that refuses the release that Git wants."""
    answer = seen(update(OLD, 900))
    version = answer.version
    assert isinstance(version, dict)
    version["status"]["conditions"].append(
        {
            "type": "ReleaseAccepted",
            "status": "False",
            "reason": "RetrievePayload",
            "message": f'failed image="{IMAGES[NEW]}" failure=The update cannot be verified',
            "lastTransitionTime": f"{since:%Y-%m-%dT%H:%M:%SZ}",
        }
    )
    return answer


def test_a_refusal_is_recorded_in_the_clusters_words_and_fails_after_patience() -> None:
    first = concluded(refusing(NOW - timedelta(hours=1)))
    assert first.evidence is None
    assert first.state
    assert first.state.refused
    assert "cannot be verified" in first.state.refused.message

    records = recorded(state=first.state)
    later = concluded(refusing(NOW), records, now=NOW + timedelta(hours=3, minutes=1))
    assert later.evidence
    assert (later.evidence.passed, later.is_new) == (False, True)
    assert "cannot be verified" in later.evidence.reason


def test_a_refusal_is_no_older_than_the_hub_saw_none() -> None:
    # The condition keeps its time from a release that was refused days ago.
    before = concluded(seen(update(OLD, 900), asks=OLD)).state
    soon = NOW + timedelta(minutes=15)
    result = concluded(refusing(NOW - timedelta(days=9)), recorded(state=before), now=soon)

    assert result.evidence is None
    assert result.state
    assert result.state.refused
    assert result.state.refused.since == NOW


def test_a_cluster_that_reported_and_runs_an_older_release_differs_whatever_its_history_kept() -> None:
    went_back = seen(update(OLD, 900), asks=OLD)

    assert names(concluded(went_back)) == []
    assert names(concluded(went_back, recorded(report()))) == ["cluster-differs"]


def test_a_risk_that_the_file_of_the_cluster_accepts_is_evidence() -> None:
    words = 'Precondition "ClusterVersionRecommendedUpdate" failed because of "SlowDisks": disks wait'
    risky = seen(update(NEW, acceptedRisks=words), update(OLD, 900))

    assert concluded(risky).evidence is None
    assert concluded(risky, text=f"{FILE}upgrades:\n  acceptRisks: [SlowDisks]\n").evidence


def test_a_refusal_without_a_record_is_no_older_than_the_newest_update() -> None:
    answer = refusing(NOW - timedelta(days=9))
    assert isinstance(answer.version, dict)
    answer.version["status"]["history"] = [update(OLD, 1)]
    state = concluded(answer).state

    assert state
    assert state.refused
    assert state.refused.since == NOW - timedelta(hours=1)
