"""Kubernetes objects as plain data: what names one, and what is inside."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import wraps
from sys import intern
from typing import Any, Generic, TypeVar

Object = dict[str, Any]
T = TypeVar("T")
V = TypeVar("V")

# More than the distinct objects of 1,000 clusters.
KEPT = 32_768
# Of what is no fixed object: more than what clusters have in common.
_OTHERS = 256
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers", "steps", "sidecars")


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """What names an object on a cluster: group, version, kind, namespace, name.

    `group_kind` is `Kind.group`, the form kubectl prints; the core group is empty: `Pod.`.
    """

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    group_kind: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "group_kind", intern(f"{self.kind}.{self.group}"))

    @classmethod
    def of(cls, value: Object) -> "ObjectId":
        """Read the identity of an object; absent fields are empty."""
        if type(value) is FixedObject:
            return value.identity

        group, _, version = str(value.get("apiVersion") or "").rpartition("/")
        kind, namespace, name = (
            value.get("kind"),
            at(value, "metadata", "namespace"),
            at(value, "metadata", "name"),
        )

        return cls(group, version, str(kind or ""), str(namespace or ""), str(name or ""))

    def same_object(self, other: "ObjectId") -> bool:
        """Whether both name one object on a cluster; its version may differ."""
        return replace(self, version="") == replace(other, version="")

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class FixedObject(dict[str, Any]):
    """An object that nobody changes any more: its identity is read once, for all who ask.

    `found` is what functions `per_object` returned of it, which goes with it; `key` tells it from all others
    that are rendered, where something is kept of it.
    """

    __slots__ = ("__weakref__", "found", "identity", "key")

    def __init__(self, value: Object) -> None:
        super().__init__(value)
        self.identity = ObjectId.of(value)
        self.found: dict[object, Any] = {}
        self.key = ""


def per_object(function: Callable[[V], T]) -> Callable[[V], T]:
    """Keep what a function of an object returns: clusters share most objects, and many rules ask.

    Nobody may change an object afterwards.
    """
    # Of another value by its id, which is no other one's while the value is kept here: nothing of it is
    # hashed or compared.
    others: dict[int, tuple[V, T]] = {}

    @wraps(function)
    def asked(value: V) -> T:
        if not isinstance(value, FixedObject):
            return of_other(value)
        if asked not in value.found:
            value.found[asked] = function(value)

        found: T = value.found[asked]
        return found

    def of_other(value: V) -> T:
        found = others.get(id(value))

        if found is None:
            found = value, function(value)
            if len(others) >= _OTHERS:
                del others[next(iter(others))]
            others[id(value)] = found

        return found[1]

    return asked


class Same(Generic[T]):
    """A value that equals nothing but itself, because to compare two takes as long as to search one."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value


def kind_and_name(value: Object) -> str:
    """Return `Kind/name`, by which the catalog calls an object of a feature; the object must have both."""
    return f"{value['kind']}/{value['metadata']['name']}"


def at(value: object, *path: str) -> Any:
    """Return the value at a path of map keys, or None; `value` may have any shape."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)

    return value


def items(value: object, *path: str) -> list[Any]:
    """Return the list at a path of map keys; empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def mappings(value: object) -> Iterator[Object]:
    """Yield every map inside a value, the value itself included, however deep."""
    pending = [value]

    while pending:
        part = pending.pop()

        if isinstance(part, dict):
            yield part
            pending.extend(reversed(part.values()))
        elif isinstance(part, list):
            pending.extend(reversed(part))


@per_object
def maps_within(value: Object) -> tuple[Object, ...]:
    """Return every map inside an object, the object itself included, however deep."""
    return tuple(mappings(value))


@per_object
def texts_within(value: Object) -> tuple[str, ...]:
    """Return every text inside an object, however deep, in no certain order."""
    texts: list[str] = []
    pending: list[object] = [value]

    while pending:
        part = pending.pop()

        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)

    return tuple(texts)


def forget_parts(value: Object) -> None:
    """Forget what is inside an object, of which little is asked for when its own rules have looked at it."""
    if isinstance(value, FixedObject):
        for function in (maps_within, texts_within):
            value.found.pop(function, None)


@per_object
def containers(value: Object) -> tuple[Object, ...]:
    """Return every container, Tekton step or sidecar inside an object, however deep: a map with an image, in
    a list of such.
    """
    return tuple(
        container
        for mapping in maps_within(value)
        for key in _CONTAINERS
        if key in mapping
        for container in items(mapping, key)
        if isinstance(container, dict) and isinstance(container.get("image"), str)
    )


def strings(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, text) for every string inside a value, with a dotted path for messages."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings(item, f"{path}[{index}]")
