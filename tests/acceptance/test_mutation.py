"""What `make test-deep` does with mutants, without making any: when it fails, and what its list contains."""

import importlib
from operator import attrgetter

import pytest
import yaml

from mutation import GROUPS, ROOT, SURVIVORS, Mutant, Outcome, listed_survivors

ONE, OTHER = Mutant("upgrade.edges.kind", "a", "b"), Mutant("upgrade.edges.kind", "a", "c")


def outcome(made: int, *survivors: Mutant) -> Outcome:
    return Outcome(group="promotion", made=made, survivors=survivors)


@pytest.mark.parametrize(
    ("found", "listed", "faults"),
    [
        (outcome(10, ONE), [ONE], []),
        (outcome(10), [], []),
        (outcome(9, ONE), [ONE], ["less than 90 %"]),
        (outcome(0), [], ["less than 90 %"]),
        (outcome(10, ONE), [], ["does not list it"]),
        (outcome(10), [ONE], ["does not survive"]),
        (outcome(20, ONE), [OTHER], ["does not list it", "does not survive"]),
    ],
)
def test_a_group_fails_with_too_few_killed_or_another_list(
    found: Outcome, listed: list[Mutant], faults: list[str]
) -> None:
    told = found.faults(listed)

    assert len(told) == len(faults)
    assert all(words in fault for words, fault in zip(faults, told, strict=True))


def test_every_group_names_what_exists() -> None:
    for group in GROUPS.values():
        modules = [ROOT / "generator/okd_gitops" / module for module in group.modules]
        assert all(path.is_file() for path in (*modules, *map(ROOT.joinpath, group.tests)))


def test_every_listed_survivor_is_of_a_function_of_its_group_and_has_a_reason() -> None:
    entries = yaml.safe_load(SURVIVORS.read_text())
    assert entries.keys() <= GROUPS.keys()

    for name, survivors in listed_survivors().items():
        assert len(set(survivors)) == len(survivors)
        assert all(entry["reason"].strip() for entry in entries.get(name, ()))

        for survivor in survivors:
            _must_exist(survivor.function, GROUPS[name].modules)


def _must_exist(function: str, modules: tuple[str, ...]) -> None:
    names = [module.removesuffix(".py").replace("/", ".") for module in modules]
    module = next(name for name in names if function.startswith(f"{name}."))
    qualified = function.removeprefix(f"{module}.")

    assert attrgetter(qualified)(importlib.import_module(f"okd_gitops.{module}"))
