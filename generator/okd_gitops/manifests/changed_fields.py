"""Where two versions of an object differ: each field with its old and its new value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field by its path of keys, with its values; the value of an absent field is None.

    An item of a list is called by its `name` where every item has one of its own, else by its index.
    """

    path: tuple[str, ...]
    old: object
    new: object


def changed_fields(old: object, new: object, path: tuple[str, ...] = ()) -> Iterator[FieldChange]:
    """Yield the innermost fields in which two values differ, in the order of their paths."""
    old_parts, new_parts = _parts(old), _parts(new)

    if old_parts is None or new_parts is None:
        if old != new:
            yield FieldChange(path, old, new)
        return

    for key in sorted({*old_parts, *new_parts}):
        yield from changed_fields(old_parts.get(key), new_parts.get(key), (*path, key))


def _parts(value: object) -> dict[str, Any] | None:
    """Return what a map or a list contains by key, and None for a value without parts."""
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}

    if not isinstance(value, list):
        return None

    names = [item.get("name") if isinstance(item, dict) else None for item in value]
    have_names = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    keys = names if have_names else range(len(value))

    return {str(key): item for key, item in zip(keys, value, strict=True)}
