"""Templates of ApplicationSets: the parameters that generators give, in the place of their names.

Forms were read in argo-cd v3.3, applicationset/utils/utils.go. Of Go's templates only plain fields are
understood; what calls a function is unknown here.
"""

import re
from collections.abc import Sequence
from typing import Any

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_FIELD = re.compile(r"\.?[A-Za-z_][A-Za-z0-9_./-]*(?:\[[0-9]+\])?")
_INDEX = re.compile(r"index\s+\.([A-Za-z0-9_.]+)\s+(?:([0-9]+)|\"([^\"]+)\")")
_SEGMENT = re.compile(r"(.+)\[([0-9]+)\]")
Parameters = dict[str, Any]


class UnknownError(Exception):
    """What a generator finds, or a template becomes, is not known from files."""


def partly_filled(value: Any, row: Parameters, *, is_go: bool) -> Any:
    """Return a value like `filled`, in which {{names}} that are not known stay as they are written."""
    if isinstance(value, dict):
        return {
            partly_filled(key, row, is_go=is_go): partly_filled(inner, row, is_go=is_go)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [partly_filled(inner, row, is_go=is_go) for inner in value]
    return (
        _ACTION.sub(lambda action: _or_itself(action, row, is_go=is_go), value)
        if isinstance(value, str)
        else value
    )


def _or_itself(action: re.Match[str], row: Parameters, *, is_go: bool) -> str:
    try:
        return _parameter(action[1], action[0], row, is_go=is_go)
    except UnknownError:
        return action[0]


def as_pattern(text: str) -> str:
    """Return a path as a glob that finds whatever the names left in it may be."""
    return _ACTION.sub("*", text)


def filled(value: Any, row: Parameters, *, is_go: bool) -> Any:
    """Return a value with parameters in the place of their names; raises UnknownError."""
    if isinstance(value, str):
        return _ACTION.sub(lambda action: _parameter(action[1], action[0], row, is_go=is_go), value)
    if isinstance(value, dict):
        return {
            filled(key, row, is_go=is_go): filled(inner, row, is_go=is_go) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [filled(inner, row, is_go=is_go) for inner in value]
    return value


def _parameter(name: str, text: str, row: Parameters, *, is_go: bool) -> str:
    if not is_go:
        # An unknown parameter stays as it is written.
        found = row.get(name, _nested(row, name.split(".")))
        return text if found is None else str(found)

    indexed = _INDEX.fullmatch(name)
    if indexed:
        holder = _nested(row, indexed[1].split("."))
        key: Any = int(indexed[2]) if indexed[2] else indexed[3]
        found = _part(holder, key)
    elif _FIELD.fullmatch(name) and name.startswith("."):
        found = _nested(row, name[1:].split("."))
    else:
        found = None

    if found is None or isinstance(found, dict | list):
        raise UnknownError(f"{text} is not known from files")
    return str(found)


def _nested(row: Any, path: Sequence[str]) -> Any:
    for index, key in enumerate(path):
        segment = _SEGMENT.fullmatch(key)
        if isinstance(row, dict) and ".".join(path[index:]) in row:
            return row[".".join(path[index:])]
        row = _part(_part(row, segment[1]), int(segment[2])) if segment else _part(row, key)
    return row


def _part(holder: Any, key: Any) -> Any:
    if isinstance(holder, dict):
        return holder.get(key)
    if isinstance(holder, list) and isinstance(key, int) and key < len(holder):
        return holder[key]
    return None
