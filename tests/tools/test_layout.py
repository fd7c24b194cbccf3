"""Where tests are: each package has its folder, and no test rests on another test."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from conftest import ROOT

TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
PROGRAMS = sorted(set((ROOT / "tests").rglob("*.py")) - set(TESTS))
# tests/fleet is the frozen example fleet, so the package `fleet` has its tests in fleet_package.
OTHER_FOLDERS = {"acceptance", "catalog", "fleet_package", "tools"}


def imported_modules(path: Path) -> set[str]:
    """Return the modules that a module imports, in any of its lines."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
        elif isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
    return modules


@pytest.mark.parametrize("path", [*TESTS, *PROGRAMS], ids=lambda path: path.name)
def test_a_test_is_imported_by_nothing(path: Path) -> None:
    assert not imported_modules(path) & {test.stem for test in TESTS}


def test_modules_of_tests_have_different_names() -> None:
    uses = Counter(path.name for path in [*TESTS, *PROGRAMS])
    assert [name for name, number in uses.items() if number > 1] == []


def test_folders_of_tests_are_those_of_the_packages() -> None:
    packages = {init.parent.name for init in (ROOT / "generator/okd_gitops").glob("*/__init__.py")}
    folders = {path.parent.name for path in TESTS if path.parent != ROOT / "tests"}
    assert folders - OTHER_FOLDERS <= packages


def test_what_lies_beside_tests_is_used_in_its_folder_alone() -> None:
    beside = {path.stem: path.parent for path in PROGRAMS if path.parent != ROOT / "tests"}
    strangers = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in [*TESTS, *PROGRAMS]
        for name in imported_modules(path) & beside.keys()
        if path.parent != beside[name]
    ]
    assert strangers == []
