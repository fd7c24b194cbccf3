"""Releases of one's own streams, as records: the planner sees them beside those of upstream, and a cluster
gets their signature with the pin.
"""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

import changes
from conftest import CACHE, git
from okd_gitops.evidence.records import Records, read_records
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.load import load
from okd_gitops.generate.generate import generate
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.releases.cross_check import Learned
from okd_gitops.releases.graph import Graph
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.render import kustomize
from okd_gitops.rollout.commit_upgrade import commit_upgrade
from okd_gitops.system.draft import drafted
from okd_gitops.system.tools import tool
from okd_gitops.upgrade.own_releases import record_own_release, upstream_streams, with_own_releases
from okd_gitops.upgrade.plan import outlook
from okd_gitops.upgrade.recorded import Recorded

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


# --- the signature, in the file of a cluster and in its overlay


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet with a cluster that follows the stream `rt` and runs a release of upstream's."""
    changes.lay_out(tmp_path, {"moc-hub": "hub", "moc-test": "test"})
    path = tmp_path / "clusters/moc-test.yaml"
    path.write_text(path.read_text().replace("4-scos-stable", "rt"))
    generate(tmp_path)
    git(tmp_path, "commit", "--quiet", "--all", "--message=follow rt")
    return tmp_path


@pytest.fixture
def own(fleet: Path) -> ReleaseRecord:
    return changes.record_own(fleet)


def soon() -> datetime:
    """Return a time after every signature that a test makes, on whatever day it runs."""
    return datetime(2099, 1, 1, tzinfo=UTC)


def upgraded(fleet: Path, cluster: str) -> str:
    """Commit the upgrade of a cluster as a wave does, check it out, and return the file of the cluster."""
    records, now = read_records(fleet), soon()
    seen = outlook(fleet, Recorded(records, now), records, now=now)
    (upgrade,) = [each for each in seen.upgrades if each.cluster.name == cluster]
    assert str(upgrade.decision.verdict) == "upgrade", upgrade.decision.reason
    with drafted(fleet, git(fleet, "rev-parse", "HEAD").strip()) as draft:
        commit_upgrade(draft, load(fleet), upgrade)
        git(fleet, "reset", "--quiet", "--hard", draft.tip)
    return (fleet / f"clusters/{cluster}.yaml").read_text()


def signatures(fleet: Path) -> object:
    """Return what the overlay of moc-test puts into the ConfigMap that the version operator reads."""
    rendering = kustomize.render(
        fleet, {"overlays/moc-test": "moc-test"}, tool(CACHE, "kustomize"), workers=1
    )
    (config,) = [
        document.value
        for document in rendering.documents["overlays/moc-test"]
        if document.value["metadata"]["name"] == "okd-gitops-release-signature"
    ]
    assert config["metadata"]["namespace"] == "openshift-config-managed"
    assert config["metadata"]["labels"]["release.openshift.io/verification-signatures"] == ""
    return config["binaryData"]


def test_an_upgrade_gives_the_cluster_the_signature_and_the_next_takes_it_away(
    fleet: Path, own: ReleaseRecord
) -> None:
    assert signatures(fleet) == {}
    message, digest = own.own_signature, own.images[0].image.partition("@")[2]
    assert message in upgraded(fleet, "moc-test")
    assert signatures(fleet) == {f"{digest.replace(':', '-')}-1": message}

    # The stream ends, and the cluster follows upstream's again.
    path = fleet / "clusters/moc-test.yaml"
    path.write_text(path.read_text().replace("stream: rt", "stream: 4-scos-stable"))
    generate(fleet)
    git(fleet, "commit", "--quiet", "--all", "--message=follow upstream")
    theirs = changes.record_after(fleet, own.version)
    assert f"version: {theirs}" in upgraded(fleet, "moc-test")
    assert load(fleet).cluster("moc-test").spec.release.signature == ""  # type: ignore[union-attr] # it is there
    assert signatures(fleet) == {}


def test_a_change_by_hand_without_the_signature_is_refused(fleet: Path, own: ReleaseRecord) -> None:
    changes.move(fleet, "moc-test", own.version)
    generate(fleet)
    assert "own-signature-missing" in changes.report(fleet).stdout

    path = fleet / "clusters/moc-test.yaml"
    path.write_text(f"{path.read_text()}  signature: {own.own_signature}\n")
    generate(fleet)
    done = changes.report(fleet)
    assert "moc-test" in done.stdout
    assert "own-signature-missing" not in done.stdout


@pytest.mark.parametrize("wrong", ["no base64", base64.b64encode(b"no message").decode()])
def test_a_signature_is_an_openpgp_message_in_base64(fleet: Path, wrong: str) -> None:
    path = fleet / "clusters/moc-test.yaml"
    path.write_text(f"{path.read_text()}  signature: {wrong}\n")
    with pytest.raises(FindingsError) as caught:
        generate(fleet)
    assert [finding.name for finding in caught.value.findings] == ["malformed-signature"]


def test_a_signature_of_another_image_is_refused(fleet: Path, own: ReleaseRecord) -> None:
    path = fleet / "clusters/moc-test.yaml"
    path.write_text(f"{path.read_text()}  signature: {own.own_signature}\n")
    with pytest.raises(FindingsError) as caught:
        generate(fleet)
    (finding,) = caught.value.findings
    assert finding.name == "signed-other-image"
    assert f"the signature is for {own.images[0].image.partition('@')[2]}" in finding.reason


# --- what may be recorded


def test_a_release_that_is_recorded_twice_is_written_once(fleet: Path, own: ReleaseRecord) -> None:
    data = own.text().encode()
    assert record_own_release(fleet, "release.yaml", data, now=soon()) == ""

    other = own.text().replace(own.images[0].image, changes.image("4.21.0-okd-scos.99")).encode()
    with pytest.raises(FindingsError) as caught:
        record_own_release(fleet, "release.yaml", other, now=soon())
    assert "signed-other-image" in {finding.name for finding in caught.value.findings}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"sources": ("quay",)}, "not-a-release-of-a-stream"),
        ({"streams": {"rt": "Accepted", "next": "Accepted"}}, "not-a-release-of-a-stream"),
        ({"images": ()}, "not-a-release-of-a-stream"),
    ],
)
def test_what_the_chain_of_a_stream_would_not_write_is_not_recorded(
    fleet: Path, own: ReleaseRecord, change: dict[str, object], name: str
) -> None:
    data = own.model_copy(update=change).text().encode()
    with pytest.raises(FindingsError) as caught:
        record_own_release(fleet, "release.yaml", data, now=soon())
    assert name in {finding.name for finding in caught.value.findings}


def test_a_key_of_another_stream_records_nothing(fleet: Path, own: ReleaseRecord) -> None:
    path = fleet / "fleet.yaml"
    fingerprint = load(fleet).spec.releases.signatures.fingerprints[0]  # type: ignore[union-attr] # it is there
    path.write_text(f"{path.read_text()}    uses: {{{fingerprint}: {{streams: [next]}}}}\n")
    with pytest.raises(FindingsError) as caught:
        record_own_release(fleet, "release.yaml", own.text().encode(), now=soon())
    (finding,) = caught.value.findings
    assert finding.name == "key-for-other-stream"
