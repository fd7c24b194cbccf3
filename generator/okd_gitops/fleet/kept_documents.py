"""What people wrote, as an earlier run has read it: values by the bytes of their file.

Only what was read without a fault is kept.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from okd_gitops.manifests.read import Document, Span, read
from okd_gitops.manifests.read import Path as Inside
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.unchanged import hash_of_code
from okd_gitops.tree import digest


class KeptDocuments:
    """The documents of the fleet at a root; without results, each is read anew.

    Kept is a line for each: the hash of its file, its value, and its places, as JSON. A line is taken apart
    when its document is asked for, and its places when one of them is.
    """

    def __init__(self, results: Results | None, place: str) -> None:
        self._results, self._place = results, place
        self._common = hash_of_code() if results else ""
        common, *lines = ((results.read(place) if results else None) or b"").decode().split("\n")
        known = (line.partition("\t") for line in lines)
        self._known = {key: kept for key, _, kept in known} if common == self._common else {}
        self._used: dict[str, str] = {}

    @classmethod
    def of(cls, root: Path, cache: Path) -> "KeptDocuments":
        """Return what is kept, and nothing where that must not be used."""
        folder = kept_folder(cache)
        return cls(Results(folder / "documents") if folder else None, key_of(bytes(root)))

    def read(self, file: str, data: bytes) -> Document:
        """Read a file with one document; raises FindingsError like `manifests.read.read`."""
        if self._results is None:
            return read(file, data)

        key = digest(data)
        if key not in self._known:
            document = read(file, data)
            places = [list(document.marks.items()), list(document.keys.items())]
            parts = (document.value, sorted(document.dates), places)
            self._used[key] = "\t".join(map(json.dumps, parts))
            return document

        kept = self._used[key] = self._known[key]
        value, dates, spans = kept.split("\t")
        lines = tuple(data.decode().split("\n"))
        paths = frozenset(map(tuple, json.loads(dates)))
        late = _Places(spans)
        return Document(file, lines, json.loads(value), _Late(late.marks), _Late(late.keys), paths)

    def know(self, files: Iterable[bytes]) -> bool:
        """Whether an earlier run of the same tool has read all these files without a fault."""
        keys = list(map(digest, files))
        self._used |= {key: self._known[key] for key in keys if key in self._known}

        return all(key in self._known for key in keys)

    def keep(self) -> None:
        """Keep for later runs what this one has read, if that was new."""
        if self._results and not self._used.keys() <= self._known.keys():
            lines = (f"{key}\t{kept}" for key, kept in self._used.items())
            self._results.keep(self._place, "\n".join((self._common, *lines)).encode())


class _Places:
    """Places of values and of keys, as JSON."""

    def __init__(self, kept: str) -> None:
        self._kept = kept

    @cached_property
    def _spans(self) -> list[dict[Inside, Span]]:
        parts = json.loads(self._kept)
        return [
            {tuple(path): (line, column, length) for path, (line, column, length) in part} for part in parts
        ]

    def marks(self) -> Mapping[Inside, Span]:
        """Return the places of values."""
        return self._spans[0]

    def keys(self) -> Mapping[Inside, Span]:
        """Return the places of keys."""
        return self._spans[1]


class _Late(Mapping[Inside, Span]):
    """Places, which are taken from what was kept when somebody asks for one."""

    def __init__(self, spans: Callable[[], Mapping[Inside, Span]]) -> None:
        self._spans = spans

    def __getitem__(self, path: Inside) -> Span:
        return self._spans()[path]

    def __contains__(self, path: object) -> bool:
        return path in self._spans()

    def __iter__(self) -> Iterator[Inside]:
        return iter(self._spans())

    def __len__(self) -> int:
        return len(self._spans())
