"""argocd/: a folder for each cluster, its order, its hours, and what is kept when it leaves git."""

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import commit, git
from okd_gitops.fleet.upgrades import Window
from okd_gitops.generate.generate import generate
from okd_gitops.generate.overlays import render
from okd_gitops.tree import MANIFEST, Tree
from small_plan import BUILD, RELEASE, cluster, planned, rendered

OPTIONS = "argocd.argoproj.io/sync-options"
WAVE = "argocd.argoproj.io/sync-wave"
WINDOW = 'upgrades:\n  window: {day: saturday, start: "22:30", hours: 8}\n'


def loaded(tree: Tree, path: str) -> Any:
    return yaml.safe_load(tree[path])


@pytest.mark.parametrize("purpose", ["test", "cd", "ephemeral"])
def test_an_application_and_its_project_are_called_as_the_cluster(purpose: str) -> None:
    """A renamed Application with a finalizer deletes what it holds, so these names stay."""
    expires = "expires: 2026-12-18\n" if purpose == "ephemeral" else ""
    tree = rendered(f"purpose: {purpose}\n{expires}{RELEASE}")
    application = loaded(tree, "argocd/x/application.yaml")
    project = loaded(tree, "argocd/x/appproject.yaml")
    assert application["metadata"]["name"] == application["spec"]["project"] == "x"
    assert (project["metadata"]["name"], project["metadata"]["namespace"]) == ("x", "argocd")
    assert loaded(tree, "argocd/fleet/application.yaml")["metadata"]["name"] == "fleet"


def test_the_root_application_applies_the_files_of_all_folders() -> None:
    tree = rendered(f"purpose: test\n{RELEASE}")
    source = loaded(tree, "argocd/fleet/application.yaml")["spec"]["source"]
    assert (source["path"], source["directory"]) == ("argocd", {"recurse": True})
    assert {path for path in tree if path.startswith("argocd/")} == {
        f"argocd/{name}/{file}"
        for name, file in product(("fleet", "hub", "x"), ("application.yaml", "appproject.yaml", MANIFEST))
    }


@pytest.mark.parametrize("wave", [None, 0, 7])
def test_a_project_comes_one_wave_before_its_application(wave: int | None) -> None:
    line = "" if wave is None else f"wave: {wave}\n"
    tree = rendered(f"purpose: test\n{line}{RELEASE}")
    for name in ("x", "hub", "fleet"):
        project = loaded(tree, f"argocd/{name}/appproject.yaml")["metadata"]["annotations"]
        application = loaded(tree, f"argocd/{name}/application.yaml")["metadata"].get("annotations", {})
        assert int(project[WAVE]) == int(application.get(WAVE, 0)) - 1


def test_what_a_long_term_cluster_has_in_argo_cd_is_never_pruned() -> None:
    """Also when its removal is announced: then a person deletes it, with the commands that are printed."""
    for line in ("", "decommission: true\n"):
        tree = rendered(f"purpose: cd\n{line}{RELEASE}")
        for file in ("application", "appproject"):
            annotations = loaded(tree, f"argocd/x/{file}.yaml")["metadata"]["annotations"]
            assert annotations[OPTIONS] == "Delete=false,Prune=false"

    tree = rendered(f"purpose: test\n{RELEASE}")
    for file in ("application", "appproject"):
        assert OPTIONS not in loaded(tree, f"argocd/x/{file}.yaml")["metadata"]["annotations"]


def test_a_maintenance_window_is_when_argo_cd_may_sync() -> None:
    tree = rendered(f"purpose: cd\n{RELEASE}{WINDOW}")
    assert loaded(tree, "argocd/x/appproject.yaml")["spec"]["syncWindows"] == [
        {
            "kind": "allow",
            "schedule": "30 22 * * 6",
            "duration": "8h",
            "timeZone": "UTC",
            "applications": ["*"],
            "manualSync": True,
        }
    ]
    assert "syncWindows" not in loaded(tree, "argocd/hub/appproject.yaml")["spec"]


@pytest.mark.parametrize(
    "day", ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
)
def test_the_hours_of_argo_cd_begin_when_the_window_opens(day: Any) -> None:
    window = Window(day=day, start="06:05", hours=1)
    opens = window.opens(datetime(2026, 11, 28, tzinfo=UTC))
    minute, hour, _, _, weekday = window.cron.split()
    # Cron counts from Sunday, as strftime's %w does.
    assert opens.strftime("%w %H:%M") == f"{weekday} {int(hour):02}:{int(minute):02}"
    assert not window.contains(opens - timedelta(minutes=1))


def test_one_more_cluster_changes_no_file_of_another() -> None:
    hub = cluster("hub", f"purpose: hub\n{RELEASE}")
    one = render(planned(hub, cluster("x", f"purpose: test\n{RELEASE}")))
    two = render(planned(hub, cluster("x", f"purpose: test\n{RELEASE}"), cluster("y", BUILD + '"5.1"\n')))
    assert {path for path in one if one[path] != two.get(path)} == set()
    new = {path.split("/")[1] for path in two if path not in one}
    assert new == {"y", "build"}


MIRROR = "  image-mirror:\n    registry: quay.io/okd/mirror\n"
OTHER_RELEASE = RELEASE.replace("8c5e1d37", "1f0c3a7d")
LEFT = f"purpose: test\n{OTHER_RELEASE}features:\n{MIRROR}"
RIGHT = f"""\
purpose: test
environment: kubernetes
kubernetes: "1.35"
server: https://api.right.example.org:6443
features:
{MIRROR}"""


def test_two_branches_that_each_add_a_cluster_merge(repo: Path) -> None:
    """Both bring a feature that no cluster had, and of its parts not the same ones."""
    git(repo, "init", "-q", "--initial-branch=main")
    commit(repo)

    for name, text in (("left", LEFT), ("right", RIGHT)):
        git(repo, "checkout", "-q", "-b", name, "main")
        (repo / f"clusters/{name}.yaml").write_text(text)
        assert generate(repo).drift.changes
        commit(repo)

    assert set(bases(repo, "right")) < set(bases(repo, "left"))
    git(repo, "merge", "-q", "--no-edit", "left")
    assert generate(repo, write=False).drift.changes == 0
    assert {path.name for path in (repo / "argocd").iterdir()} > {"left", "right"}


def bases(repo: Path, branch: str) -> list[str]:
    return git(repo, "ls-tree", "-r", "--name-only", branch, "bases/image-mirror").split()


def test_a_project_stays_until_no_application_has_it() -> None:
    """Deleted at once, as PruneLast does it, the project went first, and its Application was stuck."""
    tree = rendered(f"purpose: test\n{RELEASE}")
    for name in ("fleet", "x"):
        metadata = loaded(tree, f"argocd/{name}/appproject.yaml")["metadata"]
        assert metadata["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def test_the_root_writes_no_status_of_its_members() -> None:
    spec = loaded(rendered(f"purpose: test\n{RELEASE}"), "argocd/fleet/application.yaml")["spec"]
    assert "RespectIgnoreDifferences=true" not in spec["syncPolicy"]["syncOptions"]
    assert [entry["jsonPointers"] for entry in spec["ignoreDifferences"]] == [["/operation"]]
