"""What is kept of plans is used while it is whole, and damaged it is planned anew."""

from pathlib import Path

import pytest

from frozen import FLEET
from okd_gitops.fleet.load import load
from okd_gitops.generate.generate import generate
from okd_gitops.generate.kept_plans import KeptPlans
from okd_gitops.system.disk import ROOTS, read_tree
from okd_gitops.system.kept import EXACT, Kept

CLUSTER = "purpose: {purpose}\nenvironment: kind\nkubernetes: '1.35'\nfeatures:\n  kvm-device-plugin:\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A generated fleet of two clusters, whose plans are kept."""
    for variable in ("CI", EXACT):
        monkeypatch.delenv(variable, raising=False)
    root = tmp_path / "fleet"
    (root / "clusters").mkdir(parents=True)
    (root / "fleet.yaml").write_text((FLEET / "fleet.yaml").read_text().replace("moc-hub", "hub"))
    for name, purpose in (("hub", "hub"), ("one", "test")):
        (root / f"clusters/{name}.yaml").write_text(CLUSTER.format(purpose=purpose))
    generate(root, cache=tmp_path)
    return root


def kept(root: Path) -> list[str]:
    """Return the clusters whose plans need not be made again."""
    folder = Kept.of(root, root.parent)
    assert folder
    plans = KeptPlans(folder, load(root), read_tree(root, *ROOTS))
    return sorted(plans.briefs)


def test_a_plan_holds_while_its_cluster_and_its_files_are_as_they_were(root: Path) -> None:
    assert kept(root) == ["hub", "one"]

    file = root / "overlays/one/kustomization.yaml"
    text = file.read_text()
    file.write_text(f"{text}# by hand\n")
    assert kept(root) == ["hub"]
    file.write_text(text)
    (root / "overlays/one/more.yaml").write_text("kind: ConfigMap\n")
    assert kept(root) == ["hub"]
    (root / "overlays/one/more.yaml").unlink()
    assert kept(root) == ["hub", "one"]

    with (root / "clusters/one.yaml").open("a") as cluster:
        cluster.write("# edited\n")
    assert kept(root) == ["hub"]
    with (root / "fleet.yaml").open("a") as fleet:
        fleet.write("# edited\n")
    assert kept(root) == []


def test_damaged_plans_are_made_anew(root: Path) -> None:
    (file,) = (root.parent / "kept/plans").iterdir()
    whole = file.read_bytes()

    for damaged in (whole[:-1], whole.replace(b"kvm-device-plugin", b"kvm-device-plugim"), whole[64:], b""):
        assert damaged != whole
        file.write_bytes(damaged)
        assert kept(root) == []
        assert generate(root, cache=root.parent).drift.changes == 0
        assert kept(root) == ["hub", "one"]
