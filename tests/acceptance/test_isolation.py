"""Nothing in the working folder, in PYTHONPATH or in a relative folder of PATH is run: what is worked on
is data.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest

from conftest import CACHE, ROOT
from okd_gitops.cli.main import cli

# What our packages and we import, and what Python imports by itself. Python does not start where one of its
# own first modules is replaced.
PACKAGES = {path.name.removesuffix(".py") for path in (CACHE / "venv/lib").glob("python*/site-packages/*")}
MODULES = sorted(
    {name for name in PACKAGES if re.fullmatch(r"[a-z]\w*", name)}
    | {
        "json",
        "secrets",
        "subprocess",
        "pathlib",
        "tempfile",
        "hashlib",
        "logging",
        "typing",
        "argparse",
        "shutil",
        "signal",
        "traceback",
        "uuid",
    }
    | {
        "sitecustomize",
        "usercustomize",
        "okd_gitops",
        "setup",
        "schemas",
        "environment",
        "conftest",
        "golden",
    }
)
PROGRAMS = (
    *(
        "sh",
        "bash",
        "env",
        "dirname",
        "basename",
        "readlink",
        "pwd",
        "cat",
        "cp",
        "mv",
        "rm",
        "mkdir",
        "chmod",
        "date",
        "sed",
        "awk",
        "test",
        "echo",
    ),
    *(
        "printf",
        "head",
        "touch",
        "cksum",
        "tr",
        "flock",
        "python",
        "python3",
        "pip",
        "go",
        "gcc",
        "git",
        "kustomize",
        "kubeconform",
        "uv",
    ),
    *("pytest", "ruff", "mypy", "lint-imports", "okd-gitops", "controller-gen"),
)
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
COPIED = (
    "Makefile",
    "okd-gitops",
    "pyproject.toml",
    "fleet.yaml",
    "clusters",
    "bases",
    "overlays",
    "argocd",
    "generator",
    "tools",
    "requirements",
    "image",
)


class Hostile:
    """A checkout whose root holds a module of every name and a program of every name; each that runs
    leaves its name.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self.told = folder / "checkout", folder / "ran"
        self.root.mkdir()
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, self.root / name)
        (self.root / "tests/manifests").mkdir(parents=True)
        for name in ("conftest.py", "__main__.py", "frozen.py", "manifests/test_pattern.py"):
            shutil.copy2(ROOT / "tests" / name, self.root / "tests" / name)
        for name in MODULES:
            (self.root / f"{name}.py").write_text(f"open({str(self.told)!r}, 'a').write('{name}.py ')\n")
        for folder in (self.root, self.root / "bin"):
            folder.mkdir(exist_ok=True)
            for name in PROGRAMS:
                if not (folder / name).exists():
                    (folder / name).write_text(f"#!/bin/sh\necho '{name}' >>{self.told}\nexit 1\n")
                    (folder / name).chmod(0o755)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        paths = (".", "", "bin", str(self.root), str(self.root / "bin"), os.environ["PATH"])
        given = {
            **os.environ,
            "PATH": ":".join(paths),
            "PYTHONPATH": str(self.root),
            "PYTHONSTARTUP": "yaml.py",
            "CACHE": str(CACHE),
            **variables,
        }
        return subprocess.run(command, cwd=self.root, env=given, capture_output=True, text=True, check=False)

    def ran(self) -> str:
        """Return what ran, and forget it."""
        told = self.told.read_text() if self.told.exists() else ""
        self.told.unlink(missing_ok=True)
        return told


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    hostile = Hostile(tmp_path_factory.mktemp("hostile"))
    subprocess.run(["git", "init", "--quiet", str(hostile.root)], check=True)
    subprocess.run(
        ["git", "-C", str(hostile.root), "add", "fleet.yaml", "clusters", "bases", "overlays", "argocd"],
        check=True,
    )
    subprocess.run(
        [
            "git",
            "-C",
            str(hostile.root),
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "commit",
            "-qm",
            "x",
        ],
        check=True,
    )
    return hostile


@pytest.fixture
def hostile(made: Hostile) -> Hostile:
    made.ran()
    return made


def commands(group: click.Group, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return each command of the tool as its words."""
    found = []
    for name, command in group.commands.items():
        found.append((*before, name))
        if isinstance(command, click.Group):
            found.extend(commands(command, (*before, name)))
    return found


def test_the_folder_would_be_noticed(hostile: Hostile) -> None:
    hostile.run(sys.executable, "-c", "import yaml")
    assert {"sitecustomize.py", "yaml.py"} <= set(hostile.ran().split())
    hostile.run("git", "status")
    assert hostile.ran().strip() == "git"


def test_no_command_runs_a_program_of_the_working_folder(hostile: Hostile) -> None:
    real = [("generate", "--check"), ("check",), ("diff",), ("doctor",), ("explain",)]
    calls = [*((*words, "--help") for words in commands(cli)), *real]
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda words: hostile.run(str(hostile.root / "okd-gitops"), *words), calls))
    assert {
        words: (result.returncode, result.stderr)
        for words, result in zip(calls, done, strict=True)
        if result.returncode
    } == {}
    assert hostile.ran() == ""


@pytest.mark.parametrize("called", ["okd-gitops", "../checkout/okd-gitops"])
def test_the_script_may_be_called_in_any_way(hostile: Hostile, called: str) -> None:
    command = ("/bin/sh", called, "explain", "cd")
    assert hostile.run(*command).returncode == 0
    assert hostile.ran() == ""


def test_the_module_may_be_started_in_a_foreign_folder(hostile: Hostile, tmp_path: Path) -> None:
    # Without -I Python itself imports what PYTHONPATH offers as sitecustomize, before any code of ours;
    # nothing else of the folder is imported.
    for name in ("yaml", "click", "json", "git", "secrets", "traceback", "pydantic"):
        (tmp_path / f"{name}.py").write_text((hostile.root / f"{name}.py").read_text())
    given = {**os.environ, "PYTHONPATH": f"{ROOT / 'generator'}:{tmp_path}:."}
    done = subprocess.run(
        [sys.executable, "-m", "okd_gitops", "explain", "cd"],
        cwd=tmp_path,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, hostile.ran()) == (0, "", "")


def test_the_entry_point_of_the_image_runs_the_code_in_the_image(hostile: Hostile, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shutil.copy2(ROOT / "image/okd-gitops", tmp_path / "bin/okd-gitops")
    # The image's python lies beside the script; here a link to the environment's would look for its packages
    # in another place.
    (tmp_path / "bin/python").write_text(f'#!/bin/sh\nexec {CACHE}/venv/bin/python "$@"\n')
    (tmp_path / "bin/python").chmod(0o755)
    (tmp_path / "lib").symlink_to(ROOT / "generator")
    done = hostile.run(str(tmp_path / "bin/okd-gitops"), "explain", "cd")
    assert (done.returncode, done.stderr, hostile.ran()) == (0, "", "")


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("help", ()),
        ("generate", ()),
        ("check", ("ARGS=--help",)),
        ("diff", ("ARGS=--help",)),
        # With two workers, which are started by a package and not by us.
        ("test", ("-o", "lint", "ARGS=tests/manifests/test_pattern.py -p no:cacheprovider")),
    ],
)
def test_no_target_runs_a_program_of_the_checkout(
    hostile: Hostile, target: str, options: tuple[str, ...]
) -> None:
    done = hostile.run("/usr/bin/make", f"CACHE={CACHE}", *options, target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert hostile.ran() == ""


def test_every_target_starts_python_isolated_and_modules_with_the_interpreter(hostile: Hostile) -> None:
    done = hostile.run("/usr/bin/make", f"CACHE={CACHE}", "--dry-run", *TARGETS)
    assert done.returncode == 0, done.stderr
    assert len(re.findall("venv/bin/python -I ", done.stdout)) >= len(TARGETS) - len(
        ("help", "lock", "clean")
    )
    assert re.findall(r"\S*python3? (?!-I )", done.stdout) == []
    assert re.findall(r"venv/bin/(?!python )\S+", done.stdout) == []
    assert hostile.ran() == ""
