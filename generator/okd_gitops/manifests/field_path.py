"""Fields of an object as people name them: `spec.channel`, `containers[name=trigger].image`, `args[0]`."""

from collections.abc import Iterable, Sequence
from typing import Any

from okd_gitops.errors import UsageError
from okd_gitops.finding import nearest
from okd_gitops.manifests.json_patch import Operation, PathError, segments
from okd_gitops.manifests.read import Path

# Fields that say which item of a list is meant.
_NAMING = ("name", "key", "type")


def find(value: Any, text: str) -> tuple[Path, Any]:
    """Return the path of map keys and list indexes that a field leads to, and the value there.

    Raises UsageError with the nearest field.
    """
    try:
        steps = segments(text)
    except PathError as error:
        remedy = "write it like spec.channel, containers[name=x].image or annotations[example.org/x]"
        raise UsageError(str(error), remedy) from None

    path: Path = ()

    for step in steps:
        following = _next(value, step)

        if following is None:
            around = field_text(path)
            fields = [f"{around}{part}" if around else part.lstrip(".") for part in _inside(value)]
            raise UsageError(f'there is no field "{text}"', nearest(text, fields))

        path, value = (*path, following), value[following]

    return path, value


def field_text(path: Iterable[str | int]) -> str:
    """Return a path of map keys and list indexes as people name the field."""
    return "".join(map(_step_text, path)).removeprefix(".")


def pointer_path(pointer: str) -> tuple[str, ...]:
    """Return the keys and indexes of a JSON pointer, all of them as text."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def as_pointer(path: Sequence[str | int]) -> tuple[str, ...]:
    """Return a path in the form of `pointer_path`."""
    return tuple(map(str, path))


def applied(value: Any, operations: Iterable[Operation]) -> Any:
    """Return a value after JSON6902 operations of this tool, none of which removes anything."""
    for operation in operations:
        if operation["op"] != "test":
            value = _with(value, pointer_path(operation["path"]), operation["value"])

    return value


def _with(value: Any, path: Sequence[str], new: Any) -> Any:
    if not path:
        return new

    first, *rest = path

    if isinstance(value, list):
        return [_with(item, rest, new) if str(index) == first else item for index, item in enumerate(value)]

    return {**value, first: _with(value.get(first), rest, new)}


def _next(value: Any, step: str | tuple[str, str]) -> str | int | None:
    """Return the key or index that a step leads to; None when it leads nowhere."""
    if isinstance(value, dict):
        return step if isinstance(step, str) and step in value else None

    if not isinstance(value, list):
        return None

    matching = [index for index, item in enumerate(value) if _is_meant(item, index, step)]

    return matching[0] if len(matching) == 1 else None


def _is_meant(item: Any, index: int, step: str | tuple[str, str]) -> bool:
    if isinstance(step, str):
        return step == str(index)

    return isinstance(item, dict) and str(item.get(step[0])) == step[1]


def _inside(value: Any) -> list[str]:
    """Return what may follow a field with this value, as people write it."""
    if isinstance(value, dict):
        return [_step_text(key) for key in value]

    return [_item_text(item, index) for index, item in enumerate(value if isinstance(value, list) else ())]


def _item_text(item: Any, index: int) -> str:
    naming = [key for key in _NAMING if isinstance(item, dict) and isinstance(item.get(key), str)]

    return f"[{naming[0]}={item[naming[0]]}]" if naming else f"[{index}]"


def _step_text(step: str | int) -> str:
    is_plain = isinstance(step, str) and step.replace("-", "").replace("_", "").isalnum()

    return f".{step}" if is_plain else f"[{step}]"
