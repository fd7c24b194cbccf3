"""What a repository of others needs to live with the check: ignore comments, a baseline, a base, SARIF.

Findings are values here; one repository in real git goes through the command line.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conftest import CACHE, ROOT, commit, git
from kustomizations import write
from okd_gitops.check.baseline import known_findings, read_baseline, write_baseline
from okd_gitops.check.ignore_comments import without_ignored
from okd_gitops.check.ledger import Blocked, Ledger
from okd_gitops.check.same_finding import key_of
from okd_gitops.cli.main import cli
from okd_gitops.errors import UsageError
from okd_gitops.finding import Finding, Location, finding_of

TODAY = date(2026, 1, 31)
IGNORE = "# okd-gitops: ignore schema-violation until 2026-01-31 because the cluster goes in May"

# In the form of argo-cd v3.3, pkg/apis/application/v1alpha1.
APPLICATION = b"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: default
  source: {repoURL: %s, path: nowhere}
  destination: {name: in-cluster, namespace: shop}
"""
POD = b"""apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
    - name: web
      image: registry.example.org/web:1
      resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}
"""


def violation(line: int, reason: str = "/: additional properties 'dat' not allowed") -> Finding:
    return finding_of("schema-violation", Location(file="a.yaml", line=line, column=1), reason)


def judged(text: str, *lines: int) -> tuple[list[tuple[str, int]], int]:
    """Return what counts in a.yaml with violations on those lines, and how much is hidden."""
    found = [violation(line) for line in lines]
    counted, hidden = without_ignored(found, {"a.yaml": text.encode()}, {"a.yaml"}, TODAY)
    return [(finding.name, finding.location.line) for finding in counted], len(hidden)


@pytest.mark.parametrize("text", [f"a: b {IGNORE}\n", f"{IGNORE}\na: b\n", f"{IGNORE}\r\na: b\r\n"])
def test_a_whole_comment_hides_the_finding_on_its_line_or_the_next(text: str) -> None:
    line = 1 if text.startswith("a") else 2
    assert judged(text, line) == ([], 1)


def test_a_finding_about_a_whole_file_is_hidden_from_its_first_line() -> None:
    assert judged(f"{IGNORE}\n", 0) == ([], 1)


COMMENTS = {
    "no end": ("# okd-gitops: ignore schema-violation because of May", "incomplete-ignore"),
    "no reason": ("# okd-gitops: ignore schema-violation until 2026-05-01", "incomplete-ignore"),
    "an empty reason": (
        "# okd-gitops: ignore schema-violation until 2026-05-01 because ",
        "incomplete-ignore",
    ),
    "no name": ("# okd-gitops: ignore until 2026-05-01 because of May", "incomplete-ignore"),
    "no such day": (IGNORE.replace("01-31", "02-30"), "incomplete-ignore"),
    "no such finding": (IGNORE.replace("violation", "violatoin"), "incomplete-ignore"),
    "what judges comments": (IGNORE.replace("schema-violation", "expired-ignore"), "incomplete-ignore"),
    "past its day": (IGNORE.replace("01-31", "01-30"), "expired-ignore"),
}


@pytest.mark.parametrize("name", COMMENTS)
def test_a_comment_that_does_not_hold_is_a_finding_and_hides_nothing(name: str) -> None:
    comment, fault = COMMENTS[name]
    assert judged(f"a: b {comment}\n", 1) == ([("schema-violation", 1), (fault, 1)], 0)


def test_a_comment_that_hides_nothing_is_told_with_the_nearest_line() -> None:
    counted, hidden = without_ignored([violation(3)], {"a.yaml": f"{IGNORE}\n".encode()}, {"a.yaml"}, TODAY)

    assert [finding.name for finding in counted] == ["schema-violation", "unused-ignore"]
    assert counted[1].reason.endswith("the nearest one is on line 3")
    assert hidden == []


def test_a_comment_is_not_unused_in_a_file_that_was_not_judged() -> None:
    assert without_ignored([], {"a.yaml": IGNORE.encode()}, set(), TODAY) == ([], [])


def test_words_that_are_no_comment_and_other_files_count_for_nothing() -> None:
    files = {"a.yaml": IGNORE.replace("# ", "a#").encode(), "b.md": IGNORE.encode()}
    assert without_ignored([], files, set(files), TODAY) == ([], [])


def test_a_baseline_excuses_each_finding_once_wherever_it_moved(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, [violation(9, "b"), violation(3)])
    first = path.read_bytes()
    write_baseline(path, [violation(3), violation(9, "b")])

    assert path.read_bytes() == first
    known, gone = known_findings([violation(5), violation(6)], read_baseline(path))
    assert known == (violation(5),)
    assert gone == (key_of(violation(9, "b")),)


def test_a_baseline_holds_no_password(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, [violation(1, "https://user:s3cret@git.example.org is refused")])

    assert "s3cret" not in path.read_text()
    assert read_baseline(path) == Counter(
        [key_of(violation(1, "https://user:s3cret@git.example.org is refused"))]
    )


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{"name": "a"}]}', "[" * 9999],
)
def test_another_file_is_no_baseline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)

    with pytest.raises(UsageError, match="is no baseline"):
        read_baseline(path)


def test_a_baseline_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no baseline"):
        read_baseline(tmp_path / "none.json")


def config(name: str, key: str = "data", value: str = "b") -> bytes:
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\n"
    return f"{head}{key}: {{a: {value}}}\n".encode()


def run(root: Path, *options: str) -> Result:
    return CliRunner().invoke(
        cli, ["--quiet", "--cache", str(CACHE), "check", str(root), "-o", "json", *options]
    )


def places(result: Result, key: str) -> list[str]:
    return [
        f"{each['location']['file']}:{each['location']['line']}" for each in json.loads(result.output)[key]
    ]


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A repository in git with three faults, two of them in one file."""
    root = tmp_path / "theirs"
    write(
        root,
        {
            "kustomization.yaml": b"resources: [a.yaml, b.yaml]\n",
            "a.yaml": config("a", "dat") + b"---\n" + config("b", "dat"),
            "b.yaml": config("c", "dat"),
        },
    )
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    return root


def test_with_a_base_only_what_the_change_brought_or_touched_counts(theirs: Path) -> None:
    # One object brought, one moved by it, and one edited; b.yaml stays.
    objects = (config("d", "dat"), config("a", "dat"), config("b", "dat", "c"))
    write(theirs, {"a.yaml": b"---\n".join(objects)})
    before = git(theirs, "status", "--porcelain")
    result = run(theirs, "--base", "HEAD")

    assert result.exit_code == 1
    assert places(result, "findings") == ["a.yaml:1", "a.yaml:11"]
    assert places(result, "older") == ["a.yaml:6", "b.yaml:1"]
    assert git(theirs, "status", "--porcelain") == before


def test_a_change_that_mends_something_passes_with_what_was_there_before(theirs: Path) -> None:
    write(theirs, {"b.yaml": config("c")})
    result = run(theirs, "--base", "main")

    assert result.exit_code == 0
    assert places(result, "older") == ["a.yaml:1", "a.yaml:6"]


def test_the_base_knows_the_addresses_of_the_clone(tmp_path: Path) -> None:
    # No path of the Application exists: only the remote tells that its URL is that of this repository.
    root, url = tmp_path / "theirs", "https://git.example.org/shop.git"
    write(
        root, {"web.yaml": APPLICATION % url.encode(), "other/kustomization.yaml": b"resources: [a.yaml]\n"}
    )
    write(root, {"other/a.yaml": config("a")})
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "remote", "add", "origin", url)
    commit(root)
    write(root, {"other/a.yaml": config("a", value="c")})
    result = run(root, "--base", "HEAD")

    assert places(result, "older") == ["web.yaml:6"]
    assert places(result, "findings") == []


@pytest.mark.parametrize("base", ["nothing", "--upload-pack=x"])
def test_a_base_that_is_not_there_is_told_and_written_as_sarif(
    theirs: Path, tmp_path: Path, base: str
) -> None:
    file = tmp_path / "out.sarif"
    result = run(theirs, f"--base={base}", "--sarif", str(file))
    invocation = json.loads(file.read_text())["runs"][0]["invocations"][0]

    assert isinstance(result.exception, UsageError)
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)


def test_a_baseline_counts_only_what_is_new_and_tells_what_is_gone(theirs: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "baseline.json")
    assert run(theirs, "--write-baseline", file).exit_code == 0

    write(
        theirs,
        {"b.yaml": config("c"), "a.yaml": (theirs / "a.yaml").read_bytes() + b"---\n" + config("e", "dat")},
    )
    result = run(theirs, "--baseline", file)
    told = json.loads(result.output)["baseline"]

    assert result.exit_code == 1
    assert places(result, "findings") == ["a.yaml:11"]
    assert len(told["known"]) == 2
    assert [entry["file"] for entry in told["gone"]] == ["b.yaml"]


def test_what_could_not_be_judged_is_not_gone(theirs: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "baseline.json")
    run(theirs, "--write-baseline", file)
    write(theirs, {"b.yaml": b"a: [\n"})
    told = json.loads(run(theirs, "--baseline", file).output)

    assert [each["name"] for each in told["findings"]] == ["not-yaml"]
    assert told["baseline"]["gone"] == []


def test_two_runs_say_the_same_bytes(theirs: Path) -> None:
    # Every root has the same Pod, which can never start.
    write(theirs, {"shared/kustomization.yaml": b"resources: [pod.yaml]\n", "shared/pod.yaml": POD})
    write(theirs, {f"{name}/kustomization.yaml": b"resources: [../shared, x.yaml]\n" for name in "pqrs"})
    write(theirs, {f"{name}/x.yaml": config(name, "dat") for name in "pqrs"})
    command = [sys.executable, "-m", "okd_gitops", "--quiet", "--cache", str(CACHE), "check", str(theirs)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
    runs = {
        subprocess.run(
            [*command, "-o", "json"],
            env={**environment, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=False,
        ).stdout
        for seed in ("0", "1")
    }

    (told,) = runs
    (pod,) = [each for each in json.loads(told)["findings"] if each["name"] == "impossible-pod"]
    assert pod["clusters"] == ["p", "q", "r", "s"]


def test_where_nothing_was_judged_sarif_says_so(tmp_path: Path) -> None:
    file = tmp_path / "out.sarif"
    write(tmp_path / "theirs", {"a.txt": b""})
    result = run(tmp_path / "theirs", "--sarif", str(file))
    invocation = json.loads(file.read_text())["runs"][0]["invocations"][0]

    assert result.exit_code == invocation["exitCode"] == 4
    assert not invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"]


def test_a_cause_that_blocks_several_roots_is_told_once() -> None:
    blocked = tuple(Blocked(f"r{number}", "it is no YAML") for number in range(8))
    reasons = {f"r{number}/a.yaml": f"blocked: r{number} could not be judged" for number in range(8)}
    reasons["c/values.yaml"] = "part of a chart: helm is not run"
    lines = list(Ledger(blocked=blocked, unjudged=reasons).lines())

    assert lines == [
        "not judged: r0, r1, r2, r3, r4, r5 and 2 more: it is no YAML",
        "9 YAML files: 0 judged by 0 roots, 8: blocked, 1: part of a chart: helm is not run",
    ]
