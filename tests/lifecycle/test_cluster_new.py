"""cluster new: what it writes, what it copies, and what it refuses before anything is written."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import click
import pytest
import yaml

from conftest import Run, files, git
from okd_gitops.cli.cluster import new
from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records, read_records
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.providers import ProviderName
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.edit_clusters import Saved, Saving, add_cluster
from okd_gitops.lifecycle.new_cluster import NewCluster, last_day_of
from okd_gitops.manifests.objects import at
from provided import FLEET

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SERVER = "https://api.moc-new.massopen.cloud:6443"
ID = "0b7f4e95-183c-4d75-a2c6-d1b0a6f49e38"
WHOLE = NewCluster(
    name="moc-new", purpose="ephemeral", like="moc-test", server=SERVER, cluster_id=ID, lifetime="3d"
)
VERSION = "4.22.0-okd-scos.1"
IMAGE = f"registry.ci.openshift.org/origin/release-scos@sha256:{'5a' * 32}"


def add(repo: Path, **fields: str) -> Saved:
    request = NewCluster(**{"name": "moc-new", **fields})
    records = read_records(repo) if request.version else Records()
    return add_cluster(repo, request, records, Saving(), now=NOW)


def added(repo: Path) -> dict[str, object]:
    value = yaml.safe_load((repo / "clusters/moc-new.yaml").read_text())
    assert isinstance(value, dict)
    return value


def people(repo: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((repo / "clusters").rglob("*.yaml"))}


def whole(repo: Path, saving: Saving = Saving()) -> Saved:  # noqa: B008 - a frozen value
    return add_cluster(repo, WHOLE, Records(), saving, now=NOW)


def test_a_whole_cluster_is_written_with_all_that_follows(repo: Path) -> None:
    saved = whole(repo)
    assert (saved.unfinished, saved.findings) == ((), ())
    assert (
        len((repo / "clusters/moc-new.yaml").read_text().splitlines()) <= 12 + 3
    )  # the features of moc-test
    assert (repo / "overlays/moc-new/kustomization.yaml").is_file()
    assert generate(repo).drift.changes == 0


def test_like_copies_what_may_be_the_same_and_nothing_else(repo: Path) -> None:
    path = repo / "clusters/moc-test.yaml"
    old = yaml.safe_load(path.read_text())
    path.write_text(path.read_text() + "wave: 7\nupgrades: {hold: broken}\n")
    whole(repo)

    new = added(repo)
    assert (new["purpose"], new["server"], new["clusterID"]) == ("ephemeral", SERVER, ID)
    assert str(new["expires"]) == "2026-12-01"
    assert (new["release"], new["features"]) == (old["release"], old["features"])
    assert not {"wave", "upgrades", "emergency"} & new.keys()


def test_a_dry_run_writes_nothing_and_shows_the_same_difference(repo: Path) -> None:
    before, generated = people(repo), files(repo)
    shown = whole(repo, Saving(dry_run=True)).edited.diff
    assert (people(repo), files(repo)) == (before, generated)
    assert "+++ b/clusters/moc-new.yaml" in shown
    assert "+++ b/overlays/moc-new/kustomization.yaml" in shown
    assert whole(repo).edited.diff == shown


def test_what_nobody_gave_is_written_as_fill_in_with_a_hint(repo: Path) -> None:
    before = files(repo)
    saved = add(repo, purpose="test")
    lines = (repo / "clusters/moc-new.yaml").read_text().splitlines()
    unknown = [line.strip() for line in lines if "FILL-IN" in line]
    assert [line.partition(":")[0] for line in unknown] == ["server", "clusterID", "version", "image"]
    assert all("   # " in line for line in unknown)
    assert saved.unfinished == ("clusters/moc-new.yaml",)
    assert [finding.name for finding in saved.findings] == ["placeholder-value"] * 4
    assert files(repo) == before


def test_a_kind_cluster_has_nothing_to_fill_in(repo: Path) -> None:
    saved = add(repo, purpose="test", environment="kind")
    assert saved.unfinished == ()
    assert added(repo) == {"purpose": "test", "environment": "kind", "kubernetes": "1.35"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"purpose": "ephemeral"}, "must have an end"),
        ({}, "nobody says what the cluster is for"),
        ({"like": "moc-tset"}, 'no cluster "moc-tset"'),
        ({"name": "moc-test", "purpose": "test"}, "exists already"),
        ({"name": "../x", "purpose": "test"}, "is not a name"),
        ({"name": "X", "purpose": "test"}, "is not a name"),
        ({"name": "default", "purpose": "test"}, "is reserved"),
    ],
)
def test_a_request_that_cannot_be_is_refused(repo: Path, fields: dict[str, str], message: str) -> None:
    before = people(repo)
    with pytest.raises(UsageError, match=message):
        add(repo, **fields)
    assert people(repo) == before


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"server": "https://api.moc-test.massopen.cloud:6443"}, "shared-server"),
        ({"server": "https://API.moc-test.massopen.cloud:6443/"}, "invalid-value"),
        ({"cluster_id": "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926"}, "shared-cluster-id"),
        ({"cluster_id": "x"}, "wrong-cluster-identity"),
        ({"server": "https://user:secret@api.x.org:6443"}, "invalid-value"),
        ({"lifetime": "3d"}, "invalid-value"),
        ({"purpose": "hub"}, "second-hub"),
        ({"like": "moc-hub", "purpose": "test", "environment": "kind"}, "unsuitable-feature"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_is_written(
    repo: Path, fields: dict[str, str], name: str
) -> None:
    before, generated = people(repo), files(repo)
    with pytest.raises(FindingsError) as caught:
        add(repo, **{"purpose": "test", **fields})
    assert name in {finding.name for finding in caught.value.findings}
    assert (people(repo), files(repo)) == (before, generated)


def record(repo: Path, more: str = "") -> None:
    git(repo, "init", "-q", "--initial-branch=main")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "start")
    git(repo, "checkout", "-q", "--orphan", "records")
    git(repo, "rm", "-rqf", ".")
    (repo / "releases").mkdir()
    (repo / f"releases/{VERSION}.yaml").write_text(
        f"version: {VERSION}\nimages:\n- image: {IMAGE}\nseen: 2026-11-28T11:00:00Z\n{more}"
    )
    git(repo, "add", "releases")
    git(repo, "commit", "-qm", "records")
    git(repo, "checkout", "-q", "main")


def test_the_image_of_a_release_is_the_recorded_one(repo: Path) -> None:
    record(repo)
    add(repo, purpose="test", version=VERSION, server=SERVER, cluster_id=ID)
    assert added(repo)["release"] == {"channel": "stable-scos-4", "version": VERSION, "image": IMAGE}


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ("{4-scos-stable: Accepted, 4-scos-next: Gone}", "4-scos-stable"),
        ("{4-scos-stable: Accepted, 4-scos-next: Accepted}", None),
        ("{4-scos-stable: Rejected}", None),
    ],
)
def test_a_cluster_follows_the_stream_that_alone_has_its_release(
    streams: str, expected: str | None, repo: Path
) -> None:
    record(repo, f"streams: {streams}\n")
    add(repo, purpose="test", version=VERSION, server=SERVER, cluster_id=ID)
    assert at(added(repo), "release", "stream") == expected


def test_one_that_ends_follows_none(repo: Path) -> None:
    record(repo, "streams: {4-scos-stable: Accepted}\n")
    add(repo, purpose="ephemeral", version=VERSION, server=SERVER, cluster_id=ID, lifetime="3d")
    assert at(added(repo), "release", "stream") is None


def test_a_release_without_a_record_is_refused_with_the_command_that_gets_it(repo: Path) -> None:
    record(repo)
    with pytest.raises(FindingsError) as caught:
        add(repo, purpose="test", version="4.22.0-okd-scos.2")
    [finding] = caught.value.findings
    assert finding.name == "release-not-recorded"
    assert f'did you mean "{VERSION}"?' in finding.reason
    assert "okd-gitops release record" in finding.remedy


def test_a_cluster_that_is_not_okd_has_no_release(repo: Path) -> None:
    record(repo)
    with pytest.raises(UsageError, match="has no release"):
        add(repo, purpose="test", environment="kind", version=VERSION)


@pytest.mark.parametrize(
    ("lifetime", "last_day"),
    [
        ("3d", date(2026, 12, 1)),
        ("36h", date(2026, 11, 29)),
        ("12h", date(2026, 11, 28)),
        ("13h", date(2026, 11, 29)),
        ("366d", date(2027, 11, 29)),
    ],
)
def test_a_lifetime_ends_on_a_day(lifetime: str, last_day: date) -> None:
    assert last_day_of(lifetime, NOW) == last_day


@pytest.mark.parametrize("lifetime", ["0d", "-1d", "90m", "367d", "3", "2026-12-01", "", "3 d"])
def test_a_lifetime_that_is_none_is_refused(lifetime: str) -> None:
    with pytest.raises(UsageError, match="is not a lifetime"):
        last_day_of(lifetime, NOW)


def test_a_commit_has_the_file_and_what_follows_and_nothing_else(repo: Path) -> None:
    record(repo)
    (repo / "notes.txt").write_text("not ours\n")
    saved = whole(repo, Saving(commit=True))
    assert saved.commit == git(repo, "rev-parse", "HEAD").strip()
    assert git(repo, "log", "-1", "--format=%s").strip() == "Add cluster moc-new"
    assert git(repo, "status", "--porcelain") == "?? notes.txt\n"


def test_a_commit_with_other_changes_or_values_to_fill_in_is_refused(repo: Path) -> None:
    record(repo)
    with pytest.raises(FindingsError) as caught:
        add_cluster(repo, NewCluster(name="moc-new", purpose="test"), Records(), Saving(commit=True), now=NOW)
    assert {finding.name for finding in caught.value.findings} == {"placeholder-value"}
    assert git(repo, "status", "--porcelain") == ""

    fleet = repo / "fleet.yaml"
    fleet.write_text(f"{fleet.read_text()}# later\n")
    with pytest.raises(UsageError, match="would contain other changes"):
        whole(repo, Saving(commit=True))


def test_the_command_tells_what_to_do_next(okd_gitops: Run, repo: Path) -> None:
    done = okd_gitops("cluster", "new", "moc-new", "--purpose", "ephemeral", "--expires", "3d")
    assert done.returncode == 0, done.stderr
    assert "next: replace FILL-IN in clusters/moc-new.yaml, and run okd-gitops generate" in done.stdout
    assert "placeholder-value" in done.stderr
    result = okd_gitops("generate")
    assert result.returncode == 2
    assert "server: FILL-IN" in result.stderr
    assert (repo / "clusters/moc-new.yaml").exists()


def test_the_names_of_clusters_are_completed(okd_gitops: Run) -> None:
    words = {"COMP_WORDS": "okd-gitops cluster remove moc-t", "COMP_CWORD": "3"}
    done = okd_gitops(**words, _OKD_GITOPS_COMPLETE="bash_complete")
    assert done.stdout == "plain,moc-test\n"


def provided(repo: Path, lifetime: str, **values: str) -> Saved:
    request = NewCluster(name="trial", like="moc-test", purpose="ephemeral", lifetime=lifetime, **values)
    return add_cluster(repo, request, Records(), Saving(), now=NOW)


@pytest.mark.parametrize("provider", [*ProviderName])
def test_a_cluster_of_a_provider_has_nothing_to_fill_in(repo: Path, provider: str) -> None:
    with (repo / "fleet.yaml").open("a") as file:
        file.write(FLEET)
    assert provided(repo, "3d", provider=provider).unfinished == ()
    text = (repo / "clusters/trial.yaml").read_text()
    assert f"provider: {provider}\n" in text
    assert not re.search("^server:|^clusterID:", text, re.MULTILINE)
    assert len(text.partition("features:")[0].splitlines()) <= 12


@pytest.mark.parametrize("provider", [*ProviderName])
def test_a_life_that_the_provider_would_cut_short_is_refused(repo: Path, provider: str) -> None:
    with (repo / "fleet.yaml").open("a") as file:
        file.write(FLEET)
    with pytest.raises(UsageError, match="live longer than 3d"):
        provided(repo, "73h", provider=provider)


def test_every_provider_can_be_asked_for() -> None:
    (option,) = [option for option in new.params if option.name == "provider"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == [*ProviderName]


def test_a_provider_that_the_fleet_does_not_have_is_refused(repo: Path) -> None:
    with pytest.raises(UsageError, match="no settings of hive-fake"):
        provided(repo, "1d", provider="hive-fake")
