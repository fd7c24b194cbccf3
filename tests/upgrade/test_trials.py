"""Which clusters for tests a long-term cluster waits for, and whose reports are taken over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from okd_gitops.evidence.foreign_trials import new_trials
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.graph import Graph, Node
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.decide import Known, question_of
from okd_gitops.upgrade.edges import Wanted
from okd_gitops.upgrade.path import Hop, Path
from okd_gitops.upgrade.question import Follower
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


FRESH, UPGRADES = "try-4-22-0-okd-scos-9", "try-4-22-0-okd-scos-9-up"


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
        asked = replace(known, tried_streams=frozenset(streams))
        return question_of(cluster, [cluster], path, asked, NOW).trials

    assert trials(cluster, STREAM) == (FRESH, UPGRADES)
    assert trials(cluster, "4-scos-next") == trials(cluster) == ()
    assert trials(replace(cluster, guarded=False), STREAM) == ()


def report(cluster: str, *, passed: bool = True) -> Evidence:
    return Evidence(cluster=cluster, version=NEW.text, image=IMAGE, finished=NOW, passed=passed)


def test_reports_of_trials_are_taken_over_once_and_of_nothing_else() -> None:
    foreign = Records(evidence=(report(FRESH), report("prod"), report("try-own")))
    now = NOW + timedelta(hours=1)
    (taken,) = new_trials(foreign, Records(), {"prod", "try-own"}, now)
    assert (taken.cluster, taken.seen) == (FRESH, now)

    failed = Records(evidence=(report(FRESH, passed=False),))
    assert new_trials(foreign, failed, {"prod", "try-own"}, now) == []
