"""The fleet as it is read: once, with every fault at once, and with what follows for each cluster."""

from pathlib import Path

import pytest

from okd_gitops.finding import FindingsError
from okd_gitops.fleet.load import load

FLEET = """\
repository: https://git.example.org/fleet.git
hub: hub
owners: [ops]
upstream: https://graph.example.org/graph
"""
KIND = 'environment: kind\nkubernetes: "1.35"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a hub and a test cluster, which has a wave, owners and extras of its own."""
    (tmp_path / "clusters/special").mkdir(parents=True)
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "clusters/hub.yaml").write_text(f"purpose: hub\n{KIND}")
    special = f"purpose: test\nwave: 7\nowners: [qa]\n{KIND}"
    (tmp_path / "clusters/special.yaml").write_text(special)
    (tmp_path / "clusters/special/kustomization.yaml").write_text("resources: []\n")
    return tmp_path


def test_each_cluster_has_its_purpose_its_wave_and_its_owners(root: Path) -> None:
    hub, special = load(root).clusters

    assert (hub.name, hub.purpose.guarded, hub.wave, hub.owners) == ("hub", True, 2, ("ops",))
    assert (special.name, special.purpose.guarded, special.wave, special.owners) == (
        "special",
        False,
        7,
        ("qa",),
    )
    assert list(special.extras) == ["kustomization.yaml"]


def test_a_changed_cluster_file_gives_the_fleet_that_reading_all_again_gives(root: Path) -> None:
    before = load(root)
    data = f"purpose: test  # quicker\nwave: 1\n{KIND}".encode()

    derived = before.with_cluster_files({"special": data})

    (root / "clusters/special.yaml").write_bytes(data)
    assert derived.clusters == load(root).clusters
    assert before.cluster("special") != derived.cluster("special")


def test_a_changed_cluster_file_that_is_wrong_is_refused_with_its_place(root: Path) -> None:
    with pytest.raises(FindingsError) as error:
        load(root).with_cluster_files({"special": b"purpose: tset\n"})

    (location,) = {finding.location.file for finding in error.value.findings}
    assert location == "clusters/special.yaml"


def test_the_faults_of_all_files_are_reported_at_once(root: Path) -> None:
    (root / "fleet.yaml").write_text("hub: hub\n")
    (root / "clusters/special.yaml").write_text("purpose: tset\n")
    (root / "catalog/changes").mkdir(parents=True)
    (root / "catalog/changes/x.yaml").write_text("changes: nothing\n")

    with pytest.raises(FindingsError) as error:
        load(root)

    files = {finding.location.file.partition("/")[0] for finding in error.value.findings}
    assert files == {"fleet.yaml", "clusters", "catalog"}
