"""generate: write what the cluster files say, all or nothing."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from okd_gitops.errors import BusyError, UsageError
from okd_gitops.finding import Finding, Location, nearest
from okd_gitops.generate.applications import unannounced
from okd_gitops.generate.compare import Drift, compare, only
from okd_gitops.generate.load import Repository, load
from okd_gitops.system.disk import CATALOG, FLEET, MAX_GENERATED, ROOTS, read_tree, scan_tree
from okd_gitops.system.git import BlobIds, committed_blobs
from okd_gitops.system.journal import refuse_pending, saving, written
from okd_gitops.tree import MANIFEST, Tree, unified_diff


@dataclass(frozen=True, slots=True)
class Generated:
    """What a run found and did."""

    repository: Repository
    drift: Drift
    written: bool


def generate(
    root: Path, *, clusters: Collection[str] = (), forced: Collection[str] = (), write: bool = True
) -> Generated:
    """Bring the generated folders of `root` in line with the cluster files; with `write=False` only say
    what would change.

    `clusters` are glob patterns that limit which overlays are touched. Nothing is written when a file is
    refused. Raises FindingsError for bad input and UsageError when another run is writing.
    """
    if not write:
        refuse_pending(root)
        repository = load(root)
        return Generated(repository, _drift(repository, _generated(root), clusters, forced), written=False)
    with saving(root) as save:
        inputs, actual = _inputs(root), _generated(root)
        repository = load(root)
        drift = _drift(repository, actual, clusters, forced)
        if drift.changes and not drift.refused:
            _refuse_changed(inputs, _inputs(root))
            save(drift.put, drift.delete, before=actual)
        return Generated(repository, drift, written=not drift.refused and drift.changes > 0)


def stale(drift: Drift) -> list[Finding]:
    """Return a finding for each file that generation would change."""
    remedy = "okd-gitops generate writes it"
    reasons = {
        **dict.fromkeys(drift.put, "this generated file is missing or out of date"),
        **dict.fromkeys(drift.delete, "this file is stale"),
    }
    return [
        Finding(name="out-of-date", location=Location(file=path), reason=reason, remedy=remedy)
        for path, reason in sorted(reasons.items())
    ]


def diff_text(root: Path, drift: Drift) -> str:
    """Return what a run would change as one unified diff, without the manifests."""
    actual = read_tree(root, *ROOTS, max_file=MAX_GENERATED)
    paths = [path for path in sorted({*drift.put, *drift.delete}) if not path.endswith(f"/{MANIFEST}")]
    return "".join(unified_diff(path, actual.get(path, b""), drift.put.get(path, b"")) for path in paths)


def _inputs(root: Path) -> Tree:
    """Return what people write; what cannot be read is for `load` to say."""
    return scan_tree(root, FLEET, "clusters", CATALOG)[0]


def _generated(root: Path) -> Tree:
    return read_tree(root, *ROOTS, max_file=MAX_GENERATED)


def _refuse_changed(before: Tree, now: Tree) -> None:
    """Raise BusyError when somebody saved a file that this run has read: what it decided is already old."""
    changed = [path for path in sorted({*before, *now}) if before.get(path) != now.get(path)]
    if changed:
        raise BusyError(
            f"{', '.join(changed[:3])} changed while running; nothing was written",
            "run the same command again",
        )


def _drift(repository: Repository, actual: Tree, clusters: Collection[str], forced: Collection[str]) -> Drift:
    root = repository.root
    drift = compare(repository.wanted, actual, forced, known=written(root), committed=_committed(root))
    if clusters:
        drift = only(drift, _folders(repository, clusters))
    folders = [_in_the_way(path) for path in drift.put if path not in actual and (root / path).is_dir()]
    return replace(drift, refused=(*drift.refused, *folders, *unannounced(actual, drift.delete)))


def _committed(root: Path) -> Callable[[str, bytes], bool]:
    """Return what says whether git has these bytes for a path; git is asked once, and not before it must
    be.

    Where there is neither a commit nor a record of what was written here, the manifest is all there is, and
    is believed.
    """

    @cache
    def blobs() -> BlobIds:
        return committed_blobs(root, ROOTS)

    def committed(path: str, data: bytes) -> bool:
        return blobs().holds(path, data) or (not blobs().pairs and not written(root))

    return committed


def _in_the_way(path: str) -> Finding:
    reason = "a folder is in the place of this generated file"
    return Finding(name="foreign-file", location=Location(file=path), reason=reason, remedy=f"rmdir {path}")


def _folders(repository: Repository, clusters: Collection[str]) -> set[str]:
    """Return the owned folders that the clusters matching the patterns use."""
    names = [cluster.cluster.name for cluster in repository.plan.clusters]
    for pattern in clusters:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f'no cluster matches "{pattern}"', nearest(pattern, names))
    chosen = [
        plan
        for plan in repository.plan.clusters
        if any(fnmatchcase(plan.cluster.name, pattern) for pattern in clusters)
    ]
    bases = {f"bases/{placement.feature}" for plan in chosen for placement in plan.placements}
    return {"argocd", *bases, *(f"overlays/{plan.cluster.name}" for plan in chosen)}
