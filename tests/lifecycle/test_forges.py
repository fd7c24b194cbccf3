"""`init --forge`: a repository that is green at once, and whose CI does what its file says.

The steps of the CI files run here as they stand, in a shell, on a real merge; `pip` alone is a stand-in,
which writes down what it is asked for.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import CACHE, ROOT
from okd_gitops import __version__
from okd_gitops.errors import UsageError
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.init import FORGES, init

URL = "https://forge.example.org/acme/okd/fleet.git"
CONDITIONS = {
    "github.event_name == 'push'": False,
    "github.event_name == 'pull_request'": True,
    "always() && github.event_name == 'pull_request'": True,
}


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )

    return done.stdout.strip()


def start(root: Path, forge: str) -> None:
    """Make a repository with a forge, and commit it to main; `origin` is itself, as a clone would have it."""
    root.mkdir()
    init(root, forge, URL)
    generate(root)
    git(root, "init", "-q", "--initial-branch=main")
    git(root, "remote", "add", "origin", str(root))
    git(root, "add", "--all")
    git(root, "commit", "-qm", "start")


def merge(root: Path, path: str, old: str, new: str) -> None:
    """Edit a file on a branch, and check out what a merge of it into main gives."""
    git(root, "switch", "-qc", "change")
    (root / path).write_text((root / path).read_text().replace(old, new))
    git(root, "commit", "-qam", "change")
    git(root, "switch", "-q", "--detach", "main")
    git(root, "merge", "-q", "--no-ff", "-m", "merge", "change")


def programs(folder: Path) -> Path:
    """Make a folder with okd-gitops as it is here, and a pip that writes down what it is asked for."""
    folder.mkdir()
    tool = f'exec "{sys.executable}" -I "{ROOT}/generator" --cache "{CACHE}" "$@"'

    for name, line in (
        ("okd-gitops", tool),
        ("pip", f'echo "$@" >>"{folder}/asked"; cat "$3" >>"{folder}/asked"'),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)

    return folder


def run(root: Path, folder: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script of a CI as that does: in bash, which stops at the first failure."""
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(folder),
        "CI": "true",
        "RUNNER_TEMP": str(folder),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        **variables,
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]

    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def steps(root: Path) -> Iterator[dict[str, Any]]:
    """Yield the steps of the workflow that a pull request has."""
    workflow = yaml.safe_load((root / ".github/workflows/check.yaml").read_text())

    for step in workflow["jobs"]["check"]["steps"]:
        if "run" in step and ("if" not in step or CONDITIONS[step["if"]]):
            yield step


@pytest.mark.parametrize("forge", FORGES)
def test_each_forge_gets_its_own_files_and_no_word_is_left(forge: str, tmp_path: Path) -> None:
    written = init(tmp_path, forge, URL)
    texts = {path: (tmp_path / path).read_text() for path in written if not path.startswith("schemas/")}

    assert {
        "Makefile",
        "README.md",
        ".gitignore",
        ".pre-commit-config.yaml",
        "clusters/sample-cd.yaml",
    } <= texts.keys()
    assert (".gitlab-ci.yml" in texts) == (forge == "gitlab")
    assert (".github/workflows/check.yaml" in texts) == (forge == "github")
    assert [path for path, text in texts.items() if "VERSION" in text] == []
    assert [path for path, text in texts.items() if "REVISION" in text] == []
    assert f"okd-gitops=={__version__}\n" in texts["requirements.txt"]
    assert f'requires: "{__version__}"' in texts["fleet.yaml"]
    owners = texts[f".{forge}/CODEOWNERS"].splitlines()[1:]
    assert {line.split()[1] for line in owners} == {"@acme/okd/platform-team"}
    yaml.safe_load(texts[".pre-commit-config.yaml"])


def test_a_change_on_github_is_checked_and_reported_as_the_workflow_says(tmp_path: Path) -> None:
    start(root := tmp_path / "fleet", "github")
    merge(root, "requirements.txt", __version__, "9.9.9")
    folder = programs(tmp_path / "bin")
    done = {step["name"]: run(root, folder, step["run"]) for step in steps(root)}

    assert {name: result.returncode for name, result in done.items()} == dict.fromkeys(done, 0), done
    assert "Check the change" in done
    assert "ROUTINE" in (folder / "summary").read_text()
    assert "<h1>What happens if this is merged</h1>" in (root / "report.html").read_text()
    # The change cannot bring its own judge.
    asked = (folder / "asked").read_text()
    assert f"okd-gitops=={__version__}" in asked
    assert "9.9.9" not in asked


def test_the_exit_code_of_the_tool_arrives(tmp_path: Path) -> None:
    folder = programs(tmp_path / "bin")
    (folder / "okd-gitops").write_text("#!/bin/sh\nexit 3\n")
    start(root := tmp_path / "fleet", "github")
    (other := tmp_path / "other").mkdir()
    init(other, "gitlab", URL)
    by_name = {step["name"]: step["run"] for step in steps(root)}
    job = yaml.safe_load((other / ".gitlab-ci.yml").read_text())["check"]
    script = "\n".join(["base=main", *job["script"]])

    for name in ("Get the tools", "Check the change", "Report the change"):
        assert run(root, folder, by_name[name]).returncode == 3
    assert run(root, folder, script, CI_MERGE_REQUEST_IID="7").returncode == 3
    assert run(root, folder, script).returncode == 3


def test_a_change_on_gitlab_is_checked_and_reported_as_the_job_says(tmp_path: Path) -> None:
    start(root := tmp_path / "fleet", "gitlab")
    merge(root, "README.md", "A fleet", "The fleet")
    job = yaml.safe_load((root / ".gitlab-ci.yml").read_text())["check"]
    script = "\n".join([*job["before_script"], *job["script"]]).replace("/tmp/", f"{tmp_path}/")
    variables = {"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    done = run(root, programs(tmp_path / "bin"), script, **variables)

    assert done.returncode == 0, done.stderr
    assert "ROUTINE" in (root / "report.md").read_text()
    assert (root / "report.html").is_file()


def test_the_workflow_that_may_write_checks_nothing_out_and_puts_no_foreign_word_into_a_script(
    tmp_path: Path,
) -> None:
    init(tmp_path, "github", URL)
    workflow = yaml.safe_load((tmp_path / ".github/workflows/comment.yaml").read_text())
    (job,) = workflow["jobs"].values()

    assert [step for step in job["steps"] if "uses" in step] == []
    assert [step["name"] for step in job["steps"] if "${{" in step["run"]] == []
    checking = yaml.safe_load((tmp_path / ".github/workflows/check.yaml").read_text())
    assert checking["permissions"] == {"contents": "read"}
    # YAML 1.1 reads the key `on` as a truth.
    assert "pull_request_target" not in checking[True]


@pytest.mark.parametrize(
    "address", ["http://example.org/x.git", "https://user:secret@example.org/x.git", "x\nhub: y"]
)
def test_an_address_that_argo_cd_does_not_take_writes_nothing(address: str, tmp_path: Path) -> None:
    with pytest.raises(FindingsError):
        init(tmp_path, "github", address)

    assert list(tmp_path.iterdir()) == []


def test_a_repository_that_has_one_of_the_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("mine")

    with pytest.raises(UsageError, match="Makefile exists already"):
        init(tmp_path, "gitlab", URL)

    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]
