"""What people wrote, as an earlier run has read it: values by the bytes of their file.

Only what was read without a fault is kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from okd_gitops.manifests.read import Document, Span, read
from okd_gitops.manifests.read import Path as Inside
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.unchanged import hash_of_code


class KeptDocuments:
    """The documents of the fleet at a root; without results, each is read anew."""

    def __init__(self, results: Results | None, place: str) -> None:
        self._results, self._place = results, place
        kept = json.loads((results.read(place) if results else None) or b"{}")
        self._common = hash_of_code() if results else ""
        self._known: dict[str, Any] = kept["documents"] if kept.get("common") == self._common else {}
        self._used: dict[str, Any] = {}

    @classmethod
    def of(cls, root: Path, cache: Path) -> "KeptDocuments":
        """Return what is kept, and nothing where that must not be used."""
        folder = kept_folder(cache)
        return cls(Results(folder / "documents") if folder else None, key_of(bytes(root)))

    def read(self, file: str, data: bytes) -> Document:
        """Read a file with one document; raises FindingsError like `manifests.read.read`."""
        if self._results is None:
            return read(file, data)

        key = sha256(data).hexdigest()
        if key not in self._known:
            document = read(file, data)
            places = (list(document.marks.items()), list(document.keys.items()))
            self._used[key] = [document.value, *places, sorted(document.dates)]
            return document

        value, marks, keys, dates = self._used[key] = self._known[key]
        lines = tuple(data.decode().split("\n"))
        return Document(
            file, lines, value, _Late(marks), _Late(keys), frozenset(tuple(path) for path in dates)
        )

    def know(self, files: Iterable[bytes]) -> bool:
        """Whether an earlier run of the same tool has read all these files without a fault."""
        keys = [sha256(data).hexdigest() for data in files]
        self._used |= {key: self._known[key] for key in keys if key in self._known}

        return all(key in self._known for key in keys)

    def keep(self) -> None:
        """Keep for later runs what this one has read, if that was new."""
        if self._results and not self._used.keys() <= self._known.keys():
            kept = {"common": self._common, "documents": self._used}
            self._results.keep(self._place, json.dumps(kept).encode())


class _Late(Mapping[Inside, Span]):
    """Places, which are taken from what was kept when somebody asks for one."""

    def __init__(self, kept: Iterable[tuple[Iterable[str | int], Iterable[int]]]) -> None:
        self._kept = kept

    @cached_property
    def _spans(self) -> dict[Inside, Span]:
        return {tuple(path): (line, column, length) for path, (line, column, length) in self._kept}

    def __getitem__(self, path: Inside) -> Span:
        return self._spans[path]

    def __contains__(self, path: object) -> bool:
        return path in self._spans

    def __iter__(self) -> Iterator[Inside]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)
