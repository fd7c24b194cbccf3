"""Runs of which nothing changed since an earlier one: their result is known without reading a cluster file.

What runs without an error found and counted is kept, by every byte that such a run reads: the repository's
files, the tool's own code and catalog, and what else the command names. The bytes are not read again while
the file system records no change of any of those files: neither of its size, its times nor its inode.
"""

import json
import posixpath
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from okd_gitops.finding import Finding, Severity, finding_from
from okd_gitops.system.disk import (
    CATALOG,
    CODE,
    FLEET,
    MAX_GENERATED,
    PACKAGE,
    ROOTS,
    Status,
    entries,
    read_own_files,
    scan_tree,
    status_of,
)
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.state import JOURNAL, STATE
from okd_gitops.tree import Tree

_CLUSTERS = "clusters"
_INPUTS = (*ROOTS, _CLUSTERS, CATALOG, FLEET)
# An emergency ends at an hour, and a run of the same day must then find it. A backslash may hide the word.
_MAY_END_AT_AN_HOUR = (b"emergency", b"\\")
# A file that is edited twice within one tick of its file system's clock, 2 s on the coarsest, may look the
# same after both. So what changed this many seconds ago, or after now, is read and not looked up.
_SETTLED = 3.0

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run counted, by name, and its warnings."""

    counts: Counts
    warnings: tuple[Finding, ...] = ()


class Earlier:
    """The earlier run of a command on the same files, `more` being what it reads besides them."""

    def __init__(self, root: Path, cache: Path, command: str, *more: bytes) -> None:
        self._root = root
        self._status = _status(root)
        folder = kept_folder(cache)
        # `files` are what was read to tell; none where nothing had to be.
        content, self.files = _content_of(root, folder, self._status) if folder else (None, Tree())
        self._results = Results(folder / "runs") if folder and content else None
        self._key = key_of(command.encode(), *more, content) if content else ""

    def result(self) -> Result | None:
        """Return the result of the earlier run, or None when there was none without an error."""
        data = self._results.read(self._key) if self._results else None

        if data is None:
            return None

        kept = json.loads(data)
        return Result(kept["counts"], tuple(map(finding_from, kept["warnings"])))

    def keep(self, counts: Counts, findings: Iterable[Finding]) -> None:
        """Keep the result of a run, unless it found an error: that may have been one of the machine."""
        warnings = list(findings)

        if self._results is None or any(item.severity == Severity.ERROR for item in warnings):
            return

        # The run may have read what somebody wrote after its key was made.
        if self._status is None or _status(self._root) != self._status:
            return

        kept = {"counts": dict(counts), "warnings": [finding.as_json() for finding in warnings]}
        self._results.keep(self._key, json.dumps(kept).encode())
        self._results.prune()


def tools_in(cache: Path) -> bytes:
    """Return the recorded hashes of the tools and schemas; empty where there are none."""
    files = (cache / "bin" / "sha256sums", cache / "schemas" / "index.json")

    try:
        return b"".join(file.read_bytes() for file in files)
    except OSError:
        return b""


def _status(root: Path) -> Status | None:
    """Return what the file system records of the files that decide a run, None where it cannot tell."""
    inputs, code = status_of(root, *_INPUTS), status_of(PACKAGE.parent, PACKAGE.name, names=CODE)

    if inputs is None or code is None or (root / STATE / JOURNAL).exists():
        return None

    digest = key_of(inputs.digest.encode(), code.digest.encode(), _libraries())
    return Status(digest, max(inputs.latest, code.latest))


def _content_of(root: Path, folder: Path, status: Status | None) -> tuple[bytes | None, Tree]:
    """Return a hash of every byte that decides a run, or None when only a whole run can tell; and the files,
    if they had to be read.
    """
    if status is None:
        return None, Tree()

    is_settled = status.latest < time.time() - _SETTLED
    seen = Results(folder / "seen")
    place = key_of(bytes(root), status.digest.encode())
    known = seen.read(place) if is_settled else None

    if known is not None:
        return known, Tree()

    files, findings = scan_tree(root, *_INPUTS, max_file=MAX_GENERATED)
    content = None if findings else _hash_of(root, files)

    if is_settled and content is not None:
        seen.keep(place, content)
        seen.prune()

    return content, Tree() if findings else files


def _hash_of(root: Path, files: Tree) -> bytes | None:
    of_clusters = [data for path, data in files.items() if posixpath.dirname(path) == _CLUSTERS]
    if any(mark in data for data in of_clusters for mark in _MAY_END_AT_AN_HOUR):
        return None

    # A folder with the name of a cluster file is an error, also an empty one.
    folders = [name.encode() for name, is_folder in sorted(entries(root, _CLUSTERS).items()) if is_folder]
    return key_of(hash_of_code().encode(), b"\n".join(folders), *_parts(files)).encode()


@cache
def hash_of_code() -> str:
    """Return a hash of the tool's own code, catalog and tables, and of what runs it."""
    return key_of(_libraries(), *_parts(read_own_files(PACKAGE)))


@cache
def _libraries() -> bytes:
    """Return the versions of Python and of the packages beside click, by the folders that name them."""
    found = find_spec("click")
    folder = Path(found.origin).parent.parent if found and found.origin else PACKAGE.parent
    versions = sorted(each.name for each in folder.glob("*.dist-info"))

    return "\n".join((sys.version, *versions)).encode("utf-8", "surrogateescape")


def _parts(files: Tree) -> list[bytes]:
    return [part for path in files for part in (path.encode(), files[path])]
