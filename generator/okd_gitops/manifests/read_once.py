"""Read files of which many have the same bytes: each distinct one is read once in a process."""

import re
from dataclasses import replace
from functools import lru_cache

from okd_gitops.finding import FindingsError
from okd_gitops.manifests.bounds import Bounds
from okd_gitops.manifests.read import Document, read, read_all
from okd_gitops.tree import Unread

# It means nothing to a reader of YAML: generated files name their cluster there.
_COMMENT = re.compile(rb"#[\x20-\x7e]*\n")


def read_once(path: str, data: bytes, bounds: Bounds, source: bytes | Unread = b"") -> Document:
    """Read a file with one document; raises like `read`."""
    documents = read_all_once(path, data, bounds, source)

    return documents[0] if len(documents) == 1 else read(path, data, bounds=bounds)


def read_all_once(path: str, data: bytes, bounds: Bounds, source: bytes | Unread = b"") -> list[Document]:
    """Read a file; many have the bytes of another one, or all but a first line that is a comment.

    These are read once. Their documents share their values, which nobody may change. Raises like `read_all`;
    `source` is as there.
    """
    comment = _COMMENT.match(data) if len(data) <= bounds.max_bytes else None
    content = b"#\n" + data[comment.end() :] if comment else data

    try:
        documents = _documents_in(content, bounds)
    except FindingsError:
        # With the places in this file.
        return read_all(path, data, bounds=bounds)

    return [replace(each, file=path, source=source or data) for each in documents]


# More than the distinct files of some overlays: what many share is asked for again before it goes, and what
# one alone has goes with it.
@lru_cache(maxsize=256)
def _documents_in(data: bytes, bounds: Bounds) -> tuple[Document, ...]:
    return tuple(read_all("", data, bounds=bounds))
