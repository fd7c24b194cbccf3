"""Patterns of strangers: the whole text or a place in it, what is refused, and no text that takes long."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okd_gitops.manifests.pattern import matches, occurs, pattern_fault

PATTERNS = [r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+", r"^[a-c]+$", r"a|b", r"(4|5)\.[0-9]{1,2}", r""]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(.*a){20}b", r"([a-z]+\.?)*b"])
def test_a_hostile_pattern_takes_no_time(pattern: str) -> None:
    """Python's re would not see the end of any of these."""
    assert pattern_fault(pattern) == ""
    assert not matches(pattern, "a" * 20_000 + "c")
    assert not occurs(pattern, "a" * 2_000)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "unclosed group"),
        ("a)(b", "unopened group"),
        ("(?!a)b", "look-around"),
        (r"(a)\1", "backreferences"),
        ("((a{99}){999}){99}", "size limit"),
        ("(?x) a # b", "unclosed"),
    ],
)
def test_a_refused_pattern_is_reported_with_its_reason(pattern: str, reason: str) -> None:
    assert reason in pattern_fault(pattern)


@given(st.sampled_from(PATTERNS), st.text("abc45.:/\n-", max_size=12))
def test_a_pattern_matches_as_in_python(pattern: str, text: str) -> None:
    assert matches(pattern, text) == bool(re.fullmatch(pattern.rstrip("$"), text))
    assert occurs(pattern.rstrip("$"), text) == bool(re.search(pattern.rstrip("$"), text))
