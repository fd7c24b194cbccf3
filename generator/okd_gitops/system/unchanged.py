"""Runs of which nothing changed since an earlier one: their result is known without reading a cluster file.

What runs without an error found and counted is kept, by every byte that such a run reads: the repository's
files, the tool's own code and catalog, and what else the command names. The bytes are not read again while
the file system records no change of any of those files: neither of its size, its times nor its inode.
"""

import json
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from okd_gitops.finding import Finding, FindingsError, Severity, finding_from
from okd_gitops.system.disk import (
    CATALOG,
    CODE,
    FLEET,
    MAX_GENERATED,
    PACKAGE,
    ROOTS,
    entries,
    scan_tree,
)
from okd_gitops.system.file_status import Walk, walk
from okd_gitops.system.files_on_disk import files_of, lent_as_found
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.kept_files import KeptFiles
from okd_gitops.system.state import JOURNAL, STATE
from okd_gitops.tree import Tree

_CLUSTERS = "clusters"
_INPUTS = (*ROOTS, _CLUSTERS, CATALOG, FLEET)
# An emergency ends at an hour, and a run of the same day must then find it. A backslash may hide the word.
_MAY_END_AT_AN_HOUR = (b"emergency", b"\\")

# Of so many files one may have changed before all are recorded anew: to read a few takes less time.
_FEW = 100

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run counted, by name, and its warnings."""

    counts: Counts
    warnings: tuple[Finding, ...] = ()


class Earlier:
    """The earlier run of a command on the same files, `more` being what it reads besides them.

    `files` are those of the repository; None where nothing may be kept, so that what the file system records
    decides nothing, and where only a reading of all tells what is wrong with one.
    """

    def __init__(self, root: Path, cache: Path, command: str, *more: bytes) -> None:
        self._root = root
        folder = kept_folder(cache)
        is_whole = folder and not (root / STATE / JOURNAL).exists()
        self.files: Tree | None = None
        content = self._content(folder) if folder and is_whole else None
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

        assert self.files is not None
        if not lent_as_found(self._root, self.files) or not self._lists_the_same():
            return

        kept = {"counts": dict(counts), "warnings": [finding.as_json() for finding in warnings]}
        self._results.keep(self._key, json.dumps(kept).encode())
        self._results.prune()

    def _content(self, folder: Path) -> bytes | None:
        """Return a hash of every byte that decides a run, or None when only a whole run can tell."""
        results, place, common = Results(folder / "files"), key_of(bytes(self._root)), hash_of_code()
        kept = KeptFiles.of(results.read_of(common, place))
        found = walk(self._root, *_INPUTS, listings=kept.listings)
        known = kept.unchanged(found) if found else {}
        files = files_of(self._root, found, known) if found else None
        if found is None or files is None:
            return None

        try:
            unknown = files.files.keys() - known.keys()
            digests = known | {path: files.digest(path) for path in unknown}
            marked = _marked(files, found, kept.marked & known.keys(), known)
        except FindingsError:
            return None

        self.files = files
        self._in_clusters = _names_in_clusters(found)
        gone = len(kept.statuses) - len(known)
        is_outdated = (len(unknown) + gone) * _FEW > len(files)
        if is_outdated:
            results.keep_of(common, place, KeptFiles.found(found, digests, marked).as_bytes())

        return None if marked else _hash_of(found, digests)

    def _lists_the_same(self) -> bool:
        """Whether clusters/ has the same entries as when they were found: a run lists it for itself."""
        with suppress(FindingsError):
            return entries(self._root, _CLUSTERS) == self._in_clusters

        return False


def tools_in(cache: Path) -> bytes:
    """Return the recorded hashes of the tools and schemas; empty where there are none."""
    files = (cache / "bin" / "sha256sums", cache / "schemas" / "index.json")

    try:
        return b"".join(file.read_bytes() for file in files)
    except OSError:
        return b""


def _marked(files: Tree, found: Walk, earlier: Collection[str], known: Collection[str]) -> list[str]:
    """Return the cluster files that may have an emergency; `earlier` are those among the `known` ones."""
    paths = (f"{_CLUSTERS}/{name}" for name, is_folder in _names_in_clusters(found).items() if not is_folder)
    unknown = [path for path in paths if path not in known]
    return [*earlier, *(path for path in unknown if any(mark in files[path] for mark in _MAY_END_AT_AN_HOUR))]


def _hash_of(found: Walk, digests: Mapping[str, str]) -> bytes:
    """Return a hash of the tool and of all files."""
    # A folder with the name of a cluster file is an error, also an empty one.
    folders = sorted(name for name, is_folder in _names_in_clusters(found).items() if is_folder)
    in_order = sorted(digests)
    texts = (folders, in_order, map(digests.__getitem__, in_order))
    parts = ("\0".join(text).encode("utf-8", "surrogateescape") for text in texts)

    return key_of(hash_of_code().encode(), *parts).encode()


def _names_in_clusters(found: Walk) -> dict[str, bool]:
    """Return the names in clusters/, and whether each is a folder."""
    listing = found.listings.get(_CLUSTERS)
    if listing is None:
        return {}

    return dict.fromkeys(listing.files, False) | dict.fromkeys(listing.folders, True)


@cache
def hash_of_code() -> str:
    """Return a hash of the tool's own code, catalog and tables, and of what runs it.

    It is one of their status; of their content where a file changed in the last seconds.
    """
    found = walk(PACKAGE.parent, PACKAGE.name, names=CODE)
    if found and found.all_settled:
        # Python makes folders of its own in there.
        return key_of(_libraries(), replace(found, folders=frozenset()).digest().encode())

    code = scan_tree(PACKAGE.parent, PACKAGE.name, max_file=MAX_GENERATED, names=CODE)[0]
    return key_of(_libraries(), *(part for path in code for part in (path.encode(), code[path])))


@cache
def _libraries() -> bytes:
    """Return the versions of Python and of the packages beside click, by the folders that name them."""
    found = find_spec("click")
    folder = Path(found.origin).parent.parent if found and found.origin else PACKAGE.parent
    versions = sorted(each.name for each in folder.glob("*.dist-info"))

    return "\n".join((sys.version, *versions)).encode("utf-8", "surrogateescape")
