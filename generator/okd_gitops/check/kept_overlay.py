"""An overlay as an earlier run found it: with neither its objects nor a graph. To ask for them raises
NotLoadedError, and all overlays are judged anew.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from weakref import WeakValueDictionary

from okd_gitops.check.kept_file import KeptFile
from okd_gitops.check.noted_objects import UnreadObject
from okd_gitops.check.overlay import FORMS, Overlay
from okd_gitops.manifests.objects import FixedObject, Object, ObjectId


class NotLoadedError(Exception):
    """Something of an overlay is asked for of which only what an earlier run found is at hand."""


class KeptObjects:
    """What is kept of objects, by their keys: overlays that have an object share it.

    `loaded` are those that this run has.
    """

    def __init__(self, file: KeptFile, loaded: Mapping[str, Object]) -> None:
        self._kept, self._loaded = file, loaded
        self._outlines: dict[str, Object] = {}
        # All who hold one have the same one; of thousands few are held at a time.
        self._noted: WeakValueDictionary[str, FixedObject] = WeakValueDictionary()
        self.noted_keys = frozenset(key for key, head in file.documents.items() if head["is_noted"])
        self._of_kinds: dict[tuple[str, ...], frozenset[str]] = {}

    def noted_keys_of(self, kinds: tuple[str, ...]) -> frozenset[str]:
        """Return the keys of the objects of some kinds."""
        if kinds not in self._of_kinds:
            heads = self._kept.documents
            self._of_kinds[kinds] = frozenset(key for key in self.noted_keys if heads[key]["kind"] in kinds)

        return self._of_kinds[kinds]

    def noted(self, key: str) -> Object:
        """Return an object that rules of other overlays may read whole."""
        value = self._loaded.get(key) or self._noted.get(key)
        if value is None:
            value = self._noted[key] = self._read(key)

        return value

    def _read(self, key: str) -> FixedObject:
        value = FixedObject(self._kept.rest(key)["noted"])
        value.key = key
        return value

    def noted_unread(self, key: str) -> UnreadObject:
        """Return what is known of such an object without reading it."""
        head = self._kept.documents[key]
        return UnreadObject(ObjectId(*head["identity"]), head["paths"], partial(self.noted, key))

    def outline(self, key: str) -> Object:
        """Return the outline of an object."""
        if key not in self._outlines:
            self._outlines[key] = FixedObject(self._kept.rest(key)["outline"])

        return self._outlines[key]

    def has_release(self, key: str) -> bool:
        """Whether an object is a ClusterVersion, or has one inside."""
        return bool(self._kept.documents[key]["has_release"])


class KeptForms:
    """What is kept of an overlay; each part is read when something asks for it."""

    def __init__(self, file: KeptFile, folder: str, objects: KeptObjects) -> None:
        self._kept, self._folder, self._objects = file, folder, objects
        head = file.overlays[folder]
        self.keys: Sequence[str] = head["documents"]
        self.outlines_hash: str = head["outlines"]

    @cached_property
    def noted_keys(self) -> Sequence[str]:
        return [key for key in self.keys if key in self._objects.noted_keys]

    @cached_property
    def noted(self) -> Sequence[Object]:
        return [self._objects.noted(key) for key in self.noted_keys]

    def noted_of(self, *kinds: str) -> Sequence[Object]:
        return [self._objects.noted(key) for key in self.noted_keys_of(*kinds)]

    def noted_keys_of(self, *kinds: str) -> Sequence[str]:
        of_kinds = self._objects.noted_keys_of(kinds)
        # Most overlays have none.
        return () if of_kinds.isdisjoint(self.keys) else [key for key in self.keys if key in of_kinds]

    def noted_unread(self, *kinds: str) -> Sequence[UnreadObject]:
        return [self._objects.noted_unread(key) for key in self.noted_keys_of(*kinds)]

    @cached_property
    def with_release(self) -> Sequence[Object]:
        return [self._objects.noted(key) for key in self.noted_keys if self._objects.has_release(key)]

    @cached_property
    def outlines(self) -> Sequence[Object]:
        return [self._objects.outline(key) for key in self.keys]

    @cached_property
    def _rest(self) -> Any:
        return self._kept.rest(self._folder)

    @property
    def found(self) -> dict[str, str]:
        found: dict[str, str] = self._rest["found"]
        return found

    @property
    def facts(self) -> list[str]:
        """The names of the facts that rules of all overlays asked for."""
        facts: list[str] = self._rest["facts"]
        return facts

    @cached_property
    def reached(self) -> Set[str]:
        return frozenset(self._rest["files"])


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOverlay(Overlay):
    """An overlay of which an earlier run has kept what others may know."""

    kept: KeptForms

    def __getattribute__(self, name: str) -> Any:
        if name in ("objects", "graph", "reading"):
            raise NotLoadedError(name)
        if name in _KEPT:
            return getattr(object.__getattribute__(self, "kept"), name)

        return object.__getattribute__(self, name)


# Each is asked of a loaded overlay by the same name.
_KEPT = frozenset(("found", "keys", *FORMS))
