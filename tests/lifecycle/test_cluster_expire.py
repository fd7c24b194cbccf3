"""cluster expire: exactly the clusters whose end has passed go, and a second run changes nothing."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_files import DEMO
from conftest import Run, commit, files, git
from okd_gitops.fleet.cluster import parse_cluster
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import Fleet, fleet_of, load_catalog
from okd_gitops.lifecycle.committed import Committed
from okd_gitops.lifecycle.edit_clusters import Saving, drop_cluster, drop_expired, listed_clusters
from okd_gitops.lifecycle.expire_clusters import expire_clusters
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.tree import Tree
from provided import FLEET as FLEET_PROVIDERS
from provided import GUEST, TRIAL

NOBODY = Committed(Tree())
FLEET = """\
repository: https://git.massopen.cloud/fleet.git
hub: hub
owners: [ops]
upstream: https://amd64.origin.releases.ci.openshift.org/graph
"""
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
SECONDS = st.integers(0, 730 * 86400)
AFTER = datetime(2026, 12, 19, tzinfo=UTC)


def fleet_of_days(days: dict[str, date | None]) -> Fleet:
    """Return a fleet of a hub, and of a cluster for each name: ephemeral where it has a last day."""
    document = read("fleet.yaml", FLEET.encode())
    clusters = []

    for number, (name, day) in enumerate({"hub": None, **days}.items()):
        purpose = "hub" if name == "hub" else "cd"
        text = DEMO.replace("purpose: test", f"purpose: {'ephemeral' if day else purpose}")
        text = text.replace("api.demo.example.org", f"api.{name}.massopen.cloud")
        text = text.replace("51f0c3a7d927", f"{number:012d}") + (f"expires: {day}\n" if day else "")
        clusters.append(parse_cluster(name, read(f"clusters/{name}.yaml", text.encode()), Tree()))

    return fleet_of(parse(FleetSpec, document), document, clusters, load_catalog(None))


@given(days=st.lists(st.none() | DAYS, max_size=5), seconds=SECONDS, around=st.booleans())
def test_exactly_the_passed_ones_go(days: list[date | None], seconds: int, around: bool) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    if around and days and days[0]:
        now = datetime.combine(days[0] + timedelta(days=1), time(), UTC)
    by_name = {f"c{number}": day for number, day in enumerate(days)}
    # The last day counts to its end: in UTC, the cluster goes with the first second of the next one.
    passed = {name for name, day in by_name.items() if day and day < now.date()}

    removal = expire_clusters(fleet_of_days(by_name), NOBODY, now)
    assert {leaving.name for leaving in removal.leaving} == passed
    assert set(removal.edit.delete) == {f"clusters/{name}.yaml" for name in passed}

    left = fleet_of_days({name: day for name, day in by_name.items() if name not in passed})
    again = expire_clusters(left, NOBODY, now)
    assert (again.edit.paths, again.edit.fleet) == ([], None)


@pytest.fixture
def committed(repo: Path) -> Path:
    git(repo, "init", "-q", "--initial-branch=main")
    commit(repo)
    return repo


def edit(repo: Path, name: str, change: Callable[[str], str]) -> None:
    path = repo / f"clusters/{name}.yaml"
    path.write_text(change(path.read_text()))


def expired(repo: Path, now: datetime = AFTER) -> list[str]:
    removal = drop_expired(repo, Saving(), now=now).removal
    assert removal
    return [leaving.name for leaving in removal.leaving]


def test_the_last_day_counts_to_its_end(committed: Path) -> None:
    assert expired(committed, AFTER - timedelta(seconds=1)) == []
    assert expired(committed) == ["moc-pr-412"]
    assert not (committed / "overlays/moc-pr-412").exists()
    before = files(committed)
    assert expired(committed) == []
    assert files(committed) == before


def test_a_long_term_cluster_that_was_made_ephemeral_stays(committed: Path) -> None:
    edit(
        committed,
        "moc-cd",
        lambda text: text.replace("purpose: cd", "purpose: ephemeral\nexpires: 2026-01-01"),
    )
    removal = drop_expired(committed, Saving(), now=AFTER).removal
    assert removal
    assert [leaving.name for leaving in removal.leaving] == ["moc-pr-412"]
    assert [finding.name for finding in removal.findings] == ["expired-cluster-replaced"]
    assert (committed / "clusters/moc-cd.yaml").exists()


@pytest.mark.parametrize(
    ("old", "new"), [("d1b0a6f4", "d1b0a6f5"), ("api.moc-pr-412", "api.moc-pr-413")], ids=["id", "server"]
)
def test_a_name_that_is_used_anew_stays_until_that_is_committed(committed: Path, old: str, new: str) -> None:
    edit(committed, "moc-pr-412", lambda text: text.replace(old, new))
    assert expired(committed) == []
    commit(committed)
    assert expired(committed) == ["moc-pr-412"]


def test_a_new_cluster_of_an_old_name_has_its_own_end(committed: Path) -> None:
    old = (committed / "clusters/moc-pr-412.yaml").read_text()
    drop_cluster(committed, "moc-pr-412", Saving())
    commit(committed)
    (committed / "clusters/moc-pr-412.yaml").write_text(old.replace("2026-12-18", "2027-01-18"))
    commit(committed)
    assert expired(committed) == []


def test_an_open_change_of_an_expired_cluster_does_not_bring_it_back_unseen(committed: Path) -> None:
    git(committed, "switch", "-qc", "extend")
    edit(committed, "moc-pr-412", lambda text: text.replace("2026-12-18", "2027-01-18"))
    commit(committed)
    git(committed, "switch", "-q", "main")
    assert expired(committed) == ["moc-pr-412"]
    commit(committed)

    with pytest.raises(Exception, match="returned non-zero exit status 1"):
        git(committed, "merge", "-q", "--no-edit", "extend")
    assert "DU clusters/moc-pr-412.yaml" in git(committed, "status", "--porcelain")


def test_the_command_says_that_there_is_nothing_to_do(okd_gitops: Run, committed: Path) -> None:
    done = okd_gitops("cluster", "expire", "--at", "2026-12-18T23:59:59Z", "--commit")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "nothing to remove: no ephemeral cluster has passed its last day\n"

    done = okd_gitops("cluster", "expire", "--at", "2026-12-19T00:00:00Z", "--commit")
    assert done.returncode == 0, done.stderr
    assert git(committed, "log", "-1", "--format=%s").strip() == "Remove cluster moc-pr-412"
    assert git(committed, "status", "--porcelain") == ""


def test_a_list_begins_with_what_ends_first(committed: Path) -> None:
    added = datetime.fromtimestamp(int(git(committed, "log", "-1", "--format=%ct")), UTC)
    rows = listed_clusters(committed, now=added + timedelta(days=2, hours=3))
    assert [row.name for row in rows] == ["moc-pr-412", "laptop", "moc-cd", "moc-hub", "moc-test"]
    assert {row.age for row in rows} == {2}
    assert {row.asked_by for row in rows} == {git(committed, "log", "-1", "--format=%an").strip()}
    first = rows[0]
    assert (first.purpose, first.end, first.release) == ("ephemeral", date(2026, 12, 18), "4.22.0-okd-scos.0")


def test_a_cluster_that_git_does_not_have_has_no_age(okd_gitops: Run) -> None:
    done = okd_gitops("cluster", "list")
    assert done.returncode == 0
    head, first, *_ = done.stdout.splitlines()
    columns = ["NAME", "PURPOSE", "RELEASE", "AGE", "END", "ASKED BY", "NODE HOURS", "OWNERS"]
    assert head.split() == " ".join(columns).split()
    assert first.split()[:5] == ["moc-pr-412", "ephemeral", "4.22.0-okd-scos.0", "-", "2026-12-18"]
    assert '"age": null' in okd_gitops("cluster", "list", "-o", "json").stdout


def test_a_cluster_of_a_provider_counts_the_hours_of_its_machines(committed: Path) -> None:
    with (committed / "fleet.yaml").open("a") as file:
        file.write(FLEET_PROVIDERS)
    (committed / "clusters/trial.yaml").write_text(TRIAL)
    (committed / "clusters/guest.yaml").write_text(GUEST)
    commit(committed)
    added = datetime.fromtimestamp(int(git(committed, "log", "-1", "--format=%ct")), UTC)
    rows = {row.name: row for row in listed_clusters(committed, now=added + timedelta(hours=10, minutes=59))}
    # Three of the control plane and two workers.
    assert rows["trial"].node_hours == 50
    # Two workers: its control plane has no machine of its own.
    assert rows["guest"].node_hours == 20
    assert rows["moc-pr-412"].node_hours is None


def test_the_status_tells_the_life_of_clusters_with_an_end(committed: Path, okd_gitops: Run) -> None:
    author = git(committed, "log", "-1", "--format=%an").strip()
    added = datetime.fromtimestamp(int(git(committed, "log", "-1", "--format=%ct")), UTC)
    now = (added + timedelta(days=1, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    done = okd_gitops("status", "--at", now)
    assert f"moc-pr-412: 1 day old, ends 2026-12-18, asked for by {author}\n" in done.stdout
    assert '"asked_by"' in okd_gitops("status", "--at", now, "-o", "json").stdout
