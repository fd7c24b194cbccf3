"""`init --forge`: a repository that is green at once, and whose CI does what its file says.

The steps of the CI files run here as they stand, in a shell, on a real merge; `pip` alone is a stand-in,
which writes down what it is asked for.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import CACHE, ROOT
from okd_gitops import __version__
from okd_gitops.check.change.judge_change import change_since
from okd_gitops.check.check import check
from okd_gitops.cli.endings import EndedError
from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.finding import FindingsError
from okd_gitops.lifecycle.init import FORGES, init
from okd_gitops.lifecycle.place import place_of
from okd_gitops.report.pull_request_text import MARKER
from small_wheel import small_wheel

URL = "https://forge.massopen.cloud/acme/okd/fleet.git"
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


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_wheel(tmp_path_factory.mktemp("wheel")))


def start(root: Path, forge: str, wheel: str) -> None:
    """Make a repository with a forge, and commit it to main; `origin` is itself, as a clone would have it."""
    root.mkdir()
    init(root, forge, URL, wheel)
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
        ("pip", f'echo "$@" >>"{folder}/asked"; cat "$4" >>"{folder}/asked"; ls tool >>"{folder}/asked"'),
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
        "BASE": "HEAD^1",
        "GITHUB_WORKSPACE": str(root),
        "CI_PROJECT_DIR": str(root),
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
def test_each_forge_gets_its_own_files_and_no_word_is_left(forge: str, tmp_path: Path, wheel: str) -> None:
    written = init(tmp_path, forge, URL, wheel).files
    texts = {
        path: (tmp_path / path).read_text() for path in written if not path.startswith(("schemas/", "tool/"))
    }

    assert {
        "Makefile",
        "README.md",
        ".gitignore",
        ".pre-commit-config.yaml",
        "clusters/sample-cd.yaml",
    } <= texts.keys()
    assert (".gitlab-ci.yml" in texts) == (forge == "gitlab")
    assert (".github/workflows/check.yaml" in texts) == (forge == "github")
    assert [path for path, text in texts.items() if "REVISION" in text] == []
    assert f'requires: "{__version__}"' in texts["fleet.yaml"]
    owners = [line.split() for line in texts[f".{forge}/CODEOWNERS"].splitlines()[1:]]
    assert {team for _, team in owners} == {"@acme/okd/platform-team"}
    # Whoever judges, and whoever owns, is owned too.
    ci = {"github": {"/.github/"}, "gitlab": {"/.gitlab-ci.yml", "/.gitlab/"}}[forge]
    assert {path for path, _ in owners} == {
        *("/fleet.yaml", "/clusters/", "/catalog/", "/requirements.txt", "/tool/"),
        *ci,
    }
    yaml.safe_load(texts[".pre-commit-config.yaml"])


def test_a_new_repository_is_green_and_its_hub_syncs_itself(tmp_path: Path, wheel: str) -> None:
    started = init(tmp_path, "github", URL, wheel)
    findings = check(tmp_path, CACHE, today=date(2026, 11, 29), say=lambda _text: None).findings

    assert [finding for finding in findings if finding.severity == "error"] == []
    assert started.generated is not None
    assert started.generated.drift.put
    application = yaml.safe_load((tmp_path / "argocd/hub/application.yaml").read_text())
    assert application["spec"]["source"] == {
        "repoURL": URL,
        "targetRevision": "main",
        "path": "overlays/hub",
    }
    assert application["spec"]["destination"]["name"] == "in-cluster"
    assert git(tmp_path, "symbolic-ref", "--short", "HEAD") == "main"


def test_every_package_of_the_ci_has_a_hash_and_the_tool_lies_in_the_repository(
    tmp_path: Path, wheel: str
) -> None:
    init(tmp_path, "gitlab", URL, wheel)
    text = (tmp_path / "requirements.txt").read_text()
    (copy,) = (tmp_path / "tool").iterdir()

    assert copy.read_bytes() == Path(wheel).read_bytes()
    assert f"./tool/{copy.name} \\\n    --hash=sha256:{sha256(copy.read_bytes()).hexdigest()}\n" in text
    requirements = [line for line in text.splitlines() if line and line[0] not in " #"]
    assert len(requirements) > 10
    assert [line for line in requirements if not line.endswith("\\")] == []


def test_an_address_is_named_with_its_hash(tmp_path: Path) -> None:
    named = f"https://wheels.massopen.cloud/okd_gitops-{__version__}-py3-none-any.whl"
    init(tmp_path, "github", URL, f"{named}#sha256={'a' * 64}")

    text = (tmp_path / "requirements.txt").read_text()
    assert f"okd-gitops @ {named} \\\n    --hash=sha256:{'a' * 64}\n" in text
    assert not (tmp_path / "tool").exists()


@pytest.mark.parametrize(
    "named",
    [
        "",
        "https://x.org/okd_gitops-0.1.0-py3-none-any.whl",
        f"https://x.org/okd_gitops-9.9-py3-none-any.whl#sha256={'a' * 64}",
        "other-1.0-py3-none-any.whl",
        "/nonexistent/okd_gitops-0.1.0-py3-none-any.whl",
    ],
)
def test_what_ci_could_not_install_or_verify_writes_nothing(named: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"wheel|packages of 9\.9"):
        init(tmp_path, "github", URL, named)

    assert list(tmp_path.iterdir()) == []


def test_a_change_on_github_is_checked_and_reported_as_the_workflow_says(tmp_path: Path, wheel: str) -> None:
    start(root := tmp_path / "fleet", "github", wheel)
    merge(root, "requirements.txt", __version__, "9.9.9")
    folder = programs(tmp_path / "bin")
    done = {step["name"]: run(root, folder, step["run"]) for step in steps(root)}

    # The wheel that it names is not there.
    codes = {name: result.returncode for name, result in done.items()}
    assert codes == {**dict.fromkeys(done, 0), "Check the change": 1}, done
    assert "tool/okd_gitops-9.9.9-py3-none-any.whl is not there" in done["Check the change"].stderr
    assert "requirements.txt" in (folder / "summary").read_text()
    assert "<h1>What happens if this is merged</h1>" in (root / "report.html").read_text()
    # The change cannot bring its own judge.
    asked = (folder / "asked").read_text()
    assert f"./tool/okd_gitops-{__version__}-py3-none-any.whl" in asked
    assert asked.endswith(f"\nokd_gitops-{__version__}-py3-none-any.whl\n")
    assert "9.9.9" not in asked


def test_the_exit_code_of_the_tool_arrives(tmp_path: Path, wheel: str) -> None:
    folder = programs(tmp_path / "bin")
    (folder / "okd-gitops").write_text("#!/bin/sh\nexit 3\n")
    start(root := tmp_path / "fleet", "github", wheel)
    (other := tmp_path / "other").mkdir()
    init(other, "gitlab", URL, wheel)
    by_name = {step["name"]: step["run"] for step in steps(root)}
    job = yaml.safe_load((other / ".gitlab-ci.yml").read_text())["check"]
    script = "\n".join(["base=main", *job["script"]])

    for name in ("Get the tools", "Check the change", "Report the change"):
        assert run(root, folder, by_name[name]).returncode == 3
    assert run(root, folder, script, CI_MERGE_REQUEST_IID="7").returncode == 3
    assert run(root, folder, script).returncode == 3


def test_a_change_on_gitlab_is_checked_and_reported_as_the_job_says(tmp_path: Path, wheel: str) -> None:
    start(root := tmp_path / "fleet", "gitlab", wheel)
    merge(root, "README.md", "A fleet", "The fleet")
    job = yaml.safe_load((root / ".gitlab-ci.yml").read_text())["check"]
    script = "\n".join([*job["before_script"], *job["script"]]).replace("/tmp/", f"{tmp_path}/")
    variables = {"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    done = run(root, programs(tmp_path / "bin"), script, **variables)

    assert done.returncode == 0, done.stderr
    assert "ROUTINE" in (root / "report.md").read_text()
    assert (root / "report.html").is_file()


def test_a_change_on_gitlab_brings_no_program_that_ci_runs(tmp_path: Path, wheel: str) -> None:
    start(root := tmp_path / "fleet", "gitlab", wheel)
    git(root, "branch", "base")
    (brought := root / ".cache/okd-gitops/bin/kustomize").parent.mkdir(parents=True)
    brought.write_text("#!/bin/sh\n")
    (root / "tool" / "other.txt").write_text("x")
    git(root, "add", "--force", "--all")
    git(root, "commit", "-qm", "change")
    job = yaml.safe_load((root / ".gitlab-ci.yml").read_text())["check"]
    done = run(root, folder := programs(tmp_path / "bin"), job["before_script"][0])

    assert done.returncode == 1
    assert "git has files in .cache" in done.stdout
    assert not (folder / "asked").exists()
    now = datetime(2026, 11, 29, tzinfo=UTC)
    edits = change_since(root, CACHE, "base", Records(), now=now).trust_edits
    assert [edit.place.file for edit in edits] == ["tool/other.txt", ".cache/okd-gitops/bin/kustomize"]


def test_the_workflow_that_may_write_checks_nothing_out_and_puts_no_foreign_word_into_a_script(
    tmp_path: Path, wheel: str
) -> None:
    init(tmp_path, "github", URL, wheel)
    workflow = yaml.safe_load((tmp_path / ".github/workflows/comment.yaml").read_text())
    (job,) = workflow["jobs"].values()

    assert [step for step in job["steps"] if "uses" in step] == []
    assert [step["name"] for step in job["steps"] if "${{" in step["run"]] == []
    checking = yaml.safe_load((tmp_path / ".github/workflows/check.yaml").read_text())
    assert checking["permissions"] == {"contents": "read"}
    # YAML 1.1 reads the key `on` as a truth.
    assert "pull_request_target" not in checking[True]


GH = """#!/bin/sh
printf '%s\\n' "$*" >>"{folder}/asked"
case "$*" in
*/pulls*) echo 7 ;;
*/comments*--jq*) while [ "$1" != --jq ]; do shift; done; jq --raw-output "$2" "{folder}/comments" ;;
esac
"""
COMMENTS = {
    "none": ([], "--method POST repos/acme/fleet/issues/7/comments"),
    "a person's with the same first line": (
        [{"id": 1, "user": {"login": "eve"}, "body": MARKER}],
        "--method POST repos/acme/fleet/issues/7/comments",
    ),
    "another workflow's": (
        [{"id": 2, "user": {"login": "github-actions[bot]"}, "body": "coverage"}],
        "--method POST repos/acme/fleet/issues/7/comments",
    ),
    "its own before another one": (
        [
            {"id": 3, "user": {"login": "github-actions[bot]"}, "body": f"{MARKER}\n## old"},
            {"id": 4, "user": {"login": "github-actions[bot]"}, "body": "coverage"},
        ],
        "--method PATCH repos/acme/fleet/issues/comments/3",
    ),
}


@pytest.mark.parametrize("there", COMMENTS)
def test_the_workflow_writes_its_own_comment_anew_and_no_other(
    there: str, tmp_path: Path, wheel: str
) -> None:
    init(tmp_path, "github", URL, wheel)
    comments, wanted = COMMENTS[there]
    (folder := tmp_path / "bin").mkdir()
    (folder / "comments").write_text(json.dumps(comments))
    (folder / "gh").write_text(GH.format(folder=folder))
    (folder / "gh").chmod(0o755)
    (folder / "report").mkdir()
    (folder / "report/report.md").write_text(f"{MARKER}\n## new")
    (job,) = yaml.safe_load((tmp_path / ".github/workflows/comment.yaml").read_text())["jobs"].values()
    step = next(step for step in job["steps"] if step["name"] == "Write the comment")
    variables = {"REPOSITORY": "acme/fleet", "HEAD": "acme:x", "COMMIT": "c", "MARK": job["env"]["MARK"]}
    done = run(tmp_path, folder, step["run"], **variables)

    assert done.returncode == 0, done.stderr
    written = [line for line in (folder / "asked").read_text().splitlines() if "--method GET" not in line]
    assert [line for line in written if wanted in line] == written[-1:]


USERS, NOTE = '{"id": 5}', {"id": 1, "author": {"id": 5}, "body": f"{MARKER}\n## old"}
NOTES = {
    "none": ([], "POST"),
    "another one's with the same first line": ([{**NOTE, "author": {"id": 6}}], "POST"),
    "its own": ([{**NOTE, "id": 2, "body": "x"}, NOTE], "PUT"),
}


@pytest.mark.parametrize("there", NOTES)
def test_the_job_on_gitlab_writes_its_own_note_anew_and_no_other(
    there: str, tmp_path: Path, wheel: str
) -> None:
    init(tmp_path, "gitlab", URL, wheel)
    notes, method = NOTES[there]
    (folder := tmp_path / "bin").mkdir()
    (folder / "notes").write_text(json.dumps(notes))
    curl = f"""#!/bin/sh
echo "$*" >>{folder}/asked
case "$*" in */user) echo '{USERS}' ;; *sort=asc*) cat {folder}/notes ;; esac
"""
    (folder / "curl").write_text(curl)
    (folder / "curl").chmod(0o755)
    job = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())["check"]
    script = next(line for line in job["script"] if "REPORT_TOKEN" in line).replace("/tmp/", f"{tmp_path}/")
    variables = {
        "REPORT_TOKEN": "t",
        "CI_API_V4_URL": "https://x/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
    }
    done = run(tmp_path, folder, script, **variables)

    assert done.returncode == 0, done.stderr
    last = (folder / "asked").read_text().splitlines()[-1]
    assert f"--request {method}" in last
    assert last.endswith("/merge_requests/7/notes" + ("/1" if method == "PUT" else ""))


@pytest.mark.parametrize(
    "address", ["http://example.org/x.git", "https://user:secret@example.org/x.git", "x\nhub: y"]
)
def test_an_address_that_argo_cd_does_not_take_writes_nothing(
    address: str, tmp_path: Path, wheel: str
) -> None:
    with pytest.raises(FindingsError):
        init(tmp_path, "github", address, wheel)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("git@github.com:acme/fleet.git", "https://github.com/acme/fleet.git"),
        ("https://bot:secret@github.com/acme/fleet.git", "https://github.com/acme/fleet.git"),
        ("ssh://git@git.acme.io:2222/fleet.git", "ssh://git@git.acme.io:2222/fleet.git"),
    ],
)
def test_the_address_and_the_branch_are_those_of_the_clone(
    remote: str, address: str, tmp_path: Path, wheel: str
) -> None:
    git(tmp_path, "init", "-q", "--initial-branch=trunk")
    git(tmp_path, "remote", "add", "origin", remote)
    init(tmp_path, "github", wheel=wheel)

    fleet = yaml.safe_load((tmp_path / "fleet.yaml").read_text())
    assert (fleet["repository"], fleet["revision"]) == (address, "trunk")
    assert "branches: [trunk]" in (tmp_path / ".github/workflows/check.yaml").read_text()


@pytest.mark.parametrize("remote", ["", "/srv/git/fleet.git"])
def test_without_an_address_init_asks_for_one_and_writes_nothing(
    remote: str, tmp_path: Path, wheel: str
) -> None:
    if remote:
        git(tmp_path, "init", "-q")
        git(tmp_path, "remote", "add", "origin", remote)

    with pytest.raises(UsageError) as caught:
        init(tmp_path, "github", wheel=wheel)

    assert "--repository https://" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ([".git"] if remote else [])


def test_a_folder_inside_another_repository_is_refused(tmp_path: Path, wheel: str) -> None:
    git(tmp_path, "init", "-q")
    (inside := tmp_path / "fleet").mkdir()

    with pytest.raises(UsageError, match="lies inside the git repository"):
        init(inside, "github", URL, wheel)

    assert list(inside.iterdir()) == []


@pytest.mark.parametrize("name", ["Makefile", "requirements.txt"])
def test_a_repository_that_has_one_of_the_files_is_left_alone(name: str, tmp_path: Path, wheel: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(UsageError, match=f"{name} exists already") as caught:
        init(tmp_path, "gitlab", URL, wheel)

    assert f"mv {name} away" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_short_form_of_ssh_is_read_as_that_of_a_remote(tmp_path: Path) -> None:
    assert (
        place_of(tmp_path, "git@github.com:acme/fleet.git").repository == "https://github.com/acme/fleet.git"
    )


def test_what_a_forge_writes_into_a_new_repository_stays(tmp_path: Path, wheel: str) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".gitignore").write_text("*.swp\n/.cache/")
    started = init(tmp_path, "github", URL, wheel)

    assert (tmp_path / "README.md").read_text() == "mine"
    assert (tmp_path / started.steps).read_text().startswith("# A fleet of OKD clusters\n")
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines == ["*.swp", "/.cache/", "/.okd-gitops/", "/report.html", "/report.md"]


def test_an_init_that_is_ended_while_it_generates_can_run_again(
    tmp_path: Path, wheel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_root: Path) -> None:
        raise EndedError(143)

    with monkeypatch.context() as patched:
        patched.setattr("okd_gitops.lifecycle.init.generate", ended)
        with pytest.raises(EndedError):
            init(tmp_path, "github", URL, wheel)

    assert list(tmp_path.iterdir()) == []
    assert init(tmp_path, "github", URL, wheel).generated is not None


def test_a_fleet_is_not_started_again(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("")

    with pytest.raises(UsageError, match="this is a fleet") as caught:
        init(tmp_path)

    assert "cluster new" in caught.value.remedy


def test_folders_that_hold_something_are_left_to_be_adopted_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "overlays/shop").mkdir(parents=True)
    (tmp_path / "overlays/shop/kustomization.yaml").write_text("resources: []\n")

    assert init(tmp_path, repository=URL).generated is None
    assert not (tmp_path / "argocd").exists()
