"""A repository whose clusters come and go without a review, and what the hub of another one lets it do.

That Argo CD takes globs in a project's destinations and names was read in argo-cd v3.3.9,
pkg/apis/application/v1alpha1/app_project_types.go; the parameters of its cluster generator in
applicationset/generators/cluster.go.
"""

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import CACHE, commit, git
from okd_gitops.check.change.judge_change import judge_change
from okd_gitops.check.check import check
from okd_gitops.evidence.records import Records
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.load import load
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.edit_clusters import Saving, drop_cluster, drop_expired
from provided import FLEET, GUEST, TRIAL

NOW = datetime(2026, 12, 1, tzinfo=UTC)
UNATTENDED = (
    "repository: https://git.example.org/trials.git\n"
    "hub: hub\n"
    "unattended: true\n"
    "owners: [ops]\n"
    "upstream: https://graph.example.org/graph\n"
)


@pytest.fixture
def trials(tmp_path: Path) -> Path:
    root = tmp_path / "trials"
    (root / "clusters").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / "fleet.yaml").write_text(UNATTENDED + FLEET)
    (root / "clusters/.gitkeep").touch()
    return root


def with_cluster(root: Path, text: str = TRIAL) -> Path:
    (root / "clusters/trial.yaml").write_text(text)
    generate(root)
    commit(root)
    return root


def objects(root: Path, folder: str) -> dict[str, dict[str, Any]]:
    """Return the objects below a folder by the names of their files."""
    paths = [path for path in (root / folder).glob("*.yaml") if path.stem != "kustomization"]
    return {path.stem: yaml.safe_load(path.read_text()) for path in paths}


def refused(root: Path) -> list[tuple[str, str]]:
    with pytest.raises(FindingsError) as error:
        generate(root)
    return [(finding.name, finding.location.file) for finding in error.value.findings]


def test_its_clusters_have_no_application_and_no_project(trials: Path) -> None:
    with_cluster(trials)
    assert not (trials / "argocd").exists()
    report = check(trials, CACHE, today=NOW.date(), say=lambda _: None)
    assert not report.errors
    assert report.documents > 8
    deployment = objects(trials, "overlays/trial/provider")["clusterdeployment-trial"]
    assert deployment["metadata"]["labels"]["okd-gitops.io/project"] == "unattended-guests"


def test_the_last_cluster_may_go_and_an_empty_repository_is_well(trials: Path) -> None:
    with_cluster(trials)
    drop_expired(trials, Saving(commit=True), now=datetime(2026, 12, 5, tzinfo=UTC))
    paths = git(trials, "ls-tree", "-r", "--name-only", "HEAD").split()
    assert paths == ["clusters/.gitkeep", "fleet.yaml"]
    assert not generate(trials).drift.changes
    assert not check(trials, CACHE, today=NOW.date(), say=lambda _: None).errors


def test_a_folder_that_is_not_there_deletes_nothing(trials: Path) -> None:
    with_cluster(trials)
    (trials / "clusters").rename(trials / "Clusters")
    assert refused(trials)
    assert (trials / "overlays/trial/kustomization.yaml").exists()


def test_a_cluster_that_a_person_installed_is_refused(trials: Path) -> None:
    text = TRIAL.replace("provider: hive-openstack\n", "server: https://api.trial.example.org:6443\n")
    addresses = next(line for line in TRIAL.splitlines() if line.startswith("addresses"))
    (trials / "clusters/trial.yaml").write_text(text.replace(f"{addresses}\n", ""))
    assert refused(trials) == [("attended-cluster", "clusters/trial.yaml")]


def test_it_has_no_such_repository_itself(trials: Path) -> None:
    with (trials / "fleet.yaml").open("a") as file:
        file.write("unattendedRepository: {repository: https://git.example.org/more.git}\n")
    with_file = trials / "clusters/trial.yaml"
    with_file.write_text(TRIAL)
    assert refused(trials) == [("invalid-value", "fleet.yaml")]


def test_a_removal_names_no_application(trials: Path) -> None:
    with_cluster(trials)
    saved = drop_cluster(trials, "trial", Saving(dry_run=True))
    assert saved.removal
    assert [leaving.application for leaving in saved.removal.leaving] == [""]


@pytest.fixture
def fleet(repo: Path) -> Path:
    with (repo / "fleet.yaml").open("a") as file:
        file.write("unattendedRepository: {repository: https://git.example.org/trials.git}\n" + FLEET)
    generate(repo)
    git(repo, "init", "-q", "-b", "main")
    commit(repo)
    return repo


@pytest.mark.parametrize("text", [TRIAL, GUEST])
def test_the_fleet_lets_it_write_to_namespaces_of_clusters_alone(
    fleet: Path, trials: Path, text: str
) -> None:
    project = objects(fleet, "argocd/unattended")["appproject-unattended"]["spec"]
    assert project["sourceRepos"] == ["https://git.example.org/trials.git"]
    assert project["destinations"] == [{"name": "in-cluster", "namespace": "ephemeral-*"}]

    emitted = objects(with_cluster(trials, text), "overlays/trial/provider")
    for value in emitted.values():
        assert _permits(project, value), value["kind"]

    stranger = {**emitted["namespace-ephemeral-trial"], "metadata": {"name": "argocd"}}
    assert not _permits(project, stranger)
    inside = {"name": "x", "namespace": "ephemeral-trial"}
    assert not _permits(project, {"apiVersion": "v1", "kind": "Secret", "metadata": inside})


def _permits(project: dict[str, Any], value: dict[str, Any]) -> bool:
    """Whether a project permits an object, as IsGroupKindNamePermitted decides it."""
    group = value["apiVersion"].rpartition("/")[0]
    metadata = value.get("metadata", {})
    is_named = "namespace" not in metadata
    listed = project["clusterResourceWhitelist" if is_named else "namespaceResourceWhitelist"]

    return any(
        (entry["group"], entry["kind"]) == (group, value["kind"])
        and fnmatchcase(metadata.get("name", ""), entry.get("name", "*"))
        for entry in listed
    )


def test_its_clusters_are_reached_by_names_that_no_cluster_of_a_fleet_has(fleet: Path) -> None:
    """`ephemeral-` is reserved, and `cluster register` names what it registers so."""
    project = objects(fleet, "argocd/unattended")["appproject-unattended-guests"]["spec"]
    (destination,) = project["destinations"]
    known = {
        yaml.safe_load(path.read_text())["spec"]["destination"]["name"]
        for path in (fleet / "argocd").glob("*/application.yaml")
    }
    assert fnmatchcase("ephemeral-trial", destination["name"])
    assert not [name for name in known if fnmatchcase(name, destination["name"])]


def test_what_makes_a_cluster_is_never_healed_and_goes_owners_first(fleet: Path) -> None:
    template = objects(fleet, "argocd/unattended")["applicationset-unattended"]["spec"]["template"]
    assert template["spec"]["syncPolicy"]["automated"] == {"prune": False, "selfHeal": False}
    assert template["metadata"]["annotations"] == {"argocd.argoproj.io/manifest-generate-paths": "."}
    assert template["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io/background"]
    assert template["spec"]["syncPolicy"]["retry"]["limit"] == 3


def test_a_guest_is_synced_when_it_is_registered(fleet: Path) -> None:
    spec = objects(fleet, "argocd/unattended")["applicationset-unattended-guests"]["spec"]
    (generator,) = spec["generators"]
    selector = generator["clusters"]["selector"]["matchLabels"]
    assert selector == {"okd-gitops.io/project": "unattended-guests"}
    assert "finalizers" not in spec["template"]["metadata"]


def test_the_root_permits_sets_before_there_is_one(repo: Path) -> None:
    """A project that permits them in the same commit is too late for that commit, and nothing is synced."""
    generate(repo)
    project = objects(repo, "argocd/fleet")["appproject"]["spec"]
    kinds = {entry["kind"] for entry in project["namespaceResourceWhitelist"]}
    assert kinds == {"Application", "ApplicationSet", "AppProject"}


def test_the_repository_can_be_given_up(fleet: Path) -> None:
    assert not check(fleet, CACHE, today=NOW.date(), say=lambda _: None).errors
    file = fleet / "fleet.yaml"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("unattendedRepository")))
    generate(fleet)
    assert not (fleet / "argocd/unattended").exists()


@pytest.mark.parametrize("name", ["unattended", "unattended-trial"])
def test_no_cluster_is_called_like_its_applications(fleet: Path, name: str) -> None:
    (fleet / f"clusters/{name}.yaml").write_text(TRIAL)
    assert ("invalid-name", f"clusters/{name}.yaml") in refused(fleet)


def test_to_give_another_repository_a_way_in_is_an_edit_of_trust(fleet: Path) -> None:
    base = git(fleet, "rev-parse", "HEAD").strip()
    file = fleet / "fleet.yaml"
    file.write_text(file.read_text().replace("trials.git", "strangers.git"))
    generate(fleet)
    commit(fleet)
    judged = judge_change(fleet, CACHE, base, Records(), now=NOW, say=lambda _: None)
    named = [finding.reason for finding in judged.findings if finding.name == "trust-edit"]
    assert any(reason.startswith("unattendedRepository: ") for reason in named)
    assert load(fleet).spec.unattended_repository
