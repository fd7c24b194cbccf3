"""Findings beside the lines of a change, on GitHub and on GitLab, and the examples of CI in the docs."""

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from conftest import CACHE, ROOT
from kustomizations import write
from okd_gitops.cli.check import check
from okd_gitops.cli.main import cli
from okd_gitops.finding import Finding, Location, Severity, finding_of
from okd_gitops.report.annotations import below, code_quality, github

DOCUMENT = (ROOT / "docs/repositories-of-others.md").read_text()


def finding(reason: str, file: str = "a.yaml", line: int = 3, severity: Severity | None = None) -> Finding:
    place = Location(file=file, line=line, column=5 if line else 0)
    return finding_of("schema-violation", place, reason, "mend it", severity=severity)


def test_a_command_of_github_names_file_line_and_finding() -> None:
    found = [finding("wrong"), finding("odd", line=0, severity=Severity.WARNING)]
    assert list(github(found)) == [
        "::error file=a.yaml,title=schema-violation,line=3,col=5::wrong. Fix: mend it",
        "::warning file=a.yaml,title=schema-violation::odd. Fix: mend it",
    ]


def test_no_text_of_a_repository_is_a_command_of_its_own_or_a_password() -> None:
    (line,) = github(
        [finding("a\n::set-output name=x::100%, https://u:s3cret@x.org", "a,b:c\n::error::.yaml")]
    )

    assert "\n" not in line
    assert line.startswith("::error file=a%2Cb%3Ac?%3A%3Aerror%3A%3A.yaml,title=")
    assert "100%25" in line
    assert "s3cret" not in line


def test_a_report_of_code_quality_has_what_gitlab_asks_for() -> None:
    entries = json.loads(code_quality([finding("wrong"), finding("wrong"), finding("wrong", line=0)]))
    moved = json.loads(code_quality([finding("wrong", line=9)]))

    assert entries[0] == {
        "description": "wrong. Fix: mend it",
        "check_name": "schema-violation",
        "fingerprint": entries[0]["fingerprint"],
        "severity": "major",
        "location": {"path": "a.yaml", "lines": {"begin": 3}},
    }
    assert entries[2]["location"]["lines"] == {"begin": 1}
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    assert moved[0]["fingerprint"] == entries[0]["fingerprint"]


def test_files_are_named_from_the_folder_in_which_a_ci_works() -> None:
    assert [each.location.file for each in below([finding("a")], "deploy/x")] == ["deploy/x/a.yaml"]
    assert [each.location.file for each in below([finding("a")], "")] == ["a.yaml"]


def test_check_annotates_and_writes_in_one_run_and_json_stays_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "k", {"kustomization.yaml": b"resources: [none.yaml]\n"})
    monkeypatch.chdir(tmp_path)
    options = ["-o", "json", "--github", "--code-quality", "q.json", "--sarif", "s.sarif"]
    done = CliRunner().invoke(cli, ["--quiet", "--cache", str(CACHE), "check", "k", *options])

    assert json.loads(done.stdout)["errors"] == 1
    assert done.stderr.splitlines()[0].startswith(
        "::error file=k/kustomization.yaml,title=broken-kustomization"
    )
    assert json.loads(Path("q.json").read_text())[0]["location"]["path"] == "k/kustomization.yaml"
    assert '"uri": "k/kustomization.yaml"' in Path("s.sarif").read_text()


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_the_examples_of_ci_call_options_that_there_are(forge: str) -> None:
    block = re.search(rf"<!-- {forge} -->\n```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block
    job = next(iter((yaml.safe_load(block[1]).get("jobs") or yaml.safe_load(block[1])).values()))
    steps = [step.get("run", "") for step in job["steps"]] if forge == "github" else job["script"]
    (command,) = [step for step in steps if "okd-gitops check" in step]

    known = {name for parameter in check.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", command)) <= known
    assert ("--github" in command) == (forge == "github")
    if forge == "gitlab":
        assert job["artifacts"]["reports"]["codequality"] in command
