"""Mutants: change the modules on which a long-term cluster depends, one expression at a time, and see
whether a test notices.

mutmut makes the mutants and runs the tests of a group on each. A mutant that survives must be in
`surviving_mutants.yaml` with a reason: the lines of the change and why no test can or must notice it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "okd_gitops"
SURVIVORS = Path(__file__).parent / "surviving_mutants.yaml"
# What must be killed of each hundred mutants.
LEAST = 90
# The exit codes that mutmut notes for a mutant: no test failed, and no test ran it.
_SURVIVED, _UNTESTED = 0, 33


@dataclass(frozen=True, slots=True)
class Group:
    """Modules of the package that are mutated together, and the tests that must notice."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    # Tests that are too slow to run on each mutant, as pytest -k names them.
    without: str = ""


_OF_UPGRADES = (
    "tests/upgrade/test_refusals.py",
    "tests/upgrade/test_adoption.py",
    "tests/upgrade/test_path.py",
    "tests/upgrade/test_holds.py",
)
_OF_EVIDENCE = (
    "tests/evidence/test_conclude.py",
    "tests/evidence/test_health.py",
    "tests/evidence/test_pools.py",
    "tests/evidence/test_recorded.py",
)
GROUPS = {
    "refusals": Group(("upgrade/refusals.py", "upgrade/standing.py", "upgrade/question.py"), _OF_UPGRADES),
    "promotion": Group(
        ("upgrade/earlier_waves.py", "upgrade/observation.py", "upgrade/adoption.py", "upgrade/edges.py"),
        _OF_UPGRADES,
    ),
    "signatures": Group(
        ("releases/trust/signature.py", "releases/trust/signed_text.py", "releases/trust/keyring.py"),
        ("tests/releases/test_signature.py", "tests/upgrade/test_signing_keys.py"),
    ),
    "evidence": Group(
        ("evidence/health.py", "evidence/pools.py", "evidence/acceptance.py", "evidence/conclude.py"),
        _OF_EVIDENCE,
    ),
    "journal": Group(
        ("system/journal.py", "system/recovery.py", "system/swap.py"),
        ("tests/system/test_journal.py",),
        without="before_each_operation or before_any_operation",
    ),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of one function: the lines before and after it, without indentation."""

    function: str
    before: str
    after: str


def run(names: list[str]) -> bool:
    """Mutate the groups and print what survived; returns whether enough was killed and the rest is known."""
    accepted = _accepted()
    killed = made = 0
    unknown: list[Mutant] = []

    for name in names:
        start = time.monotonic()
        results, survivors = _mutated(GROUPS[name])
        new = [mutant for mutant in survivors if mutant not in accepted]
        dead = len(results) - len(survivors)

        print(
            f"mutants of {name}: {len(results)} made, {dead} killed, {len(survivors) - len(new)} survive "
            f"with a reason, {len(new)} without, {time.monotonic() - start:.0f} s",
            flush=True,
        )
        made, killed, unknown = made + len(results), killed + dead, unknown + new

    for mutant in unknown:
        print(f"  survived in {mutant.function}\n    - {mutant.before}\n    + {mutant.after}", flush=True)

    share = 100 * killed / made if made else 0
    print(f"mutants: {made} made, {share:.1f} % killed, at least {LEAST} % must be", flush=True)

    return share >= LEAST


def _accepted() -> set[Mutant]:
    entries = yaml.safe_load(SURVIVORS.read_text())

    return {Mutant(entry["function"], entry["before"], entry["after"]) for entry in entries}


def _mutated(group: Group) -> tuple[dict[str, int], list[Mutant]]:
    """Return the exit code of the tests on each mutant, and the mutants that no test noticed."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        _lay_out(folder, group)
        _mutmut(folder, "run", "--max-children", "2")

        results: dict[str, int] = {}

        for notes in (folder / "mutants" / PACKAGE).rglob("*.meta"):
            results |= json.loads(notes.read_text())["exit_code_by_key"]

        alive = [mutant for mutant, code in results.items() if code in (_SURVIVED, _UNTESTED)]

        return results, [_mutant(folder, mutant) for mutant in alive]


def _lay_out(folder: Path, group: Group) -> None:
    """Copy the package beside the tests: mutmut wants modules below its own folder."""
    ignored = shutil.ignore_patterns("__pycache__", "mutants")
    shutil.copytree(ROOT / "generator" / PACKAGE, folder / PACKAGE, ignore=ignored)

    for copied in ("tests", "tools", "clusters", "docs"):
        shutil.copytree(ROOT / copied, folder / copied, ignore=ignored)

    for file in ("fleet.yaml", "README.md"):
        shutil.copy(ROOT / file, folder / file)

    project = (ROOT / "pyproject.toml").read_text()
    paths = 'pythonpath = ["generator", "tools", "tests"]'
    assert paths in project
    (folder / "pyproject.toml").write_text(
        project.replace(paths, 'pythonpath = [".", "tools", "tests"]') + _settings(group)
    )


def _settings(group: Group) -> str:
    modules = [f"{PACKAGE}/{module}" for module in group.modules]
    options = ["--confcutdir", "tests", "-p", "no:cacheprovider", "-p", "no:xdist", "-q"]

    if group.without:
        options += ["-k", f"not ({group.without})"]

    copied = ["tests/", "tools/", "clusters/", "docs/", "fleet.yaml", "README.md", "pyproject.toml"]

    return f"""
[tool.mutmut]
source_paths = ["{PACKAGE}"]
only_mutate = {json.dumps(modules)}
also_copy = {json.dumps(copied)}
pytest_add_cli_args = {json.dumps(options)}
pytest_add_cli_args_test_selection = {json.dumps(group.tests)}
max_stack_depth = -1
"""


def _mutmut(folder: Path, *arguments: str) -> str:
    """Run mutmut there; raises RuntimeError with the end of its output when it fails."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    if done.returncode:
        raise RuntimeError(f"mutmut {arguments[0]}: {(done.stdout + done.stderr)[-2000:]}")

    return done.stdout


def _mutant(folder: Path, name: str) -> Mutant:
    """Return a mutant as its difference shows it."""
    lines = _mutmut(folder, "show", name).splitlines()
    body = [line for line in lines if not line.startswith(("---", "+++", "#", "@@"))]
    before = " ".join(line[1:].strip() for line in body if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in body if line.startswith("+"))
    function = name.partition("__mutmut_")[0].removeprefix(f"{PACKAGE}.")

    return Mutant(function, before, after)
