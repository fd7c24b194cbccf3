"""From a path in an object to the JSON6902 operations that put a value there.

The path names list items (`containers[name=trigger]`), never their index, and each operation list first
`test`s what was selected: a patch whose item moved fails the build instead of hitting its neighbor.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from okd_gitops.manifests.objects import Object

Operation = dict[str, Any]
_SEGMENT = re.compile(
    r"(?P<key>[A-Za-z0-9_-]+)|\[(?P<field>[A-Za-z]+)=(?P<item>[^]]+)\]|\[(?P<literal>[^]=]+)\]"
)


class PathError(ValueError):
    """A path does not lead to a place in the object; the message says where it ends."""


@lru_cache(maxsize=4096)
def segments(path: str) -> tuple[str | tuple[str, str], ...]:
    """Split a path into map keys and (field, value) selectors of list items; raises PathError."""
    steps: list[str | tuple[str, str]] = []
    position = 0

    while position < len(path):
        match = _SEGMENT.match(path, position)
        if not match:
            raise PathError(f'"{path}" cannot be read from "{path[position:]}" on')

        steps.append((match["field"], match["item"]) if match["field"] else match["key"] or match["literal"])
        position = match.end() + (path[match.end() : match.end() + 1] == ".")

    return tuple(steps)


def operations(value: Object, path: str, new: object) -> list[Operation]:
    """Return the operations that set `path` to `new`: none when it is there already.

    `new` takes the type of the string it replaces. Raises PathError when the parent of the last segment does
    not exist.
    """
    *parents, last = segments(path)
    place, pointer, tests = _followed(value, parents, path)

    if isinstance(last, tuple):
        raise PathError(f'"{path}" ends with a list item; name a field of it')
    if not isinstance(place, dict):
        raise PathError(f'"{path}": {pointer or "/"} is not a map')

    old = place.get(last)
    if isinstance(old, str):
        new = _as_string(new)

    if last in place and old == new and type(old) is type(new):
        return []

    verb = "replace" if last in place else "add"
    return [*tests, {"op": verb, "path": f"{pointer}/{_escaped(last)}", "value": new}]


def substituted(value: Object, path: str, texts: Mapping[str, str]) -> str:
    """Return the string at `path` with new texts in the place of old ones.

    Raises PathError unless the string is there and holds each of the old texts once.
    """
    old, _, _ = _followed(value, segments(path), path)

    for text in texts:
        if not isinstance(old, str) or old.count(text) != 1:
            raise PathError(f'"{path}": "{text}" does not occur exactly once')

    # In one pass, so that no text is found in what another one became.
    any_old_text = "|".join(map(re.escape, texts))
    return re.sub(any_old_text, lambda match: texts[match[0]], old)


def _as_string(value: object) -> object:
    """Return a number or a boolean as the string that YAML has for it; lists and maps stay."""
    if isinstance(value, bool):
        return str(value).lower()

    return value if isinstance(value, str | list | dict) else str(value)


def _followed(
    value: Any, steps: Iterable[str | tuple[str, str]], path: str
) -> tuple[Any, str, list[Operation]]:
    """Return the place that steps lead to, its JSON pointer, and a test of each list item on the way."""
    pointer, tests = "", []

    for step in steps:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                raise PathError(f'"{path}": there is no {pointer}/{step}')
            value, pointer = value[step], f"{pointer}/{_escaped(step)}"
        else:
            index = _item_index(value, pointer, step, path)
            value, pointer = value[index], f"{pointer}/{index}"
            tests.append({"op": "test", "path": f"{pointer}/{step[0]}", "value": step[1]})

    return value, pointer, tests


def _item_index(value: Any, pointer: str, selector: tuple[str, str], path: str) -> int:
    """Return the index of the one list item that a (field, value) selects; raises PathError."""
    field, wanted = selector
    items = value if isinstance(value, list) else []
    matching = [
        index for index, item in enumerate(items) if isinstance(item, dict) and item.get(field) == wanted
    ]

    if len(matching) != 1:
        raise PathError(f'"{path}": {len(matching)} items of {pointer or "/"} have {field}={wanted}')

    return matching[0]


def _escaped(key: str) -> str:
    """Escape a key for a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
