"""Read files of which many have the same bytes: each distinct one is read once in a process."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from okd_gitops.finding import FindingsError
from okd_gitops.manifests.bounds import Bounds
from okd_gitops.manifests.read import Document, read, read_all
from okd_gitops.tree import digest

# It means nothing to a reader of YAML: generated files name their cluster there.
_COMMENT = re.compile(rb"#[\x20-\x7e]*\n")
_Again = Callable[[], bytes] | None


def read_once(path: str, data: bytes, bounds: Bounds, again: _Again = None) -> Document:
    """Read a file with one document; raises like `read`."""
    documents = read_all_once(path, data, bounds, again)

    return documents[0] if len(documents) == 1 else read(path, data, bounds=bounds)


def read_all_once(path: str, data: bytes, bounds: Bounds, again: _Again = None) -> list[Document]:
    """Read a file; many have the bytes of another one, or all but a first line that is a comment.

    These are read once. Their documents share their values, which nobody may change. Raises like `read_all`;
    `again` is as there.
    """
    comment = _COMMENT.match(data) if len(data) <= bounds.max_bytes else None
    content = b"#\n" + data[comment.end() :] if comment else data

    try:
        documents = _documents_in(_Content(content), bounds)
    except FindingsError:
        # With the places in this file.
        return read_all(path, data, bounds=bounds)

    return [replace(each, file=path, source=again or data) for each in documents]


class _Content:
    """The content of a file, which is known by its hash when it was read."""

    __slots__ = ("data", "hash")

    def __init__(self, data: bytes) -> None:
        self.data, self.hash = data, digest(data)

    def __hash__(self) -> int:
        return hash(self.hash)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Content) and self.hash == other.hash


@lru_cache(maxsize=2048)
def _documents_in(content: _Content, bounds: Bounds) -> tuple[Document, ...]:
    documents = read_all("", content.data, bounds=bounds)
    # The cache keeps what it was asked with.
    content.data = b""

    return tuple(replace(each, source=b"") for each in documents)
