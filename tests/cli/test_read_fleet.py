"""Commands that only read the fleet read a cluster file as YAML once, until it changes; in CI each time."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import own_cache
from okd_gitops.cli.main import cli
from okd_gitops.fleet import kept_documents
from okd_gitops.manifests.read import Document, read
from rendered import commit_fleet

AT = "2026-11-28T12:00:00Z"
COMMANDS = [
    f"status --at={AT}",
    f"cluster list --at={AT}",
    "explain moon",
    "explain moon DaemonSet/generic-device-plugin spec",
    "secrets --cluster=moon",
    f"release plan --offline --at={AT}",
    f"release list --offline --at={AT}",
    "commit --dry-run",
    f"report --html=page.html --at={AT}",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "fleet"
    commit_fleet(root)
    return root


@pytest.fixture
def read_as_yaml(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list to which each file of a cluster is added that is read as YAML."""
    files: list[str] = []

    def noted(file: str, data: bytes) -> Document:
        files.append(file)
        return read(file, data)

    monkeypatch.setattr(kept_documents, "read", noted)
    return files


def test_a_file_that_did_not_change_is_not_read_as_yaml_again(
    root: Path, tmp_path: Path, read_as_yaml: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = own_cache(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(command: str) -> tuple[str, list[str]]:
        read_as_yaml.clear()
        words = ["--quiet", "--root", str(root), "--cache", str(cache), *command.split()]
        result = CliRunner().invoke(cli, words)
        # Without records, no release can be told.
        assert not result.exception or command.startswith("release"), command
        clusters = [file for file in read_as_yaml if file.startswith("clusters/")]
        return result.output, sorted(clusters)

    every = [f"clusters/{name}.yaml" for name in ("hub", "moon", "star")]
    outputs: dict[str, str] = {}
    for command in COMMANDS:
        _, read_first = run(command)
        assert read_first == ([] if outputs else every), command
        outputs[command], read_again = run(command)
        assert read_again == [], command

    with monkeypatch.context() as in_ci:
        in_ci.setenv("CI", "true")
        for command, output in outputs.items():
            assert run(command) == (output, every), command

    file = root / "clusters/moon.yaml"
    file.write_text(f"{file.read_text()}    image: example.org/plugin@sha256:{'1' * 64}\n")
    assert run("explain moon")[1] == ["clusters/moon.yaml"]
    assert "sha256:1111" in run("explain moon")[0]
