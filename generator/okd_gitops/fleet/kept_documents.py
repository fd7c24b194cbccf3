"""What people and the catalog wrote, as an earlier run has read it: values by the bytes of their file.

Only what was read without a fault is kept.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from okd_gitops.manifests.objects import Object
from okd_gitops.manifests.plain import plain_value
from okd_gitops.manifests.read import Document, read
from okd_gitops.system.kept import Kept
from okd_gitops.system.unchanged import hash_of_code
from okd_gitops.tree import Unread, content_of, digest, digest_of

_KIND = "documents"
# What is in front of the hash of a file that has an object of the catalog.
_OBJECT = "object:"


class KeptDocuments:
    """The documents of a fleet; where nothing is kept, each is read anew.

    Kept is a line for each: the hash of its file, and its value as JSON, which is read when it is asked for.
    """

    def __init__(self, kept: Kept | None = None) -> None:
        self._kept = kept
        self._common = hash_of_code() if kept else ""
        kept_lines = (kept.read(_KIND, self._common) if kept else None) or b""
        known = (line.partition(" ") for line in kept_lines.decode().splitlines())
        self._known = {key: kept for key, _, kept in known}
        # Of the catalog's objects all stay: another edit asks for others.
        self._used = {key: kept for key, kept in self._known.items() if key.startswith(_OBJECT)}

    @classmethod
    def of(cls, root: Path, cache: Path) -> "KeptDocuments":
        """Return what is kept, and nothing where that must not be used."""
        return cls(Kept.of(root, cache))

    def read(self, file: str, source: bytes | Unread) -> Document:
        """Read a file with one document; raises FindingsError like `manifests.read.read`.

        One that an earlier run has read is not read for its value.
        """
        if self._kept is None:
            return read(file, content_of(source))

        key = digest_of(source)
        if key not in self._known:
            document = replace(read(file, content_of(source)), source=source)
            self._used[key] = json.dumps([document.value, document.has_dates])
            return document

        self._used[key] = self._known[key]
        value, has_dates = json.loads(self._known[key])
        return Document(file, source, value, has_dates=has_dates)

    def read_object(self, data: bytes) -> Object:
        """Read a file of the catalog with one object; raises like `manifests.plain.plain_value`."""
        if self._kept is None:
            plain: Object = plain_value(data)
            return plain

        key = _OBJECT + digest(data)
        value: Object = json.loads(self._used[key]) if key in self._used else plain_value(data)
        if key not in self._used:
            self._used[key] = json.dumps(value)

        return value

    def know(self, files: Iterable[bytes]) -> bool:
        """Whether an earlier run of the same tool has read all these files without a fault."""
        keys = list(map(digest, files))
        self._used |= {key: self._known[key] for key in keys if key in self._known}

        return all(key in self._known for key in keys)

    def keep(self) -> None:
        """Keep for later runs what this one has read, if that was new."""
        if self._kept and not self._used.keys() <= self._known.keys():
            lines = (f"{key} {kept}\n" for key, kept in self._used.items())
            self._kept.keep(_KIND, self._common, "".join(lines).encode())
