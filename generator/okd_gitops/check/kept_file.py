"""The file in which what is found of overlays is kept: what every run asks for is in front.

That is a line for each overlay, after one for all. What else is known of each overlay and each document
follows, compressed. It is read only if something asks for it, and copied as it is.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

Head = Mapping[str, Any]


@dataclass(slots=True)
class KeptFile:
    """What is kept of a repository: the heads of its overlays by folder, and of its documents by key.

    The head of an overlay has the keys of its documents below `documents`. `rests` has the rest of each, as
    compressed JSON, by folder or key. `of_all` is what rules of all overlays found, if that is kept.
    """

    overlays: dict[str, Head] = field(default_factory=dict)
    documents: dict[str, Head] = field(default_factory=dict)
    rests: dict[str, bytes] = field(default_factory=dict)
    of_all: Head | None = None

    @classmethod
    def of(cls, data: bytes | None) -> "KeptFile":
        """Read a file of the parts of a NewKeptFile; without one nothing is kept."""
        if data is None:
            return cls()

        first, _, others = data.partition(b"\n")
        about = json.loads(first)
        *lines, rests = others.split(b"\n", len(about["overlays"]))
        ends = list(accumulate(about["lengths"], initial=0))
        parts = [rests[start:end] for start, end in pairwise(ends)]

        keys = list(about["documents"])
        heads = [json.loads(line) for line in lines]
        for head in heads:
            head["documents"] = [keys[number] for number in head["documents"]]

        overlays: dict[str, Head] = dict(zip(about["overlays"], heads, strict=True))
        names = (*overlays, *keys)
        return cls(overlays, about["documents"], dict(zip(names, parts, strict=True)), about["of_all"])

    def rest(self, name: str) -> Any:
        """Return what is kept besides the head of an overlay, or of a document."""
        return json.loads(zlib.decompress(self.rests[name]))


class NewKeptFile:
    """A file to be kept: what is added is in memory as it will be written."""

    def __init__(self) -> None:
        # The hash of the facts of each overlay.
        self.facts: dict[str, str | None] = {}
        self._lines: dict[str, bytes] = {}
        self._documents: dict[str, Head] = {}
        self._rests: dict[str, bytes] = {}
        # Of each document its place among them, which an overlay may know before it is added.
        self._numbers: dict[str, int] = {}

    def add_overlay(self, folder: str, head: Head, rest: object) -> None:
        """Add an overlay, whose documents must be added as well."""
        self._add_line(folder, head)
        self._rests[folder] = _compressed(rest)

    def add_document(self, key: str, head: Head, rest: object) -> None:
        """Add a document."""
        self._documents[key] = head
        self._rests[key] = _compressed(rest)

    def copy_overlay(self, folder: str, other: KeptFile, **changed: object) -> None:
        """Add an overlay, and its documents, as another file has them, but for what `changed` in its head."""
        head = {**other.overlays[folder], **changed}
        self._add_line(folder, head)
        self._rests[folder] = other.rests[folder]

        for key in head["documents"]:
            if key not in self._documents:
                self._documents[key] = other.documents[key]
                self._rests[key] = other.rests[key]

    def change_rest(self, folder: str, rest: object) -> None:
        """Keep another rest of an overlay."""
        self._rests[folder] = _compressed(rest)

    def has_document(self, key: str) -> bool:
        """Whether a document was added."""
        return key in self._documents

    def parts(self, of_all: Head | None) -> Iterable[bytes]:
        """Return the file in parts, with what rules of all overlays found."""
        keys = sorted(self._documents, key=self._number)
        names = (*self._lines, *keys)
        rests = [self._rests[name] for name in names]
        about = {
            "lengths": list(map(len, rests)),
            "overlays": list(self._lines),
            "documents": {key: self._documents[key] for key in keys},
            "of_all": of_all,
        }

        return json.dumps(about).encode(), b"\n", *self._lines.values(), *rests

    def _add_line(self, folder: str, head: Head) -> None:
        self.facts[folder] = head["facts"]
        numbers = [self._number(key) for key in head["documents"]]
        self._lines[folder] = json.dumps({**head, "documents": numbers}).encode() + b"\n"

    def _number(self, key: str) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _compressed(rest: object) -> bytes:
    return zlib.compress(json.dumps(rest).encode(), level=1)
