"""Print figures about the code of the package, of one revision beside the work tree.

`make figures ARGS="--from REV"` answers how the code changed since a revision: how many modules lie at the
top, how dense lines are, how complex functions are, how many types a release takes on its way, and how often
a wave loads the fleet.
"""

import argparse
import ast
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "generator/okd_gitops"
COMPLEX = 10

# The classes of which one value is one release, on its way from an answer of a source to an open pull
# request, as FILE.CLASS. Names of earlier revisions stay, so that revisions can be compared.
CARRIERS = {
    "answer.Claim",
    "cross_check.Claim",
    "cross_check.Published",
    "cross_check.Release",
    "decide.Upgrade",
    "forge.Opened",
    "forge.Proposal",
    "moves.Move",
    "moves.Offer",
    "promotion.Candidate",
    "promotion.Decision",
    "published.Published",
    "published.Release",
    "pull_request_text.PullRequest",
    "pull_request_text.Row",
    "pull_requests.Opened",
    "pull_requests.Proposal",
    "pullrequest.PullRequest",
    "pullrequest.Row",
    "refusals.Decision",
    "release.Release",
    "rollout.Branch",
    "waves.Branch",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# Each of these is one more way through a function.
BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.Assert,
    ast.match_case,
)


@dataclass(frozen=True)
class Module:
    """A module of the package: its path below the package, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()


def in_folder(package: Path) -> list[Module]:
    """Return the modules below the folder of a package; an empty `__init__.py` is none."""
    modules = [
        Module(path.relative_to(package).as_posix(), path.read_text())
        for path in sorted(package.rglob("*.py"))
    ]
    return [module for module in modules if module.text.strip()]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield the functions and methods; what is defined in a function is part of it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        else:
            yield from functions(node)


def complexity(function: Function) -> int:
    """Return the cyclomatic complexity as radon counts it: with boolean operators and comprehensions."""
    ways = 1
    for node in ast.walk(function):
        if isinstance(node, BRANCHES):
            ways += 1
        elif isinstance(node, ast.BoolOp):
            ways += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            ways += 1 + len(node.ifs)
    return ways


def blank_lines(module: Module) -> tuple[int, int]:
    """Return how many lines of function bodies are blank, and how many lines these bodies have."""
    in_text = _lines_of_texts(module.tree)
    blank, total = 0, 0

    for function in functions(module.tree):
        numbers = range(function.body[0].lineno, (function.end_lineno or function.lineno) + 1)
        total += len(numbers)
        blank += sum(not module.lines[number - 1].strip() for number in numbers if number not in in_text)

    return blank, total


def _lines_of_texts(tree: ast.AST) -> set[int]:
    """Return the lines that texts span: a blank line inside a text is no pause between two steps."""
    in_text: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr):
            in_text.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))

    return in_text


def carriers(modules: Iterable[Module]) -> set[str]:
    """Return the classes of CARRIERS that a revision has."""
    classes = {
        f"{Path(module.path).stem}.{node.name}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    return classes & CARRIERS


def wide(modules: Iterable[Module], columns: int) -> int:
    """Return how many lines have more columns."""
    return sum(len(line) > columns for module in modules for line in module.lines)


def per(part: int, whole: int, unit: int = 1) -> str:
    """Return how many parts there are in a unit of the whole, with one digit."""
    return f"{unit * part / whole:.1f}" if whole else "-"


def figures(modules: Sequence[Module]) -> dict[str, str]:
    """Return the figures of a package by what they count."""
    at_the_top = [module for module in modules if "/" not in module.path and not module.path.startswith("__")]
    lines = sum(len(module.lines) for module in modules)

    return {
        "modules at the top of the package": str(len(at_the_top)),
        "modules": str(len(modules)),
        "lines": str(lines),
        **_density(modules, lines),
        "lines over 100 columns": str(wide(modules, 100)),
        "lines over 110 columns": str(wide(modules, 110)),
        **_effort(modules),
        "types that carry a release": str(len(carriers(modules))),
    }


def _density(modules: Iterable[Module], lines: int) -> dict[str, str]:
    """Return how much syntax the lines of the modules hold."""
    nodes = [node for module in modules for node in ast.walk(module.tree)]
    comprehensions = sum(isinstance(node, COMPREHENSIONS) for node in nodes)

    return {
        "syntax nodes": str(len(nodes)),
        "syntax nodes per line": per(len(nodes), lines),
        "comprehensions per 100 lines": per(comprehensions, lines, 100),
    }


def _effort(modules: Sequence[Module]) -> dict[str, str]:
    """Return what it takes to read a function: its pauses, and the ways through it."""
    counts = [blank_lines(module) for module in modules]
    blank = sum(blank_in_module for blank_in_module, _ in counts)
    total = sum(total_in_module for _, total_in_module in counts)
    complexities = [complexity(function) for module in modules for function in functions(module.tree)]

    return {
        "blank lines per 100 lines of functions": per(blank, total, 100),
        f"functions of a complexity above {COMPLEX}": str(sum(ways > COMPLEX for ways in complexities)),
    }


def loads(checkout: Path) -> str:
    """Return how often a wave of five clusters loads the fleet, with the code of a checkout."""
    command = [sys.executable, "-I", str(ROOT / "tools/fleet_loads.py"), str(checkout)]
    environment = {"OKD_GITOPS_CACHE": str(ROOT / ".cache"), **os.environ}
    completed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if completed.returncode:
        sys.stderr.write(completed.stderr)
        return "not measured"

    return completed.stdout.strip()


def unpack(revision: str, folder: Path) -> None:
    """Write the files of a revision into a folder; raises CalledProcessError where git does not have it."""
    command = ["git", "archive", "--format=tar", revision]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def measured(checkout: Path, *, with_loads: bool) -> dict[str, str]:
    """Return all figures of a checkout."""
    values = figures(in_folder(checkout / PACKAGE))
    if with_loads:
        values["loads of the fleet for a wave of five"] = loads(checkout)
    return values


def table(columns: dict[str, dict[str, str]]) -> str:
    """Return a table with a column for each checkout, by its heading."""
    names = next(iter(columns.values()))
    rows = [_row("", columns)]
    for name in names:
        rows.append(_row(name, [column[name] for column in columns.values()]))

    return "\n".join(rows)


def _row(name: str, values: Iterable[str]) -> str:
    return f"{name:<42}" + "".join(f"{value:>14}" for value in values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exits with 2 where there is no such revision."""
    parser = argparse.ArgumentParser(prog="make figures", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--from", dest="revision", metavar="REV", help="compare with this revision")
    parser.add_argument("--no-loads", action="store_true", help="leave out the loads, which take a minute")
    options = parser.parse_args(arguments)

    columns = {}
    with TemporaryDirectory() as folder:
        if options.revision:
            try:
                unpack(options.revision, Path(folder))
            except subprocess.CalledProcessError as error:
                sys.stderr.write(f"error: git has no {options.revision}: {error.stderr.decode().strip()}\n")
                return 2
            columns[options.revision[:12]] = measured(Path(folder), with_loads=not options.no_loads)
        columns["now"] = measured(ROOT, with_loads=not options.no_loads)

    print(table(columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
