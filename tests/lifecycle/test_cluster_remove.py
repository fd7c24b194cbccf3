"""cluster remove: nothing is left, a long-term cluster takes two merged steps, and the hub stays."""

from pathlib import Path

import pytest

from conftest import Run, commit, files, git
from okd_gitops.errors import UsageError
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.edit_clusters import Saved, Saving, drop_cluster
from okd_gitops.lifecycle.remove_cluster import Removal

OWNED = ("argocd", "bases", "overlays", "clusters")


@pytest.fixture
def committed(repo: Path) -> Path:
    """The example fleet, committed, with extras for one of its clusters."""
    extras = repo / "clusters/moc-test"
    extras.mkdir()
    (extras / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [map.yaml]\n"
    )
    (extras / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note, namespace: kube-public}\n"
    )
    generate(repo)
    git(repo, "init", "-q", "--initial-branch=main")
    commit(repo)
    return repo


def drop(repo: Path, name: str) -> tuple[Removal, Saved]:
    saved = drop_cluster(repo, name, Saving())
    assert saved.removal
    return saved.removal, saved


def mentions(repo: Path, name: str) -> list[str]:
    """Return every path in the owned trees that has a name, or whose content has it."""
    paths = [path for folder in OWNED for path in sorted((repo / folder).rglob("*"))]
    return [
        str(path)
        for path in paths
        if name in path.relative_to(repo).as_posix() or (path.is_file() and name in path.read_text())
    ]


def refused(repo: Path, name: str) -> str:
    before = git(repo, "status", "--porcelain"), files(repo)
    with pytest.raises(FindingsError) as caught:
        drop(repo, name)
    assert caught.value.exit_code == 1
    assert (git(repo, "status", "--porcelain"), files(repo)) == before
    [finding] = caught.value.findings
    return finding.name


@pytest.mark.parametrize("name", ["moc-test", "moc-pr-412", "laptop"])
def test_nothing_mentions_a_removed_cluster(committed: Path, name: str) -> None:
    assert mentions(committed, name)
    removal, _ = drop(committed, name)
    # What people say about it is theirs to change: each such line is shown.
    shown = {finding.location.file for finding in removal.findings}
    assert shown == ({"clusters/moc-hub.yaml"} if name == "moc-test" else set())
    assert set(mentions(committed, name)) == {str(committed / path) for path in shown}
    assert [leaving.name for leaving in removal.leaving] == [name]
    assert generate(committed).drift.changes == 0


def test_what_vanishes_is_listed(committed: Path) -> None:
    [test] = drop(committed, "moc-test")[0].leaving
    assert test.application == "argocd/moc-test"
    assert test.objects["ClusterVersion"] == 1
    assert test.objects["ConfigMap"] >= 1
    assert set(test.waiting) == {"moc-hub", "moc-cd"}
    assert not test.is_emptied
    assert not test.commands

    [ephemeral] = drop(committed, "moc-pr-412")[0].leaving
    assert (ephemeral.is_emptied, ephemeral.waiting) == (True, ())
    [laptop] = drop(committed, "laptop")[0].leaving
    assert laptop.application == ""


def test_a_long_term_cluster_takes_two_committed_steps(committed: Path) -> None:
    removal, _ = drop(committed, "moc-cd")
    assert removal.is_announced_only
    assert "decommission: true\n" in (committed / "clusters/moc-cd.yaml").read_text()
    assert (committed / "overlays/moc-cd").is_dir()
    assert generate(committed).drift.changes == 0

    assert refused(committed, "moc-cd") == "removal-not-merged"
    commit(committed)
    removal, _ = drop(committed, "moc-cd")
    assert not removal.is_announced_only
    # Argo CD keeps both objects of a long-term cluster; without its project an Application stays for ever.
    assert removal.leaving[0].commands == (
        "oc --namespace argocd delete application moc-cd",
        "oc --namespace argocd delete appproject moc-cd",
    )
    assert mentions(committed, "moc-cd") == []


def test_an_announcement_is_for_one_cluster_only(committed: Path) -> None:
    drop(committed, "moc-cd")
    commit(committed)
    path = committed / "clusters/moc-cd.yaml"
    path.write_text(path.read_text().replace("3f9d2c61", "3f9d2c62"))
    generate(committed)
    assert refused(committed, "moc-cd") == "removal-not-merged"


def test_a_long_term_cluster_does_not_leave_by_another_purpose(committed: Path) -> None:
    path = committed / "clusters/moc-cd.yaml"
    path.write_text(path.read_text().replace("purpose: cd", "purpose: test"))
    assert refused(committed, "moc-cd") == "unannounced-removal"


def test_without_git_no_long_term_cluster_is_removed(repo: Path) -> None:
    drop(repo, "moc-cd")
    with pytest.raises(FindingsError) as caught:
        drop(repo, "moc-cd")
    assert [finding.name for finding in caught.value.findings] == ["removal-not-merged"]


def test_the_hub_stays(committed: Path) -> None:
    assert refused(committed, "moc-hub") == "hub-removal"


def test_an_unknown_name_is_refused_with_the_nearest(committed: Path) -> None:
    with pytest.raises(UsageError) as caught:
        drop(committed, "moc-tset")
    assert caught.value.remedy == 'did you mean "moc-test"?'


def test_each_line_that_names_the_cluster_is_shown(committed: Path) -> None:
    fleet = committed / "fleet.yaml"
    fleet.write_text(f"{fleet.read_text()}quotas:\n- {{cluster: laptop, namespace: builds, cpu: '4'}}\n")
    extras = committed / "clusters/moc-test/map.yaml"
    extras.write_text(f"{extras.read_text()}data: {{from: laptop, not: laptop-2 my-laptop}}\n")
    findings = drop(committed, "laptop")[0].findings
    assert {finding.name for finding in findings} == {"removed-cluster-named"}
    assert [str(finding.location) for finding in findings] == [
        f"fleet.yaml:{len(fleet.read_text().splitlines())}:13",
        "clusters/moc-test/map.yaml:4:14",
    ]


def test_a_cluster_may_be_called_like_a_purpose(committed: Path) -> None:
    (committed / "clusters/test.yaml").write_text('purpose: test\nenvironment: kind\nkubernetes: "1.35"\n')
    generate(committed)
    files = {finding.location.file for finding in drop(committed, "test")[0].findings}
    assert "clusters/moc-test.yaml" not in files


def test_a_generated_file_that_was_edited_stops_the_removal(committed: Path) -> None:
    path = committed / "overlays/moc-test/kustomization.yaml"
    path.write_text(f"{path.read_text()}# by hand\n")
    with pytest.raises(FindingsError) as caught:
        drop(committed, "moc-test")
    assert caught.value.exit_code == 3
    assert (committed / "clusters/moc-test.yaml").exists()


def test_the_command_shows_what_vanishes_and_what_comes_next(okd_gitops: Run, committed: Path) -> None:
    shown = okd_gitops("cluster", "remove", "moc-cd", "--commit")
    assert shown.returncode == 0, shown.stderr
    assert "moc-cd will leave the fleet" in shown.stdout
    assert "run the same command again, and it removes the cluster" in shown.stdout
    assert git(committed, "log", "-1", "--format=%s").strip() == "Announce the removal of cluster moc-cd"
    assert git(committed, "status", "--porcelain", "--", *OWNED) == ""

    as_json = okd_gitops("cluster", "remove", "moc-cd", "--dry-run", "-o", "json")
    assert '"announcedOnly": false' in as_json.stdout
    assert (committed / "clusters/moc-cd.yaml").exists()
