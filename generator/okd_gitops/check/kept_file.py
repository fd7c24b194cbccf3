"""The file in which what is found of overlays is kept: what every run asks for is in front.

That is a line for all, and then one part for each overlay. What else is known of each overlay and each
document follows, compressed. It is read only if something asks for it, and copied as it is.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from sys import intern
from typing import Any

Head = Mapping[str, Any]
Part = bytes | memoryview


@dataclass(slots=True)
class KeptFile:
    """What is kept of a repository: the heads of its overlays by folder, and of its documents by key.

    The head of an overlay has the keys of its documents below `documents`. `rests` has the rest of each, as
    compressed JSON, by folder or key. `of_all` is what rules of all overlays found, if that is kept.

    `lines` are the heads of overlays as they are in the file, with a number for each document: its place in
    `keys`, where some may be of none that is left.
    """

    overlays: dict[str, Head] = field(default_factory=dict)
    documents: dict[str, Head] = field(default_factory=dict)
    rests: dict[str, Part] = field(default_factory=dict)
    of_all: Head | None = None
    lines: dict[str, Part] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, data: bytes | None) -> "KeptFile":
        """Read a file of the parts of a NewKeptFile; without one nothing is kept."""
        if data is None:
            return cls()

        # Views, because a copy of it takes 5 kB for each cluster.
        whole = memoryview(data)
        first = data.index(b"\n") + 1
        about = json.loads(data[:first])
        ends = list(accumulate(about["heads"] + about["lengths"], initial=first))
        parts = [whole[start:end] for start, end in pairwise(ends)]
        lines, rests = parts[: len(about["heads"])], parts[len(about["heads"]) :]

        keys = about["keys"]
        heads = [_head(line, keys) for line in lines]
        names = (*about["overlays"], *about["documents"])
        return cls(
            overlays=dict(zip(about["overlays"], heads, strict=True)),
            documents=about["documents"],
            rests=dict(zip(names, rests, strict=True)),
            of_all=about["of_all"],
            lines=dict(zip(about["overlays"], lines, strict=True)),
            keys=keys,
        )

    def of_overlays(self, folders: Iterable[str]) -> "KeptFile":
        """Return what is kept of some overlays, and the heads of all documents, in a memory of its own."""
        overlays = {folder: self.overlays[folder] for folder in folders}
        names = {*overlays, *(key for head in overlays.values() for key in head["documents"])}
        return replace(
            self,
            overlays=overlays,
            rests={name: bytes(self.rests[name]) for name in names},
            lines={folder: bytes(self.lines[folder]) for folder in overlays},
        )

    def rest(self, name: str) -> Any:
        """Return what is kept besides the head of an overlay, or of a document."""
        return json.loads(zlib.decompress(self.rests[name]))


def _head(line: Part, keys: Sequence[str]) -> Head:
    """Read the head of an overlay; what overlays have in common is one text in memory."""
    head = json.loads(bytes(line))

    return {
        **head,
        "documents": [keys[number] for number in head["documents"]],
        "folders": list(map(intern, head.get("folders", ()))),
        "asked": list(map(intern, head.get("asked", ()))),
    }


class NewKeptFile:
    """A file to be kept in the place of an older one: what is added is in memory as it will be written."""

    def __init__(self, old: KeptFile) -> None:
        # The hash of the facts of each overlay.
        self.facts: dict[str, str | None] = {}
        self._old = old
        self._lines: dict[str, Part] = {}
        self._documents: dict[str, Head] = {}
        self._rests: dict[str, Part] = {}
        # With the numbers of the older file its lines are copied, until too many are of no document.
        self._is_numbered_as_old = len(old.keys) <= 2 * len(old.documents)
        self._keys = list(old.keys) if self._is_numbered_as_old else []
        self._numbers = {key: number for number, key in enumerate(self._keys)}

    def add_overlay(self, folder: str, head: Head, rest: object) -> None:
        """Add an overlay, whose documents must be added as well."""
        numbers = list(map(self._number, head["documents"]))
        self._lines[folder] = json.dumps({**head, "documents": numbers}).encode()
        self._rests[folder] = _compressed(rest)
        self.facts[folder] = head["facts"]

    def add_document(self, key: str, head: Head, rest: object) -> None:
        """Add a document."""
        self._documents[key] = head
        self._rests[key] = _compressed(rest)

    def copy_overlay(self, folder: str) -> None:
        """Add an overlay, and its documents, as the older file has them."""
        head = self._old.overlays[folder]
        if self._is_numbered_as_old:
            self._lines[folder] = self._old.lines[folder]
            self.facts[folder] = head["facts"]
        else:
            self.add_overlay(folder, head, None)

        self._rests[folder] = self._old.rests[folder]
        for key in head["documents"]:
            if key not in self._documents:
                self._documents[key] = self._old.documents[key]
                self._rests[key] = self._old.rests[key]

    def has_document(self, key: str) -> bool:
        """Whether a document was added."""
        return key in self._documents

    def parts(self, of_all: Head | None) -> Iterable[Part]:
        """Return the file in parts, with what rules of all overlays found."""
        names = (*self._lines, *self._documents)
        rests = [self._rests[name] for name in names]
        about = {
            "heads": list(map(len, self._lines.values())),
            "lengths": list(map(len, rests)),
            "overlays": list(self._lines),
            "documents": self._documents,
            "keys": [key if key in self._documents else "" for key in self._keys],
            "of_all": of_all,
        }

        return json.dumps(about).encode(), b"\n", *self._lines.values(), *rests

    def _number(self, key: str) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self._keys)
            self._keys.append(key)

        return self._numbers[key]


def _compressed(rest: object) -> bytes:
    return zlib.compress(json.dumps(rest).encode(), level=1)
