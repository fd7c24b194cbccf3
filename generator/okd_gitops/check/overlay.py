"""A folder that is deployed: what is rendered from it, and what of it rules of other overlays may know.

Between runs, what was found of one overlay alone is kept by all that it can depend on. So a function whose
result is kept takes the overlay and its files, and nothing else.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from functools import lru_cache, wraps
from sys import intern
from typing import Any

from okd_gitops.check.noted_objects import (
    UnreadObject,
    has_cluster_version,
    hash_of_outlines,
    is_noted,
    noted_unread,
    outline,
)
from okd_gitops.finding import Location
from okd_gitops.manifests.flux import Variables
from okd_gitops.manifests.graph import Graph, Reading, Written
from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import FixedObject, Object, ObjectId
from okd_gitops.redaction import masked_line

# How the name of a place begins among the facts of an overlay.
_PLACE = "place "


# In which form others may know what is rendered and read: attributes of an overlay.
FORMS = (
    *("noted", "noted_keys", "noted_of", "noted_keys_of", "noted_unread"),
    *("with_release", "outlines", "outlines_hash", "reached"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A folder that is deployed, and the objects that kustomize renders from it.

    `purpose` and `environment` are empty for an overlay that no cluster file describes.
    """

    name: str
    folder: str
    # Whether Argo CD applies its files as they are, without kustomize.
    is_directory: bool = False
    reading: Reading = field(default_factory=Reading, compare=False, repr=False)
    objects: tuple[Object, ...] = ()
    # Who fills ${variables} in what is rendered; None where nobody does.
    variables: Variables | None = None
    # The minor of Kubernetes whose schemas hold for the objects.
    kubernetes: str = ""
    purpose: str = ""
    environment: str = ""
    # The address of the API server, if the cluster file has it.
    server: str = ""
    # `Kind/name` of everything that the objects use and somebody else creates, as the features declare it.
    declared: frozenset[str] = frozenset()
    expires: date | None = None
    # How many days ahead that may be.
    longest_days: int = 366
    # What its ClusterVersion must have below `spec`, by dotted path, as the cluster file says.
    release: Mapping[str, str] = field(default_factory=dict)
    # The objects that keep it from going back, as the tool's own catalog has them.
    guards: tuple[Object, ...] = ()
    # An emergency forces its release, which has a finding of its own.
    forced: bool = False
    # What a long-term cluster would get without its extras; None where there are none.
    planned: tuple[Object, ...] | None = None
    # What tells each of `objects` from all others that are rendered, where their findings are kept.
    keys: Sequence[str] = field(default=(), compare=False, repr=False)
    # What functions `per_overlay` returned, as JSON by their names, and the files that they read besides.
    found: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    outside: set[str] = field(default_factory=set, init=False, compare=False, repr=False)
    _by_kind: dict[str, list[Object]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def of(self, group_kind: str) -> Sequence[Object]:
        """Return its objects of a kind, `Kind.group`, in order."""
        if not self._by_kind:
            for value in self.objects:
                self._by_kind.setdefault(ObjectId.of(value).group_kind, []).append(value)

        return self._by_kind.get(group_kind, ())

    def forget(self, keys: Set[str]) -> None:
        """Forget what was found of it, but for places, and of its objects with these keys: it is found again
        if need be.
        """
        self._by_kind.clear()
        for name in [name for name in self.found if not name.startswith(_PLACE)]:
            del self.found[name]

        for key, value in zip(self.keys, self.objects, strict=True):
            if key in keys and isinstance(value, FixedObject):
                value.found.clear()

    @property
    def graph(self) -> Graph:
        """What it is built from."""
        return self.reading.graph

    @property
    def own_file(self) -> str:
        """The file of the cluster of its name."""
        return f"clusters/{self.name}.yaml"

    @property
    def noted(self) -> Sequence[Object]:
        """Its objects of the kinds that rules of other overlays read whole, in order."""
        return [value for value in self.objects if is_noted(value)]

    @property
    def noted_keys(self) -> Sequence[str]:
        """The keys of `noted`; empty where objects have none."""
        pairs = zip(self.keys, self.objects, strict=False)
        return [key for key, value in pairs if is_noted(value)]

    def noted_of(self, *kinds: str) -> Sequence[Object]:
        """Return those of `noted` that are of some kinds."""
        return [value for value in self.objects if value.get("kind") in kinds and is_noted(value)]

    def noted_unread(self, *kinds: str) -> Sequence[UnreadObject]:
        """Return `noted_of` in a form that names the objects without reading them."""
        return [noted_unread(value) for value in self.noted_of(*kinds)]

    def noted_keys_of(self, *kinds: str) -> Sequence[str]:
        """Return the keys of `noted_of`; empty where objects have none."""
        pairs = zip(self.keys, self.objects, strict=False)
        return [key for key, value in pairs if value.get("kind") in kinds and is_noted(value)]

    @property
    def with_release(self) -> Sequence[Object]:
        """Its objects that are a ClusterVersion, or have one inside."""
        return [value for value in self.objects if has_cluster_version(value)]

    @property
    def outlines(self) -> Sequence[Object]:
        """All its objects, each with no more than `outline` leaves."""
        return [outline(value) for value in self.objects]

    @property
    def outlines_hash(self) -> str:
        """A hash of the outlines."""
        return hash_of_outlines(self.outlines)

    @property
    def reached(self) -> Set[str]:
        """The files that it is built from."""
        return self.graph.files

    def place(self, identity: ObjectId, path: Path, *, is_secret: bool = False) -> Location | None:
        """Return where a value of an object is written, if that is certain; of a secret without the value."""
        name = self.name_of_place(identity, path, is_secret=is_secret)
        if name not in self.found:
            written = written_as(self.graph, identity)
            place = written.at(path) if written else None
            self.found[name] = _as_text(as_map(without_value(place) if place and is_secret else place))

        known = _from_json(self.found[name])
        return Location(**known) if known else None

    @staticmethod
    def name_of_place(identity: ObjectId, path: Path, *, is_secret: bool) -> str:
        """Return the name of a place among the facts of an overlay."""
        return f"{_PLACE}{json.dumps([as_list(identity), path, is_secret])}"

    def fact(self, name: str, function: "_Function", files: Mapping[str, bytes]) -> Any:
        """Return what a function `per_overlay` returns, of that name, as JSON has it."""
        if name not in self.found:
            self.found[name] = _as_text(function(self, _Watched(files, self)))

        return _from_json(self.found[name])

    def place_of(self, value: Object, path: Path = ()) -> str:
        """Return FILE:LINE:COLUMN of a value in an object of this overlay, else the folder of the overlay."""
        written = written_as(self.graph, ObjectId.of(value))
        return str(written.at(path)) if written else self.folder


# What an earlier run and this one have in common of an overlay; the rest is what a run finds.
_MADE = ("reading", "objects", "keys", "found", "outside", "_by_kind")
DESCRIBED = tuple(each.name for each in fields(Overlay) if each.name not in _MADE)


class _Watched(Mapping[str, bytes]):
    """Files as one overlay sees them: what it asks for besides those that it is built from is noted."""

    def __init__(self, files: Mapping[str, bytes], overlay: Overlay) -> None:
        self._files, self._overlay = files, overlay

    def __getitem__(self, path: str) -> bytes:
        if path not in self._overlay.reached and path != self._overlay.own_file:
            self._overlay.outside.add(path)

        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        self._overlay.outside.add("*")
        return iter(self._files)

    def __len__(self) -> int:
        self._overlay.outside.add("*")
        return len(self._files)


_Function = Callable[[Overlay, Mapping[str, bytes]], Any]
_FUNCTIONS: dict[str, _Function] = {}


def per_overlay(function: _Function) -> _Function:
    """Keep what a function of an overlay, and of the files that it is built from, returns: plain JSON.

    It comes back as JSON has it, lists for tuples, also when it was not kept.
    """
    name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

    @wraps(function)
    def asked(overlay: Overlay, files: Mapping[str, bytes]) -> Any:
        return overlay.fact(name, function, files)

    _FUNCTIONS[name] = asked
    return asked


def fact_named(name: str, overlay: Overlay, files: Mapping[str, bytes]) -> Any:
    """Return a fact of an overlay by the name under which it is kept, as JSON has it.

    Raises KeyError when no function that is imported has that name.
    """
    if not name.startswith(_PLACE):
        return _FUNCTIONS[name](overlay, files)

    identity, path, is_secret = json.loads(name.removeprefix(_PLACE))
    return as_map(overlay.place(ObjectId(*identity), tuple(path), is_secret=is_secret))


def _as_text(fact: Any) -> str:
    """Return a fact as JSON; that of many overlays is one text in memory."""
    return intern(json.dumps(fact))


@lru_cache(maxsize=64)
def _from_json(text: str) -> Any:
    """Return a fact, which nobody may change: many overlays of a fleet have the same ones."""
    return json.loads(text)


def written_as(graph: Graph, identity: ObjectId) -> Written | None:
    """Return where a rendered object is written, also when kustomize moved it to another namespace or put
    something around its name; None when that is not certain.
    """
    found = graph.objects.get(identity)
    if found is not None:
        return found

    alike = [
        (len(each.name), each.name, written)
        for each, written in graph.objects.items()
        if each.group_kind == identity.group_kind and each.name and each.name in identity.name
    ]
    exact = [written for _, name, written in alike if name == identity.name]
    if len(exact) == 1 or len(alike) == 1:
        return (exact or [alike[0][2]])[0]
    return None


def without_value(place: Location) -> Location:
    """Return a place without the value that is written there."""
    return replace(place, text=masked_line(place.text), length=1)


def as_list(identity: ObjectId) -> list[str]:
    """Return an identity as JSON can have it; `ObjectId(*…)` reads it."""
    return [identity.group, identity.version, identity.kind, identity.namespace, identity.name]


def as_map(place: Location | None) -> dict[str, Any] | None:
    """Return a place as JSON can have it; `Location(**…)` reads it."""
    return asdict(place) if place else None
