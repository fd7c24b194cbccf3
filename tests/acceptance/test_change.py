"""check --base on changes made by hand in a branch: each bad one is refused with its name, its place and the
way out, and its right twin passes. Real git, the real command line, records on a branch as the hub has them.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import changes
from changes import NEW, OLD, OLDER, image, lay_out, move
from conftest import CACHE, ROOT, git
from okd_gitops.check.change.change import Change
from okd_gitops.check.change.judge_change import change_since
from okd_gitops.evidence.proposal import ProposalNote
from okd_gitops.evidence.records import read_records, remedy_without_records
from okd_gitops.evidence.state import ClusterState
from okd_gitops.evidence.write_records import write_records
from okd_gitops.finding import Finding, FindingsError, Severity
from okd_gitops.generate.generate import generate
from okd_gitops.system.disk import MAX_FILE
from okd_gitops.times import parse_time
from okd_gitops.upgrade.plan import outlook
from okd_gitops.upgrade.question import Way
from okd_gitops.upgrade.recorded import Recorded

CLUSTERS = {"moc-hub": "hub", "moc-test": "test", "moc-cd": "cd"}
UNKNOWN = "4.21.0-okd-scos.40"
# After everything that these tests record, however long they take. What a day of the week, a last day or an
# hour of a window decides could depend on the day: those tests are marked, and a release that is accepted.
NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
Edit = Callable[[Path], None]


def time(hours: float) -> str:
    """Return a time so many hours from now."""
    return f"{NOW + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(slots=True)
class Repository:
    """A repository of one's own, whose first commit is the base."""

    root: Path

    def check(self, *arguments: str, base: str = "base", at: str = "") -> tuple[int, dict[str, Any], str]:
        """Return the exit code, the JSON (empty when there is none) and the errors of a check."""
        command = [sys.executable, "-I", str(ROOT / "generator"), "--cache", str(CACHE), "--quiet", "check"]
        options = [f"--base={base}", f"--at={at or time(0)}", "--output=json", *arguments]
        done = subprocess.run(
            [*command, *options], cwd=self.root, capture_output=True, text=True, check=False
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text that is there once or more."""
        text = (self.root / path).read_text()
        assert old in text, f"{path} has no {old}"
        (self.root / path).write_text(text.replace(old, new))

    def append(self, path: str, text: str) -> None:
        """Write text at the end of a file."""
        (self.root / path).write_text((self.root / path).read_text() + text)

    def merge(self) -> None:
        """Generate, commit, and let the result be the next base."""
        generate(self.root)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-qm", "change")
        git(self.root, "branch", "-f", "base")

    def judged(self, at: str = "") -> Change:
        """Return what is found about the change to the tree as it is, without the check of the tree."""
        now = parse_time(at) if at else NOW
        return change_since(self.root, CACHE, "base", read_records(self.root), now=now)

    def errors(self, at: str = "") -> dict[str, Finding]:
        """Return the errors about the change to the tree, generated, by name."""
        generate(self.root)
        return self.errors_as_written(at)

    def errors_as_written(self, at: str = "") -> dict[str, Finding]:
        """Return the errors about the change, with whatever is in the generated folders."""
        errors = self.judged(at).refusals
        assert all(error.remedy and error.reason for error in errors)
        return {error.name: error for error in errors}

    def warnings(self, at: str = "") -> dict[str, Finding]:
        """Return the warnings about the change to the tree, generated, by name."""
        generate(self.root)
        findings = self.judged(at).findings
        return {item.name: item for item in findings if item.severity == Severity.WARNING}

    def names(self, **options: str) -> set[str]:
        """Return the names of everything in a whole check of the tree, generated."""
        generate(self.root)
        report = self.check(**options)[1]
        return {finding["name"] for finding in (*report["findings"], *report["older"])}


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    lay_out(folder, CLUSTERS)
    # The hub is one release behind its test cluster, so that its next one is a right bump.
    move(folder, "moc-hub", OLD)
    generate(folder)
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, "commit", "-qam", "base", "--allow-empty"], cwd=folder, check=True)
    subprocess.run(["git", "branch", "base"], cwd=folder, check=True)
    return folder


@pytest.fixture
def fleet(tmp_path: Path, laid_out: Path) -> Repository:
    return Repository(shutil.copytree(laid_out, tmp_path / "repo"))


def place(finding: Finding) -> str:
    """Return where a finding is, without its column."""
    return f"{finding.location.file}:{finding.location.line}"


def line_of(fleet: Repository, path: str, key: str) -> int:
    """Return the line of a key in a file."""
    lines = (fleet.root / path).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.strip().startswith(f"{key}:"))


def at_key(fleet: Repository, path: str, key: str) -> str:
    """Return the place of a key as `place` does."""
    return f"{path}:{line_of(fleet, path, key)}"


def test_nothing_changed_is_green_and_says_what_was_judged(fleet: Repository) -> None:
    code, report, _ = fleet.check()
    assert code == 0
    assert report["change"]["clusters"] == []
    assert (report["change"]["refused"], report["older"]) == (0, [])


def test_a_plain_check_says_that_no_change_was_judged(fleet: Repository) -> None:
    command = [sys.executable, "-I", str(ROOT / "generator"), "--cache", str(CACHE), "check"]
    done = subprocess.run(command, cwd=fleet.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "no change was judged" in done.stdout


@pytest.mark.clock
def test_a_bump_that_the_earlier_waves_have_passed_is_accepted(fleet: Repository) -> None:
    move(fleet.root, "moc-hub", NEW)
    assert fleet.errors() == {}
    code, report, _ = fleet.check()
    (change,) = report["change"]["clusters"]
    assert (code, change["from"], change["to"], change["verified"]) == (0, OLD, NEW, True)


@pytest.mark.clock
def test_h05_what_a_person_closed_binds_the_bot_and_not_the_change_of_a_person(fleet: Repository) -> None:
    note = ProposalNote(
        cluster="moc-hub",
        version=NEW,
        image=image(NEW),
        wave=2,
        commit="a" * 40,
        opened=NOW - timedelta(hours=3),
        closed=NOW - timedelta(hours=2),
    )
    write_records(fleet.root, "", "Close a proposal", lambda _: {note.path: note.text().encode()})
    records = read_records(fleet.root)
    seen = outlook(fleet.root, Recorded(records, NOW), records, now=NOW)
    of_hub = {upgrade.decision.name for upgrade in seen.upgrades if upgrade.cluster.name == "moc-hub"}
    assert of_hub == {"proposal-closed"}

    move(fleet.root, "moc-hub", NEW)
    assert fleet.errors() == {}


def test_a_base_that_is_not_there_is_bad_input_with_the_fetch_to_run(fleet: Repository) -> None:
    code, _, said = fleet.check(base="f" * 40)
    assert code == 2
    assert f"git fetch origin {'f' * 40}" in said


@pytest.mark.parametrize("base", ["HEAD~9", "HEAD^9", "deadbeef"])
def test_a_base_that_cannot_be_fetched_by_its_name_asks_for_more_history(
    fleet: Repository, base: str
) -> None:
    code, _, said = fleet.check(base=base)
    assert code == 2
    assert "git fetch --unshallow" in said
    assert f"{base}:refs" not in said


def test_what_is_checked_out_must_contain_the_base(fleet: Repository) -> None:
    git(fleet.root, "switch", "-qc", "other")
    fleet.append("clusters/moc-cd.yaml", "upgrades:\n  hold: wait\n")
    fleet.merge()
    git(fleet.root, "switch", "-q", "main")
    error = fleet.errors_as_written()["base-not-merged"]
    assert "git merge" in error.remedy


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (OLDER, "downgrade"),
        ("4.23.0-okd-scos.0", "minor-skipped"),
        ("4.22.0-okd-scos.ec.1", "kind-not-taken"),
        (UNKNOWN, "release-not-recorded"),
    ],
)
def test_a_release_that_the_table_refuses(version: str, name: str, fleet: Repository) -> None:
    move(fleet.root, "moc-cd", version)
    fleet.edit("clusters/moc-cd.yaml", "channel:", "# by hand\n  channel:")
    if version.startswith("4.23"):
        fleet.append("clusters/moc-cd.yaml", 'kubernetes: "1.36"\n')
    error = fleet.errors()[name]
    assert place(error) == at_key(fleet, "clusters/moc-cd.yaml", "version")
    assert version in error.reason


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        (f"version: {OLD}\n  image: {image(OLD)}", f"version: {OLDER}\n  image: {image(OLDER)}", "downgrade"),
        (image(OLD), image(OLD)[:-4] + "0000", "image-of-another-release"),
    ],
)
def test_nothing_to_accept_is_told_beside_what_no_acceptance_passes(
    old: str, new: str, name: str, fleet: Repository
) -> None:
    """moc-test is past both releases, so it can never report on them."""
    fleet.edit("clusters/moc-cd.yaml", old, new)
    errors = fleet.errors()
    assert name in errors
    assert "evidence-unobtainable" not in errors


def test_what_can_be_accepted_is_told_where_nothing_else_refuses(fleet: Repository) -> None:
    move(fleet.root, "moc-cd", OLDER)
    fleet.merge()
    move(fleet.root, "moc-cd", OLD)
    assert "evidence-unobtainable" in fleet.errors()


def _without_sources(fleet: Repository) -> str:
    """Take `releases:` out of fleet.yaml, merge that, and return the lines that were taken out."""
    head, key, lines = (fleet.root / "fleet.yaml").read_text().partition("releases:\n")
    (fleet.root / "fleet.yaml").write_text(head)
    fleet.merge()

    return key + lines


def test_a_fleet_without_sources_of_releases_is_told_the_line_to_add(fleet: Repository) -> None:
    _without_sources(fleet)
    move(fleet.root, "moc-hub", NEW)
    error = fleet.errors()["sources-missing"]
    assert str(error.location) == "fleet.yaml:1:1"

    fleet.append("fleet.yaml", error.remedy.split("`")[1] + "\n")
    of_the_base = fleet.errors()["sources-missing"]
    assert place(of_the_base) == at_key(fleet, "fleet.yaml", "releases")


def test_sources_of_releases_are_merged_before_the_release_that_they_are_to_judge(fleet: Repository) -> None:
    lines = _without_sources(fleet)
    fleet.append("fleet.yaml", lines)
    move(fleet.root, "moc-hub", NEW)
    error = fleet.errors()["sources-missing"]
    assert place(error) == at_key(fleet, "fleet.yaml", "releases")
    assert "of the base" in error.reason

    move(fleet.root, "moc-hub", OLD)
    assert fleet.errors() == {}
    fleet.merge()
    move(fleet.root, "moc-hub", NEW)
    assert fleet.errors() == {}


def test_one_version_with_two_digests(fleet: Repository) -> None:
    fleet.edit("clusters/moc-cd.yaml", image(OLD), image(NEW).replace(image(NEW)[-4:], "0000"))
    errors = fleet.errors()
    assert "mismatched-release" in fleet.names()
    assert place(errors["image-of-another-release"]) == at_key(fleet, "clusters/moc-cd.yaml", "image")


def test_a_version_with_the_digest_of_another(fleet: Repository) -> None:
    fleet.edit("clusters/moc-cd.yaml", f"version: {OLD}", f"version: {NEW}")
    errors = fleet.errors()
    assert "image-of-another-release" in errors
    assert image(NEW) in errors["image-of-another-release"].reason
    assert f"`okd-gitops release show {NEW}`" in errors["image-of-another-release"].remedy


def test_a_digest_that_nobody_recorded_is_refused_although_it_is_alone(fleet: Repository) -> None:
    other = f"registry.example.org/mirror/release@sha256:{'5' * 64}"
    fleet.edit("clusters/moc-hub.yaml", image(OLD), other)
    assert {"image-of-another-release", "signature-not-verified"} <= fleet.errors().keys()


def test_an_unknown_stream(fleet: Repository) -> None:
    fleet.edit("clusters/moc-cd.yaml", "4-scos-stable", "4-scos-stabel")
    error = fleet.errors()["unknown-stream"]
    assert place(error) == at_key(fleet, "clusters/moc-cd.yaml", "stream")
    assert "4-scos-stable" in error.reason
    assert error.remedy == 'did you mean "4-scos-stable"?'
    assert "misspelled-stream" in fleet.names()


def test_without_records_every_new_stream_is_unknown_and_the_records_are_missing(fleet: Repository) -> None:
    git(fleet.root, "branch", "-D", "records")
    fleet.edit("clusters/moc-cd.yaml", "4-scos-stable", "4-scos-next")
    assert fleet.errors()["unknown-stream"].remedy == remedy_without_records()


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("channel: stable-scos-4", "channel: stable-4.22", "channel"),
        ("moc-cd.massopen", "moc-test.massopen", "shared-server"),
        ("000000000002", "000000000001", "shared-cluster-id"),
        ("purpose: cd", "purpose: hub", "hub"),
    ],
)
def test_what_the_fleet_itself_refuses_is_refused_with_a_base_too(
    old: str, new: str, name: str, fleet: Repository
) -> None:
    fleet.edit("clusters/moc-cd.yaml", old, new)
    code, report, said = fleet.check()
    names = " ".join(finding["name"] for finding in report.get("findings", ())) or said
    assert code in (1, 2)
    assert name in names


def test_a_copied_cluster_file(fleet: Repository) -> None:
    shutil.copy(fleet.root / "clusters/moc-cd.yaml", fleet.root / "clusters/moc-cd2.yaml")
    code, _, said = fleet.check()
    assert code == 2
    assert "shared-cluster-id" in said
    assert "moc-cd.yaml" in said


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("moc-cd.massopen", "moc-test.massopen", "shared-server"),
        ("000000000002", "000000000001", "shared-cluster-id"),
    ],
)
def test_what_is_shared_is_wrong_in_the_file_that_the_change_edits(
    old: str, new: str, name: str, fleet: Repository
) -> None:
    """By name moc-test is the later one; it was not touched."""
    fleet.edit("clusters/moc-cd.yaml", old, new)

    with pytest.raises(FindingsError) as raised:
        fleet.judged()

    (finding,) = raised.value.findings
    assert (finding.name, finding.location.file) == (name, "clusters/moc-cd.yaml")
    assert "clusters/moc-test.yaml" in finding.reason


def test_a_release_that_disagrees_is_wrong_in_the_file_that_the_change_edits(fleet: Repository) -> None:
    fleet.edit("clusters/moc-cd.yaml", image(OLD), image(NEW).replace(image(NEW)[-4:], "0000"))
    generate(fleet.root)
    found = [item for item in fleet.check()[1]["findings"] if item["name"] == "mismatched-release"]
    assert [item["location"]["file"] for item in found] == ["clusters/moc-cd.yaml"]

    # The base has it too: whichever file is edited next, nothing is new.
    fleet.merge()
    fleet.append("clusters/moc-hub.yaml", "# a comment\n")
    assert fleet.check()[0] == 0


def test_another_purpose_is_a_removal_in_two_changes(fleet: Repository) -> None:
    """P03: a guarded purpose is left, and the release of the same change is judged by it all the same."""
    edit = ("purpose: cd", "purpose: ephemeral\nexpires: 2027-01-31")
    fleet.edit("clusters/moc-cd.yaml", *edit)
    move(fleet.root, "moc-cd", OLDER)
    errors = fleet.errors()
    assert {"unannounced-removal", "downgrade"} <= errors.keys()
    assert place(errors["unannounced-removal"]) == at_key(fleet, "clusters/moc-cd.yaml", "purpose")
    assert "decommission: true" in errors["unannounced-removal"].remedy

    move(fleet.root, "moc-cd", OLD)
    fleet.append("clusters/moc-cd.yaml", "decommission: true\n")
    assert "unannounced-removal" in fleet.errors(), "consent and act in one change"

    fleet.edit("clusters/moc-cd.yaml", edit[1], edit[0])
    assert fleet.errors() == {}
    fleet.merge()
    fleet.edit("clusters/moc-cd.yaml", *edit)
    assert fleet.errors() == {}


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("clusters/moc-cd.yaml", "api.moc-cd.", "api.moc-ce."),
        ("clusters/moc-cd.yaml", "000000000002", "000000000009"),
        ("clusters/moc-cd.yaml", "server: https://api.moc-cd.massopen.cloud:6443\n", ""),
    ],
)
def test_another_cluster_behind_the_file_is_a_removal(
    path: str, old: str, new: str, fleet: Repository
) -> None:
    fleet.edit(path, old, new)
    assert "unannounced-removal" in fleet.errors()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cloud:6443\n", "cloud:6443/\n"),
        ("8c5e1d37-02bb", "8C5E1D37-02BB"),
    ],
)
def test_another_spelling_of_the_same_cluster_is_no_removal(old: str, new: str, fleet: Repository) -> None:
    fleet.edit("clusters/moc-cd.yaml", old, new)
    assert fleet.errors() == {}


@pytest.mark.parametrize(
    ("now", "is_same"),
    [("", True), (":443", True), ("/", True), (":0443/", True), (":6443", False)],
)
def test_a_new_ephemeral_cluster_does_not_take_the_server_of_a_long_term_one(
    now: str, is_same: bool, fleet: Repository
) -> None:
    host = "https://api.moc-cd.massopen.cloud"
    fleet.edit("clusters/moc-cd.yaml", f"{host}:6443", host)
    fleet.merge()

    last_day = f"{NOW + timedelta(days=9):%Y-%m-%d}"
    kind = f'purpose: ephemeral\nexpires: {last_day}\nenvironment: kind\nkubernetes: "1.35"\n'
    (fleet.root / "clusters/moc-pr.yaml").write_text(f"{kind}server: {host}{now}\n")

    if not is_same:
        assert fleet.errors() == {}
        return

    with pytest.raises(FindingsError) as raised:
        fleet.judged()

    (finding,) = raised.value.findings
    assert (finding.name, finding.location.file) == ("shared-server", "clusters/moc-pr.yaml")


def test_an_edit_of_the_tool_is_told_by_its_files(fleet: Repository) -> None:
    for name in ("okd_gitops/a.py", "okd_gitops/b.py"):
        (fleet.root / "generator" / name).parent.mkdir(parents=True, exist_ok=True)
        (fleet.root / "generator" / name).write_text("")
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "tool")
    warning = fleet.warnings()["trust-edit"]
    assert "okd-gitops itself" in warning.reason
    assert "becomes with edits in generator/okd_gitops/a.py, generator/okd_gitops/b.py" in warning.reason


def test_the_application_of_a_removed_cluster_suggests_no_other_cluster(fleet: Repository) -> None:
    fleet.append("clusters/moc-cd.yaml", "decommission: true\n")
    fleet.merge()
    (fleet.root / "clusters/moc-cd.yaml").unlink()
    found = fleet.check()[1]["findings"]
    remedies = [item["remedy"] for item in found if item["name"] == "broken-application-reference"]
    assert remedies
    assert all("okd-gitops generate" in remedy and "did you mean" not in remedy for remedy in remedies)


def _delete(root: Path) -> None:
    (root / "clusters/moc-cd.yaml").unlink()


def _delete_with_everything(root: Path) -> None:
    _delete(root)
    shutil.rmtree(root / "overlays/moc-cd")
    shutil.rmtree(root / "argocd/moc-cd")


def _rename(root: Path) -> None:
    (root / "clusters/moc-cd.yaml").rename(root / "clusters/moc-prod.yaml")


@pytest.mark.parametrize("removal", [_delete, _delete_with_everything, _rename])
def test_p01_a_long_term_cluster_is_removed_in_two_changes(removal: Edit, fleet: Repository) -> None:
    """P01: deleted or renamed without consent that was merged before; deleting more helps nobody."""
    removal(fleet.root)
    error = fleet.errors_as_written()["unannounced-removal"]
    assert "decommission: true" in error.remedy

    git(fleet.root, "checkout", "-q", "--", ".")
    git(fleet.root, "clean", "-qfd")
    fleet.append("clusters/moc-cd.yaml", "decommission: true\n")
    assert fleet.errors() == {}
    fleet.merge()
    removal(fleet.root)
    assert "unannounced-removal" not in fleet.errors()


def test_p04_two_waves_in_one_change(fleet: Repository) -> None:
    """P04: the test cluster and a long-term one take a release together; alone the first one passes."""
    newer = changes.record_another(fleet.root)
    move(fleet.root, "moc-test", newer)
    assert fleet.errors() == {}
    move(fleet.root, "moc-cd", newer)
    error = fleet.errors()["evidence-missing"]
    assert (error.clusters, place(error)) == (
        ("moc-cd",),
        at_key(fleet, "clusters/moc-cd.yaml", "version"),
    )


def test_p04_without_the_earlier_wave_the_base_still_has_it(fleet: Repository) -> None:
    newer = changes.record_another(fleet.root)
    (fleet.root / "clusters/moc-test.yaml").unlink()
    move(fleet.root, "moc-cd", newer)
    assert "evidence-missing" in fleet.errors()


def test_a_wave_that_is_lowered_with_the_bump(fleet: Repository) -> None:
    newer = changes.record_another(fleet.root)
    fleet.append("clusters/moc-cd.yaml", "wave: 0\n")
    move(fleet.root, "moc-cd", newer)
    error = fleet.errors()["evidence-missing"]
    assert "by what the base has" in error.reason


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("clusters/moc-hub.yaml", "upgrades:\n  hold: wait\n", "cluster-held"),
        ("fleet.yaml", "  freeze: holidays\n", "fleet-frozen"),
        ("fleet.yaml", "  minimumAge: 400d\n", "release-too-young"),
    ],
)
def test_what_is_loosened_with_the_bump_still_holds(
    path: str, text: str, name: str, fleet: Repository
) -> None:
    fleet.append(path, text)
    fleet.merge()
    move(fleet.root, "moc-hub", NEW)
    assert name in fleet.errors()
    fleet.edit(path, text, "")
    assert name in fleet.errors()
    move(fleet.root, "moc-hub", OLD)
    assert name not in fleet.errors()


@pytest.mark.clock
def test_outside_the_window_is_a_warning_with_the_time(fleet: Repository) -> None:
    day = f"{NOW + timedelta(days=2):%A}".lower()
    window = f'upgrades:\n  window: {{day: {day}, start: "00:00", hours: 1}}\n'
    fleet.append("clusters/moc-hub.yaml", window)
    fleet.merge()
    move(fleet.root, "moc-hub", NEW)
    warning = fleet.warnings()["outside-window"]
    assert f"until {NOW + timedelta(days=2):%Y-%m-%d}T00:00:00Z" in warning.reason
    assert fleet.errors() == {}


@pytest.mark.parametrize(
    ("path", "old", "new", "key", "words"),
    [
        (
            "moc-cd",
            "purpose: cd",
            "purpose: cd\nwave: 1",
            "wave",
            "wave 3 for wave 1: releases reach it earlier",
        ),
        ("moc-cd", "4-scos-stable", "4-scos-next", "stream", "it waits no longer for moc-hub, moc-test"),
        (
            "moc-test",
            "purpose: test",
            "purpose: test\nwave: 9",
            "wave",
            "moc-cd, moc-hub no longer wait for it",
        ),
    ],
)
def test_an_order_that_is_weakened_before_the_bump_is_told(
    path: str, old: str, new: str, key: str, words: str, fleet: Repository
) -> None:
    """The bump that comes later is judged by the new order, so this is the change that must tell."""
    file = f"clusters/{path}.yaml"
    fleet.edit(file, old, new)
    warning = fleet.warnings()["order-weakened"]
    assert f"{path} leaves " in warning.reason
    assert words in warning.reason
    assert place(warning) == at_key(fleet, file, key)


def test_an_order_that_is_stricter_is_not_told(fleet: Repository) -> None:
    fleet.append("clusters/moc-cd.yaml", "wave: 7\n")
    fleet.append("clusters/moc-test.yaml", "wave: 0\nowners: [others]\n")
    told = fleet.warnings()
    assert "order-weakened" in told, "moc-test itself is reached earlier"
    assert told["order-weakened"].clusters == ("moc-test",)


def test_a_rule_that_is_loosened_before_the_bump_is_told(fleet: Repository) -> None:
    fleet.append("clusters/moc-cd.yaml", "upgrades: {acceptRisks: [SomeRisk]}\n")
    warning = fleet.warnings()["rules-loosened"]
    assert place(warning) == at_key(fleet, "clusters/moc-cd.yaml", "upgrades")


def test_a_release_that_is_not_signed_never_reaches_a_long_term_cluster(fleet: Repository) -> None:
    newer = changes.record_another(fleet.root, signed=False)
    move(fleet.root, "moc-test", newer)
    assert fleet.errors() == {}
    move(fleet.root, "moc-hub", newer)
    assert "signature-not-verified" in fleet.errors()


def test_a_letter_changed_in_the_repository(fleet: Repository) -> None:
    fleet.edit("fleet.yaml", "github.com/moc/", "github.com/m0c/")
    errors = fleet.errors()
    assert place(errors["unannounced-move"]) == at_key(fleet, "fleet.yaml", "repository")
    assert errors["unannounced-move"].clusters == ("moc-cd", "moc-hub")
    assert "announced" in errors["unannounced-move"].remedy

    announced = "announced: {repository: https://github.com/m0c/fleet.git, reason: a new owner}\n"
    fleet.append("fleet.yaml", announced)
    assert "unannounced-move" in fleet.errors(), "consent and act in one change"
    fleet.edit("fleet.yaml", "github.com/m0c/fleet.git\nhub", "github.com/moc/fleet.git\nhub")
    assert fleet.errors() == {}
    fleet.merge()
    fleet.edit("fleet.yaml", "repository: https://github.com/moc/", "repository: https://github.com/m0c/")
    assert fleet.errors() == {}
    fleet.edit("fleet.yaml", "repository: https://github.com/m0c/", "repository: https://github.com/moo/")
    assert "unannounced-move" in fleet.errors()


def test_a_hub_moves_by_changes_that_are_each_accepted(fleet: Repository) -> None:
    """Announce, let the new hub run beside the old one, move, let the old one leave."""
    fleet.append("fleet.yaml", "announced: {hub: moc-cd, reason: a larger machine}\n")
    assert fleet.errors() == {}
    fleet.merge()

    fleet.edit("clusters/moc-cd.yaml", "purpose: cd", "purpose: hub")
    fleet.append("clusters/moc-hub.yaml", "decommission: true\n")
    assert fleet.errors() == {}
    fleet.merge()

    fleet.edit("fleet.yaml", "hub: moc-hub\n", "hub: moc-cd\n")
    assert fleet.errors() == {}
    fleet.merge()

    (fleet.root / "clusters/moc-hub.yaml").unlink()
    assert fleet.errors() == {}


def test_another_revision(fleet: Repository) -> None:
    fleet.edit("fleet.yaml", "hub: moc-hub", "hub: moc-hub\nrevision: other")
    assert "unannounced-move" in fleet.errors()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("project: moc-cd", "project: other"),
        ("path: overlays/moc-cd", "path: overlays/moc-test"),
        ("name: moc-cd\n    namespace", "name: moc-test\n    namespace"),
        ("prune: false", "prune: true"),
    ],
)
def test_an_application_edited_by_hand(old: str, new: str, fleet: Repository) -> None:
    path = fleet.root / "argocd/moc-cd/application.yaml"
    text = path.read_text()
    if old not in text:
        old, new = (re.sub(r"\n {4}", "\n  ", value) for value in (old, new))
    assert old in text
    path.write_text(text.replace(old, new))
    errors = fleet.errors_as_written()
    assert errors["guarded-application-edited"].location.line > 0


def test_a_namespace_that_a_long_term_cluster_loses(fleet: Repository) -> None:
    (fleet.root / "clusters/moc-cd").mkdir()
    (fleet.root / "clusters/moc-cd/kustomization.yaml").write_text("resources: [namespace.yaml]\n")
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: data}\n"
    (fleet.root / "clusters/moc-cd/namespace.yaml").write_text(namespace)
    assert fleet.errors() == {}
    fleet.merge()
    shutil.rmtree(fleet.root / "clusters/moc-cd")
    assert "objects-lost" in fleet.errors()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("fleet.yaml", "owners: [moc-ops]", "owners: [moc-ops, others]"),
        ("fleet.yaml", "upstream: https://amd64", "requires: '0.1'\nupstream: https://amd64"),
        ("fleet.yaml", "store: https://storage", "store: https://elsewhere"),
        ("keys/test.asc", "-----END", "\n-----END"),
        ("clusters/moc-cd.yaml", "purpose: cd", "owners: [others]\npurpose: cd"),
    ],
)
def test_an_edit_of_trust_alone_warns_and_with_a_release_is_refused(
    path: str, old: str, new: str, fleet: Repository
) -> None:
    fleet.edit(path, old, new)
    warning = fleet.warnings()["trust-edit"]
    assert warning.location.file == path
    assert fleet.errors() == {}
    move(fleet.root, "moc-hub", NEW)
    assert "trust-edit-with-release" in fleet.errors()


def test_the_ci_file_of_the_fleet_is_trusted(fleet: Repository) -> None:
    (fleet.root / ".github/workflows").mkdir(parents=True)
    (fleet.root / ".github/workflows/check.yaml").write_text("on: push\n")
    assert fleet.warnings()["trust-edit"].location.file == ".github/workflows/check.yaml"


def test_a_tool_that_is_too_old_judges_nothing(fleet: Repository) -> None:
    fleet.edit("fleet.yaml", "hub: moc-hub", "hub: moc-hub\nrequires: '99.0'")
    code, _, said = fleet.check()
    assert (code, "tool-too-old" in said) == (4, True)
    git(fleet.root, "commit", "-qam", "require")
    git(fleet.root, "branch", "-f", "base")
    fleet.edit("fleet.yaml", "requires: '99.0'", "requires: '0.1'")
    assert fleet.check()[0] == 4, "the base requires it"


def emergency(version: str, until: str, more: str = "") -> str:
    """Return the lines of a cluster file that name an emergency."""
    return (
        f"emergency:\n  version: {version}\n  image: {image(version)}\n"
        f"  reason: the old release loses data\n  until: {until}\n{more}"
    )


@pytest.mark.clock
def test_an_emergency_passes_the_waiting_for_one_digest(fleet: Repository) -> None:
    newer = changes.record_another(fleet.root)
    move(fleet.root, "moc-cd", newer)
    assert "evidence-missing" in fleet.errors()
    fleet.append("clusters/moc-cd.yaml", emergency(newer, time(71)))
    assert fleet.errors() == {}
    judged = fleet.judged().clusters[0].judged
    assert judged
    assert judged.way == Way.EMERGENCY


@pytest.mark.clock
@pytest.mark.parametrize(("hours", "refused"), [(73, True), (-1, True), (72, False)])
def test_an_emergency_ends_within_72_hours(hours: int, refused: bool, fleet: Repository) -> None:
    move(fleet.root, "moc-cd", NEW)
    fleet.append("clusters/moc-cd.yaml", emergency(NEW, time(hours)))
    assert ("emergency-too-long" in fleet.errors()) == refused


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("clusters/moc-test.yaml", "wave: 2\n"),
        ("fleet.yaml", "  minimumAge: 1d\n"),
        ("clusters/moc-cd.yaml", "wave: 5\n"),
    ],
)
def test_an_emergency_is_alone_in_its_change(path: str, text: str, fleet: Repository) -> None:
    move(fleet.root, "moc-cd", NEW)
    fleet.append("clusters/moc-cd.yaml", emergency(NEW, time(24)))
    fleet.append(path, text)
    assert "emergency-not-alone" in fleet.errors()


def test_an_emergency_passes_no_signature_no_digest_and_no_downgrade(fleet: Repository) -> None:
    newer = changes.record_another(fleet.root, signed=False)
    move(fleet.root, "moc-cd", newer)
    fleet.append("clusters/moc-cd.yaml", emergency(newer, time(24), "  force: true\n"))
    assert {"signature-not-verified", "emergency-unsigned"} <= fleet.errors().keys()

    git(fleet.root, "checkout", "-q", "--", ".")
    move(fleet.root, "moc-cd", OLDER)
    fleet.append("clusters/moc-cd.yaml", emergency(OLDER, time(24)))
    assert "downgrade" in fleet.errors()


def test_an_emergency_forces_only_what_is_signed_and_says_so(fleet: Repository) -> None:
    move(fleet.root, "moc-cd", NEW)
    fleet.append("clusters/moc-cd.yaml", emergency(NEW, time(24), "  force: true\n"))
    assert fleet.errors() == {}
    code, report, _ = fleet.check()
    (forced,) = [finding for finding in report["findings"] if finding["name"] == "forced-update"]
    assert (code, forced["severity"]) == (0, "warning")
    assert "only an ephemeral cluster" not in forced["remedy"]
    assert "remove emergency from clusters/moc-cd.yaml" in forced["remedy"]
    overlay = (fleet.root / "overlays/moc-cd/kustomization.yaml").read_text()
    assert "path: /spec/desiredUpdate/force\n      value: true" in overlay


@pytest.mark.parametrize(
    ("old", "new"), [("until: {day}", "until: {later}"), ("reason", "force: true\n  reason")]
)
def test_a_widened_emergency(old: str, new: str, fleet: Repository) -> None:
    move(fleet.root, "moc-cd", NEW)
    fleet.append("clusters/moc-cd.yaml", emergency(NEW, time(24)))
    assert fleet.errors() == {}
    fleet.merge()
    times = {"day": time(24), "later": time(48)}
    fleet.edit("clusters/moc-cd.yaml", old.format(**times), new.format(**times))
    error = fleet.errors()["emergency-widened"]
    assert place(error) == at_key(fleet, "clusters/moc-cd.yaml", "emergency")
    assert ("force" if "force" in new else "until") in error.reason
    git(fleet.root, "checkout", "-q", "--", ".")
    fleet.edit("clusters/moc-cd.yaml", time(24), time(12))
    assert fleet.errors() == {}, "an earlier end is stricter"
    text = (fleet.root / "clusters/moc-cd.yaml").read_text()
    (fleet.root / "clusters/moc-cd.yaml").write_text(text.partition("emergency:")[0])
    assert fleet.errors() == {}, "removing it is right"


@pytest.mark.clock
def test_an_emergency_that_is_left_behind_turns_nothing_red(fleet: Repository) -> None:
    move(fleet.root, "moc-cd", NEW)
    fleet.append("clusters/moc-cd.yaml", emergency(NEW, time(24)))
    fleet.merge()
    assert "emergency-left-behind" not in fleet.names(at=time(23))
    code, report, _ = fleet.check(at=time(25))
    assert code == 0
    assert "emergency-left-behind" in {item["name"] for item in (*report["findings"], *report["older"])}


def test_a_force_without_a_signature_is_refused_also_where_the_release_stays(fleet: Repository) -> None:
    newer = changes.record_another(fleet.root, signed=False)
    move(fleet.root, "moc-cd", newer)
    fleet.merge()
    fleet.append("clusters/moc-cd.yaml", emergency(newer, time(24), "  force: true\n"))
    assert "emergency-unsigned" in fleet.errors()


@pytest.mark.clock
def test_git_follows_what_the_hub_saw_a_long_term_cluster_run(fleet: Repository) -> None:
    newer = changes.record_another(fleet.root)
    move(fleet.root, "moc-cd", newer)
    assert "evidence-missing" in fleet.errors()
    cluster_id = re.search(r"clusterID: (\S+)", (fleet.root / "clusters/moc-cd.yaml").read_text())
    assert cluster_id
    seen = {"cluster": "moc-cd", "clusterID": cluster_id[1], "seen": time(-1), "version": newer}
    state = ClusterState.model_validate({**seen, "image": image(newer)})
    write_records(fleet.root, "", "See it", lambda _: {state.path: state.text().encode()})
    assert fleet.errors() == {}
    (change,) = fleet.judged().clusters
    assert change.judged
    assert change.judged.way == Way.ADOPTION
    # What it is said to run only opens the way to exactly that image.
    move(fleet.root, "moc-cd", OLDER)
    assert "downgrade" in fleet.errors()


def test_a_cluster_with_an_emergency_takes_no_other_release(fleet: Repository) -> None:
    newer = changes.record_another(fleet.root)
    move(fleet.root, "moc-cd", NEW)
    fleet.append("clusters/moc-cd.yaml", emergency(NEW, time(24)))
    fleet.merge()
    text = (fleet.root / "clusters/moc-cd.yaml").read_text()
    (fleet.root / "clusters/moc-cd.yaml").write_text(text.partition("emergency:")[0])
    move(fleet.root, "moc-cd", newer)
    assert "emergency-stands" in fleet.errors()


def test_a_new_cluster_needs_an_accepted_and_signed_release(fleet: Repository) -> None:
    text = (fleet.root / "clusters/moc-cd.yaml").read_text()
    text = text.replace("moc-cd.", "moc-new.").replace("000000000002", "000000000007")
    (fleet.root / "clusters/moc-new.yaml").write_text(text)
    assert fleet.errors() == {}
    newer = changes.record_another(fleet.root, signed=False, phase="Rejected")
    move(fleet.root, "moc-new", newer)
    assert {"not-accepted", "signature-not-verified"} <= fleet.errors().keys()


@pytest.mark.clock
def test_a_new_ephemeral_cluster_takes_any_release(fleet: Repository) -> None:
    text = (fleet.root / "clusters/moc-cd.yaml").read_text()
    text = text.replace("moc-cd.", "moc-try.").replace("000000000002", "000000000007")
    text = text.replace("purpose: cd", f"purpose: ephemeral\nexpires: {NOW + timedelta(days=9):%Y-%m-%d}")
    text = text.replace("  stream: 4-scos-stable\n", "")
    (fleet.root / "clusters/moc-try.yaml").write_text(text)
    move(fleet.root, "moc-try", UNKNOWN)
    assert fleet.errors() == {}


def test_a_cluster_without_a_stream_is_judged_too(fleet: Repository) -> None:
    fleet.edit("clusters/moc-hub.yaml", "  stream: 4-scos-stable\n", "")
    fleet.merge()
    newer = changes.record_another(fleet.root)
    move(fleet.root, "moc-hub", newer)
    assert "evidence-missing" in fleet.errors()
    move(fleet.root, "moc-hub", OLDER)
    assert "downgrade" in fleet.errors()
    move(fleet.root, "moc-hub", NEW)
    assert fleet.errors() == {}


def test_without_records_a_pin_that_stays_warns_and_a_bump_is_refused(fleet: Repository) -> None:
    git(fleet.root, "branch", "-D", "records")
    warning = fleet.warnings()["release-not-recorded"]
    assert warning.remedy == remedy_without_records()
    assert fleet.errors() == {}
    move(fleet.root, "moc-hub", NEW)
    error = fleet.errors()["release-not-recorded"]
    assert (error.clusters, error.remedy) == (("moc-hub",), remedy_without_records())


def test_findings_that_the_base_has_do_not_fail_and_are_counted(fleet: Repository) -> None:
    extras = {
        "kustomization.yaml": "resources: [secret.yaml]\n",
        "secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: x, namespace: default}\n"
        "stringData: {password: hunter2hunter2}\n",
    }
    for name, text in extras.items():
        (fleet.root / "clusters/moc-test").mkdir(exist_ok=True)
        (fleet.root / f"clusters/moc-test/{name}").write_text(text)
    assert "secret-in-git" in fleet.names()
    fleet.merge()
    code, report, _ = fleet.check()
    assert code == 0
    assert {finding["name"] for finding in report["older"]} >= {"secret-in-git"}


def test_a_base_with_a_symlink_is_not_compared(fleet: Repository) -> None:
    """What a cluster rendered from it is not known, so nobody can tell what it would lose."""
    link = fleet.root / "overlays/moc-cd/link.yaml"
    link.symlink_to("kustomization.yaml")
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "a link")
    git(fleet.root, "branch", "-f", "base")
    link.unlink()
    code, _, said = fleet.check()
    assert code == 2
    assert "overlays/moc-cd/link.yaml" in said


def test_a_leftover_that_is_too_large_hides_nothing_that_a_cluster_loses(fleet: Repository) -> None:
    folder = fleet.root / "clusters/moc-cd"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [claim.yaml]\n")
    (folder / "claim.yaml").write_text(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: default}\n"
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
    )
    # No file of a cluster, so nobody reads it for one.
    (fleet.root / "clusters/moc-test.yaml.orig").write_bytes(b"#" * (MAX_FILE + 1))
    fleet.merge()
    shutil.rmtree(folder)
    assert "objects-lost" in fleet.errors()
    assert "objects-lost" in fleet.names()


def test_another_fault_in_the_place_of_an_older_one_is_new(fleet: Repository) -> None:
    """Both have one name and one object; the first stays old also when its place in the file moves."""
    folder = fleet.root / "clusters/moc-test"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [map.yaml]\n")
    old = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: default}\ndata:\n  a: REPLACE_ME\n"
    (folder / "map.yaml").write_text(old)
    fleet.merge()

    (folder / "map.yaml").write_text(f"# moved\n{old}")
    assert fleet.check()[0] == 0

    (folder / "map.yaml").write_text(old.replace("a: REPLACE_ME", "b: CHANGE_ME"))
    code, report, _ = fleet.check()
    assert code == 1
    assert [finding["name"] for finding in report["findings"]] == ["placeholder"]


def _break_base(fleet: Repository, old: str, new: str) -> None:
    """Let the base have a file of the long-term cluster that cannot be read; the tree has it whole."""
    path = fleet.root / "clusters/moc-cd.yaml"
    whole = path.read_text()
    fleet.edit("clusters/moc-cd.yaml", old, new)
    git(fleet.root, "commit", "-qam", "break")
    git(fleet.root, "branch", "-f", "base")
    path.write_text(whole)


@pytest.mark.parametrize(
    ("old", "new"), [("purpose: cd", "purpose: cdd"), ("channel: stable-scos-4", "channel: stable-scos-3")]
)
def test_a_file_that_could_not_be_read_at_the_base_is_repaired(old: str, new: str, fleet: Repository) -> None:
    _break_base(fleet, old, new)
    assert fleet.errors() == {}


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("purpose: cd", "purpose: test", "purpose"),
        (OLD, "4.21.0-okd-scos.9", "version"),
        ("clusterID: 8", "clusterID: 9", "clusterID"),
        ("server: https://api.", "server: https://apu.", "server"),
    ],
)
def test_a_repair_moves_and_removes_no_cluster(old: str, new: str, key: str, fleet: Repository) -> None:
    _break_base(fleet, "purpose: cd", "purpose: cdd")
    fleet.edit("clusters/moc-cd.yaml", old, new)

    found = fleet.judged().refusals
    unreadable = [finding for finding in found if finding.name == "base-unreadable"]
    assert [place(finding) for finding in unreadable] == [
        f"clusters/moc-cd.yaml:{line_of(fleet, 'clusters/moc-cd.yaml', key)}"
    ]


def test_a_file_that_was_no_yaml_at_the_base_or_is_gone_is_refused(fleet: Repository) -> None:
    _break_base(fleet, "purpose: cd", "<<<<<<< HEAD\npurpose: [cd")
    assert "base-unreadable" in fleet.errors()

    (fleet.root / "clusters/moc-cd.yaml").unlink()
    assert "base-unreadable" in {finding.name for finding in fleet.judged().refusals}


def test_an_emergency_comes_with_no_other_file(fleet: Repository) -> None:
    move(fleet.root, "moc-cd", NEW)
    fleet.append("clusters/moc-cd.yaml", emergency(NEW, time(24)))
    generate(fleet.root)
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "alone")
    assert "emergency-not-alone" not in fleet.errors()

    (fleet.root / "run.sh").write_text("true\n")
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "beside")
    assert "run.sh" in fleet.errors()["emergency-not-alone"].reason


@pytest.mark.parametrize("path", ["docs/CODEOWNERS", "Jenkinsfile", "generator/okd_gitops/x.py"])
def test_no_release_comes_with_what_judges_it(path: str, fleet: Repository) -> None:
    (fleet.root / path).parent.mkdir(parents=True, exist_ok=True)
    (fleet.root / path).write_text("x\n")
    move(fleet.root, "moc-hub", NEW)
    generate(fleet.root)
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "beside")
    assert "trust-edit-with-release" in fleet.errors()


def test_a_name_in_escapes_hides_no_edited_application(fleet: Repository) -> None:
    generate(fleet.root)
    edited = fleet.root / "argocd/moc-cd/application.yaml"
    text = edited.read_text().replace("targetRevision: main", "targetRevision: other")
    assert "moc-cd" in text
    # JSON, which is YAML: no name of a long-term cluster can be read in the bytes.
    value = json.dumps(yaml.safe_load(text)).replace("moc-cd", "\\u006doc-cd")
    (fleet.root / "argocd/zz.json").write_text(value)
    assert "moc-cd" not in value
    error = fleet.errors_as_written()["guarded-application-edited"]
    assert error.location.file == "argocd/zz.json"


def test_a_correct_copy_of_an_application_hides_no_edited_one(fleet: Repository) -> None:
    generate(fleet.root)
    edited = fleet.root / "argocd/moc-cd/application.yaml"
    (fleet.root / "argocd/zz.yaml").write_text(edited.read_text())
    fleet.edit("argocd/moc-cd/application.yaml", "targetRevision: main", "targetRevision: other")
    error = fleet.errors_as_written()["guarded-application-edited"]
    assert error.location.file == "argocd/moc-cd/application.yaml"


def test_an_overlay_that_does_not_build_hides_no_lost_object_of_another(fleet: Repository) -> None:
    """The base has a broken overlay, which this change repairs: the other clusters are judged as ever."""
    extras = fleet.root / "clusters/moc-cd"
    extras.mkdir()
    (extras / "kustomization.yaml").write_text("resources: [x.yaml]\n")
    (extras / "x.yaml").write_text(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: default}\n"
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
    )
    fleet.merge()
    overlay = fleet.root / "overlays/moc-test/kustomization.yaml"
    sound = overlay.read_text()
    overlay.write_text("resources: [missing.yaml]\n")
    git(fleet.root, "commit", "-qam", "broken")
    git(fleet.root, "branch", "-f", "base")

    overlay.write_text(sound)
    shutil.rmtree(extras)
    generate(fleet.root)
    assert "objects-lost" in {finding.name for finding in fleet.judged().findings}


@pytest.mark.clock
@pytest.mark.parametrize("purpose", ["cd", "ephemeral"])
def test_a_renamed_file_is_the_same_cluster_and_takes_no_earlier_release(
    purpose: str, fleet: Repository
) -> None:
    """The removal was announced and merged: the new name still goes on from the release before."""
    fleet.append("clusters/moc-cd.yaml", "decommission: true\n")
    fleet.merge()
    move(fleet.root, "moc-cd", OLDER)
    old, new = (fleet.root / f"clusters/{name}.yaml" for name in ("moc-cd", "moc-cx"))
    text = old.read_text().replace("decommission: true\n", "")
    ending = f"\nexpires: {time(48)[:10]}" if purpose == "ephemeral" else ""
    new.write_text(text.replace("purpose: cd", f"purpose: {purpose}{ending}"))
    old.unlink()
    assert "downgrade" in fleet.errors()


def test_a_feature_of_ones_own_sets_no_release(fleet: Repository) -> None:
    feature = fleet.root / "catalog/features/zevil"
    (feature / "common").mkdir(parents=True)
    (feature / "feature.yaml").write_text(
        "summary: Evil.\nrequires: [okd-version]\nenvironments: {okd: [common]}\nnamespaces: {evil: {}}\n"
        "parameters:\n  v:\n    summary: Version.\n    type: string\n"
        "    sets: [{object: ClusterVersion/version, path: spec.desiredUpdate.version}]\n"
    )
    (feature / "common/configmap-x.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: evil}\n"
    )
    fleet.append("clusters/moc-cd.yaml", f"features:\n  zevil: {{v: {OLDER}}}\n")
    assert "release-differs" in fleet.names()


def test_an_edit_of_the_policy_that_keeps_clusters_from_going_back_is_told_and_refused(
    fleet: Repository,
) -> None:
    name = "validatingadmissionpolicybinding-okd-no-way-back.yaml"
    policy = ROOT / "generator/okd_gitops/catalog/features/no-way-back/policy" / name
    changes_folder = fleet.root / "catalog/changes"
    changes_folder.mkdir(parents=True)
    (fleet.root / "catalog/policies").mkdir()
    (fleet.root / "catalog/policies/b.yaml").write_text(policy.read_text().replace("Deny", "Audit"))
    (changes_folder / "x.yaml").write_text(
        "changes:\n- replace: {feature: no-way-back, "
        "object: ValidatingAdmissionPolicyBinding/okd-no-way-back, with: policies/b.yaml}\n"
    )
    assert "trust-edit" in fleet.warnings()
    assert "release-differs" in fleet.names()
