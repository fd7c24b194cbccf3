"""The causes in a fault of kubeconform v0.8.0, in the texts that it writes."""

import pytest

from okd_gitops.check.schema_causes import reasons_of

TEXTS = {
    "an outer cause that says nothing": (
        ["- at '/spec': validation failed", "- at '/spec/tasks/0/timeout': got number, want string"],
        ("/spec/tasks/0/timeout: got number, want string",),
    ),
    "one at the same path": (
        ["- at '/spec': validation failed", "- at '/spec': missing property 'b'"],
        ("/spec: missing property 'b'",),
    ),
    "an outer cause that is one of its own": (
        ["- at '/spec': additional properties 'a' not allowed", "- at '/spec/b': got null, want object"],
        ("/spec: additional properties 'a' not allowed", "/spec/b: got null, want object"),
    ),
    "types of a choice": (
        [
            "- at '/spec/port': 'oneOf' failed, none matched",
            "- at '/spec/port': got array, want null or string",
            "- at '/spec/port': got array, want null or integer",
        ],
        ("/spec/port: got array, want null, string or integer",),
    ),
    "nothing that says more": (
        ["- at '/spec': 'oneOf' failed, subschemas 0, 1 matched"],
        ("/spec: 'oneOf' failed, subschemas 0, 1 matched",),
    ),
    "names in any order": (
        ["- at '/metadata': additional properties 'b', 'a' not allowed"],
        ("/metadata: additional properties 'a', 'b' not allowed",),
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_only_the_innermost_causes_stand(name: str) -> None:
    lines, reasons = TEXTS[name]
    text = "\n".join(["problem validating schema. Check JSON formatting:", *lines])
    assert reasons_of({"msg": text}) == reasons


def test_a_fault_without_causes_is_told_as_it_is() -> None:
    assert reasons_of({"msg": "no place"}) == ("no place",)
    assert reasons_of({"msg": "", "validationErrors": [{"path": "", "msg": "wrong"}]}) == ("/: wrong",)
