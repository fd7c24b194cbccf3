"""What is kept of plans is used while it is whole, and damaged it is planned anew."""

from pathlib import Path

import pytest

from frozen import FLEET
from okd_gitops import __version__
from okd_gitops.fleet.load import load
from okd_gitops.generate.generate import generate
from okd_gitops.generate.kept_plans import EarlierPlans, KeptPlans
from okd_gitops.system.disk import ROOTS, read_tree
from okd_gitops.system.kept import EXACT, Kept
from okd_gitops.tree import MANIFEST

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


def test_a_step_of_a_run_plans_the_edited_cluster_alone(root: Path) -> None:
    left = generate(root, write=False)
    text = (root / "clusters/one.yaml").read_bytes()
    fleet = left.fleet.with_cluster_files({"one": text + b"    image: example.org/plugin@sha256:1\n"})

    def known() -> list[str]:
        return sorted(EarlierPlans(fleet, left.plan, left.wanted, read_tree(root, *ROOTS)).briefs)

    assert known() == ["hub"]
    for path in ("overlays/hub/kustomization.yaml", "overlays/hub/more.yaml"):
        file = root / path
        before = file.read_text() if file.exists() else ""
        file.write_text(f"{before}# by hand\n")
        assert known() == []
        file.write_text(before) if before else file.unlink()
    assert known() == ["hub"]
    (root / "overlays/hub/kustomization.yaml").unlink()
    assert known() == []


def test_what_is_wanted_is_the_same_with_and_without_what_is_kept(root: Path) -> None:
    """A list of files that another version of the tool has written stays: a commit names what is there."""
    for folder in ("overlays/one", "bases/kvm-device-plugin/upstream"):
        file = root / folder / MANIFEST
        text = file.read_text()
        file.write_text(text.replace(f"okd-gitops {__version__}", "okd-gitops 0.0.1"))
        assert file.read_text() != text

    exact, warm = generate(root, write=False), generate(root, write=False, cache=root.parent)
    again = generate(root, write=False, cache=root.parent)
    assert exact.wanted == warm.wanted == again.wanted
    assert exact.drift.changes == 0
    assert b"0.0.1" in exact.wanted[f"overlays/one/{MANIFEST}"]
