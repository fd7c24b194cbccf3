"""The core imports only what is listed here, and has no other way to the world outside.

import-linter forbids modules by name, sees only folders with `__init__.py`, and not what is imported by text.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT

PACKAGE = ROOT / "generator/okd_gitops"
# Only these reach the world outside; `cli` ends the process, and Click is its own.
OUTSIDE_THE_CORE = ("system", "gate", "cli", "catalog", "__main__.py")

PURE = [
    "base64",
    "binascii",
    "collections",
    "concurrent.futures",
    "contextlib",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fnmatch",
    "functools",
    "graphlib",
    "hashlib",
    "html",
    "itertools",
    "json",
    "math",
    "pathlib",
    "posixpath",
    "re",
    "shlex",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
    "zlib",
    "okd_gitops",
    "pydantic",
    "pydantic_core",
    "pysequoia",
    "yaml",
]
# What one module alone may import, and why.
EXCEPTIONS = {
    ("manifests/plain.py", "sys"): "intern: many files have the same keys",
    ("manifests/sound_values.py", "sys"): "intern: many files have the same keys",
    ("manifests/objects.py", "sys"): "intern: many objects are of one kind",
    ("check/kept_file.py", "sys"): "intern: overlays have most folders in common",
    ("check/rule_set.py", "importlib"): "the rules are the modules of a folder",
    ("check/overlay.py", "sys"): "a fact of many overlays is one text in memory",
    ("check/kept_overlay.py", "weakref"): "an object is held as long as somebody uses it",
    ("check/rule_set.py", "traceback"): "a rule with a bug is named by its place",
    ("check/rule_set.py", "pkgutil"): "the rules are the modules of a folder",
    ("report/page/page.py", "jinja2"): "the templates of the page",
    ("report/page/page.py", "markdown_it"): "the sentences of pull requests as HTML",
    ("report/page/page.py", "markupsafe"): "what is HTML already",
    ("check/build.py", "os"): "the number of processors",
    ("check/judge.py", "time"): "the seconds of each step, for the report",
    ("check/check.py", "time"): "the seconds of each step, for the report",
}
# Methods of paths that change the disk, and functions that import or run a text.
FORBIDDEN_METHODS = {
    "import_module", "mkdir", "popen", "rmdir", "symlink_to", "system", "touch", "unlink", "write_bytes",
    "write_text",
}  # fmt: skip
FORBIDDEN_NAMES = {"__import__", "compile", "eval", "exec", "open"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the name of each imported module, at the top of the file and in functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def faults(path: str, text: str) -> list[str]:
    """Return what a module of the core must not contain."""
    tree = ast.parse(text)
    imports = [name for name in imported(tree) if not is_allowed(path, name)]
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES]
    methods = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_METHODS
    ]
    if (path, "importlib") in EXCEPTIONS:
        methods = [name for name in methods if name != "import_module"]

    return [*imports, *names, *methods]


def is_allowed(path: str, name: str) -> bool:
    return (path, name) in EXCEPTIONS or any(name == pure or name.startswith(f"{pure}.") for pure in PURE)


def core() -> dict[str, str]:
    """Return the text of each module of the core by its path."""
    paths = [path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts]
    texts = {path.relative_to(PACKAGE).as_posix(): path.read_text() for path in paths}
    return {path: text for path, text in texts.items() if path.split("/")[0] not in OUTSIDE_THE_CORE}


def test_the_core_imports_only_what_is_listed() -> None:
    assert {path: found for path, text in core().items() if (found := faults(path, text))} == {}


def test_every_exception_is_used() -> None:
    modules = core()
    unused = [(path, name) for path, name in EXCEPTIONS if name not in imported(ast.parse(modules[path]))]
    assert unused == []


@pytest.mark.parametrize(
    "text",
    [
        "import urllib.request",
        "def load():\n    import requests",
        "from ftplib import FTP",
        "import importlib\nimportlib.import_module('urllib3')",
        "__import__('socket')",
        "import os\nos.system('true')",
        "from pathlib import Path\nPath('x').write_text('y')",
        "open('x', 'w')",
    ],
)
def test_another_way_to_the_world_outside_is_refused(text: str) -> None:
    assert faults("upgrade/decide.py", text) != []


def test_a_core_module_with_listed_imports_passes() -> None:
    assert faults("upgrade/decide.py", "from dataclasses import dataclass\nimport okd_gitops.finding") == []


def test_every_folder_with_modules_is_a_package_that_import_linter_sees() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [folder for folder in folders if not Path(folder, "__init__.py").exists()] == []
