"""A cluster that comes or goes by a branch: made upon the remote's, judged like any change, pushed once.

The remote is a real bare repository.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from conftest import CACHE, ROOT, commit, git
from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.finding import FindingsError
from okd_gitops.lifecycle.edit_clusters import Saved, Saving, add_cluster, drop_cluster, drop_expired
from okd_gitops.lifecycle.new_cluster import NewCluster
from okd_gitops.rollout.propose_clusters import Edits, Proposed, propose_edit
from okd_gitops.rollout.request import Request
from okd_gitops.upgrade.plan import BlockedError
from okd_gitops.upgrade.record_releases import record_releases
from provided import FLEET as PROVIDERS
from release_fleet import NEW, Fleet, offered_new

REQUEST = Request(first=False, write=True, push=True)
TRIAL = NewCluster(
    name="trial",
    like="canary",
    purpose="ephemeral",
    lifetime="2d",
    server="https://api.trial.example.org:6443",
    cluster_id="1f0c3a7d-02bb-4f6a-8e49-51f0c3a7d926",
)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with offered_new(tmp_path) as fleet:
        record_releases(fleet.root, fleet.network())
        git(fleet.root, "push", "-q", "origin", "records")
        yield fleet


def propose(fleet: Fleet, name: str, edit: Edits, say: Callable[[str], None] = lambda _: None) -> Proposed:
    return propose_edit(fleet.root, CACHE, name, edit, REQUEST, now=fleet.now, say=say)


def adding(fleet: Fleet, request: NewCluster = TRIAL) -> Edits:
    def edit(folder: Path, records: Records, saving: Saving) -> Saved:
        return add_cluster(folder, request, records, saving, now=fleet.now)

    return edit


def dropping(name: str) -> Edits:
    return lambda folder, _, saving: drop_cluster(folder, name, saving)


def changed(fleet: Fleet, branch: str) -> list[str]:
    """Return the paths that a branch of the remote changes since its base."""
    git(fleet.root, "fetch", "-q", "origin")
    return git(fleet.root, "diff", "--name-only", f"origin/main...origin/{branch}").split()


def test_a_cluster_that_nobody_reviews_goes_onto_the_branch_that_argo_cd_follows(fleet: Fleet) -> None:
    """That it is such a repository is what the remote says, and not a working tree."""
    git(fleet.root, "rm", "-rq", "clusters", "bases", "overlays", "argocd")
    (fleet.root / "clusters").mkdir()
    with (fleet.root / "fleet.yaml").open("a") as file:
        file.write(f"unattended: true\n{PROVIDERS}")
    (fleet.root / "clusters/.gitkeep").touch()
    request = NewCluster(
        name="trial", purpose="ephemeral", lifetime="2d", version=NEW, provider="hive-openstack"
    )
    with pytest.raises(UsageError):
        propose(fleet, "new-trial", adding(fleet, request))

    commit(fleet.root)
    git(fleet.root, "push", "-q", "origin", "main")
    base = git(fleet.root, "rev-parse", "HEAD").strip()
    branch = propose(fleet, "new-trial", adding(fleet, request)).branch
    assert branch
    assert (branch.name, branch.base, branch.state) == ("main", base, "pushed")

    later = propose(
        fleet, "expire", lambda root, _, saving: drop_expired(root, saving, now=fleet.now + timedelta(days=9))
    )
    assert later.branch
    git(fleet.root, "fetch", "-q", "origin")
    tips = [git(fleet.root, "rev-parse", f"{commit}^{{tree}}") for commit in ("origin/main", base)]
    assert tips[0] == tips[1]
    assert git(fleet.root, "rev-list", "--count", f"{base}..origin/main").strip() == "2"


def test_a_new_cluster_is_a_branch_and_the_working_tree_stays(fleet: Fleet) -> None:
    (fleet.root / "clusters/mine.yaml").write_text("not ready\n")
    branch = propose(fleet, "new-trial", adding(fleet)).branch
    assert branch
    assert (branch.name, branch.state, branch.title) == ("okd/new-trial", "pushed", "Add cluster trial")
    assert branch.labels == ("okd-cluster",)
    assert "trial is added" in branch.body

    assert changed(fleet, branch.name) == [
        "argocd/trial/application.yaml",
        "argocd/trial/appproject.yaml",
        "argocd/trial/generated.sha256",
        "clusters/trial.yaml",
        "overlays/trial/generated.sha256",
        "overlays/trial/kustomization.yaml",
    ]
    assert git(fleet.root, "status", "--porcelain") == "?? clusters/mine.yaml\n"

    again = propose(fleet, "new-trial", adding(fleet)).branch
    assert again
    assert (again.sha, again.state) == (branch.sha, "unchanged")


def test_it_starts_from_what_others_have_merged(fleet: Fleet, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(fleet.remote), str(other))
    (other / "notes.txt").write_text("theirs\n")
    git(other, "add", "-A")
    git(other, "commit", "-qm", "notes")
    git(other, "push", "-q", "origin", "main")

    branch = propose(fleet, "new-trial", adding(fleet)).branch
    assert branch
    assert branch.base == git(other, "rev-parse", "HEAD").strip()


def test_two_branches_that_each_add_a_cluster_merge_and_expire_together(fleet: Fleet) -> None:
    second = NewCluster(
        name="other",
        like="canary",
        purpose="ephemeral",
        lifetime="2d",
        server="https://api.other.example.org:6443",
        cluster_id="2f0c3a7d-02bb-4f6a-8e49-51f0c3a7d926",
    )
    propose(fleet, "new-trial", adding(fleet))
    propose(fleet, "new-other", adding(fleet, second))
    before = git(fleet.root, "rev-parse", "origin/main:")
    fleet.merge("okd/new-trial")
    fleet.merge("okd/new-other")

    late = fleet.now + timedelta(days=4)
    edit: Edits = lambda folder, _, saving: drop_expired(folder, saving, now=late)  # noqa: E731
    branch = propose(fleet, "expire", edit).branch
    assert branch
    assert branch.title == "Remove 2 clusters"
    fleet.merge(branch.name)
    # Git is as it was before the two came.
    assert git(fleet.root, "rev-parse", "origin/main:") == before

    assert propose(fleet, "expire", edit).branch is None


def test_a_long_term_cluster_leaves_in_two_branches(fleet: Fleet) -> None:
    first = propose(fleet, "remove-prod", dropping("prod"))
    assert first.branch
    assert first.saved.removal
    assert first.saved.removal.is_announced_only
    assert first.branch.title == "Announce the removal of cluster prod"
    assert "argocd/prod/application.yaml" in changed(fleet, first.branch.name)

    fleet.merge(first.branch.name)
    second = propose(fleet, "remove-prod", dropping("prod"))
    assert second.branch
    assert second.branch.title == "Remove cluster prod"
    fleet.merge(second.branch.name)
    assert "prod" not in git(fleet.root, "ls-tree", "-r", "--name-only", "HEAD")


def test_what_is_not_whole_is_not_pushed(fleet: Fleet) -> None:
    with pytest.raises(FindingsError) as caught:
        propose(fleet, "new-x", adding(fleet, NewCluster(name="x", purpose="test")))
    assert {finding.name for finding in caught.value.findings} == {"placeholder-value"}
    assert not git(fleet.root, "ls-remote", "--heads", "origin", "okd/new-x")


def test_what_check_base_refuses_is_not_pushed(fleet: Fleet) -> None:
    def edit(folder: Path, records: Records, saving: Saving) -> Saved:
        (folder / "bases/no-way-back/policy/more.yaml").write_text("a: 1\n")
        return adding(fleet)(folder, records, saving)

    with pytest.raises(FindingsError):
        propose(fleet, "new-trial", edit)
    assert not git(fleet.root, "ls-remote", "--heads", "origin", "okd/new-trial")


def test_a_branch_with_commits_of_others_is_left_alone(fleet: Fleet, tmp_path: Path) -> None:
    propose(fleet, "new-trial", adding(fleet))
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", "-b", "okd/new-trial", str(fleet.remote), str(other))
    git(other, "commit", "-q", "--allow-empty", "-m", "mine")
    git(other, "push", "-q", "origin", "okd/new-trial")
    tip = git(other, "rev-parse", "HEAD")

    with pytest.raises(BlockedError, match="left alone"):
        propose(fleet, "new-trial", adding(fleet))
    assert git(other, "ls-remote", "origin", "okd/new-trial").startswith(tip.strip())


def test_a_merge_in_between_is_edited_again(fleet: Fleet, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(fleet.remote), str(other))
    said: list[str] = []

    def edit(folder: Path, records: Records, saving: Saving) -> Saved:
        if not said:
            said.append("merged")
            git(other, "commit", "-q", "--allow-empty", "-m", "theirs")
            git(other, "push", "-q", "origin", "main")
        return adding(fleet)(folder, records, saving)

    branch = propose(fleet, "new-trial", edit, said.append).branch
    assert branch
    assert branch.base == git(other, "rev-parse", "HEAD").strip()
    assert "somebody pushed or merged in between: editing again" in said


def run(fleet: Fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the fleet, as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
    command = [sys.executable, "-m", "okd_gitops", "--cache", str(CACHE), "cluster", *arguments]
    return subprocess.run(
        command, cwd=fleet.root, env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_pushes_and_says_what_vanishes(fleet: Fleet) -> None:
    done = run(fleet, "remove", "probe", "--push", "--output=json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["branch"]["name"], said["branch"]["state"]) == ("okd/remove-probe", "pushed")
    assert [leaving["name"] for leaving in said["leaving"]] == ["probe"]
    assert "clusters/probe.yaml" in said["delete"]
    assert git(fleet.root, "status", "--porcelain") == ""

    text = run(fleet, "expire", "--push")
    assert (text.returncode, "nothing to remove" in text.stdout) == (0, True)


@pytest.mark.parametrize("other", ["--commit", "--dry-run"])
def test_a_push_is_no_commit_here_and_no_dry_run(fleet: Fleet, other: str) -> None:
    done = run(fleet, "remove", "probe", "--push", other)
    assert done.returncode == 2
    assert "leave" in done.stderr
    assert not git(fleet.root, "ls-remote", "--heads", "origin", "okd/*")
