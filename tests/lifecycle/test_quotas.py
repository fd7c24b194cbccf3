"""The quotas of ephemeral clusters: what they count, and that one more than allowed is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import files, git
from okd_gitops.evidence.records import Records
from okd_gitops.finding import FindingsError
from okd_gitops.lifecycle.edit_clusters import Saving, add_cluster, drop_cluster
from okd_gitops.lifecycle.new_cluster import NewCluster
from okd_gitops.lifecycle.quotas import Use, most_hours_in_a_week

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOURS = st.integers(0, 400)
SPANS = st.tuples(HOURS, st.integers(1, 300))


def use(name: str, start: int, hours: int) -> Use:
    begin = NOW + timedelta(hours=start)
    return Use(name, begin, begin + timedelta(hours=hours))


def in_week(uses: list[Use], start: int) -> int:
    """Count hour by hour."""
    moments = [NOW + timedelta(hours=hour + 0.5) for hour in range(start, start + 168)]
    return sum(use.start < moment < use.end for moment in moments for use in uses)


@given(new=SPANS, others=st.lists(SPANS, max_size=4))
def test_the_fullest_week_is_the_one_that_counting_finds(
    new: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    first, *rest = [use(str(number), *span) for number, span in enumerate([new, *others])]
    weeks = range(new[0] - 168, sum(new) + 1)
    assert most_hours_in_a_week(first, rest) == max(in_week([first, *rest], start) for start in weeks)


def limited(repo: Path, quota: str) -> None:
    fleet = repo / "fleet.yaml"
    fleet.write_text(f"{fleet.read_text()}ephemeral: {quota}\n")


def request(name: str, lifetime: str = "1d") -> NewCluster:
    number = sum(name.encode())
    return NewCluster(
        name=name,
        purpose="ephemeral",
        like="moc-test",
        server=f"https://api.{name}.massopen.cloud:6443",
        cluster_id=f"0b7f4e95-183c-4d75-a2c6-{number:012d}",
        lifetime=lifetime,
    )


def refused(repo: Path, new: NewCluster) -> str:
    before = files(repo)
    with pytest.raises(FindingsError) as caught:
        add_cluster(repo, new, Records(), Saving(), now=NOW)
    assert caught.value.exit_code == 1
    [finding] = caught.value.findings
    assert finding.name == "ephemeral-quota-exceeded"
    assert finding.location.file == "fleet.yaml"
    assert files(repo) == before
    assert not (repo / f"clusters/{new.name}.yaml").exists()
    return finding.reason


def test_one_more_than_may_be_at_once_is_refused_with_who_uses_them(repo: Path) -> None:
    limited(repo, "{atOnce: 2}")
    add_cluster(repo, request("moc-a"), Records(), Saving(), now=NOW)
    reason = refused(repo, request("moc-b"))
    assert "2 of 2 ephemeral clusters exist: moc-a (until 2026-11-30 00:00, " in reason
    assert "moc-pr-412 (until 2026-12-19 00:00, " in reason


def test_a_cluster_that_is_not_ephemeral_needs_no_place(repo: Path) -> None:
    limited(repo, "{atOnce: 0, hoursPerWeek: 0}")
    add_cluster(
        repo, NewCluster(name="moc-kind", purpose="test", environment="kind"), Records(), Saving(), now=NOW
    )
    assert (repo / "overlays/moc-kind").is_dir()


def test_hours_of_a_week_are_those_of_all_clusters_together(repo: Path) -> None:
    # moc-pr-412 takes the whole week, and the new one 36 hours: to the end of its last day.
    limited(repo, "{hoursPerWeek: 204}")
    add_cluster(repo, request("moc-a"), Records(), Saving(dry_run=True), now=NOW)
    reason = refused(repo, request("moc-b", "2d"))
    assert "with moc-b until 2026-12-01 00:00, ephemeral clusters use 228 of 204 hours in a week" in reason


def commit(repo: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", when)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")


def test_hours_of_a_removed_cluster_still_count(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repo, "init", "-q", "--initial-branch=main")
    limited(repo, "{hoursPerWeek: 60}")
    drop_cluster(repo, "moc-pr-412", Saving())
    commit(repo, monkeypatch, "2026-11-01T00:00:00Z")

    add_cluster(repo, request("moc-a"), Records(), Saving(), now=NOW)
    commit(repo, monkeypatch, "2026-11-27T00:00:00Z")
    drop_cluster(repo, "moc-a", Saving())
    commit(repo, monkeypatch, "2026-11-28T06:00:00Z")

    assert "use 66 of 60 hours" in refused(repo, request("moc-b"))
    add_cluster(repo, request("moc-b"), Records(), Saving(), now=NOW + timedelta(days=9))
