"""Lines that a person can copy: a parameter, or a list of entries, with a value that passes."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from okd_gitops.fleet.parameter import Each, Parameter
from okd_gitops.manifests.one_line import in_yaml

# For the types whose values all look alike.
_OF_TYPE: Mapping[str, Any] = {
    "integer": 1,
    "boolean": True,
    "cron": "17 6 * * *",
    "minor": "4.22",
    "image": f"quay.io/okd/scos-release@sha256:{'0' * 64}",
}


def parameter_line(name: str, parameter: Parameter, wrong: object = None) -> str:
    """Return `name: value` with a value that the parameter takes: of known ones, the nearest to `wrong`."""
    return f"{name}: {in_yaml(_value(parameter, wrong))}"


def list_line(name: str, each: Each) -> str:
    """Return `name: [{…}]` with one entry that has everything that an entry must have."""
    fields = {
        key: field
        for key, field in each.fields.items()
        if key == each.key or not (field.optional or field.source or _has_default(field))
    }
    # What follows from the key need not be written.
    if each.table or each.derive:
        fields = {each.key: each.fields[each.key]}

    entry = ", ".join(parameter_line(key, field) for key, field in fields.items())

    return f"{name}: [{{{entry}}}]"


def _value(parameter: Parameter, wrong: object) -> Any:
    if parameter.enum:
        near = get_close_matches(str(wrong), parameter.enum, n=1, cutoff=0)
        return near[0] if near else parameter.enum[0]

    known = (parameter.example, parameter.default, _OF_TYPE.get(parameter.type))

    return next((value for value in known if value not in (None, ())), "…")


def _has_default(parameter: Parameter) -> bool:
    return parameter.default is not None
