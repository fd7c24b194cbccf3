"""What a shell completes: asked as Click's completion scripts ask, without a process for each question."""

from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from conftest import git
from okd_gitops.cli.main import cli

RECORDED = ("4.21.0-okd-scos.0", "4.21.0-okd-scos.11", "4.22.0-okd-scos.0")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two clusters, a tag, and a branch of records."""
    root = tmp_path_factory.mktemp("completion")
    files = (
        *("fleet.yaml", "clusters/moc-cd.yaml", "clusters/moc-test.yaml"),
        *(f"releases/{version}.yaml" for version in RECORDED),
    )

    for name in files:
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x: 1\n")

    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message=start")
    git(root, "branch", "records")
    git(root, "tag", "merged")

    return root


def completed(*words: str) -> list[str]:
    """Return what the last word is completed to."""
    *before, incomplete = words
    shell = ShellComplete(cli, {}, "okd-gitops", "_OKD_GITOPS_COMPLETE")

    return [item.value for item in shell.get_completions(before, incomplete)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("cluster", "remove", ""), ["moc-cd", "moc-test"]),
        (("release", "adopt", "moc-t"), ["moc-test"]),
        (("release", "observe", "moc-cd", "moc-t"), ["moc-test"]),
        (("diff", "--cluster", "moc-c"), ["moc-cd"]),
        (("release", "show", "4.21"), list(RECORDED[:2])),
        (("release", "show", "--records", "main", "4.22"), list(RECORDED[2:])),
        (("release", "show", "--records", "nowhere", "4.22"), []),
        (("cluster", "try", "4.22"), list(RECORDED[2:])),
        (("release", "update", "--to", "4.22"), list(RECORDED[2:])),
        (("cluster", "new", "x", "--release", "4.22"), list(RECORDED[2:])),
        (("check", "--ignore", "floating-i"), ["floating-image"]),
        (("check", "--base", ""), ["HEAD", "main", "merged", "records"]),
        (("diff", "--base", "me"), ["merged"]),
        (("report", "--base", "ma"), ["main"]),
        (("status", "--records", "re"), ["records"]),
        (("explain", "moc-c"), ["moc-cd"]),
        (("explain", "okd-ver"), ["okd-version"]),
        (("explain", "floating-i"), ["floating-image"]),
    ],
    ids=" ".join,
)
def test_names_that_exist_are_completed(
    words: tuple[str, ...], expected: list[str], clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone / "clusters")

    assert completed(*words) == expected


def test_root_is_followed(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert completed("--root", str(clone), "cluster", "remove", "") == ["moc-cd", "moc-test"]
    assert completed("--root", str(clone), "diff", "--base", "me") == ["merged"]


@pytest.mark.parametrize(
    "words", [("release", "show", ""), ("cluster", "remove", ""), ("diff", "--base", "")], ids=" ".join
)
def test_outside_of_a_repository_nothing_is_completed_and_nothing_fails(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert completed(*words) == []


def parameters(group: click.Group) -> list[tuple[str, click.Parameter]]:
    """Return every parameter of every command with the command's name."""
    found: list[tuple[str, click.Parameter]] = []

    for name, command in group.commands.items():
        inside = parameters(command) if isinstance(command, click.Group) else []
        found += inside or [(name, parameter) for parameter in command.params]

    return found


def test_whatever_takes_a_cluster_a_version_or_a_reference_completes_it() -> None:
    taking = [
        (command, parameter)
        for command, parameter in parameters(cli)
        if str(parameter.metavar).strip("[].") in ("CLUSTER", "GLOB", "VERSION", "REF", "COMMIT")
    ]
    lacking = [(command, each.name) for command, each in taking if each._custom_shell_complete is None]

    assert len(taking) > 20
    assert lacking == []
