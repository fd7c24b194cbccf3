"""What a reviewer has to look at in a change that `check --base` judged."""

from dataclasses import replace
from pathlib import Path

import pytest

import changes
import pulls
from changes import CHANGES, NEW, OLD, lay_out, move, report
from okd_gitops.finding import Finding, Location
from okd_gitops.generate.generate import generate
from okd_gitops.report.pull_request_text import body
from provided import FLEET, TRIAL


def first_screen(root: Path) -> str:
    """Return the report of the work tree up to the differences of objects."""
    generate(root)
    done = report(root)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("### Differences")[0]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    lay_out(tmp_path, CHANGES["bump"].clusters)
    return tmp_path


def test_without_records_a_release_is_never_routine(fleet: Path) -> None:
    changes.git(fleet, "branch", "-D", "records")
    move(fleet, "moc-cd", NEW)
    text = first_screen(fleet)
    assert "🟢" not in text
    assert "there are no records of the hub" in text


def test_one_refusal_of_many_clusters_is_one_entry(tmp_path: Path) -> None:
    lay_out(tmp_path, CHANGES["sixty-clusters"].clusters)
    for number in range(60):
        move(tmp_path, f"edge-{number:02}", changes.OLDER)
    text = first_screen(tmp_path)
    assert text.count("**downgrade**") == 1
    assert "and 59 more places on `edge-00`, `edge-01`," in text
    assert text.count("| 🔴 `edge-") == 60


def test_extras_and_other_edits_of_a_file_are_named(fleet: Path) -> None:
    path = fleet / "clusters/moc-test.yaml"
    path.write_text(f"{path.read_text()}owners: [others]\n")
    text = first_screen(fleet)
    assert "| `moc-test` | test | 1 | `4.21.0-okd-scos.11` stays | edits `owners` |" in text


SERVER = "https://api.moc-cd.massopen.cloud:6443"


@pytest.fixture
def announced(fleet: Path) -> Path:
    """The fleet with a removal of moc-cd that was announced and merged before."""
    path = fleet / "clusters/moc-cd.yaml"
    path.write_text(f"{path.read_text()}decommission: true\n")
    generate(fleet)
    changes.git(fleet, "add", "-A")
    changes.git(fleet, "commit", "-qm", "announce")
    return fleet


def test_the_first_step_of_a_removal_is_told_in_words(fleet: Path) -> None:
    shown = edited(fleet, "purpose: cd\n", "purpose: cd\ndecommission: true\n")
    assert "🟡 LOOK: the first step of a removal on moc-cd (wave 3 of 3)" in shown
    assert "- 🔴 moc-cd is announced to leave the fleet: the next change removes it\n" in shown
    assert f"| `{OLD}` stays; 🔴 announced to leave the fleet: the next change removes it |" in shown


def test_a_guarded_cluster_that_leaves_its_purpose_is_no_routine(announced: Path) -> None:
    shown = edited(announced, "purpose: cd", "purpose: test")
    assert "🟡 LOOK: a change on moc-cd (wave 3 of 3)" in shown
    assert "- 🔴 moc-cd leaves purpose cd for test: Argo CD may delete what it guarded\n" in shown
    assert "| `moc-cd` | cd → test | 3 |" in shown


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("server", SERVER, "https://api.other.massopen.cloud:6443"),
        ("clusterID", "8c5e1d37-02bb-4f6a-8e49-000000000003", "8c5e1d37-02bb-4f6a-8e49-000000000077"),
    ],
)
def test_a_file_that_is_about_another_cluster_is_no_routine(
    announced: Path, field: str, old: str, new: str
) -> None:
    shown = edited(announced, old, new).replace("`", "")
    assert "🟡 LOOK" in shown
    assert f"- 🔴 moc-cd gets another {field}: {old} → {new}\n" in shown
    assert f"| {OLD} 🔴 on another cluster |" in shown
    assert f"{OLD} stays" not in shown


def test_a_file_without_its_server_is_no_routine(announced: Path) -> None:
    shown = edited(announced, f"server: {SERVER}\n", "").replace("`", "")
    assert "🟡 LOOK" in shown
    assert f"| {OLD} 🔴 where Argo CD does not deploy |" in shown


def test_another_edit_of_a_guarded_cluster_removes_nothing(announced: Path) -> None:
    shown = edited(announced, "decommission: true", "decommission: true\nwave: 4")
    assert f"| `moc-cd` | cd | 3 | `{OLD}` stays |" in shown
    assert "- 🔴" not in shown


def edited(root: Path, old: str, new: str) -> str:
    """Return the report after an edit of the file of moc-cd."""
    path = root / "clusters/moc-cd.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return first_screen(root)


def test_a_new_cluster_is_told_with_its_release(fleet: Path) -> None:
    text = (fleet / "clusters/moc-lab.yaml").read_text()
    new = text.replace("moc-lab", "moc-new").replace("000000000002", "000000000099")
    (fleet / "clusters/moc-new.yaml").write_text(new)
    shown = first_screen(fleet)
    assert "- moc-new is added" in shown
    assert f"| `moc-new` | test | 1 | new → `{NEW}` |" in shown


def test_a_new_cluster_that_nobody_syncs_is_told_so(fleet: Path) -> None:
    (fleet / "clusters/moc-new.yaml").write_text('purpose: test\nenvironment: kind\nkubernetes: "1.35"\n')
    assert "| `moc-new` | test | 1 | new, none | without a server: nobody syncs it |" in first_screen(fleet)


def test_code_and_addresses_of_a_finding_can_be_copied_and_the_rest_stays_text() -> None:
    remedy = "accept it under `upgrades.accept`; put https://example.org/a.git back; @all $`x`$ ``y`` *z*"
    found = Finding(name="placeholder", location=Location(file="x.yaml"), reason="`a` is b", remedy=remedy)
    text = body(replace(pulls.one(), findings=(found,), reasons=("needs `b`",)))
    assert "`x.yaml`: `a` is b. **Fix:** accept it under `upgrades.accept`; put" in text
    assert "put `https://example.org/a.git` back; @\u2060all \\$\\`x\\`\\$ \\`\\`y\\`\\` \\*z\\*.\n" in text
    assert "- needs `b`\n" in text


def test_older_findings_are_counted_and_not_listed() -> None:
    found = Finding(name="placeholder", location=Location(file="x.yaml"), reason="new one")
    text = body(replace(pulls.one(), findings=(found,), older=3))
    assert "3 findings are older than this change" in text
    assert "- 🔴 **placeholder** `x.yaml`: new one.\n" in text
    assert OLD not in text


def test_a_cluster_that_a_provider_makes_or_deletes_is_told(fleet: Path) -> None:
    (fleet / "fleet.yaml").write_text((fleet / "fleet.yaml").read_text() + FLEET)
    (fleet / "clusters/trial.yaml").write_text(TRIAL)
    assert "trial is added: hive-openstack installs the cluster" in first_screen(fleet)

    changes.git(fleet, "add", "-A")
    changes.git(fleet, "commit", "-qm", "born")
    (fleet / "clusters/trial.yaml").unlink()
    assert "trial is removed: 🔴 hive-openstack deletes the cluster" in told(fleet)

    without = TRIAL.replace("provider: hive-openstack\n", "").replace("addresses:", "# addresses:")
    (fleet / "clusters/trial.yaml").write_text(without)
    assert "🔴 trial leaves hive-openstack, which deletes the cluster" in told(fleet)


def told(root: Path) -> str:
    """Return the report of the work tree, also of a change that is refused."""
    generate(root)
    return report(root).stdout
