"""Compare what should be in the generated folders with what is there.

The folders are owned whole: what is missing or out of date is written, what is stale goes, and what somebody
else wrote or edited is refused with a diff. The manifest in each folder tells the two apart, but whoever
edits a file can edit the manifest with it. So a file is ours when its bytes are known as what was last
written here, or when the manifest lists them and git has them: then nothing is lost.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType

from okd_gitops.finding import Finding, Location, finding_of
from okd_gitops.fleet.tool_version import refuse_older_than, version_numbers
from okd_gitops.tree import (
    MANIFEST,
    Tree,
    Unread,
    content_of,
    digest,
    is_same_list,
    manifest_hashes,
    owned_folder,
    unified_diff,
    written_by,
)

# What git writes where two branches differ.
_CONFLICT = re.compile(rb"^<{7} ", re.MULTILINE)
_CONFLICT_END = re.compile(rb"^>{7} ", re.MULTILINE)
_IN_CONFLICT = "merge-conflict"
# What is generated is not merged: it follows from the cluster files, whose conflicts people resolve.
_RESOLVE = (
    "resolve conflicts in clusters/, fleet.yaml and catalog/; then "
    "git checkout HEAD -- argocd bases overlays, okd-gitops generate, and git add --all"
)


@dataclass(frozen=True, slots=True)
class Drift:
    """Files to put and to delete, and what stands in the way (with a diff of each)."""

    put: dict[str, bytes] = field(default_factory=dict)
    delete: tuple[str, ...] = ()
    refused: tuple[Finding, ...] = ()
    diffs: dict[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> int:
        """How many files would change."""
        return len(self.put) + len(self.delete)


def gathered(parts: Iterable[Tree], actual: Tree) -> Tree:
    """Return all files of some parts; one that is there already is not in memory because of that."""
    files: dict[str, bytes | Unread] = {}

    for part in parts:
        for path in part.files:
            new, old = part[path], actual.files.get(path)
            files[path] = old if old is not None and _stays(path, old, new) else new

    return Tree(files)


def _stays(path: str, old: bytes | Unread, new: bytes) -> bool:
    """Whether a file stays as it is: a list of files does, whoever wrote it, while it lists the same."""
    return _holds(old, new) or (_is_manifest(path) and is_same_list(content_of(old), new))


def _holds(content: bytes | Unread, data: bytes) -> bool:
    """Whether a file has this content; it is not read where its hash is known."""
    return content == data if isinstance(content, bytes) else content.digest() == digest(data)


def compare(
    wanted: Tree,
    actual: Tree,
    forced: Collection[str] = (),
    *,
    known: Mapping[str, str] = MappingProxyType({}),
    committed: Callable[[str, bytes], bool] = lambda _path, _data: True,
) -> Drift:
    """Return what turns `actual` into `wanted`; files in `forced`, and below a folder in it, are
    overwritten or deleted whoever wrote them.

    `known` is path to hash of what was last written here; `committed` says whether git has these bytes for
    this path, and is asked only of a file that would be replaced or deleted. Raises FindingsError (exit 4)
    for folders that a newer okd-gitops wrote.
    """
    _refuse_newer(actual)
    put, delete, refused, diffs = {}, [], [], {}

    @cache
    def records() -> _Records:
        return _Records.of(actual, known, committed)

    for path in sorted({*wanted, *actual}):
        if path in wanted and wanted.files[path] is actual.files.get(path):
            continue

        old, new = actual.get(path), wanted.get(path)
        if old == new or (_is_manifest(path) and is_same_list(old, new)):
            continue

        if old is not None and not _is_forced(path, forced) and not records().wrote(path, old):
            refused.append(_refusal(path, old, edited=records().lists(path), stale=new is None))
            names = {"old_name": f"{path} (on disk)", "new_name": f"{path} (generated)"}
            diffs[path] = unified_diff(path, old, new or b"", **names)
        elif new is None:
            delete.append(path)
        else:
            put[path] = new

    # In the middle of a merge nobody has edited by hand what differs, and one advice must hold for all of it.
    if any(finding.name == _IN_CONFLICT for finding in refused):
        refused = [replace(finding, remedy=_RESOLVE) for finding in refused]

    return Drift(put, tuple(delete), tuple(refused), diffs)


def unmatched(forced: Collection[str], *trees: Tree) -> list[str]:
    """Return the paths in `forced` that name no file, and no folder of one, in any of the trees."""
    return [name for name in forced if not any(_is_forced(path, [name]) for tree in trees for path in tree)]


def stale(drift: Drift) -> list[Finding]:
    """Return a finding for each file that generation would change."""
    remedy = "okd-gitops generate writes it"
    reasons = {
        **dict.fromkeys(drift.put, "this generated file is missing or out of date"),
        **dict.fromkeys(drift.delete, "this file is stale"),
    }

    return [finding_of("out-of-date", path, reason, remedy) for path, reason in sorted(reasons.items())]


def _is_forced(path: str, forced: Collection[str]) -> bool:
    return any(path == name or path.startswith(f"{name.rstrip('/')}/") for name in forced)


def only(drift: Drift, prefixes: Collection[str]) -> Drift:
    """Return the part of a drift that lies below one of `prefixes` (owned folders)."""

    def lies_below(path: str) -> bool:
        return owned_folder(path) in prefixes

    return Drift(
        {path: data for path, data in drift.put.items() if lies_below(path)},
        tuple(path for path in drift.delete if lies_below(path)),
        tuple(finding for finding in drift.refused if lies_below(finding.location.file)),
        {path: text for path, text in drift.diffs.items() if lies_below(path)},
    )


@dataclass(frozen=True, slots=True)
class _Records:
    """What tells the files of this tool from others.

    `recorded` are the hashes that the manifests on disk have, by path; `broken` are the manifests that cannot
    be read; `known` and `committed` as in `compare`.
    """

    recorded: Mapping[str, str]
    broken: Collection[str]
    known: Mapping[str, str]
    committed: Callable[[str, bytes], bool]

    @classmethod
    def of(
        cls, actual: Tree, known: Mapping[str, str], committed: Callable[[str, bytes], bool]
    ) -> "_Records":
        recorded: dict[str, str] = {}
        broken = set()

        for path in filter(_is_manifest, actual):
            folder = path.rpartition("/")[0]
            hashes = manifest_hashes(actual[path])

            if hashes is None or folder != owned_folder(path):
                broken.add(path)
            else:
                recorded |= {f"{folder}/{name}": value for name, value in hashes.items()}

        return cls(recorded, broken, known, committed)

    def wrote(self, path: str, data: bytes) -> bool:
        """Whether these bytes are the tool's own, so that nothing is lost with them."""
        if _is_manifest(path) and path not in self.broken:
            return True

        if self.known.get(path) == digest(data):
            return True

        return self.recorded.get(path) == digest(data) and self.committed(path, data)

    def lists(self, path: str) -> bool:
        """Whether the tool has written a file of this path, with whatever content."""
        return path in self.recorded or _is_manifest(path)


def _refuse_newer(actual: Tree) -> None:
    """Raise FindingsError for the newest version that wrote a folder, if this tool is older."""
    versions = {path: written_by(actual[path]) for path in filter(_is_manifest, actual)}
    newest = max(versions, key=lambda path: version_numbers(versions[path]), default="")

    if newest:
        refuse_older_than(versions[newest], newest, "generated folders were written by")


def _is_manifest(path: str) -> bool:
    return path.rpartition("/")[2] == MANIFEST


def _refusal(path: str, data: bytes, *, edited: bool, stale: bool) -> Finding:
    conflict = _CONFLICT.search(data)

    if conflict and _CONFLICT_END.search(data, conflict.end()):
        place = Location(file=path, line=data.count(b"\n", 0, conflict.start()) + 1, column=1)
        reason = "a merge conflict: git has put the lines of two branches into a generated file"
        return finding_of(_IN_CONFLICT, place, reason, _RESOLVE)

    if edited:
        reason = "this generated file was edited by hand"
        if stale:
            reason += "; it is also no longer generated"
        remedy = f"move the edit to clusters/ or the catalog, or drop it: okd-gitops generate --force {path}"
        return finding_of("edited-by-hand", path, reason, remedy)

    reason = "okd-gitops did not write this file, and the folder is generated whole"
    remedy = f"move it to clusters/NAME/, or delete it: okd-gitops generate --force {path}"
    return finding_of("foreign-file", path, reason, remedy)
