"""A commit holds the cluster files and what was generated from them, and nothing of anybody else's."""

import json
from pathlib import Path

import pytest

from bench import CHANGE
from cluster_files import DEMO
from conftest import Run, git


@pytest.fixture
def committed(repo: Path) -> Path:
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "notes.txt").write_text("theirs\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=start")
    return repo


def add_demo(root: Path, okd_gitops: Run) -> None:
    (root / "clusters/demo.yaml").write_text(DEMO)
    assert okd_gitops("generate").returncode == 0


def test_commits_inputs_and_output_and_leaves_the_rest(committed: Path, okd_gitops: Run) -> None:
    add_demo(committed, okd_gitops)
    (committed / "notes.txt").write_text("theirs, edited\n")
    (committed / "staged.txt").write_text("theirs, staged\n")
    git(committed, "add", "staged.txt")
    result = okd_gitops("commit")
    assert result.returncode == 0, result.stderr
    changed = git(committed, "show", "--name-only", "--format=", "HEAD").split()
    assert changed == [
        "argocd/demo/application.yaml",
        "argocd/demo/appproject.yaml",
        "argocd/demo/generated.sha256",
        "clusters/demo.yaml",
        "overlays/demo/generated.sha256",
        "overlays/demo/kustomization.yaml",
    ]
    assert git(committed, "status", "--porcelain").splitlines() == [" M notes.txt", "A  staged.txt"]


def test_the_message_is_readable_and_its_trailers_are_gits(committed: Path, okd_gitops: Run) -> None:
    add_demo(committed, okd_gitops)
    assert okd_gitops("commit").returncode == 0
    text = git(committed, "log", "-1", "--format=%B")
    assert text.splitlines()[0] == "Update demo"
    trailers = git(committed, "log", "-1", "--format=%(trailers:only,unfold)").splitlines()
    assert trailers[:2] == ["Cluster: demo", "Generated-By: okd-gitops 0.1.0"]
    assert trailers[2].startswith("Output-Digest: sha256:")


def test_the_same_change_has_the_same_message(committed: Path, okd_gitops: Run) -> None:
    add_demo(committed, okd_gitops)
    first = okd_gitops("commit", "--dry-run", "--output=json").stdout
    assert okd_gitops("commit", "--dry-run", "--output=json").stdout == first
    assert git(committed, "log", "--format=%s") == "start\n"


def test_a_base_that_changed_names_each_cluster_that_uses_it(committed: Path, okd_gitops: Run) -> None:
    """Also those of which nothing is planned, because their own files are as they were."""
    for folder in ("changes", "objects"):
        (committed / "catalog" / folder).mkdir(parents=True)
    (base,) = (committed / "bases").rglob("daemonset-generic-device-plugin.yaml")
    text = base.read_text().replace("metadata:\n", "metadata:\n  labels: {a: b}\n", 1)
    (committed / "catalog/objects/daemonset.yaml").write_text(text)
    (committed / "catalog/changes/x.yaml").write_text(CHANGE)
    assert okd_gitops("generate").returncode == 0
    kept = okd_gitops("commit", "--dry-run", "--output=json")

    assert kept.returncode == 0, kept.stderr
    assert okd_gitops("commit", "--dry-run", "--output=json", CI="true").stdout == kept.stdout
    assert "Cluster: moc-test" in json.loads(kept.stdout)["message"]


def test_nothing_to_commit_is_fine(committed: Path, okd_gitops: Run) -> None:
    result = okd_gitops("commit")
    assert (result.returncode, "nothing to commit" in result.stdout) == (0, True)


def test_a_commit_that_was_killed_before_it_wrote_the_index_is_not_made_twice(
    committed: Path, okd_gitops: Run
) -> None:
    add_demo(committed, okd_gitops)
    index = (committed / ".git/index").read_bytes()
    assert okd_gitops("commit").returncode == 0
    (committed / ".git/index").write_bytes(index)
    assert git(committed, "status", "--porcelain") != ""
    again = okd_gitops("commit")
    assert (again.returncode, again.stderr) == (0, "")
    assert git(committed, "status", "--porcelain") == ""
    assert git(committed, "log", "--format=%s").count("\n") == 2


def test_drift_is_not_committed(committed: Path, okd_gitops: Run) -> None:
    (committed / "clusters/demo.yaml").write_text(DEMO)
    result = okd_gitops("commit")
    assert result.returncode == 3
    assert "out-of-date" in result.stderr
    assert git(committed, "log", "--format=%s") == "start\n"


def test_a_removed_cluster_is_committed_as_removed(committed: Path, okd_gitops: Run) -> None:
    (committed / "clusters/moc-pr-412.yaml").unlink()
    assert okd_gitops("generate").returncode == 0
    assert okd_gitops("commit").returncode == 0
    assert "overlays/moc-pr-412/kustomization.yaml" in git(
        committed, "show", "--name-status", "--format=", "HEAD"
    )
    assert git(committed, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("MERGE_HEAD", "a merge"),
        ("CHERRY_PICK_HEAD", "a cherry-pick"),
        ("REVERT_HEAD", "a revert"),
        ("rebase-merge", "a rebase"),
    ],
)
def test_a_repository_in_the_middle_of_something_is_left_alone(
    committed: Path, okd_gitops: Run, state: str, said: str
) -> None:
    add_demo(committed, okd_gitops)
    (committed / ".git" / state).write_text(git(committed, "rev-parse", "HEAD"))
    result = okd_gitops("commit")
    assert (result.returncode, said in result.stderr) == (2, True)


def test_a_detached_head_is_refused(committed: Path, okd_gitops: Run) -> None:
    git(committed, "checkout", "--quiet", "--detach")
    add_demo(committed, okd_gitops)
    result = okd_gitops("commit")
    assert (result.returncode, "detached" in result.stderr) == (2, True)


def test_a_hook_that_refuses_is_respected_and_told(committed: Path, okd_gitops: Run) -> None:
    add_demo(committed, okd_gitops)
    hook = committed / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho the hook says no >&2\nexit 1\n")
    hook.chmod(0o755)
    before = git(committed, "status", "--porcelain")
    result = okd_gitops("commit")
    assert (result.returncode, "the hook says no" in result.stderr) == (2, True)
    assert git(committed, "status", "--porcelain") == before


def test_an_index_that_is_locked_is_respected(committed: Path, okd_gitops: Run) -> None:
    add_demo(committed, okd_gitops)
    (committed / ".git/index.lock").touch()
    result = okd_gitops("commit")
    assert (result.returncode, f"rm {committed}/.git/index.lock" in result.stderr) == (7, True)
    assert git(committed, "log", "--format=%s") == "start\n"


def test_a_repository_below_the_top_of_a_work_tree(repo: Path, okd_gitops: Run) -> None:
    top = repo.parent
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message=start")
    add_demo(repo, okd_gitops)
    (top / "foreign.txt").write_text("x\n")
    assert okd_gitops("commit").returncode == 0
    assert all(
        path.startswith("repo/") for path in git(top, "show", "--name-only", "--format=", "HEAD").split()
    )
    assert git(top, "status", "--porcelain") == "?? foreign.txt\n"


def test_without_git_the_reason_is_told(repo: Path, okd_gitops: Run) -> None:
    result = okd_gitops("commit", GIT_CEILING_DIRECTORIES=str(repo.parent))
    assert (result.returncode, "not a git repository" in result.stderr) == (2, True)
