"""cluster try: which clusters a release gets, when none is made again, and what is refused.

The records are those that the hub's watch writes of a release controller on loopback.
"""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from conftest import commit, git
from okd_gitops.errors import UsageError
from okd_gitops.evidence.record import record
from okd_gitops.evidence.records import read_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import load
from okd_gitops.lifecycle.edit_clusters import Saved, Saving, drop_expired, try_candidate, try_releases
from okd_gitops.lifecycle.try_releases import Candidate
from okd_gitops.upgrade.followers import followers
from okd_gitops.upgrade.record_releases import record_releases
from provided import FLEET as PROVIDERS
from release_controller import image
from release_fleet import NEW, OLD, Fleet, offered_new

TRIALS = """\
trials:
- {stream: 4-scos-stable, channel: stable-scos-4, provider: hive-openstack, expires: 1d}
"""
FRESH, UPGRADING = "try-4-21-0-scos-1", "try-4-21-0-scos-1-up"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with offered_new(tmp_path) as fleet:
        with (fleet.root / "fleet.yaml").open("a") as file:
            file.write(TRIALS + PROVIDERS)
        commit(fleet.root)
        record_releases(fleet.root, fleet.network())
        yield fleet


def tried(fleet: Fleet, version: str = "") -> Saved:
    return try_releases(fleet.root, version, read_records(fleet.root), Saving(commit=True), now=fleet.now)


def written(fleet: Fleet, name: str) -> dict[str, object]:
    value = yaml.safe_load((fleet.root / f"clusters/{name}.yaml").read_text())
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("version", ["", NEW])
def test_a_release_gets_a_fresh_cluster_and_one_that_upgrades_to_it(fleet: Fleet, version: str) -> None:
    saved = tried(fleet, version)
    assert saved.subject == f"Try {NEW} on {FRESH} and {UPGRADING}"
    assert saved.commit == git(fleet.root, "rev-parse", "HEAD").strip()

    fresh, upgrading = written(fleet, FRESH), written(fleet, UPGRADING)
    assert fresh["release"] == upgrading["release"]
    assert "installs" not in fresh
    assert isinstance(upgrading["installs"], dict)
    assert upgrading["installs"]["version"] == OLD
    assert len((fleet.root / f"clusters/{UPGRADING}.yaml").read_text().splitlines()) <= 12
    assert (fleet.root / f"overlays/{UPGRADING}/provider/syncset-{UPGRADING}-upgrade.yaml").is_file()


def test_both_run_the_suite_that_the_entry_names(fleet: Fleet) -> None:
    file = fleet.root / "fleet.yaml"
    entry = "expires: 1d, conformance: kubernetes/conformance}"
    file.write_text(file.read_text().replace("expires: 1d}", entry))
    commit(fleet.root)
    tried(fleet)
    for name in (FRESH, UPGRADING):
        assert written(fleet, name)["features"] == {"conformance": {"suite": "kubernetes/conformance"}}


def test_no_cluster_of_the_fleet_waits_for_them_and_no_upgrade_changes_them(fleet: Fleet) -> None:
    """A cluster of a provider follows no stream, whatever its file says: Hive refuses another release."""
    tried(fleet)
    file = fleet.root / f"clusters/{FRESH}.yaml"
    file.write_text(file.read_text().replace("release:\n", "release:\n  stream: 4-scos-stable\n"))
    assert {follower.name for follower in followers(load(fleet.root))} == {"canary", "probe", "prod"}


def test_a_release_that_has_its_clusters_gets_no_others(fleet: Fleet) -> None:
    tried(fleet)
    again = tried(fleet)
    assert (again.commit, again.edited.edit.paths) == ("", [])
    assert "nothing to try" in again.nothing


def test_a_release_that_was_tried_is_not_tried_again_when_its_clusters_are_gone(fleet: Fleet) -> None:
    """An upgrade that went well leaves no report: the history of git tells."""
    tried(fleet)
    later = fleet.now + timedelta(days=3)
    drop_expired(fleet.root, Saving(commit=True), now=later)
    again = try_releases(fleet.root, "", read_records(fleet.root), Saving(), now=later)
    assert "nothing to try" in again.nothing


def test_somebody_may_ask_for_what_has_not_reported_once_more(fleet: Fleet) -> None:
    tried(fleet)
    image = next(iter(read_records(fleet.root).release(NEW).images)).image  # type: ignore[union-attr]
    report = Evidence(cluster=FRESH, version=NEW, image=image, finished=fleet.now, passed=True)
    record(fleet.root, report)
    later = fleet.now + timedelta(days=3)
    drop_expired(fleet.root, Saving(commit=True), now=later)
    again = try_releases(fleet.root, NEW, read_records(fleet.root), Saving(), now=later)
    assert again.edited.edit.paths == [f"clusters/{UPGRADING}.yaml"]


def test_without_an_edge_that_is_free_of_risks_nothing_upgrades(fleet: Fleet) -> None:
    record_releases(fleet.root, fleet.network())
    assert tried(fleet, OLD).subject == "Try 4.21.0-okd-scos.0 on try-4-21-0-scos-0"


def test_a_release_that_no_stream_accepts_is_refused(fleet: Fleet) -> None:
    with pytest.raises(UsageError, match="has accepted"):
        tried(fleet, "4.21.0-okd-scos.7")


def test_a_fleet_that_tries_no_stream_says_so(fleet: Fleet) -> None:
    file = fleet.root / "fleet.yaml"
    file.write_text(file.read_text().replace(TRIALS, ""))
    commit(fleet.root)
    with pytest.raises(UsageError, match="does not say which streams are tried"):
        tried(fleet, NEW)
    assert "nothing to try" in tried(fleet).nothing


def test_both_clusters_fit_into_the_quota_or_none_is_made(fleet: Fleet) -> None:
    with (fleet.root / "fleet.yaml").open("a") as file:
        file.write("ephemeral: {atOnce: 1}\n")
    commit(fleet.root)
    with pytest.raises(FindingsError) as error:
        tried(fleet)
    assert [finding.name for finding in error.value.findings] == ["ephemeral-quota-exceeded"]
    assert not list((fleet.root / "clusters").glob("try-*"))


CANDIDATE = "4.21.0-okd-scos.1.lab.0"


def candidate(fleet: Fleet, **changes: Any) -> Candidate:
    of = image(CANDIDATE)
    fleet.controller.sign(of)
    signature = base64.b64encode(fleet.controller.signatures[of.partition("@")[2]]).decode()
    values = {"stream": "4-scos-stable", "version": CANDIDATE, "image": of, "signature": signature}
    return Candidate(**{**values, "before": (OLD, image(OLD)), **changes})


def test_a_candidate_gets_clusters_though_nothing_of_it_is_recorded(fleet: Fleet) -> None:
    wanted = candidate(fleet, suite="openshift/conformance")
    saved = try_candidate(fleet.root, wanted, Saving(commit=True), now=fleet.now)
    names = ("try-4-21-0-scos-1-lab-0", "try-4-21-0-scos-1-lab-0-up")
    assert saved.subject == f"Try {CANDIDATE} on {names[0]} and {names[1]}"
    fresh, upgrading = (written(fleet, name) for name in names)
    release = {"channel": "stable-scos-4", "version": CANDIDATE, "image": image(CANDIDATE)}
    assert fresh["release"] == release
    assert upgrading["release"] == {**release, "signature": wanted.signature}
    assert upgrading["installs"] == {"version": OLD, "image": image(OLD)}
    assert fresh["features"] == {"conformance": {"suite": "openshift/conformance"}}

    again = try_candidate(fleet.root, wanted, Saving(commit=True), now=fleet.now)
    assert (again.commit, again.edited.edit.paths) == ("", [])


def test_the_first_candidate_of_a_stream_upgrades_from_nothing(fleet: Fleet) -> None:
    first = candidate(fleet, before=None)
    saved = try_candidate(fleet.root, first, Saving(), now=fleet.now)
    assert saved.edited.edit.paths == ["clusters/try-4-21-0-scos-1-lab-0.yaml"]


def test_a_candidate_of_another_image_or_stream_is_refused(fleet: Fleet) -> None:
    with pytest.raises(UsageError, match="no trials of the stream 4-scos-stabl"):
        try_candidate(fleet.root, candidate(fleet, stream="4-scos-stabl"), Saving(), now=fleet.now)

    first = candidate(fleet)
    try_candidate(fleet.root, first, Saving(commit=True), now=fleet.now)
    changed: dict[str, Any]
    for changed, what in (
        ({"image": image("another"), "signature": ""}, "image"),
        ({"suite": "openshift/conformance"}, "suite"),
        ({"signature": ""}, "signature"),
        ({"before": ("4.20.0-okd-scos.9", image("older"))}, "release before"),
    ):
        with pytest.raises(UsageError, match=f"is there already, with another {what}"):
            try_candidate(fleet.root, replace(first, **changed), Saving(), now=fleet.now)


def test_a_candidate_upgrades_from_another_image_than_its_own(fleet: Fleet) -> None:
    same = candidate(fleet, before=(OLD, image(CANDIDATE)))
    with pytest.raises(UsageError, match="has the image of the candidate"):
        try_candidate(fleet.root, same, Saving(), now=fleet.now)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (["hypershift-agent"], "do not report how an upgrade went"),
        (["hive-fake"], "do not report how an upgrade went"),
        (["hive-openstack", "hive-openstack"], "4-scos-stable is tried twice"),
    ],
)
def test_trials_that_could_never_report_are_refused(entries: list[str], reason: str) -> None:
    trials = [{"stream": "4-scos-stable", "channel": "stable-scos-4", "provider": each} for each in entries]
    with pytest.raises(ValidationError, match=reason):
        FleetSpec.model_validate({"trials": trials})
