"""What rules of all overlays see of a repository, and a hash of it.

They see of each overlay what the fleet says of it, the facts that they ask for, and in which form others may
know its objects; of the repository each field; of files the names, and what they ask for. All of that is in
the hash. What is not makes their findings ones that are not kept.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Any

from okd_gitops.check.overlay import DESCRIBED, FORMS, Overlay, fact_named
from okd_gitops.check.rule import Quota, Repository
from okd_gitops.finding import Location
from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import ObjectId, per_object
from okd_gitops.tree import digest, digest_in

# What a hash of facts has of each overlay, whether somebody asks for it or not.
_HASHED = frozenset((*DESCRIBED, *FORMS, "own_file"))
_REST = tuple(each.name for each in fields(Repository) if each.name not in ("files", "overlays"))


class SeenByAll:
    """A repository as rules of all overlays see it; each thing that they ask for is noted."""

    def __init__(self, repository: Repository) -> None:
        self._files = _SeenFiles(repository.files)
        self._overlays = {each.folder: _SeenOverlay(each, repository.files) for each in repository.overlays}
        seen: Any = tuple(self._overlays.values())
        self.repository = replace(repository, overlays=seen, files=self._files)

    @property
    def files(self) -> list[str]:
        """The files that were read."""
        return sorted(self._files.read)

    @property
    def is_hashed(self) -> bool:
        """Whether all that was asked for is in the hash."""
        return self._files.is_hashed and all(each.is_hashed for each in self._overlays.values())

    def forget(self) -> None:
        """Forget the objects that were asked for, of which thousands are no longer needed."""
        for each in self._overlays.values():
            each.forget()

    def facts(self, overlay: Overlay) -> list[str]:
        """Return the names of the facts of an overlay that were asked for."""
        return sorted(self._overlays[overlay.folder].facts)


class _SeenOverlay:
    """An overlay, of which the facts are noted that are asked for, and whether something has no hash."""

    def __init__(self, overlay: Overlay, files: Mapping[str, bytes]) -> None:
        self._overlay, self._files = overlay, files
        self.facts: set[str] = set()
        self.is_hashed = True

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._overlay, name)
        if name in _HASHED:
            # Objects are searched for these each time.
            self.__dict__[name] = value
        else:
            self.is_hashed = False

        return value

    def forget(self) -> None:
        """Forget what it knows of the overlay, but for what was asked."""
        self.__dict__ = {name: value for name, value in self.__dict__.items() if name not in _HASHED}

    def fact(self, name: str, function: Callable[..., Any], _: Mapping[str, bytes]) -> Any:
        """Return a fact of the overlay, whose hash covers what the function reads."""
        self.facts.add(name)
        return self._overlay.fact(name, function, self._files)

    def place(self, identity: ObjectId, path: Path, *, is_secret: bool = False) -> Location | None:
        """Return where a value is written, which is a fact as well."""
        self.facts.add(self._overlay.name_of_place(identity, path, is_secret=is_secret))
        return self._overlay.place(identity, path, is_secret=is_secret)


class _SeenFiles(Mapping[str, bytes]):
    """Files, of which it is noted which are read; their names are in each hash."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.read: set[str] = set()
        self.is_hashed = True

    def __getitem__(self, path: str) -> bytes:
        self.read.add(path)
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: object) -> bool:
        return path in self._files

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._files, name)
        self.is_hashed = False
        return value


def hash_of_facts(overlay: Overlay, names: Iterable[str], files: Mapping[str, bytes]) -> str | None:
    """Return a hash of what rules of all overlays can see of one, the facts of some names included; None when
    the tool has no such fact.
    """
    try:
        found = {name: fact_named(name, overlay, files) for name in names}
    except KeyError:
        return None

    described = hash_of_description(overlay)
    content = (described, found, list(overlay.noted_keys), overlay.outlines_hash, sorted(overlay.reached))
    return digest(json.dumps(content).encode())


def hash_of_description(overlay: Overlay) -> str:
    """Return a hash of what the fleet says of an overlay."""
    values = [getattr(overlay, name) for name in DESCRIBED if name not in _OBJECTS]
    objects = [[_text(value) for value in getattr(overlay, name) or ()] for name in _OBJECTS]
    has_planned = overlay.planned is not None

    return digest(json.dumps([values, objects, has_planned], default=_plain).encode())


def hash_of_all(repository: Repository, facts: Iterable[str], read: Iterable[str]) -> str | None:
    """Return a hash of what rules of all overlays can see: `facts` are the hashes of the overlays in order,
    `read` the files that were read. None when something of it has none.
    """
    files = repository.files
    names = digest("\0".join(sorted(files)).encode("utf-8", "surrogateescape"))
    contents = {path: digest_in(files, path) if path in files else None for path in read}
    folders = [each.folder for each in repository.overlays]
    rest = [getattr(repository, name) for name in _REST]

    try:
        text = json.dumps([folders, list(facts), names, contents, rest], default=_part)
    except TypeError:
        return None

    return digest(text.encode())


# Those of a description that clusters share, so that each is written as text once.
_OBJECTS = ("guards", "planned")


@per_object
def _text(value: object) -> str:
    return digest(json.dumps(value).encode())


def _plain(value: object) -> Any:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _part(value: object) -> Any:
    """Return a part of a repository as JSON can have it; raises TypeError for one of an unknown type."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Quota):
        return [getattr(value, each.name) for each in fields(Quota)]
    if isinstance(value, date):
        return str(value)
    raise TypeError(type(value))
