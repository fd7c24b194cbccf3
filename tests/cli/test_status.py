"""`okd-gitops status`: what it prints, and what it tells only once a day."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conftest import git
from okd_gitops.cli.main import cli
from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.write_records import write_records
from okd_gitops.times import time_text
from standing_fleet import NEW, NOW, OLD, evidence, okd, records, state, write_fleet

REMOVE = "remove clusters/prod.yaml, or take `decommission: true` out of it"
REFUSED = {"version": NEW, "reason": "ImageVerificationFailed", "message": "no signature", "since": NOW}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with the fleet and its records, as of NOW."""
    root = write_fleet(tmp_path / "repo")
    git(tmp_path, "init", "-q", "--initial-branch=main", str(root))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    write(root, records())

    return root


def write(root: Path, known: Records) -> None:
    """Let the hub write its records."""
    files = {record.path: record.text().encode() for record in known.releases}
    files |= {report.path: report.text().encode() for report in known.evidence}
    files |= {state.path: state.text().encode() for state in known.clusters}
    files["runs.yaml"] = known.runs.text().encode()

    def change(_: Records) -> Mapping[str, bytes]:
        return files

    write_records(root, "", "Write records", change)


def status(root: Path, *arguments: str, at: timedelta = timedelta(0)) -> Result:
    """Run the command as of a time after NOW."""
    words = ["--root", str(root), "status", "--at", time_text(NOW + at), *arguments]

    return CliRunner().invoke(cli, words, catch_exceptions=False)


def test_the_table_fits_100_columns_and_is_followed_by_what_needs_a_person(root: Path) -> None:
    done = status(root)
    table = done.output.splitlines()[:7]

    assert done.exit_code == 0
    assert max(map(len, table)) <= 100
    assert "canary   test       1     4.22.0-okd-scos.9  passed 2026-11-21  done" in table
    assert "watch: ran last at 2026-11-21T11:20:00Z" in done.output
    assert done.output.endswith("need a person: okd-gitops status --attention\n")


def test_long_names_and_versions_fit_too(tmp_path: Path) -> None:
    from okd_gitops.cli.status import _LONGEST_NAME, _LONGEST_RELEASE

    columns = (_LONGEST_NAME, len("ephemeral"), len("wave"), _LONGEST_RELEASE, len("passed 2026-11-21"))
    assert sum(columns) + len("upgrade") + 2 * 5 <= 100


def test_only_matching_clusters_are_shown(root: Path) -> None:
    value = json.loads(status(root, "--cluster", "c*", "-o", "json").output)

    assert [cluster["name"] for cluster in value["clusters"]] == ["canary"]

    with pytest.raises(UsageError, match='no cluster matches "x'):
        status(root, "--cluster", "x*")


def test_json_has_stable_keys_with_and_without_records(root: Path, tmp_path: Path) -> None:
    keys = {"apiVersion", "kind", "clusters", "jobs", "records", "branches", "removals", "missing"}
    keys |= {"attention", "ending"}
    bare = write_fleet(tmp_path / "bare")
    git(tmp_path, "init", "-q", str(bare))
    git(bare, "add", "-A")
    git(bare, "commit", "-qm", "start")

    for place in (root, bare):
        assert json.loads(status(place, "-o", "json").output).keys() == keys


def test_open_branches_are_shown_until_they_are_merged(root: Path) -> None:
    git(root, "switch", "-qc", f"okd/{NEW}--wave1")
    git(root, "commit", "-q", "--allow-empty", "-m", "move")
    git(root, "switch", "-q", "main")
    assert f"open branch: okd/{NEW}--wave1" in status(root).output

    git(root, "merge", "-q", f"okd/{NEW}--wave1")
    assert "open branch" not in status(root).output


def test_it_names_the_command_that_moves_a_cluster(root: Path) -> None:
    """canary is of wave 1, and no cluster that follows its stream comes before it."""
    write(root, records(evidence=(evidence("prod"),), clusters=(state("canary", OLD),)))
    alone = okd("old", "ephemeral", stream=False, more="expires: 2026-11-20\n")
    write_fleet(root, canary=okd("canary", "test"), old=alone)

    assert "  go: okd-gitops release update\n" in status(root, "--cluster", "canary").output


def test_attention_has_a_line_each_and_exit_code_1_or_nothing_and_0(root: Path) -> None:
    done = status(root, "--attention")
    assert (done.exit_code, len(done.output.splitlines())) == (1, 2)

    done = status(root, "--attention", "--cluster", "canary")
    assert (done.exit_code, done.output) == (0, "")


def test_since_leaves_out_what_was_told_on_the_same_day(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-11-21T12:00:00Z")
    write(root, records(clusters=(state("still", OLD),)))
    before = git(root, "rev-parse", "records").strip()
    since: tuple[Any, ...] = ("--attention", "--since", before)
    assert (status(root, *since).exit_code, status(root, *since).output) == (0, "")

    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-11-21T12:15:00Z")
    write(root, records(clusters=(state("still", OLD, refused=REFUSED),)))
    done = status(root, *since, at=timedelta(minutes=15))
    assert done.output.startswith(f"still: refuses {NEW} since ")
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)

    # A message that was lost comes again on the next day.
    assert len(status(root, *since, at=timedelta(hours=13)).output.splitlines()) > 1


def test_without_records_attention_prints_the_command_and_exits_1(root: Path) -> None:
    git(root, "branch", "-D", "records")
    done = status(root, "--attention", "--cluster", "canary")
    assert done.exit_code == 1
    assert "no records" in done.output
    assert "git fetch origin records" in done.output
    assert status(root, "--cluster", "canary").output.endswith(
        "1 of these needs a person: okd-gitops status --attention\n"
    )


def _announce(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit the announcement that prod will be removed, at NOW."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", time_text(NOW))
    path = root / "clusters/prod.yaml"
    path.write_text(f"{path.read_text()}decommission: true\n")
    git(root, "commit", "-qam", "announce")


def test_an_announced_removal_is_told_with_its_age(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "removal" not in status(root).output
    _announce(root, monkeypatch)
    words = "prod: its removal was announced on 2026-11-21, 12 days ago\n"

    # A later edit of the file does not make it younger.
    monkeypatch.setenv("GIT_COMMITTER_DATE", time_text(NOW + timedelta(days=9)))
    (root / "clusters/prod.yaml").write_text((root / "clusters/prod.yaml").read_text() + "# soon\n")
    git(root, "commit", "-qam", "comment")

    assert words in status(root, at=timedelta(days=12)).output
    assert words not in status(root, "--cluster", "canary", at=timedelta(days=12)).output


@pytest.mark.parametrize(("days", "is_told"), [(30, False), (31, True)])
def test_a_removal_that_nobody_makes_needs_a_person_after_30_days(
    days: int, is_told: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _announce(root, monkeypatch)
    write(root, records(evidence=(), clusters=()))
    lines = status(root, "--attention", "--cluster", "prod", at=timedelta(days=days)).output.splitlines()

    assert [line for line in lines if "take `decommission: true` out" in line] == (
        [f"prod: its removal was announced on 2026-11-21, {days} days ago: {REMOVE}"] if is_told else []
    )


def test_an_announcement_that_is_not_committed_has_no_age(root: Path) -> None:
    path = root / "clusters/prod.yaml"
    path.write_text(f"{path.read_text()}decommission: true\n")

    assert "prod: its removal is announced; this clone does not show since when\n" in status(root).output


def test_before_the_first_commit_there_is_a_status_and_no_difference(tmp_path: Path) -> None:
    root = write_fleet(tmp_path / "repo")
    git(tmp_path, "init", "-q", "--initial-branch=main", str(root))
    assert status(root).exit_code == 0

    with pytest.raises(UsageError, match="no commit yet"):
        CliRunner().invoke(cli, ["--root", str(root), "diff"], catch_exceptions=False)


def test_since_is_refused_without_attention(root: Path) -> None:
    with pytest.raises(UsageError, match="for --attention alone"):
        status(root, "--since", "main")
