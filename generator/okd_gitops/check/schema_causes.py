"""Why a document is not valid: the innermost causes in the text of a validator's fault, each with its path.

kubeconform tells a fault as a tree, line by line: what holds other causes says only that something in it is
wrong, as do `validation failed` and the combinations of JSON Schema.
"""

import re
from collections.abc import Mapping
from typing import Any

# A cause in the text of a fault: "- at '/spec/volumes/1': additional properties 'emptydir' not allowed".
_CAUSE = re.compile(r"- at '(?P<path>[^']*)': (?P<reason>.+?)\s*(?=- at '|$)", re.DOTALL)
_UNKNOWN = re.compile(r"(additional properties ')(.*)(' not allowed)", re.DOTALL)
_EMPTY = re.compile(r"validation failed|'(allOf|anyOf|oneOf)' failed.*", re.DOTALL)
# Each branch of a combination wants a type of its own.
_TYPE = re.compile(r"got (\w+), want (.+)", re.DOTALL)
_OR = re.compile(r", | or ")


def reasons_of(fault: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the innermost causes of a fault as `/path: reason`, at one path the same cause once."""
    causes: dict[str, list[str]] = {}
    for match in _CAUSE.finditer(str(fault["msg"])):
        causes.setdefault(match["path"] or "/", []).append(match["reason"])

    telling = {path: found for path, found in causes.items() if not all(map(_EMPTY.fullmatch, found))}
    kept = telling or {path: found for path, found in causes.items() if not _has_inner(path, causes)}
    if kept:
        return tuple(f"{path}: {reason}" for path, found in kept.items() for reason in _at_one_path(found))

    outer = [f"{cause['path'] or '/'}: {cause['msg']}" for cause in fault.get("validationErrors") or []]
    return tuple(outer) or (str(fault["msg"]),)


def _has_inner(path: str, causes: Mapping[str, list[str]]) -> bool:
    head = f"{path.rstrip('/')}/"
    return any(other.startswith(head) and other != path for other in causes)


def _at_one_path(reasons: list[str]) -> list[str]:
    """Return the causes at one path, without those that say nothing, and with all wanted types in one."""
    telling = [_in_order(reason) for reason in reasons if not _EMPTY.fullmatch(reason)] or reasons[:1]
    types = [match for match in map(_TYPE.fullmatch, telling) if match]
    if len(types) < 2:
        return list(dict.fromkeys(telling))

    wanted = list(dict.fromkeys(name for match in types for name in _OR.split(match[2])))
    others = [reason for reason in telling if not _TYPE.fullmatch(reason)]
    return [f"got {types[0][1]}, want {', '.join(wanted[:-1])} or {wanted[-1]}", *dict.fromkeys(others)]


def _in_order(reason: str) -> str:
    """Return a reason with the names in it sorted: they come out of a map of Go, in any order."""
    names = _UNKNOWN.fullmatch(reason)
    if not names:
        return reason

    sorted_names = "', '".join(sorted(names[2].split("', '")))
    return f"{names[1]}{sorted_names}{names[3]}"
