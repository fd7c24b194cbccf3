"""The contracts of imports in pyproject.toml: what breaks them is refused, and they cover every package."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable

import pytest

from conftest import ROOT

Lint = Callable[[dict[str, str]], subprocess.CompletedProcess[str]]
RUN = """\
from importlinter.cli import lint_imports_command
lint_imports_command(["--no-cache", "--no-logo", "--config", "pyproject.toml"])
"""
# What only `cli` (click), `system` and `gate` (the others) may import, at the top or in a function.
OUTSIDE = [
    "click",
    "git",
    "http.client",
    "kubernetes",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "urllib3",
]
CORE = ["upgrade/decide.py", "manifests/read.py", "finding.py"]
# An import that one contract each forbids.
ORDER = [
    ("manifests/read.py", "okd_gitops.fleet.cluster"),
    ("fleet/cluster.py", "okd_gitops.upgrade.decide"),
    ("upgrade/decide.py", "okd_gitops.cli.main"),
    ("gate/decide.py", "okd_gitops.finding"),
    ("system/forge.py", "subprocess"),
    ("check/rules/placeholder.py", "okd_gitops.check.rules.forced_update"),
]


def module(path: str) -> str:
    """Return the name of the module in a file of the package."""
    return "okd_gitops." + path.removesuffix(".py").replace("/", ".")


@pytest.fixture(scope="module")
def lint(tmp_path_factory: pytest.TempPathFactory) -> Lint:
    """Run the contracts over a copy of the package with text at the ends of some of its modules."""

    def run(additions: dict[str, str]) -> subprocess.CompletedProcess[str]:
        folder = tmp_path_factory.mktemp("copy")
        shutil.copy2(ROOT / "pyproject.toml", folder)
        shutil.copytree(
            ROOT / "generator/okd_gitops", folder / "okd_gitops", ignore=shutil.ignore_patterns("catalog")
        )
        for path, text in additions.items():
            with (folder / "okd_gitops" / path).open("a") as file:
                file.write(text)

        command = [sys.executable, "-c", RUN]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def refusal(lint: Lint) -> str:
    """What the contracts answer when every forbidden import is there at once."""
    at_the_top = "".join(f"import {name}\n" for name in OUTSIDE)
    in_a_function = "def _load() -> None:\n" + "".join(f"    import {name}\n" for name in OUTSIDE)
    additions = {path: in_a_function if path == "finding.py" else at_the_top for path in CORE}
    for path, name in ORDER:
        additions[path] = f"import {name}\n" + additions.get(path, "")

    result = lint(additions)
    assert result.returncode == 1, result.stdout + result.stderr
    # Lines are wrapped at 80 columns.
    return " ".join(result.stdout.split())


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("path", CORE)
def test_a_core_module_cannot_reach_the_world_outside(refusal: str, path: str, name: str) -> None:
    assert f"{module(path)} -> {name.partition('.')[0]} (l." in refusal


@pytest.mark.parametrize(("path", "name"), ORDER)
def test_an_import_against_the_order_is_refused(refusal: str, path: str, name: str) -> None:
    assert f"{module(path)} -> {name} (l." in refusal


def test_a_circle_inside_a_package_is_refused(lint: Lint) -> None:
    result = lint({"manifests/read.py": "import okd_gitops.manifests.model\n"})
    assert result.returncode == 1
    assert "No modules import each other in a circle, also inside a package BROKEN" in result.stdout


def test_an_import_that_follows_the_order_is_accepted(lint: Lint) -> None:
    result = lint({"upgrade/decide.py": "import okd_gitops.manifests.read\nimport json\n"})
    assert (result.returncode, result.stderr) == (0, "")
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("contract", "exempt"),
    [
        ("Click is used by cli alone", {"cli"}),
        ("The world outside is reached by system and gate alone", {"system", "gate"}),
    ],
)
def test_a_contract_covers_every_package_and_module_but_those_it_names(
    contract: str, exempt: set[str]
) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (covered,) = [set(each["source_modules"]) for each in settings["contracts"] if each["name"] == contract]

    package = ROOT / "generator/okd_gitops"
    names = {path.parent.name for path in package.glob("*/__init__.py")}
    names |= {path.stem for path in package.glob("[!_]*.py")}
    assert covered == {f"okd_gitops.{name}" for name in names - exempt}
