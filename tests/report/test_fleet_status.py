"""The state of the fleet, from files and records alone."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import standing_fleet as standing
from okd_gitops.evidence.records import Records, remedy_without_records
from okd_gitops.evidence.state import Runs
from okd_gitops.evidence.trial_names import fresh_cluster
from okd_gitops.report.attention import attention
from okd_gitops.report.fleet_status import ClusterStatus, FleetStatus, fleet_status
from standing_fleet import IMAGES, NEW, NOW, OLD, evidence, records, state, write_fleet


def seen(root: Path, known: Records | None = None, **files: str) -> FleetStatus:
    """Return the status of the fleet."""
    return fleet_status(write_fleet(root, **files), known or records(), (), NOW)


def one(status: FleetStatus, name: str) -> ClusterStatus:
    """Return the status of a cluster."""
    return next(cluster for cluster in status.clusters if cluster.name == name)


def test_every_cluster_is_there_by_wave_whatever_it_follows(tmp_path: Path) -> None:
    status = seen(tmp_path)

    assert [(cluster.cluster.wave, cluster.name) for cluster in status.clusters] == [
        (0, "old"),
        (1, "canary"),
        (1, "laptop"),
        (1, "still"),
        (2, "hub"),
        (3, "prod"),
    ]
    assert one(status, "laptop").runs == "kind 1.35"
    assert [cluster.name for cluster in status.clusters if cluster.expired] == ["old"]
    assert one(status, "still").decision is None


def test_it_tells_what_comes_next_when_and_after_whom(tmp_path: Path) -> None:
    prod = one(seen(tmp_path, known := records()), "prod")
    assert prod.decision is not None
    assert prod.target == NEW
    assert prod.as_json()["next"]["verdict"] in ("wait", "refuse")

    canary = one(seen(tmp_path, known), "canary")
    assert canary.evidence == evidence("canary")
    assert canary.decision is not None
    assert str(canary.decision.verdict) == "done"


def test_it_tells_which_cluster_is_waited_for(tmp_path: Path) -> None:
    later = standing.okd("prod", "test").replace("purpose: test", "purpose: test\nwave: 2")
    status = seen(tmp_path, records(evidence=()), prod=later)
    waiting = [cluster for cluster in status.clusters if cluster.decision and cluster.waits_for]

    assert [(cluster.name, cluster.waits_for) for cluster in waiting] == [("prod", ("canary", "old"))]


def test_the_first_clusters_of_a_stream_are_updated_and_all_others_promoted(tmp_path: Path) -> None:
    alone = standing.okd("old", "ephemeral", stream=False, more="expires: 2026-11-20\n")
    commands = [
        {cluster.name: cluster.command for cluster in status.clusters if cluster.command}
        for status in (seen(tmp_path / "with"), seen(tmp_path / "without", old=alone))
    ]

    assert commands == [
        {"old": "update", "canary": "promote", "prod": "promote"},
        {"canary": "update", "prod": "promote"},
    ]


def test_evidence_of_another_image_is_none_of_this_release(tmp_path: Path) -> None:
    other = evidence("canary").model_copy(update={"image": IMAGES[OLD]})

    assert one(seen(tmp_path, records(evidence=(other,))), "canary").evidence is None


def test_without_releases_it_says_what_fleet_yaml_lacks(tmp_path: Path) -> None:
    status = seen(tmp_path, releases="")

    assert len(status.clusters) == len(standing.FILES)
    assert [remedy for _, remedy in status.missing if "releases:" in remedy]


def test_without_records_attention_is_not_silent(tmp_path: Path) -> None:
    lines = attention(seen(tmp_path, Records()))

    assert [line.endswith(f": {remedy_without_records()}") for line in lines if "no records" in line] == [
        True
    ]
    assert not [line for line in attention(seen(tmp_path)) if "no records" in line]
    assert not [line for line in attention(seen(tmp_path, Records(), releases="")) if "no records" in line]


def test_a_release_that_failed_in_a_trial_is_told_until_long_term_clusters_have_it(tmp_path: Path) -> None:
    failed = evidence("canary").model_copy(
        update={"cluster": fresh_cluster(NEW), "passed": False, "reason": "etcd is degraded"}
    )
    of_another = failed.model_copy(update={"cluster": "try-this"})
    (line,) = [
        text for text in attention(seen(tmp_path, records(evidence=(failed, of_another)))) if "try" in text
    ]
    assert line.startswith(f"{fresh_cluster(NEW)}: {NEW} failed at ")
    assert "etcd is degraded" in line

    old = failed.model_copy(update={"cluster": fresh_cluster(OLD), "version": OLD})
    assert not [text for text in attention(seen(tmp_path, records(evidence=(old,)))) if "try" in text]


def test_without_records_it_says_so_once_with_the_command(tmp_path: Path) -> None:
    status = seen(tmp_path, Records())

    assert [remedy for _, remedy in status.missing] == [remedy_without_records()]
    assert not [cluster for cluster in status.clusters if cluster.decision or cluster.evidence]
    assert attention(status)[1:] == ["old: its last day was 2026-11-20: remove it, or set expires: anew"]


def test_records_without_a_release_say_what_records_them(tmp_path: Path) -> None:
    status = seen(tmp_path, records(releases=()))

    assert ["release record" in remedy for _, remedy in status.missing] == [True]


KEYS = {
    *("name", "purpose", "environment", "wave", "stream", "version", "image", "kubernetes", "expires"),
    *("expired", "evidence", "seen", "states", "differences", "next", "waitsFor"),
}


@pytest.mark.parametrize("known", [Records(), records()], ids=["no records", "records"])
def test_each_cluster_has_the_same_keys_in_json(known: Records, tmp_path: Path) -> None:
    for cluster in seen(tmp_path, known).clusters:
        value = cluster.as_json()
        assert value.keys() == KEYS
        json.dumps(value)


BY_HAND = state("prod", NEW)
DIFFERENCES: dict[str, tuple[Any, str, str]] = {
    "as it should be": (state("prod", OLD), "", ""),
    "upgraded by hand": (BY_HAND, "was upgraded by hand", "okd-gitops release adopt prod"),
    "another cluster": (state("prod", OLD, clusterID=standing.cluster_id("hub")), "clusterID", "server:"),
    "another image": (state("prod", OLD, image=IMAGES[NEW]), "another image", "release show"),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_differences_to_git_are_told_with_the_way_out(case: str, tmp_path: Path) -> None:
    reported, what, remedy = DIFFERENCES[case]
    found = one(seen(tmp_path, records(clusters=(reported,))), "prod").differences

    assert [what in text and remedy in fix for text, fix in found] == ([True] if what else [])


def test_a_cluster_that_has_not_begun_is_told_and_needs_nobody(tmp_path: Path) -> None:
    waiting = state("canary", OLD, wantedVersion=NEW, wantedImage=IMAGES[NEW])
    status = seen(tmp_path, records(clusters=(waiting,), evidence=()))

    assert one(status, "canary").differences == ((f"does not run {NEW} yet; it runs {OLD}", ""),)
    assert not [line for line in attention(status) if line.startswith("canary: ")]


def test_a_cluster_that_is_to_run_something_else_than_git_says_is_told(tmp_path: Path) -> None:
    ((what, remedy),) = one(seen(tmp_path, records(clusters=(state("canary", OLD),))), "canary").differences

    assert f"Git names {NEW}" in what
    assert "Argo CD" in remedy


REFUSED = {"version": NEW, "reason": "ImageVerificationFailed", "message": "no signature", "since": NOW}
STATES: dict[str, tuple[dict[str, Any], str]] = {
    "refused": ({"refused": REFUSED}, f"refuses {NEW} since 2026-11-21T12:00:00Z: ImageVerificationFailed"),
    "forced": ({"forced": True}, "forced past the checks"),
    "paused": ({"pausedPools": ["worker"]}, "paused pools of nodes: worker"),
    "unhealthy": ({"unhealthy": ["operator dns is not Available=True"]}, "operator dns"),
}


@pytest.mark.parametrize("case", STATES)
def test_a_state_that_needs_a_person_is_one_line_of_attention(case: str, tmp_path: Path) -> None:
    changes, words = STATES[case]
    status = seen(tmp_path, records(clusters=(state("still", OLD, **changes),)))

    assert [words in text for text in one(status, "still").states] == [True]
    assert [words in line for line in attention(status) if line.startswith("still: ")] == [True]


def test_a_cluster_that_only_takes_no_minor_update_needs_nobody(tmp_path: Path) -> None:
    busy = state("still", OLD, notUpgradeable="pools are paused", maxLine="4.22", updating=True)
    status = seen(tmp_path, records(clusters=(busy,)))

    assert len(one(status, "still").states) == 3
    assert not [line for line in attention(status) if line.startswith("still: ")]


def test_failed_evidence_needs_a_person(tmp_path: Path) -> None:
    status = seen(tmp_path, records(evidence=(evidence("canary", passed=False),)))

    assert any(line.startswith(f"canary: {NEW} failed at ") and "dns" in line for line in attention(status))


def test_a_refused_upgrade_needs_a_person_and_one_that_waits_does_not(tmp_path: Path) -> None:
    lines = attention(seen(tmp_path))
    assert any("prod: the upgrade to" in line and "[signature-not-verified]" in line for line in lines)

    test_cluster = standing.okd("prod", "test").replace("purpose: test", "purpose: test\nwave: 3")
    assert not [line for line in attention(seen(tmp_path, prod=test_cluster)) if line.startswith("prod: ")]


HUB = standing.okd("hub", "hub", stream=False, more="features: {release-watch: {}, upgrade-observer: {}}\n")
LONG_AGO = Runs(watch=NOW - timedelta(hours=7), observer=NOW - timedelta(hours=7))
RUNS = {
    "both ran": (records(), HUB, []),
    "dead": (records(runs=LONG_AGO), standing.FILES["hub"], ["watch", "observer"]),
    "never ran": (records(runs=Runs()), HUB, ["watch", "observer"]),
    "nobody wants them": (records(runs=Runs()), standing.FILES["hub"], []),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_dead_watch_needs_a_person(case: str, tmp_path: Path) -> None:
    known, hub, dead = RUNS[case]
    lines = attention(seen(tmp_path, known, hub=hub))

    assert [line.split()[1] for line in lines if line.startswith("the ")] == dead


def test_a_cluster_that_the_observer_no_longer_sees_needs_a_person(tmp_path: Path) -> None:
    gone = state("still", OLD, seen=NOW - timedelta(days=2))
    lines = attention(seen(tmp_path, records(clusters=(gone,))))

    assert "still: the observer has not seen it since 2026-11-19T12:00:00Z" in lines


def test_s04_words_of_a_cluster_stay_one_short_line_without_secrets(tmp_path: Path) -> None:
    words = "x\n::error::y https://u:CANARY-7f3a9c@h.example.org/?token=CANARY-7f3a9c " + "z" * 5000
    refused = {"reason": "R", "message": words, "since": NOW}
    lines = attention(seen(tmp_path, records(clusters=(state("still", OLD, refused=refused),))))

    assert all("\n" not in line and len(line) <= 600 for line in lines)
    assert "CANARY-7f3a9c" not in "".join(lines)
