"""README.md of this folder: every fact and every fault has its tests or rules, and these exist."""

import ast
import re
from functools import cache

from conftest import ROOT
from okd_gitops.check.rule_set import all_rules

TEXT = (ROOT / "tests/acceptance/README.md").read_text()


def rows(heading: str) -> dict[str, str]:
    """Return the rows of the table below a heading, by the number in their first column."""
    section = TEXT.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| (F?\d+(?:, F?\d+)*) \| (.*) \|$", section, re.MULTILINE)
    numbered = [(number, row) for numbers, row in lines for number in numbers.split(", ")]
    assert len(dict(numbered)) == len(numbered), "two rows have the same number"
    return dict(numbered)


@cache
def all_tests() -> frozenset[str]:
    """Return every test as FILE::NAME."""
    trees = {path.name: ast.parse(path.read_text()) for path in (ROOT / "tests").rglob("test_*.py")}
    return frozenset(
        f"{name}::{node.name}"
        for name, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    )


def proofs_of(row: str) -> tuple[set[str], set[str]]:
    """Return the tests and the rules that a row names."""
    tests = re.findall(r"test_\w+\.py::\w+", row)
    rules = re.findall(r"`([a-z]+(?:-[a-z]+)*)`", row.rpartition("|")[2])
    return set(tests), set(rules)


def test_every_fact_names_tests_or_rules_that_exist() -> None:
    table = rows("Facts")
    assert list(table) == [str(number) for number in range(1, 57)]

    for number, row in table.items():
        tests, rules = proofs_of(row)
        assert tests or rules, f"fact {number} names no test and no rule"
        assert tests <= all_tests(), f"fact {number}: {tests - all_tests()} does not exist"
        assert rules <= all_rules().keys()


def test_every_fault_names_a_test_a_rule_or_a_reason() -> None:
    table = rows("Faults")
    assert list(table) == [f"F{number}" for number in range(1, 44)]

    for number, row in table.items():
        tests, rules = proofs_of(row)
        assert tests or rules or "Does not apply:" in row, f"{number} names no test, no rule and no reason"
        assert tests <= all_tests(), f"{number}: {tests - all_tests()} does not exist"
        assert rules <= all_rules().keys()


def test_no_name_of_a_test_has_the_number_of_a_fact_or_a_fault() -> None:
    numbered = {test for test in all_tests() if re.search(r"facts?_\d|faults?_\d|_f\d\d", test)}
    assert numbered == set()
