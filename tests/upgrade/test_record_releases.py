"""The watch records what the sources publish, and what it recorded gives the same decisions without them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import git
from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import FETCH, Records, read_records
from okd_gitops.finding import FindingsError
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.upgrade.plan import BlockedError, Outlook, outlook
from okd_gitops.upgrade.record_releases import RecordedReleases, record_releases
from okd_gitops.upgrade.recorded import Recorded
from release_controller import image
from release_fleet import NEW, NEWER, NEXT_LINE, OLD, Fleet, offered_new

RISK = {
    "name": "SlowDisks",
    "url": "https://example.org/slow",
    "message": "Slow\ndisks: 7",
    "matchingRules": [{"type": "Always"}],
}
STREAM = "4-scos-stable"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with offered_new(tmp_path) as fleet:
        yield fleet


def watch(fleet: Fleet, **wanted: Any) -> RecordedReleases:
    done = record_releases(fleet.root, fleet.network(), **{"remote": "origin", **wanted})
    git(fleet.root, "fetch", "-q", "origin")
    return done


def offline(fleet: Fleet, **wanted: Any) -> Outlook:
    records = read_records(fleet.root)
    return outlook(fleet.root, Recorded(records, fleet.now), records, now=fleet.now, **wanted)


def codes(seen: Outlook) -> dict[str, str]:
    return {item.cluster.name: item.decision.name or str(item.decision.verdict) for item in seen.upgrades}


def record_of(fleet: Fleet, version: str) -> ReleaseRecord:
    record = read_records(fleet.root).release(version)
    assert record is not None
    return record


def unlist(fleet: Fleet, version: str) -> None:
    tags = fleet.controller.tags[STREAM]
    fleet.controller.tags[STREAM] = [tag for tag in tags if tag["name"] != version]


def conditional(*edges: tuple[str, str], **risk: Any) -> dict[str, Any]:
    return {"edges": [{"from": start, "to": end} for start, end in edges], "risks": [{**RISK, **risk}]}


def every_kind_of_release(fleet: Fleet) -> None:
    """Publish a rejected release, one without a signature, a tag without a node, and edges of each kind."""
    fleet.controller.publish(NEWER, phase="Rejected", before=(OLD, NEW))
    fleet.controller.publish("4.21.0-okd-scos.3", signed=False, before=(NEW,))
    fleet.controller.publish("4.21.0-okd-scos.4")
    del fleet.controller.images["4.21.0-okd-scos.4"]
    fleet.controller.publish(NEXT_LINE)
    fleet.controller.publish("4.22.0-okd-scos.1")
    unknown_rule = conditional((OLD, "4.22.0-okd-scos.1"), matchingRules=[{"type": "Tomorrow"}])
    fleet.controller.conditional = [conditional((OLD, NEXT_LINE), (NEW, NEXT_LINE)), unknown_rule]


@pytest.mark.parametrize("target", ["", NEW, NEWER, NEXT_LINE, "4.21.0-okd-scos.3", "4.22.0-okd-scos.1"])
def test_records_give_the_decisions_that_the_sources_give(fleet: Fleet, target: str) -> None:
    every_kind_of_release(fleet)
    online = fleet.seen(target=target)
    watch(fleet)
    fleet.controller.paths = dict.fromkeys(["/graph", f"/api/v1/releasestream/{STREAM}/tags"], 503)
    recorded = offline(fleet, target=target)
    assert [item.as_json() for item in recorded.upgrades] == [item.as_json() for item in online.upgrades]
    assert recorded.trust == online.trust
    assert recorded.learned.graph.dropped == online.learned.graph.dropped
    assert recorded.learned.graph.conditional == online.learned.graph.conditional


def test_a_record_has_what_a_judgment_needs(fleet: Fleet) -> None:
    every_kind_of_release(fleet)
    watch(fleet)
    record = record_of(fleet, NEXT_LINE)
    assert [item.image for item in record.images] == [image(NEXT_LINE)]
    assert [message.seen for message in record.images[0].messages] == [fleet.now]
    assert record.streams == {STREAM: "Accepted"}
    assert [(edge.source, edge.risks[0].name) for edge in record.edges] == [
        (OLD, "SlowDisks"),
        (NEW, "SlowDisks"),
    ]
    assert record.edges[0].risks[0].message == RISK["message"]
    assert (record.seen, record.sources) == (fleet.now, ("graph", "release-controller"))
    assert record_of(fleet, NEWER).withdrawn == "Rejected in 4-scos-stable"
    assert not record_of(fleet, "4.21.0-okd-scos.4").node
    assert read_records(fleet.root).runs.watch == fleet.now


def test_a_run_without_news_is_written_once_in_an_hour(fleet: Fleet) -> None:
    first = watch(fleet)
    assert first.changed == (f"releases/{OLD}.yaml", f"releases/{NEW}.yaml", "runs.yaml")
    fleet.now += timedelta(minutes=59)
    assert (watch(fleet).commit, watch(fleet).changed) == ("", ())
    fleet.now += timedelta(minutes=1)
    assert watch(fleet).changed == ("runs.yaml",)
    fleet.now += timedelta(minutes=5)
    fleet.controller.publish(NEWER, before=(NEW,))
    assert watch(fleet).changed == (f"releases/{NEWER}.yaml", "runs.yaml")
    assert record_of(fleet, NEWER).seen == fleet.now
    assert record_of(fleet, NEW).seen < fleet.now


def test_a_dry_run_and_a_local_one_leave_the_remote_alone(fleet: Fleet) -> None:
    done = watch(fleet, write=False)
    assert (len(done.changed), done.commit) == (3, "")
    assert read_records(fleet.root) == Records()
    assert watch(fleet, remote="").commit
    assert "records" not in git(fleet.root, "ls-remote", "origin")
    assert codes(offline(fleet))["canary"] == "upgrade"


def test_a_stream_that_no_cluster_follows_yet_is_recorded_by_its_name_and_stays(fleet: Fleet) -> None:
    first = "5.0.0-okd-scos.0"
    fleet.controller.publish(first, "5-scos-stable")
    watch(fleet)
    assert read_records(fleet.root).release(first) is None
    watch(fleet, more=["5-scos-stable"])
    assert record_of(fleet, first).streams == {"5-scos-stable": "Accepted"}
    # Nobody is asked about it in the next run, so nobody can say that it is gone.
    watch(fleet)
    assert record_of(fleet, first).streams == {"5-scos-stable": "Accepted"}
    fleet.controller.tags["5-scos-stable"] = []
    watch(fleet, more=["5-scos-stable"])
    assert record_of(fleet, first).streams == {"5-scos-stable": "Gone"}


def test_a_rehearsal_is_not_recorded_elsewhere(fleet: Fleet) -> None:
    assert watch(fleet, rehearsal=True).commit
    git(fleet.root, "remote", "set-url", "origin", "https://git.example.org/fleet.git")
    with pytest.raises(UsageError, match="rehearsal"):
        record_releases(fleet.root, fleet.network(), remote="origin", rehearsal=True)


@pytest.mark.parametrize("path", ["/graph", f"/api/v1/releasestream/{STREAM}/tags"])
def test_nothing_is_concluded_from_a_source_that_is_away(fleet: Fleet, path: str) -> None:
    watch(fleet)
    before = read_records(fleet.root)
    fleet.controller.paths = {path: 503}
    with pytest.raises(FindingsError) as error:
        watch(fleet)
    assert error.value.exit_code == 6
    assert read_records(fleet.root) == before


def test_a_signature_that_was_recorded_counts_while_the_store_is_away(fleet: Fleet) -> None:
    watch(fleet)
    store = f"/signatures/{image(NEW).partition('@')[2].replace(':', '=')}/signature-1"
    fleet.controller.paths = {store: 503}
    fleet.now += timedelta(hours=2)
    assert "source-away" in {finding.name for finding in watch(fleet).findings}
    assert len(record_of(fleet, NEW).images[0].signatures) == 1
    trust = fleet.seen().trust[NEW]
    assert trust.verified
    assert [finding.name for finding in trust.findings] == ["source-away"]
    assert offline(fleet).trust[NEW].verified


def test_each_signature_has_the_time_at_which_it_was_seen_first(fleet: Fleet) -> None:
    watch(fleet)
    start = fleet.now
    fleet.now += timedelta(days=1)
    fleet.controller.sign(image(NEW))
    watch(fleet)
    times = [signature.seen for signature in record_of(fleet, NEW).images[0].signatures]
    assert times == [start, fleet.now]


def test_two_digests_of_one_registry_stay_and_neither_is_used(fleet: Fleet) -> None:
    watch(fleet)
    other = f"{image(NEW).partition('@')[0]}@sha256:{'7' * 64}"
    fleet.controller.images[NEW] = other
    watch(fleet)
    assert [item.image for item in record_of(fleet, NEW).images] == sorted([image(NEW), other])
    seen = offline(fleet)
    assert codes(seen)["canary"] == "signed-digest-unknown"
    assert "two-digests" in {finding.name for finding in seen.learned.findings}


@pytest.mark.parametrize("is_in_graph", [True, False])
def test_c13_the_newest_known_release_vanishes(fleet: Fleet, is_in_graph: bool) -> None:
    fleet.controller.publish(NEWER, before=(OLD, NEW))
    watch(fleet)
    assert "release-vanished" not in {finding.name for finding in fleet.seen().learned.findings}
    unlist(fleet, NEWER)

    if not is_in_graph:
        del fleet.controller.images[NEWER]

    online = fleet.seen(target=NEW)
    fleet.now += timedelta(hours=1)
    watch(fleet)
    record = record_of(fleet, NEWER)
    assert (record.streams, record.missing, record.node) == ({STREAM: "Gone"}, fleet.now, is_in_graph)

    # It stays so, and stays known, for as long as nothing newer is listed.
    since = fleet.now
    fleet.now += timedelta(days=1)
    watch(fleet)
    assert record_of(fleet, NEWER).missing == since

    for seen in (online, fleet.seen(target=NEW), offline(fleet, target=NEW)):
        assert codes(seen)["prod"] == "newest-release-vanished"
        assert codes(seen)["canary"] == "upgrade"
        (warning,) = [item for item in seen.learned.findings if item.name == "release-vanished"]
        assert NEWER in warning.reason


def test_c13_an_answer_that_is_older_than_what_was_recorded(fleet: Fleet) -> None:
    old_tags = list(fleet.controller.tags[STREAM])
    fleet.controller.publish(NEWER, before=(OLD, NEW))
    fleet.controller.publish(NEXT_LINE, before=(NEWER,))
    watch(fleet)
    fleet.controller.tags[STREAM] = old_tags
    seen = fleet.seen(target=NEW)
    prod = next(item for item in seen.upgrades if item.cluster.name == "prod")
    assert prod.decision.name == "newest-release-vanished"
    assert f"{NEWER}, {NEXT_LINE}" in prod.decision.reason


def test_c13_a_release_that_people_withdrew_or_that_is_listed_again_stops_nothing(fleet: Fleet) -> None:
    fleet.controller.publish(NEWER, before=(OLD, NEW))
    watch(fleet)
    tags = list(fleet.controller.tags[STREAM])
    unlist(fleet, NEWER)
    fleet.write("releases.yaml", f"releases:\n- {{version: {NEWER}, withdrawn: nodes do not boot}}\n")
    fleet.write("fleet.yaml", f"{(fleet.root / 'fleet.yaml').read_text()}  file: releases.yaml\n")
    assert codes(fleet.seen(target=NEW))["prod"] == "evidence-missing"
    watch(fleet)
    assert codes(offline(fleet, target=NEW))["prod"] == "evidence-missing"

    (fleet.root / "releases.yaml").write_text(f"releases:\n- {{version: {OLD}}}\n")
    fleet.controller.tags[STREAM] = tags
    watch(fleet)
    assert record_of(fleet, NEWER).missing is None
    assert codes(offline(fleet, target=NEW))["prod"] == "evidence-missing"


def test_old_releases_leave_a_stream_as_a_matter_of_course(fleet: Fleet) -> None:
    fleet.controller.publish(NEWER, before=(OLD, NEW))
    watch(fleet)
    unlist(fleet, NEW)
    assert codes(fleet.seen(target=NEWER))["prod"] == "evidence-missing"


def test_a_release_whose_age_no_source_tells_is_as_old_as_its_record(fleet: Fleet) -> None:
    text = (fleet.root / "fleet.yaml").read_text()
    fleet.write("fleet.yaml", text.replace("minimumAge: 0d", "minimumAge: 2d"))
    watch(fleet)
    for age, code in ((1, "release-too-young"), (2, "upgrade")):
        fleet.now += timedelta(days=1)
        assert codes(fleet.seen())["canary"] == code, age
        assert codes(offline(fleet))["canary"] == code, age


def test_without_records_nothing_is_decided_offline(fleet: Fleet) -> None:
    with pytest.raises(FindingsError) as error:
        offline(fleet)
    (finding,) = error.value.findings
    assert (finding.name, error.value.exit_code) == ("records-missing", 2)
    assert f"`{FETCH}`" in finding.remedy
    assert "does not exist yet, `okd-gitops release record --push` makes it" in finding.remedy


def test_a_target_that_is_not_recorded_is_refused_with_the_command_that_gets_it(fleet: Fleet) -> None:
    watch(fleet)
    fleet.controller.publish(NEWER, before=(NEW,))
    with pytest.raises(BlockedError, match=f"{NEWER} is not recorded") as error:
        offline(fleet, target=NEWER)
    assert error.value.remedy == FETCH
    fleet.now += timedelta(minutes=1)
    watch(fleet)
    assert codes(offline(fleet, target=NEWER))["canary"] == "upgrade"


def test_old_records_are_a_warning(fleet: Fleet) -> None:
    watch(fleet)
    for days, is_told in ((1, False), (1, True)):
        fleet.now += timedelta(days=days, seconds=is_told)
        names = {finding.name for finding in offline(fleet).learned.findings}
        assert ("records-outdated" in names) == is_told


def test_a_record_is_read_as_it_was_written(fleet: Fleet) -> None:
    every_kind_of_release(fleet)
    done = watch(fleet)
    assert {record.path: record for record in read_records(fleet.root).releases} == {
        record.path: record for record in done.releases
    }


def test_releases_that_clusters_run_are_recorded_too(fleet: Fleet) -> None:
    unlist(fleet, OLD)
    watch(fleet)
    record = record_of(fleet, OLD)
    assert (record.streams, record.missing, record.node) == ({}, None, True)
    assert codes(offline(fleet))["canary"] == "upgrade"
