"""The file in which what is found of overlays is kept: what every run asks for is in one line.

What else is known of each overlay and each document follows, compressed. It is read only if something asks
for it, and copied as it is.
"""

import json
import zlib
from collections.abc import Mapping
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
        """Read a file that `as_bytes` has made; without one nothing is kept."""
        if data is None:
            return cls()

        heads, _, rests = data.partition(b"\n")
        kept = json.loads(heads)
        ends = list(accumulate(kept["lengths"], initial=0))
        parts = [rests[start:end] for start, end in pairwise(ends)]

        keys = list(kept["documents"])
        overlays: dict[str, Head] = {
            folder: {**head, "documents": [keys[number] for number in head["documents"]]}
            for folder, head in kept["overlays"].items()
        }
        names = (*overlays, *keys)

        return cls(overlays, kept["documents"], dict(zip(names, parts, strict=True)), kept["of_all"])

    def as_bytes(self) -> bytes:
        """Return the file."""
        numbers = {key: number for number, key in enumerate(self.documents)}
        overlays = {
            folder: {**head, "documents": [numbers[key] for key in head["documents"]]}
            for folder, head in self.overlays.items()
        }
        names = (*self.overlays, *self.documents)
        rests = [self.rests[name] for name in names]
        heads = {
            "lengths": list(map(len, rests)),
            "overlays": overlays,
            "documents": self.documents,
            "of_all": self.of_all,
        }

        return b"".join((json.dumps(heads).encode(), b"\n", *rests))

    def rest(self, name: str) -> Any:
        """Return what is kept besides the head of an overlay, or of a document."""
        return json.loads(zlib.decompress(self.rests[name]))

    def add_overlay(self, folder: str, head: Head, rest: object) -> None:
        """Add an overlay; its documents may be added later."""
        self.overlays[folder] = head
        self.rests[folder] = _compressed(rest)

    def add_document(self, key: str, head: Head, rest: object) -> None:
        """Add a document."""
        self.documents[key] = head
        self.rests[key] = _compressed(rest)

    def copy_overlay(self, folder: str, other: "KeptFile") -> None:
        """Add an overlay, and its documents, as another file has them."""
        self.overlays[folder] = other.overlays[folder]
        self.rests[folder] = other.rests[folder]

        for key in other.overlays[folder]["documents"]:
            if key not in self.documents:
                self.documents[key] = other.documents[key]
                self.rests[key] = other.rests[key]


def _compressed(rest: object) -> bytes:
    return zlib.compress(json.dumps(rest).encode(), level=1)
