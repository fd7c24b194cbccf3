"""Mutants: change the modules on which a long-term cluster depends, one expression at a time, and see
whether a test notices.

mutmut makes the mutants and runs the tests of a group on each. A mutant that survives must be in
`surviving_mutants.yaml` with a reason: the lines of the change and why no test can or must notice it.

mutmut changes functions alone, and only after all modules were imported: it does not see a table, and a
function that makes a row of a table while its module is imported was called too early. So the tests of a
table remove its rows one by one (tests/upgrade/test_refusals.py), and call such a function once more.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "okd_gitops"
SURVIVORS = Path(__file__).parent / "surviving_mutants.yaml"
# What must be killed of each hundred mutants.
LEAST = 90
# The exit codes that mutmut notes for a mutant that was noticed: a test failed, or took too long, or Python
# crashed. No other code counts, such as 0 (no test failed) and 33 (no test ran the function).
_KILLED = {1, 3, 24, 36, 152, 255, -24, -11, -9}


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
    "tests/evidence/test_acceptance.py",
    "tests/evidence/test_health.py",
    "tests/evidence/test_pools.py",
    "tests/evidence/test_recorded.py",
)
GROUPS = {
    "refusals": Group(
        (
            "upgrade/refusals.py",
            "upgrade/by_people.py",
            "upgrade/wanted_release.py",
            "upgrade/standing.py",
            "upgrade/question.py",
        ),
        _OF_UPGRADES,
    ),
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
        # The last one starts a process of its own, which has no mutant.
        without="before_each_operation or before_any_operation or mount_point",
    ),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of one function: the lines before and after it, without indentation."""

    function: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.function}\n    - {self.before}\n    + {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a group: how many mutants were made, and those that no test noticed."""

    group: str
    made: int
    survivors: tuple[Mutant, ...]

    @property
    def killed(self) -> int:
        """How many mutants a test noticed."""
        return self.made - len(self.survivors)

    @property
    def share(self) -> float:
        """How many of each hundred mutants a test noticed; none made is none noticed."""
        return 100 * self.killed / self.made if self.made else 0

    def faults(self, listed: Collection[Mutant]) -> list[str]:
        """Return what is wrong: too few were killed, or the survivors are not those that are listed."""
        unlisted = [mutant for mutant in self.survivors if mutant not in listed]
        dead = [mutant for mutant in listed if mutant not in self.survivors]

        too_few = [f"less than {LEAST} % of {self.group} were killed"] if self.share < LEAST else []

        return [
            *too_few,
            *(f"survives, but {SURVIVORS.name} does not list it: {mutant}" for mutant in unlisted),
            *(f"is listed in {SURVIVORS.name}, but does not survive: {mutant}" for mutant in dead),
        ]


def run(names: Sequence[str]) -> bool:
    """Mutate the groups, and print a table and what is wrong; returns whether nothing is."""
    listed = listed_survivors()
    outcomes: list[Outcome] = []

    for name in names:
        start = time.monotonic()
        outcomes.append(_mutated(name))
        print(f"  mutants of {name}: {outcomes[-1].made}, {time.monotonic() - start:.0f} s", flush=True)

    print(f"{'group':12}{'mutants':>9}{'killed':>9}{'survived':>10}{'%':>7}")

    for outcome in outcomes:
        counts = f"{outcome.made:9}{outcome.killed:9}{len(outcome.survivors):10}"
        print(f"{outcome.group:12}{counts}{outcome.share:7.1f}", flush=True)

    faults = {outcome.group: outcome.faults(listed[outcome.group]) for outcome in outcomes}

    for name, of_group in faults.items():
        for fault in of_group:
            print(f"FAILED {name}: {fault}", flush=True)

        if of_group:
            print(f"  again: make test-deep ARGS='--only mutation:{name}'", flush=True)

    return not any(faults.values())


def listed_survivors() -> dict[str, list[Mutant]]:
    """Return the mutants of each group that may survive."""
    entries = yaml.safe_load(SURVIVORS.read_text())

    return {
        name: [Mutant(entry["function"], entry["before"], entry["after"]) for entry in entries.get(name, ())]
        for name in GROUPS
    }


def _mutated(name: str) -> Outcome:
    """Run the tests of a group on each of its mutants."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = Path(temporary)
        _lay_out(folder, GROUPS[name])
        _mutmut(folder, "run", "--max-children", "2")

        exit_codes: dict[str, int | None] = {}

        for notes in (folder / "mutants" / PACKAGE).rglob("*.meta"):
            exit_codes |= json.loads(notes.read_text())["exit_code_by_key"]

        alive = [mutant for mutant, code in exit_codes.items() if code not in _KILLED]
        survivors = tuple(_mutant(folder, mutant) for mutant in alive)

        return Outcome(group=name, made=len(exit_codes), survivors=survivors)


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
timeout_multiplier = 30
timeout_constant = 180
"""


def _mutmut(folder: Path, *arguments: str) -> str:
    """Run mutmut there; raises RuntimeError with the end of its output when it fails."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    if done.returncode:
        told = (done.stdout + done.stderr)[-2000:]
        raise RuntimeError(f"mutmut {arguments[0]} ended with {done.returncode}: {told}")

    return done.stdout


def _mutant(folder: Path, name: str) -> Mutant:
    """Return a mutant as its difference shows it."""
    lines = _mutmut(folder, "show", name).splitlines()
    body = [line for line in lines if not line.startswith(("---", "+++", "#", "@@"))]
    before = " ".join(line[1:].strip() for line in body if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in body if line.startswith("+"))

    return Mutant(_function(name), before, after)


def _function(name: str) -> str:
    """Return the function of a mutant, such as `upgrade.question.Question.hop`, below the package.

    mutmut calls a mutant `okd_gitops.upgrade.question.xǁQuestionǁhop__mutmut_1`, and one of a function
    outside of classes `okd_gitops.upgrade.edges.x_kind__mutmut_1`.
    """
    module, _, mangled = name.partition("__mutmut_")[0].removeprefix(f"{PACKAGE}.").rpartition(".")
    qualified = mangled.removeprefix("xǁ").removeprefix("x_").replace("ǁ", ".")

    return f"{module}.{qualified}"
