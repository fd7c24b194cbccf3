"""Two cluster files that take the same thing are refused before anything is generated; both places are named.

B02 is a row of the table of failures that the tool must survive.
"""

from pathlib import Path

import pytest

from okd_gitops.finding import Finding, FindingsError
from okd_gitops.fleet.collisions import mismatched_releases
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.manifests import read as reading
from okd_gitops.manifests.bounds import Bounds

FLEET = """\
repository: https://git.example.org/fleet.git
hub: hub
owners: [ops]
upstream: https://graph.example.org/graph
"""
KIND = 'environment: kind\nkubernetes: "1.35"\n'
RELEASES = "registry.example.org/origin/release-scos"
FIVE = f"  version: 4.22.0-okd-scos.5\n  image: {RELEASES}@sha256:{'5' * 64}\n"
ID = "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926"


def lay_out(root: Path, **clusters: str) -> Path:
    (root / "clusters").mkdir()
    (root / "fleet.yaml").write_text(FLEET)
    for name, text in {"hub": f"purpose: hub\n{KIND}", **clusters}.items():
        (root / f"clusters/{name}.yaml").write_text(text)
    return root


def okd(release: str = FIVE, more: str = "") -> str:
    return f"purpose: test\n{more}release:\n  channel: stable-scos-4\n{release}"


def refusal(root: Path) -> Finding:
    with pytest.raises(FindingsError) as error:
        load(root)
    assert error.value.exit_code == 2
    (finding,) = error.value.findings
    return finding


def test_no_places_are_read_to_compare_cluster_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = f"server: https://api.a.example.org:6443\nclusterID: {ID}\n"
    other = more.replace("api.a", "api.b").replace("8c", "8d")
    root = lay_out(tmp_path, a=okd(more=more), b=okd(more=other))
    real, again = reading._read_again, list[bytes]()

    def read_again(data: bytes, bounds: Bounds) -> object:
        again.append(data)
        return real(data, bounds)

    monkeypatch.setattr(reading, "_read_again", read_again)
    assert not mismatched_releases(load(root).clusters)
    assert not [data for data in again if b"purpose" in data]


@pytest.mark.parametrize("again", [ID, ID.upper()])
def test_b02_two_clusters_have_one_cluster_id(tmp_path: Path, again: str) -> None:
    root = lay_out(tmp_path, a=okd(more=f"clusterID: {ID}\n"), b=okd(more=f"clusterID: {again}\n"))
    finding = refusal(root)

    assert (finding.name, str(finding.location)) == ("shared-cluster-id", "clusters/b.yaml:2:12")
    assert "clusters/a.yaml:2:12" in finding.reason


@pytest.mark.parametrize("again", ["https://api.a.example.org:6443", "https://api.a.example.org:6443/"])
def test_b02_two_clusters_have_one_server(tmp_path: Path, again: str) -> None:
    first = f"server: https://api.a.example.org:6443\npurpose: test\n{KIND}"
    root = lay_out(tmp_path, a=first, b=f"purpose: test\nserver: {again}\n{KIND}")
    finding = refusal(root)

    assert (finding.name, str(finding.location)) == ("shared-server", "clusters/b.yaml:2:9")
    assert "clusters/a.yaml:1:9" in finding.reason


def test_b02_the_port_of_https_need_not_be_written(tmp_path: Path) -> None:
    texts = [
        f"purpose: test\nserver: {server}\n{KIND}"
        for server in ("https://a.example.org", "https://a.example.org:443")
    ]
    assert refusal(lay_out(tmp_path, a=texts[0], b=texts[1])).name == "shared-server"


def test_b02_two_clusters_are_the_hub(tmp_path: Path) -> None:
    finding = refusal(lay_out(tmp_path, a=f"{KIND}purpose: hub\n"))

    # The hub that fleet.yaml names stays; the other file is wrong, although its name comes first.
    assert (finding.name, str(finding.location)) == ("second-hub", "clusters/a.yaml:3:10")
    assert "clusters/hub.yaml:1:10" in finding.reason


@pytest.mark.parametrize(
    ("hub", "announced", "leaving", "is_right"),
    [
        ("hub", "a", "", True),
        ("hub", "b", "", False),
        ("a", "a", "decommission: true\n", True),
        ("a", "a", "", False),
        ("a", "b", "decommission: true\n", False),
    ],
)
def test_b02_a_hub_that_is_announced_stands_beside_the_old_one(
    hub: str, announced: str, leaving: str, is_right: bool, tmp_path: Path
) -> None:
    """The new hub must run before the fleet moves to it, and the old one leaves after that."""
    root = lay_out(tmp_path, a=f"{KIND}purpose: hub\n", hub=f"purpose: hub\n{leaving}{KIND}")
    fleet = FLEET.replace("hub: hub", f"hub: {hub}")
    (root / "fleet.yaml").write_text(f"{fleet}announced: {{hub: {announced}, reason: it moves}}\n")

    if is_right:
        assert len(load(root).clusters) == 2
    else:
        assert refusal(root).name == "second-hub"


def test_b02_two_names_differ_only_by_case(tmp_path: Path) -> None:
    finding = refusal(lay_out(tmp_path, moc=f"purpose: test\n{KIND}", Moc=f"purpose: test\n{KIND}"))

    assert (finding.name, finding.location.file) == ("invalid-name", "clusters/Moc.yaml")
    assert "clusters/moc.yaml" in finding.reason


def test_b02_names_that_meet_when_they_are_joined_are_four_clusters(tmp_path: Path) -> None:
    names = dict.fromkeys(("a", "a-b", "b-c", "c"), f"purpose: test\n{KIND}")
    fleet = load(lay_out(tmp_path, **names))
    assert [cluster.name for cluster in fleet.clusters] == ["a", "a-b", "b-c", "c", "hub"]


def fleet_with(root: Path, **releases: str) -> Fleet:
    return load(lay_out(root, **{name: okd(release) for name, release in releases.items()}))


def test_an_image_that_stayed_when_the_version_moved_is_found(tmp_path: Path) -> None:
    six = FIVE.replace("scos.5", "scos.6")
    (finding,) = mismatched_releases(fleet_with(tmp_path, a=FIVE, b=six).clusters)

    assert (finding.name, str(finding.location)) == ("mismatched-release", "clusters/b.yaml:5:10")
    assert "4.22.0-okd-scos.6 here and 4.22.0-okd-scos.5 in a (clusters/a.yaml:5:10)" in finding.reason


def test_a_version_has_one_digest_at_each_registry(tmp_path: Path) -> None:
    other_digest = FIVE.replace("5" * 64, "6" * 64)
    mirror = other_digest.replace(RELEASES, "quay.io/okd/scos-release").replace("6" * 64, "7" * 64)
    findings = mismatched_releases(fleet_with(tmp_path, a=FIVE, b=other_digest, c=mirror).clusters)

    assert [finding.location.file for finding in findings] == ["clusters/b.yaml"]


def test_clusters_that_agree_have_no_finding(tmp_path: Path) -> None:
    six = FIVE.replace("scos.5", "scos.6").replace("5" * 64, "6" * 64)
    assert mismatched_releases(fleet_with(tmp_path, a=FIVE, b=FIVE, c=six).clusters) == []
