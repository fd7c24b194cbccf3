"""The figures about the code: each counts what its name says, and a wave loads the fleet once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import figures
from conftest import CACHE, ROOT

CODE = """\
def simple(values: list[int]) -> list[int]:
    doubled = [2 * value for value in values]

    return doubled


class Kept:
    def branched(self, number: int) -> str:
        if number > 2 and number < 9:
            return "few"

        text = '''one

        two'''
        return text if number else ""
"""
MODULES = [
    figures.Module("top.py", CODE),
    figures.Module("__main__.py", "pass\n"),
    figures.Module("in/a.py", "x = 1\n"),
]


def test_modules_and_lines_are_counted() -> None:
    measured = figures.figures(MODULES)
    assert measured["modules at the top of the package"] == "1"
    assert (measured["modules"], measured["lines"]) == ("3", "17")
    assert measured["comprehensions per 100 lines"] == "5.9"


def test_syntax_nodes_are_those_of_ast() -> None:
    measured = figures.figures([figures.Module("a.py", "x = 1\ny = 2\n")])
    assert measured["syntax nodes"] == "9"
    assert measured["syntax nodes per line"] == "4.5"


@pytest.mark.parametrize(("width", "over"), [(100, "0 0"), (101, "1 0"), (110, "1 0"), (111, "1 1")])
def test_a_line_is_wide_above_the_limit(width: int, over: str) -> None:
    measured = figures.figures([figures.Module("a.py", f"#{'x' * (width - 1)}\n")])
    assert f"{measured['lines over 100 columns']} {measured['lines over 110 columns']}" == over


def test_blank_lines_of_texts_are_no_blank_lines() -> None:
    assert figures.blank_lines(figures.Module("a.py", CODE)) == (2, 10)


def test_complexity_counts_branches_operators_and_comprehensions() -> None:
    by_name = {function.name: figures.complexity(function) for function in figures.functions(MODULES[0].tree)}
    assert by_name == {"simple": 2, "branched": 4}


def test_a_function_in_a_function_is_part_of_it() -> None:
    nested = (
        "def outer():\n    def inner():\n        if 1:\n            pass\n    for _ in ():\n        pass\n"
    )
    (outer,) = figures.functions(figures.Module("a.py", nested).tree)
    assert figures.complexity(outer) == 3


def test_types_that_carry_a_release_are_named_with_their_module() -> None:
    carrier, other = "class Release:\n    pass\n", "class Release:\n    pass\nclass Other:\n    pass\n"
    modules = [figures.Module("releases/cross_check.py", carrier), figures.Module("fleet/cluster.py", other)]
    assert figures.carriers(modules) == {"cross_check.Release"}


def test_an_empty_module_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for path, text in {
        "__init__.py": "",
        "in/__init__.py": '"""What it holds."""\n',
        "in/a.py": "x = 1\n",
    }.items():
        (tmp_path / path).write_text(text)
    assert [module.path for module in figures.in_folder(tmp_path)] == ["in/__init__.py", "in/a.py"]


def test_an_unknown_revision_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert figures.main(["--no-loads", "--from", "no-such-revision"]) == 2
    assert "git has no no-such-revision" in capsys.readouterr().err


def test_the_table_has_a_column_for_each_revision() -> None:
    shown = figures.table({"abc": {"lines": "10"}, "now": {"lines": "12"}})
    assert [line.split() for line in shown.splitlines()] == [["abc", "now"], ["lines", "10", "12"]]


def test_a_wave_of_five_clusters_loads_the_fleet_once() -> None:
    command = [sys.executable, "-I", str(ROOT / "tools/fleet_loads.py"), str(ROOT)]
    environment = {**os.environ, "OKD_GITOPS_CACHE": str(CACHE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
