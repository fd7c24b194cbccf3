"""From a path in an object to the JSON6902 operations that put a value there.

The path names list items (`containers[name=trigger]`), never their index, and each operation list first
`test`s what was selected: a patch whose item moved fails the build instead of hitting its neighbour.
"""

import re
from collections.abc import Mapping
from typing import Any

from okd_gitops.manifests.objects import Object

Operation = dict[str, Any]
_SEGMENT = re.compile(
    r"(?P<key>[A-Za-z0-9_-]+)|\[(?P<field>[A-Za-z]+)=(?P<item>[^]]+)\]|\[(?P<literal>[^]=]+)\]"
)


class PathError(ValueError):
    """A path does not lead to a place in the object; the message says where it ends."""


def segments(path: str) -> list[str | tuple[str, str]]:
    """Split a path into map keys and (field, value) selectors of list items; raises PathError."""
    found: list[str | tuple[str, str]] = []
    position = 0
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if not match:
            raise PathError(f'"{path}" cannot be read from "{path[position:]}" on')
        found.append((match["field"], match["item"]) if match["field"] else match["key"] or match["literal"])
        position = match.end() + (path[match.end() : match.end() + 1] == ".")
    return found


def operations(value: Object, path: str, new: object) -> list[Operation]:
    """Return the operations that set `path` to `new`: none when it is there already.

    `new` takes the type of the string it replaces. Raises PathError when the parent of the last segment does
    not exist.
    """
    steps = segments(path)
    place: Any = value
    pointer, tests = "", []
    for step in steps[:-1]:
        place, pointer, test = _descend(place, pointer, step, path)
        tests += test
    last = steps[-1]
    if isinstance(last, tuple):
        raise PathError(f'"{path}" ends with a list item; name a field of it')
    if not isinstance(place, dict):
        raise PathError(f'"{path}": {pointer or "/"} is not a map')
    old = place.get(last)
    if isinstance(old, str) and not isinstance(new, str | list | dict):
        new = str(new).lower() if isinstance(new, bool) else str(new)
    if last in place and old == new and type(old) is type(new):
        return []
    verb = "replace" if last in place else "add"
    return [*tests, {"op": verb, "path": f"{pointer}/{_escaped(last)}", "value": new}]


def substituted(value: Object, path: str, texts: Mapping[str, str]) -> str:
    """Return the string at `path` with new texts in the place of old ones.

    Raises PathError unless the string is there and holds each of the old texts once.
    """
    place: Any = value
    pointer = ""
    for step in segments(path):
        place, pointer, _ = _descend(place, pointer, step, path)

    for text in texts:
        if not isinstance(place, str) or place.count(text) != 1:
            raise PathError(f'"{path}": "{text}" is not there exactly once')

    # In one pass, so that no text is found in what another one became.
    any_old_text = "|".join(map(re.escape, texts))
    return re.sub(any_old_text, lambda found: texts[found[0]], place)


def _descend(
    place: Any, pointer: str, step: str | tuple[str, str], path: str
) -> tuple[Any, str, list[Operation]]:
    if isinstance(step, str):
        if not isinstance(place, dict) or step not in place:
            raise PathError(f'"{path}": there is no {pointer}/{step}')
        return place[step], f"{pointer}/{_escaped(step)}", []
    field, wanted = step
    items = place if isinstance(place, list) else []
    found = [
        index for index, item in enumerate(items) if isinstance(item, dict) and item.get(field) == wanted
    ]
    if len(found) != 1:
        raise PathError(f'"{path}": {len(found)} items of {pointer or "/"} have {field}={wanted}')
    inner = f"{pointer}/{found[0]}"
    return items[found[0]], inner, [{"op": "test", "path": f"{inner}/{field}", "value": wanted}]


def _escaped(key: str) -> str:
    """Escape a key for a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
