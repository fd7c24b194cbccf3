"""What an event contains is data: each field matches a pattern, and none reaches a script or a secret."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cel_expr_python import cel

from examples import CALLS
from minimal import IMAGE
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.system.disk import read_catalog

Object = dict[str, Any]
OBJECTS: tuple[Object, ...] = tuple(
    value
    for feature in load_catalog(read_catalog()).features.values()
    for value in feature.objects_by_path.values()
)
# Filled in by Tekton, from an event or from a run.
FOREIGN = re.compile(r"\$\((params|tt|body|extensions|tasks|context)\b")
TOKEN = re.compile(r"header\.canonical\('X-Okd-Token'\)\.compareSecret\('token', '[a-z-]+'\)")
HOSTILE = {
    "another variable": "$(REPORT_TOKEN)",
    "a command": "$(id)",
    "backticks": "`id`",
    "a line": "4.22\nx",
    "a line at the end": "4.22\n",
    "an option": "--output=/etc/passwd",
    "a quote": "next'; id; '",
    "a space": "4.22 x",
    "a parent folder": "../../x",
    "1 MB": "4" * 1_000_000,
}


def binding(name: str) -> dict[str, str]:
    """Return the parameters of a TriggerBinding by name, with their values.

    An entry of a list adds its key to the names, which is "example" in the catalog.
    """
    (found,) = (
        value
        for value in OBJECTS
        if value["kind"] == "TriggerBinding"
        and value["metadata"]["name"] in (name, name.removesuffix("-example"))
    )
    return {param["name"]: param["value"] for param in found["spec"]["params"]}


def triggers() -> Iterator[Object]:
    """Return what reads events: Triggers, and the triggers that are written in EventListeners."""
    for value in OBJECTS:
        if value["kind"] == "Trigger":
            yield value["spec"]
        elif value["kind"] == "EventListener":
            yield from (trigger for trigger in value["spec"].get("triggers", []) if "interceptors" in trigger)


def body_fields(trigger: Object) -> set[str]:
    """Return the fields of `params` of a body that go into the run."""
    values: list[str] = []

    for each in trigger.get("bindings", []):
        values += [each["value"]] if "value" in each else binding(each["ref"]).values()

    fields = {field for value in values for field in re.findall(r"\$\(body\.([^)]+)\)", value)}
    assert all(field.startswith("params.") for field in fields), fields

    return {field.removeprefix("params.") for field in fields}


READERS = [trigger for trigger in triggers() if body_fields(trigger)]
CASES = [
    pytest.param(trigger, field, text, id=f"{trigger['template']['ref']}-{field}-{name}")
    for trigger in READERS
    for field in sorted(body_fields(trigger))
    for name, text in HOSTILE.items()
]


def passes(trigger: Object, body: object) -> bool:
    """Whether the CEL filter of a trigger lets a body pass whose token is right.

    An expression that ends in an error lets nothing pass: pkg/interceptors/cel of Tekton Triggers v0.35.0.
    """
    (written,) = (
        param["value"]
        for interceptor in trigger["interceptors"]
        for param in interceptor["params"]
        if param["name"] == "filter"
    )
    assert TOKEN.search(written)
    compiled = cel.NewEnv(variables={"body": cel.Type.DYN}).compile(TOKEN.sub("true", written))
    result = compiled.eval(data={"body": body})

    return result.type() != cel.Type.ERROR and result.plain_value() is True


def right_body(trigger: Object) -> Any:
    """Return the body of the call that `tests/examples.py` has for a trigger."""
    for call in CALLS:
        body = json.loads(call.body)
        params = body.get("params", {})
        same_pipeline = params.get("pipeline", trigger["template"]["ref"]) == trigger["template"]["ref"]

        if body_fields(trigger) - {"cosa-image"} <= params.keys() and same_pipeline:
            return body

    raise AssertionError(f"no call for {trigger['template']['ref']}")


def test_these_triggers_read_fields() -> None:
    assert sorted(trigger["template"]["ref"] for trigger in READERS) == [
        "okd-coreos",
        "okd-coreos-layered",
        "okd-coreos-multi-arch",
        "okd-release",
    ]


@pytest.mark.parametrize("trigger", READERS, ids=lambda trigger: trigger["template"]["ref"])
def test_a_right_event_starts_a_run(trigger: Object) -> None:
    body = right_body(trigger)
    assert passes(trigger, body)

    if "cosa-image" in body_fields(trigger):
        body["params"]["cosa-image"] = IMAGE
        assert passes(trigger, body)


@pytest.mark.parametrize(("trigger", "field", "text"), CASES)
def test_a_field_that_is_none_starts_nothing(trigger: Object, field: str, text: str) -> None:
    body = right_body(trigger)
    body["params"][field] = text
    assert not passes(trigger, body)


@pytest.mark.parametrize("trigger", READERS, ids=lambda trigger: trigger["template"]["ref"])
def test_a_field_of_another_type_or_none_starts_nothing(trigger: Object) -> None:
    for field in body_fields(trigger):
        for value in (["4.22"], {"a": "b"}, None, 4):
            body = right_body(trigger)
            body["params"][field] = value
            assert not passes(trigger, body), (field, value)

    for field in body_fields(trigger) - {"cosa-image"}:
        body = right_body(trigger)
        del body["params"][field]
        assert not passes(trigger, body), field

    assert not passes(trigger, {})


def containers(value: object) -> Iterator[Object]:
    """Return everything in an object that has an environment or a script."""
    if isinstance(value, dict):
        if "env" in value or "script" in value or "args" in value:
            yield value

        for child in value.values():
            yield from containers(child)
    elif isinstance(value, list):
        for child in value:
            yield from containers(child)


RUNS = [
    pytest.param(value, id=f"{value['kind']}-{value['metadata']['name']}")
    for value in OBJECTS
    if value["kind"] != "CustomResourceDefinition" and any(containers(value))
]


def pulled_in(env: list[Object]) -> list[str]:
    """Return the secrets that a foreign value after them could name: Kubernetes expands `$(NAME)` of the
    variables that stand before, https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/.
    """
    last_foreign = max(
        (index for index, item in enumerate(env) if FOREIGN.search(item.get("value", ""))), default=-1
    )
    return [item["name"] for item in env[:last_foreign] if "secretKeyRef" in item.get("valueFrom", {})]


@pytest.mark.parametrize("value", RUNS)
def test_no_secret_stands_before_a_foreign_value(value: Object) -> None:
    assert [name for each in containers(value) for name in pulled_in(each.get("env") or [])] == []
    # Tekton merges this list with that of each step.
    template = value.get("spec", {}).get("stepTemplate", {})
    assert "secretKeyRef" not in str(template)


def test_a_secret_before_a_foreign_value_is_found() -> None:
    secret = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
    foreign = {"name": "BRANCH", "value": "$(params.branch)"}
    assert pulled_in([secret, foreign]) == ["TOKEN"]
    assert pulled_in([foreign, secret]) == []


@pytest.mark.parametrize("value", RUNS)
def test_no_foreign_value_is_in_a_script(value: Object) -> None:
    for each in containers(value):
        # Arguments of a script are data; without a script, the first ones are read by a shell.
        texts = [each["script"]] if "script" in each else [*each.get("args", []), *each.get("command", [])]
        assert not any(FOREIGN.search(text) for text in texts if isinstance(text, str))
