"""Which values a parameter takes, what an object gets of them, and what follows from the key of an entry."""

from typing import Any

import pytest

from okd_gitops.fleet.parameter import Each, Parameter, valid_key
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read

DIGEST = f"quay.io/okd/scos@sha256:{'0' * 64}"
EACH = b"""\
summary: Release lines.
part: line
key: minor
fields:
  minor: {summary: Minor., type: minor}
  branch: {summary: Branch.}
  old: {summary: Old., type: boolean}
derive:
- {keys: ["4.18"], set: {branch: "old-{key}", old: true}}
- {since: "4.20", set: {branch: "release-{key}"}}
"""


def parameter(**fields: Any) -> Parameter:
    return Parameter.model_validate({"summary": "X.", **fields})


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"type": "string"}, "x"),
        ({"type": "text"}, "one\ntwo\n"),
        ({"type": "integer"}, 3),
        ({"type": "boolean"}, False),
        ({"type": "image"}, DIGEST),
        ({"type": "minor"}, "4.20"),
        ({"type": "cron"}, "30 6 * * 1-5"),
        ({"type": "cron"}, "30 6 * jan Mon"),
        ({"type": "cron"}, "@daily"),
        ({"type": "list", "pattern": "[a-z]+"}, ["a", "b"]),
        ({"type": "list", "maxLength": 2}, ["ab", "cd"]),
        ({"type": "text", "maxLength": 4}, "a\nö\n"),
        ({"type": "set"}, []),
        ({"enum": ["slow", "fast"]}, "fast"),
    ],
)
def test_a_value_of_the_right_form_is_taken(fields: dict[str, Any], value: object) -> None:
    assert parameter(**fields).fault(value) == ""


@pytest.mark.parametrize(
    ("fields", "value", "reason"),
    [
        ({"type": "string"}, 4.2, "it must be of type string, not float (write it in quotes)"),
        ({"type": "integer"}, True, "it must be of type integer, not bool"),
        ({"type": "integer"}, "3", "it must be of type integer, not str"),
        ({"type": "boolean"}, 1, "it must be of type boolean, not int"),
        ({"type": "image"}, "quay.io/okd/scos:4.20", "an image is a digest"),
        ({"type": "minor"}, "4", 'a minor must look like "4.20"'),
        ({"type": "cron"}, "30 6 * *", "a schedule has five fields"),
        ({"type": "cron"}, "90 10 * * *", 'the minute "90" is not within 0 and 59'),
        ({"type": "cron"}, "0 0 30 2 *", "no month has such a day"),
        ({"type": "list"}, "a", "a list of strings is expected"),
        ({"type": "list"}, ["a", 1], "a list of strings is expected"),
        ({"type": "list", "pattern": "[a-z]+"}, ["a", "B"], '"B": it does not match'),
        ({"type": "list", "maxLength": 2}, ["a", "abc"], '"abc": it has 3 characters, and may have 2'),
        ({"type": "text", "maxLength": 3}, "a\nö\n", "it has 4 characters, and may have 3"),
        ({"enum": ["slow", "fast"]}, "quick", "one of slow, fast is expected"),
        ({"type": "string"}, "one\ntwo", "it contains control characters"),
    ],
)
def test_a_value_of_another_form_is_refused(fields: dict[str, Any], value: object, reason: str) -> None:
    assert parameter(**fields).fault(value).startswith(reason)


@pytest.mark.parametrize(
    ("type_", "value", "written"),
    [
        ("string", "x\n", "x\n"),
        ("text", "one\ntwo\n", "one\ntwo"),
        ("list", ("a", "b"), ["a", "b"]),
        ("set", ["a", "b"], {"a": "true", "b": "true"}),
        ("entries", ["a", "b"], "a b"),
        ("integer", 3, 3),
    ],
)
def test_an_object_gets_a_value_in_the_form_of_its_type(type_: str, value: object, written: object) -> None:
    assert parameter(type=type_).in_object(value) == written


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        ({"minor": "4.18"}, {"minor": "4.18", "branch": "old-4.18", "old": True}),
        ({"minor": "4.19"}, {"minor": "4.19"}),
        ({"minor": "5.1"}, {"minor": "5.1", "branch": "release-5.1"}),
        ({"minor": "4.21", "branch": "mine"}, {"minor": "4.21", "branch": "mine"}),
        ({}, {}),
    ],
)
def test_values_follow_from_the_key_unless_they_are_given(
    given: dict[str, Any], entry: dict[str, Any]
) -> None:
    assert parse(Each, read("each.yaml", EACH)).entry(given) == entry


@pytest.mark.parametrize(
    ("key", "valid"),
    [("4.20", True), ("a-b", True), ("", False), ("-a", False), ("../x", False), ("A", False)],
)
def test_a_key_can_be_part_of_a_name(key: str, *, valid: bool) -> None:
    assert valid_key(key) == valid
