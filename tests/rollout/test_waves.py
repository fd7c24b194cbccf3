"""A wave as a branch: how often the fleet is read, and what each of its commits contains."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from conftest import CACHE, git
from okd_gitops.check import judge
from okd_gitops.check.check import check
from okd_gitops.check.rule import Overlay
from okd_gitops.finding import FindingsError
from okd_gitops.fleet import load as fleet_load
from okd_gitops.fleet.feature import Catalog
from okd_gitops.fleet.kept_documents import KeptDocuments
from okd_gitops.generate import generate as generating
from okd_gitops.generate.generate import generate
from okd_gitops.generate.plan import Brief, Plan, plan
from okd_gitops.system.kept import Kept
from okd_gitops.tree import Tree
from release_controller import serving
from release_fleet import NEW, OLD, PUSH, UPDATE, Fleet, cluster, wave

NAMES = ("canary", "probe", "test-1", "test-2", "test-3")


@pytest.fixture
def fleet_of_five(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose first wave has five clusters that may take a new release now."""
    with serving() as controller:
        controller.publish(OLD)
        fleet = Fleet(tmp_path, controller)

        for name in NAMES[2:]:
            fleet.write(f"clusters/{name}.yaml", cluster(name, "test"))

        generate(fleet.root)
        git(fleet.root, "add", "-A")
        git(fleet.root, "commit", "-qm", "five test clusters")
        git(fleet.root, "push", "-q", "origin", "main")
        controller.publish(NEW, before=(OLD,))
        yield fleet


def test_a_wave_of_five_clusters_reads_the_fleet_once_and_each_commit_is_complete(
    fleet_of_five: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every load of a fleet reads its catalog once, whoever asks for it.
    load_catalog, loads = fleet_load.load_catalog, list[Path | None]()

    def counted(
        root: Path | None, documents: KeptDocuments | None = None, files: Tree | None = None
    ) -> Catalog:
        loads.append(root)
        return load_catalog(root, documents, files)

    planned: list[int] = []

    def counted_plan(fleet: fleet_load.Fleet, known: Mapping[str, Brief] = MappingProxyType({})) -> Plan:
        made = plan(fleet, known)
        planned.append(len(made.clusters))
        return made

    monkeypatch.setattr(fleet_load, "load_catalog", counted)
    monkeypatch.setattr(generating, "plan", counted_plan)
    (branch,) = fleet_of_five.run(PUSH).branches
    assert len(loads) == 1
    # Each commit plans its own cluster; the first one knows no other.
    assert planned == [7, 1, 1, 1, 1]

    assert branch.name == wave(NEW, 1)
    assert fleet_of_five.on_remote(branch.name) == [f"okd({name}): {OLD} → {NEW}" for name in NAMES]

    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(fleet_of_five.remote), str(clone))

    for commit in git(clone, "rev-list", f"origin/main..origin/{branch.name}").split():
        git(clone, "checkout", "-q", commit)
        drift = generate(clone, write=False).drift
        assert (drift.changes, drift.refused) == (0, ())


def test_a_wave_is_judged_by_what_is_kept_of_the_files_it_starts_from(
    fleet_of_five: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[int] = []
    build_overlays = judge.build_overlays

    def counted(overlays: Sequence[Overlay], *arguments: Any, **options: Any) -> judge.Built:
        built.append(len(overlays))
        return build_overlays(overlays, *arguments, **options)

    monkeypatch.setattr(judge, "build_overlays", counted)
    with monkeypatch.context() as in_ci:
        in_ci.setenv("CI", "true")
        (exact,) = fleet_of_five.run(UPDATE).branches
    assert built == [8]

    root, today = fleet_of_five.root, fleet_of_five.now.date()
    check(root, CACHE, today=today, say=lambda _: None, kept=Kept.of(root, CACHE))
    built.clear()
    for _ in range(2):
        (branch,) = fleet_of_five.run(UPDATE).branches
        assert (branch.title, branch.body) == (exact.title, exact.body)
    # What is found of a draft is not kept.
    first, second = len(built) // 2, built[len(built) // 2 :]
    assert built[:first] == second
    assert built[0] == len(NAMES)


def test_a_fault_that_only_planning_finds_stops_the_wave_before_a_branch_is_made(
    fleet_of_five: Fleet,
) -> None:
    fleet_of_five.write("clusters/probe.yaml", cluster("probe", "test", more="features:\n  no-such: {}\n"))
    git(fleet_of_five.root, "commit", "-qam", "a fault")
    git(fleet_of_five.root, "push", "-q", "origin", "main")

    with pytest.raises(FindingsError, match="findings"):
        fleet_of_five.run(PUSH)

    assert "okd/" not in git(fleet_of_five.root, "ls-remote", "origin")
