"""Which clusters for tests a long-term cluster waits for, and whose reports are taken over."""

import pathlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from conftest import git
from okd_gitops.evidence.foreign_trials import new_trials, read_trials
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.trial_names import fresh_cluster, upgrading_cluster
from okd_gitops.evidence.write_records import write_records
from okd_gitops.finding import Finding
from okd_gitops.manifests.model import Name
from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.graph import Graph, Node
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.decide import question_of
from okd_gitops.upgrade.edges import Wanted
from okd_gitops.upgrade.path import Hop, Path
from okd_gitops.upgrade.question import Follower
from okd_gitops.upgrade.route import Known
from okd_gitops.upgrade.trials import needed_trials

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OLDER, OLD, NEW = (Version.parse(f"4.22.0-okd-scos.{number}") for number in (6, 7, 9))
IMAGE = "registry.example.org/release@sha256:" + "a" * 64
STREAM = "4-scos-stable"


def learned(*edges: tuple[Version, Version], unsigned: tuple[Version, ...] = ()) -> Learned:
    versions = (OLDER, OLD, NEW)
    releases = [
        Release(version=each, signed="" if each in unsigned else IMAGE, listed=(STREAM,)) for each in versions
    ]
    nodes = {each.text: Node(each, IMAGE) for each in versions}
    pairs = frozenset((source.text, target.text) for source, target in edges)
    return Learned(releases=releases, graph=Graph(nodes, pairs, {}))


FRESH, UPGRADES = "try-4-22-0-scos-9", "try-4-22-0-scos-9-up"


def test_an_upgrade_is_tried_where_an_edge_leads_to_the_release() -> None:
    assert needed_trials(NEW, learned((OLD, NEW))) == (FRESH, UPGRADES)
    assert needed_trials(NEW, learned((OLDER, OLD))) == (FRESH,)
    # Nobody can install a release whose digest is not known.
    assert needed_trials(NEW, learned((OLD, NEW), unsigned=(OLD,))) == (FRESH,)


def test_a_long_term_cluster_of_a_tried_stream_waits_and_no_other() -> None:
    cluster = Follower(
        name="prod",
        purpose="cd",
        guarded=True,
        wave=3,
        soak=timedelta(0),
        stream=STREAM,
        version=OLD,
        image=IMAGE,
        channel="stable-scos-4",
        takes=frozenset({"release"}),
    )
    known = Known(learned=learned((OLD, NEW)), records=Records(), wanted=Wanted(accepted=frozenset()))
    path = Path((Hop(OLD, NEW, "patch", (), "stable-scos-4", ()),))

    def trials(cluster: Follower, *streams: str) -> tuple[str, ...]:
        asked = replace(known, tried_streams=dict.fromkeys(streams, ""))
        return question_of(cluster, [cluster], path, asked, NOW).needed_trials

    assert trials(cluster, STREAM) == (FRESH, UPGRADES)
    assert trials(cluster, "4-scos-next") == trials(cluster) == ()
    assert trials(replace(cluster, guarded=False), STREAM) == ()


def test_the_name_of_a_nightly_build_fits_into_that_of_a_cluster() -> None:
    version = "4.22.0-0.okd-scos-2026-01-01-123456"
    for name in (fresh_cluster(version), upgrading_cluster(version)):
        TypeAdapter(Name).validate_python(name)


RELEASE = ReleaseRecord(version=NEW.text, streams={STREAM: "Accepted"}, seen=NOW)
OTHER = ReleaseRecord(version=OLD.text, streams={"4-scos-next": "Accepted"}, seen=NOW)


def report(cluster: str, version: Version = NEW, **changes: Any) -> Evidence:
    values = {"cluster": cluster, "version": version.text, "image": IMAGE, "finished": NOW, "passed": True}
    return Evidence.model_validate({**values, **changes})


@pytest.fixture
def foreign(tmp_path: pathlib.Path) -> Callable[..., tuple[list[Evidence], list[Finding]]]:
    """Return what is read of the trials of a tried stream, from a repository with these files."""

    def read(*reports: Evidence, **files: bytes) -> tuple[list[Evidence], list[Finding]]:
        written = {item.path: item.text().encode() for item in reports}
        written |= {
            f"evidence/{name.replace('_', '-')}/{NEW.text}.yaml": data for name, data in files.items()
        }
        git(tmp_path, "init", "-q", ".")
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "start")
        sha = write_records(tmp_path, "", "record", lambda _: {**written, "proposals/x.yaml": b"{"})
        return read_trials(tmp_path, sha, Records(releases=(RELEASE, OTHER)), {STREAM})

    return read


def test_only_what_a_release_needs_is_read(foreign: Any) -> None:
    old = report("try-4-22-0-scos-7", OLD)
    reports, findings = foreign(report(FRESH), report(UPGRADES), report("prod"), report("try-x"), old)
    assert (sorted(item.cluster for item in reports), findings) == ([FRESH, UPGRADES], [])


@pytest.mark.parametrize(
    "data",
    [
        b"cluster: [",
        b"cluster: x\n",
        b"#" * (1 << 15),
        report("prod").text().encode(),
        report(FRESH).text().encode() + b"unknown: 1\n",
    ],
    ids=["yaml", "fields", "size", "place", "key"],
)
def test_a_report_that_cannot_be_used_is_told_and_stops_no_other(foreign: Any, data: bytes) -> None:
    reports, (warning,) = foreign(report(UPGRADES), try_4_22_0_scos_9=data)
    assert [item.cluster for item in reports] == [UPGRADES]
    assert (warning.name, warning.clusters) == ("trial-unreadable", (FRESH,))


def test_a_report_is_taken_over_once_and_exchanged_for_another_image_alone() -> None:
    other = "registry.example.org/release@sha256:" + "b" * 64
    trials = [report(FRESH), report("try-own")]
    assert [item.cluster for item in new_trials(trials, Records(), {"try-own"})] == [FRESH]

    failed = Records(evidence=(report(FRESH, passed=False),))
    assert list(new_trials(trials, failed, {"try-own"})) == []
    rebuilt = Records(evidence=(report(FRESH, image=other),))
    assert [item.cluster for item in new_trials(trials, rebuilt, {"try-own"})] == [FRESH]
