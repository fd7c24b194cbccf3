"""How a command that is given bad input ends: JSON where it was asked for, and nothing said of what it never
does.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conftest import Run, git
from okd_gitops.cli.main import cli
from okd_gitops.errors import UsageError

# What each command that has JSON is given, in a fleet with a misspelled purpose; where it reads no cluster
# file, the input itself is bad.
BAD_INPUT = {
    "bootstrap": (),
    "check": (),
    "cluster expire": (),
    "cluster list": (),
    "cluster new": ("moc-new", "--purpose", "test"),
    "cluster register": ("--account", "nowhere"),
    "cluster remove": ("moc-test",),
    "cluster tried": ("4.22.0-okd-scos.0",),
    "cluster try": (),
    "commit": (),
    "diff": ("--base", "nothing"),
    "doctor": (),
    "explain": ("moc-cd", "ClusterVersion/version", "spec.channel"),
    "generate": (),
    "import": ("nowhere",),
    "release adopt": ("moc-test",),
    "release list": (),
    "release observe": (),
    "release plan": (),
    "release promote": (),
    "release record": (),
    "release replay": ("nowhere",),
    "release show": ("4.22.0-okd-scos.0",),
    "release update": ("--remote", "nowhere"),
    "release verify": ("4.22.0-okd-scos.0",),
    "report": ("--base", "HEAD"),
    "secrets": ("--cluster", "moc-test"),
    "serve gate": (),
    "status": (),
    "tool-update": ("nowhere",),
}
WRITING = {
    *("cluster expire", "cluster new", "cluster register", "cluster remove", "cluster try"),
    *("commit", "generate", "import", "init"),
    *("release adopt", "release observe", "release promote", "release record", "release update"),
}


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def has_json(command: click.Command) -> bool:
    return any(parameter.name == "output" for parameter in command.params)


@pytest.fixture
def broken(repo: Path) -> Path:
    """A fleet with a cluster file that cannot be read as one."""
    path = repo / "clusters/moc-test.yaml"
    path.write_text(path.read_text().replace("purpose: test", "purpose: tset"))
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "add", "--all")
    git(repo, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message=start")
    return repo


def test_the_table_has_every_command_that_has_json() -> None:
    assert sorted(name for name, command in commands(cli) if has_json(command)) == sorted(BAD_INPUT)


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_told_as_json_too(name: str, broken: Path, okd_gitops: Run) -> None:
    # The doctor takes no input but the folder.
    options = ("--root", str(broken / "nowhere")) if name == "doctor" else ()
    done = okd_gitops("--quiet", *options, *name.split(), "--output", "json", *BAD_INPUT[name])
    told = json.loads(done.stdout)

    assert done.returncode == 2, done.stderr
    assert told.get("error") or [finding["reason"] for finding in told["findings"]]
    assert done.stderr


def test_a_check_that_cannot_read_the_fleet_writes_its_findings_as_sarif(
    broken: Path, tmp_path: Path, okd_gitops: Run
) -> None:
    file = tmp_path / "out.sarif"
    done = okd_gitops("--quiet", "check", "--sarif", str(file))
    (run,) = json.loads(file.read_text())["runs"]
    (place,) = run["results"][0]["locations"]

    assert done.returncode == run["invocations"][0]["exitCode"] == 2
    assert not run["invocations"][0]["executionSuccessful"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "clusters/moc-test.yaml"


@pytest.mark.parametrize("option", ["--select=x", "--ignore=x", "--baseline=x", "--write-baseline=x"])
def test_a_fleet_is_judged_whole(option: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["--root", str(tmp_path), "check", option])

    assert isinstance(done.exception, UsageError)
    assert "are for a FOLDER" in done.exception.reason


@pytest.mark.parametrize("command", [("check",), ("report", "--html=x.html")])
def test_an_unset_variable_is_no_base(command: tuple[str, ...], tmp_path: Path) -> None:
    """`--base "$BASE"` in CI would else judge no change, and pass."""
    done = CliRunner().invoke(cli, ["--root", str(tmp_path), *command, "--base", ""])

    assert isinstance(done.exception, UsageError)
    assert done.exception.reason == "--base names no commit"


def test_a_finding_in_json_has_its_place(broken: Path, okd_gitops: Run) -> None:
    told = json.loads(okd_gitops("--quiet", "status", "--output", "json").stdout)
    places = [(each["location"]["file"], each["location"]["line"]) for each in told["findings"]]

    assert (told["kind"], told["exitCode"], told["error"]) == ("Failure", 2, None)
    assert places == [("clusters/moc-test.yaml", 3)]


def test_without_json_nothing_is_printed_as_a_result(broken: Path, okd_gitops: Run) -> None:
    assert okd_gitops("status").stdout == ""


@pytest.mark.parametrize("name", ["check", "generate", "commit", "status", "secrets"])
def test_only_a_command_that_writes_tells_that_nothing_was_written(
    name: str, broken: Path, okd_gitops: Run
) -> None:
    done = okd_gitops(name, *BAD_INPUT[name])

    assert done.returncode == 2
    assert ("nothing was written" in done.stderr) == (name in WRITING)
