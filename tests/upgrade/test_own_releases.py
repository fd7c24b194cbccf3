"""Releases of one's own streams, as records: the planner sees them beside those of upstream."""

from okd_gitops.evidence.records import Records
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.releases.cross_check import Learned
from okd_gitops.releases.graph import Graph
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.upgrade.own_releases import upstream_streams, with_own_releases

IMAGE = f"quay.io/lab/releases@sha256:{'a' * 64}"
OLD, NEW = "4.22.0-okd-scos.8.rt.3", "4.22.0-okd-scos.8.rt.5"


def record(version: str, source: str, edges: str = "[]") -> ReleaseRecord:
    text = (
        f"version: {version}\nimages: [{{image: '{IMAGE}'}}]\nstreams: {{rt: Accepted}}\n"
        f"edges: {edges}\nsources: [{source}]\nseen: 2026-11-28T12:00:00Z\n"
    )
    return parse(ReleaseRecord, read(f"releases/{version}.yaml", text.encode()))


def test_the_planner_sees_a_release_of_a_stream_of_ones_own_and_its_edges() -> None:
    records = Records(releases=(record(OLD, "stream"), record(NEW, "stream", f"[{{from: {OLD}}}]")))
    learned = with_own_releases(Learned(releases=(), graph=Graph({}, frozenset(), {}, {}, {})), records)
    assert [release.version.text for release in learned.releases] == [OLD, NEW]
    assert [release.signed for release in learned.releases] == [IMAGE, IMAGE]
    assert learned.graph.edges == {(OLD, NEW)}


def test_no_source_outside_is_asked_about_a_stream_of_ones_own() -> None:
    own, theirs = record(OLD, "stream"), record(NEW, "quay")
    assert upstream_streams({"rt", "4-scos-stable"}, Records(releases=(own,))) == ["4-scos-stable"]
    assert upstream_streams({"rt", "4-scos-stable"}, Records(releases=(theirs,))) == ["4-scos-stable", "rt"]
