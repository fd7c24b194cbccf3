"""report: the text of real changes of small fleets, as golden files that a person can read."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import changes
from changes import CHANGES, FOLDER, NEW, described, lay_out, report, text_of
from okd_gitops.generate.generate import generate
from okd_gitops.report.pull_request_text import body

SIXTY = "sixty-clusters"


def test_each_change_has_a_golden_file() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(CHANGES)


@pytest.mark.parametrize("name", [name for name in CHANGES if name != SIXTY])
def test_the_report_is_the_golden_file(name: str, tmp_path: Path) -> None:
    kept = (FOLDER / f"{name}.md").read_text()
    assert text_of(name, tmp_path) == kept, "make golden writes it anew"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("bump", "🟢 ROUTINE"),
        ("new-feature", "🟡 LOOK"),
        ("removed-cluster", "🟡 LOOK"),
        ("bad-change", "🔴 BLOCKED"),
    ],
)
def test_the_verdict_is_in_the_first_line_that_a_person_sees(name: str, verdict: str) -> None:
    first = (FOLDER / f"{name}.md").read_text().split("\n")[1]
    assert first.startswith(f"## {verdict}: ")


def test_sixty_clusters_fit_into_each_limit(tmp_path: Path) -> None:
    lay_out(tmp_path, CHANGES[SIXTY].clusters)
    CHANGES[SIXTY].edit(tmp_path)
    generate(tmp_path)
    # To judge so many takes long; only the text depends on the limit.
    pull = described(tmp_path).pull
    assert changes.stable(body(pull)) == (FOLDER / f"{SIXTY}.md").read_text(), "make golden writes it anew"

    for limit in (8_000, 65_536, 1_048_576):
        text = body(pull, limit=limit)
        assert len(text.encode()) <= limit

        shown = len(re.findall(r"^\| (?:🔴 )?`edge-\d\d` \|", text, re.MULTILINE))
        left_out = re.search(r"^(\d+) more clusters left out here", text, re.MULTILINE)
        assert shown + (int(left_out[1]) if left_out else 0) == 60
        # One change over sixty clusters is shown once, or there is no room for it.
        folded = text.count("ClusterVersion version changed on 60 clusters")
        assert folded == (limit > 8_000)


def test_json_has_the_text_and_the_judgment_and_the_limit_is_obeyed(tmp_path: Path) -> None:
    lay_out(tmp_path, CHANGES["new-feature"].clusters)
    CHANGES["new-feature"].edit(tmp_path)
    generate(tmp_path)
    answer = json.loads(report(tmp_path, "--output=json").stdout)

    assert (answer["kind"], answer["verdict"]) == ("Report", "LOOK")
    assert [cluster["cluster"] for cluster in answer["change"]["clusters"]] == ["moc-test"]
    assert changes.stable(answer["text"]) == (FOLDER / "new-feature.md").read_text()
    assert len(report(tmp_path, "--limit=8000").stdout.encode()) <= 8_000 < len(answer["text"].encode())


@pytest.mark.parametrize("arguments", [("--base=nowhere",), ("--records=nowhere",), ("--limit=7",)])
def test_what_cannot_be_judged_is_no_report(arguments: tuple[str, ...], tmp_path: Path) -> None:
    lay_out(tmp_path, {"moc-hub": "hub"})
    done = report(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_tree_without_a_change_is_routine(tmp_path: Path) -> None:
    lay_out(tmp_path, {"moc-hub": "hub"})
    done = report(tmp_path)
    assert done.stdout.split("\n")[1] == "## 🟢 ROUTINE: a change on no cluster"
    assert changes.stable(done.stdout).count("…") > 0


def _replaced(old: str, new: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        path = root / "clusters/moc-cd.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return edit


def _copied(root: Path) -> None:
    shutil.copy(root / "clusters/moc-cd.yaml", root / "clusters/moc-cd2.yaml")


@pytest.mark.parametrize(
    ("edit", "name", "place"),
    [
        (_copied, "shared-cluster-id", "clusters/moc-cd2.yaml:3:12"),
        (_replaced("api.moc-cd.", "api.moc-test."), "shared-server", "clusters/moc-cd.yaml:2:9"),
        (_replaced("purpose: cd", "purpose: hub"), "second-hub", "clusters/moc-cd.yaml:1:10"),
        (_replaced("channel: stable-scos-4", "channel: fast-4.21"), "unknown-channel", "moc-cd.yaml:6:12"),
        (_replaced("  stream:", "  force: true\n  stream:"), "forced-update", "clusters/moc-cd.yaml:5:10"),
    ],
)
def test_files_that_are_no_fleet_are_reported_as_blocked(
    edit: Callable[[Path], None], name: str, place: str, tmp_path: Path
) -> None:
    lay_out(tmp_path, {"moc-hub": "hub", "moc-test": "test", "moc-cd": "cd"})
    edit(tmp_path)
    done = report(tmp_path)

    # Bad input, as for every other command.
    assert done.returncode == 2
    assert done.stdout.split("\n")[1] == "## 🔴 BLOCKED: a change that cannot be read as a fleet"
    refused = next(line for line in done.stdout.split("\n") if f"🔴 **{name}**" in line)
    assert place in refused
    assert " **Fix:** " in refused
    assert "### Undo" in done.stdout
    assert name in done.stderr


def test_json_of_files_that_are_no_fleet_has_the_findings(tmp_path: Path) -> None:
    lay_out(tmp_path, {"moc-hub": "hub", "moc-cd": "cd"})
    _copied(tmp_path)
    answer = json.loads(report(tmp_path, "--output=json").stdout)

    assert (answer["verdict"], answer["change"]) == ("BLOCKED", None)
    assert {finding["name"] for finding in answer["findings"]} == {"shared-cluster-id", "shared-server"}


def test_one_run_gives_the_text_and_the_page_of_a_change(tmp_path: Path) -> None:
    lay_out(tmp_path, CHANGES["bump"].clusters)
    CHANGES["bump"].edit(tmp_path)
    generate(tmp_path)
    done = report(tmp_path, "--html=page.html")
    text = (tmp_path / "page.html").read_text()

    assert done.stdout.split("\n")[1].startswith("## 🟢 ROUTINE: ")
    assert '<span class="names">moc-cd, moc-prod</span>' in text
    assert text.index(NEW) < text.index('id="waves"') < text.index('id="graph"') < text.index('id="streams"')


def test_a_page_is_written_over_no_file_of_another_kind(tmp_path: Path) -> None:
    lay_out(tmp_path, {"moc-hub": "hub"})
    file = tmp_path / "clusters/moc-hub.yaml"
    before = file.read_bytes()
    done = report(tmp_path, f"--html={file}", base="")

    assert (done.returncode, file.read_bytes()) == (2, before)
    assert "name a file that ends with .html" in done.stderr


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, {"moc-hub": "hub"})
    done = report(tmp_path, base="")

    assert (done.returncode, done.stdout) == (2, "")
    assert "add --base COMMIT, or --html FILE" in done.stderr
