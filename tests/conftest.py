"""What the tests share: an isolated environment, the caches of this checkout, and a repository to work in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import HealthCheck, settings

from frozen import DAY, lay_out
from okd_gitops.manifests.objects import FixedObject

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("OKD_GITOPS_CACHE", ROOT / ".cache")).resolve()
Run = Callable[..., subprocess.CompletedProcess[str]]
# The same examples in every run, and no limit of time on any: what is green stays green, on any day and on a
# slow machine.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    # The suite must end within half an hour on two cores; a property that needs more asks for it.
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")
# Tests write rendered objects again, to change one or to judge it by another program.
yaml.SafeDumper.add_representer(FixedObject, yaml.SafeDumper.represent_dict)


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine decides a test: git identity, color, proxies, the tool's own
    variables, the day.
    """
    for name in list(os.environ):
        if name.startswith(("GIT_", "OKD_GITOPS_", "NO_COLOR", "FORCE_COLOR")) or name.lower().endswith(
            "_proxy"
        ):
            monkeypatch.delenv(name)
    identity = {
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    # What is kept goes by the bytes of every input and of the tool: many tests check the same fleet.
    monkeypatch.delenv("CI", raising=False)

    for name, value in {
        **identity,
        **DAY,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def short() -> Iterator[Path]:
    """A folder for temporary files with a path that the socket of gpg's agent fits in: 107 characters are
    all it gets.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the example fleet, generated; to read, not to change."""
    root = tmp_path_factory.mktemp("generated")
    lay_out(root)
    return root


@pytest.fixture
def repo(tmp_path: Path, generated: Path) -> Path:
    """A repository of one's own with the example fleet, generated."""
    return shutil.copytree(generated, tmp_path / "repo")


@pytest.fixture
def okd_gitops(repo: Path) -> Run:
    """Run the command line in the repository, as a process of its own."""

    def run(*arguments: str, cwd: Path = repo, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator"), **variables}
        command = [sys.executable, "-m", "okd_gitops", "--cache", str(CACHE), *arguments]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

    return run


def git(root: Path, *arguments: str) -> str:
    """Run the real git in a folder and return what it prints."""
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def commit(root: Path) -> None:
    """Commit everything in a repository."""
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x")


def files(root: Path) -> dict[str, bytes]:
    """Return every generated file below a repository."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("argocd", "bases", "overlays")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }
