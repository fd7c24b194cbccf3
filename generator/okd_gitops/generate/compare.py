"""Compare what should be in the generated folders with what is there.

The folders are owned whole: what is missing or out of date is written, what is stale goes, and what somebody
else wrote or edited is refused with a diff. The manifest in each folder tells the two apart, but whoever
edits a file can edit the manifest with it. So a file is ours when its bytes are known as what was last
written here, or when the manifest lists them and git has them: then nothing is lost.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from okd_gitops.finding import Finding, Location
from okd_gitops.tree import MANIFEST, Tree, digest, manifest_hashes, owned_folder, unified_diff


@dataclass(frozen=True, slots=True)
class Drift:
    """Files to put and to delete, and what stands in the way (with a diff of each)."""

    put: dict[str, bytes] = field(default_factory=dict)
    delete: tuple[str, ...] = ()
    refused: tuple[Finding, ...] = ()
    diffs: dict[str, str] = field(default_factory=dict)
    added: int = 0

    @property
    def changes(self) -> int:
        """How many files would change."""
        return len(self.put) + len(self.delete)


def compare(
    wanted: Tree,
    actual: Tree,
    forced: Collection[str] = (),
    *,
    known: Mapping[str, str] = MappingProxyType({}),
    committed: Callable[[str, bytes], bool] = lambda _path, _data: True,
) -> Drift:
    """Return what turns `actual` into `wanted`; files named in `forced` are overwritten or deleted whoever
    wrote them.

    `known` is path to hash of what was last written here; `committed` says whether git has these bytes for
    this path, and is asked only of a file that would go.
    """
    put, delete, refused, diffs = {}, [], [], {}
    recorded, broken = _recorded(actual)
    for path in sorted({*wanted, *actual}):
        old, new = actual.get(path), wanted.get(path)
        if old == new:
            continue
        is_manifest = path.rpartition("/")[2] == MANIFEST
        ours = (
            old is None
            or path in forced
            or (is_manifest and path not in broken)
            or known.get(path) == digest(old)
        )
        ours = ours or (old is not None and recorded.get(path) == digest(old) and committed(path, old))
        if not ours and old is not None:
            refused.append(_refusal(path, edited=path in recorded or is_manifest, stale=new is None))
            diffs[path] = unified_diff(
                path, old, new or b"", old_name=f"{path} (on disk)", new_name=f"{path} (generated)"
            )
        elif new is None:
            delete.append(path)
        else:
            put[path] = new
    added = sum(1 for path in put if path not in actual)
    return Drift(put, tuple(delete), tuple(refused), diffs, added)


def only(drift: Drift, prefixes: Collection[str]) -> Drift:
    """Return the part of a drift that lies below one of `prefixes` (owned folders)."""
    kept = [path for path in (*drift.put, *drift.delete, *drift.diffs) if owned_folder(path) in prefixes]
    put = {path: data for path, data in drift.put.items() if path in kept}
    return Drift(
        put,
        tuple(path for path in drift.delete if path in kept),
        tuple(finding for finding in drift.refused if finding.location.file in kept),
        {path: text for path, text in drift.diffs.items() if path in kept},
        drift.added,
    )


def _recorded(actual: Tree) -> tuple[dict[str, str], set[str]]:
    """Return the hashes that the manifests on disk record, and the manifests that cannot be read."""
    recorded: dict[str, str] = {}
    broken = set()
    for path in actual:
        if path.rpartition("/")[2] != MANIFEST:
            continue
        folder = path.rpartition("/")[0]
        hashes = manifest_hashes(actual[path])
        if hashes is None or folder != owned_folder(path):
            broken.add(path)
        else:
            recorded |= {f"{folder}/{name}": value for name, value in hashes.items()}
    return recorded, broken


def _refusal(path: str, *, edited: bool, stale: bool) -> Finding:
    if edited:
        name, reason = (
            "edited-by-hand",
            "this generated file was edited by hand" + ("; it is also no longer generated" if stale else ""),
        )
        remedy = f"move the edit to clusters/ or the catalog, or drop it: okd-gitops generate --force {path}"
    else:
        name, reason = "foreign-file", "okd-gitops did not write this file, and the folder is generated whole"
        remedy = f"move it to clusters/NAME/, or delete it: okd-gitops generate --force {path}"
    return Finding(name=name, location=Location(file=path), reason=reason, remedy=remedy)
