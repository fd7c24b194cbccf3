"""What a user sees of a rule: place, source line with carets, reason, remedy and totals, byte for byte."""

import pytest

import rule_outputs


@pytest.mark.parametrize("rule", sorted(rule_outputs.CASES))
def test_the_whole_output_of_a_check_is_the_golden_file(rule: str) -> None:
    assert rule_outputs.output(rule) == rule_outputs.golden_file(rule).read_text(), "make golden rewrites it"
