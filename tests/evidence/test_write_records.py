"""The branch `records`: each write is a commit upon what is there, never a forced one, wherever the fleet
lies in its repository and however it was cloned.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from conftest import git
from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records, read_records
from okd_gitops.evidence.state import Runs
from okd_gitops.evidence.write_records import write_records
from okd_gitops.times import parse_time

EARLY, LATE = (Runs(watch=parse_time(f"2026-11-21T{hour}:00:00Z")) for hour in ("08", "09"))
OBSERVED = Runs(observer=EARLY.watch)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """Return a bare repository with one commit on main."""
    bare = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "-q", str(bare), "first")
    (tmp_path / "first/fleet.yaml").write_text("hub: hub\n")
    git(tmp_path / "first", "checkout", "-q", "-b", "main")
    git(tmp_path / "first", "add", "-A")
    git(tmp_path / "first", "commit", "-qm", "start")
    git(tmp_path / "first", "push", "-q", "origin", "main")
    return bare


def clone(remote: Path, name: str, *options: str) -> Path:
    git(remote.parent, "clone", "-q", *options, f"file://{remote}", name)
    return remote.parent / name


def runs(content: Runs) -> Mapping[str, bytes]:
    return {"runs.yaml": content.text().encode()}


def write(root: Path, remote: Path | str, content: Runs) -> str:
    return write_records(root, str(remote), "a run", lambda _: runs(content))


def commits(remote: Path) -> list[str]:
    return git(remote, "rev-list", "records").split()


def test_the_first_commit_has_no_parent_and_nothing_of_the_fleet(remote: Path) -> None:
    sha = write(clone(remote, "one"), remote, EARLY)
    assert commits(remote) == [sha]
    assert git(remote, "ls-tree", "-r", "--name-only", "records").split() == ["runs.yaml"]


def test_each_write_stands_upon_the_one_before(remote: Path) -> None:
    one, other = clone(remote, "one"), clone(remote, "other")
    first = write(one, remote, EARLY)
    second = write(other, remote, LATE)
    assert commits(remote) == [second, first]
    assert read_records(other, second).runs == LATE


def test_nothing_to_write_is_no_commit(remote: Path) -> None:
    assert write_records(clone(remote, "one"), str(remote), "a run", lambda _: {}) == ""
    assert "records" not in git(remote, "for-each-ref")


@pytest.mark.parametrize("is_first", [True, False])
def test_who_loses_a_race_writes_upon_what_the_winner_wrote(remote: Path, is_first: bool) -> None:
    one, other = clone(remote, "one"), clone(remote, "other")

    if not is_first:
        write(one, remote, Runs())

    seen: list[Records] = []

    def change(records: Records) -> Mapping[str, bytes]:
        if not seen:
            write(other, remote, OBSERVED)

        seen.append(records)
        return runs(records.runs.model_copy(update={"watch": EARLY.watch}))

    sha = write_records(one, str(remote), "a run", change)
    assert len(seen) == 2
    assert read_records(one, sha).runs == Runs(watch=EARLY.watch, observer=EARLY.watch)
    assert len(commits(remote)) == (2 if is_first else 3)


def test_a_branch_that_somebody_wrote_anew_is_not_overwritten(remote: Path) -> None:
    one, other = clone(remote, "one"), clone(remote, "other")
    write(one, remote, EARLY)

    def change(records: Records) -> Mapping[str, bytes]:
        git(other, "push", "-q", "--force", "origin", "HEAD:refs/heads/records")
        return runs(records.runs.model_copy(update={"watch": LATE.watch}))

    sha = write_records(one, str(remote), "a run", change)
    forced = git(other, "rev-parse", "HEAD").strip()
    assert commits(remote) == [sha, forced]


def test_records_lie_below_the_folder_of_the_fleet(remote: Path) -> None:
    root = clone(remote, "one") / "fleets/east"
    root.mkdir(parents=True)
    sha = write(root, remote, EARLY)
    assert git(remote, "ls-tree", "-r", "--name-only", "records").split() == ["fleets/east/runs.yaml"]
    assert read_records(root, sha).runs == EARLY


def test_a_shallow_clone_reads_and_writes(remote: Path) -> None:
    one = clone(remote, "one")
    for content in (EARLY, LATE):
        write(one, remote, content)
    shallow = clone(remote, "shallow", "--depth=1", "--no-single-branch")
    assert read_records(shallow).runs == LATE
    write(shallow, remote, OBSERVED)
    assert len(commits(remote)) == 3


def test_without_a_branch_there_are_no_records(remote: Path) -> None:
    assert read_records(clone(remote, "one")) == Records()


def test_the_fetched_branch_is_read_before_one_of_this_clone(remote: Path) -> None:
    one = clone(remote, "one")
    write(one, remote, EARLY)
    git(one, "fetch", "-q", "origin")
    local = write(one, "", LATE)
    assert git(one, "rev-list", "--count", local).strip() == "2"
    assert read_records(one).runs == EARLY
    assert read_records(one, "records").runs == LATE


def test_a_reference_that_does_not_exist_is_refused_with_the_command_that_fetches_it(remote: Path) -> None:
    with pytest.raises(UsageError, match="origin/records") as error:
        read_records(clone(remote, "one"), "origin/records")
    assert "git fetch origin records:refs/remotes/origin/records" in error.value.remedy
