"""generate: write what the cluster files say, all or nothing."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from okd_gitops.applications import unannounced
from okd_gitops.commands.repository import Repository, load
from okd_gitops.disk import MAX_GENERATED, ROOTS, read_tree
from okd_gitops.drift import Drift, compare, only
from okd_gitops.errors import UsageError
from okd_gitops.finding import Finding, Location, nearest
from okd_gitops.journal import locked, pending, publish, recover
from okd_gitops.tree import MANIFEST, unified_diff


@dataclass(frozen=True, slots=True)
class Generated:
    """What a run found and did."""

    repository: Repository
    drift: Drift
    written: bool


def generate(root: Path, *, clusters: Collection[str] = (), forced: Collection[str] = (), write: bool = True) -> Generated:
    """Bring the generated folders of `root` in line with the cluster files; with `write=False` only say what would change.

    `clusters` are glob patterns that limit which overlays are touched. Nothing is written when a file is refused. Raises FindingsError
    for bad input and UsageError when another run is writing.
    """
    if not write:
        if pending(root):
            raise UsageError("a run was interrupted while it wrote", "okd-gitops generate finishes it")
        repository = load(root)
        return Generated(repository, _drift(repository, clusters, forced), written=False)
    with locked(root):
        recover(root)
        repository = load(root)
        drift = _drift(repository, clusters, forced)
        if not drift.refused:
            publish(root, drift.put, drift.delete)
        return Generated(repository, drift, written=not drift.refused and drift.changes > 0)


def stale(drift: Drift) -> list[Finding]:
    """Return a finding for each file that generation would change."""
    remedy = "okd-gitops generate writes it"
    reasons = {**dict.fromkeys(drift.put, "this generated file is missing or out of date"), **dict.fromkeys(drift.delete, "this file is stale")}
    return [Finding(code="GO003", location=Location(file=path), reason=reason, remedy=remedy) for path, reason in sorted(reasons.items())]


def diff_text(root: Path, drift: Drift) -> str:
    """Return what a run would change as one unified diff, without the manifests."""
    actual = read_tree(root, *ROOTS, max_file=MAX_GENERATED)
    paths = [path for path in sorted({*drift.put, *drift.delete}) if not path.endswith(f"/{MANIFEST}")]
    return "".join(unified_diff(path, actual.get(path, b""), drift.put.get(path, b"")) for path in paths)


def _drift(repository: Repository, clusters: Collection[str], forced: Collection[str]) -> Drift:
    actual = read_tree(repository.root, *ROOTS, max_file=MAX_GENERATED)
    drift = compare(repository.wanted, actual, forced)
    if clusters:
        drift = only(drift, _folders(repository, clusters))
    return replace(drift, refused=(*drift.refused, *unannounced(actual, drift.delete)))


def _folders(repository: Repository, clusters: Collection[str]) -> set[str]:
    """Return the owned folders that the clusters matching the patterns use."""
    names = [cluster.cluster.name for cluster in repository.plan.clusters]
    for pattern in clusters:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f'no cluster matches "{pattern}"', nearest(pattern, names))
    chosen = [plan for plan in repository.plan.clusters if any(fnmatchcase(plan.cluster.name, pattern) for pattern in clusters)]
    bases = {f"bases/{placement.feature}" for plan in chosen for placement in plan.placements}
    return {"argocd", *bases, *(f"overlays/{plan.cluster.name}" for plan in chosen)}
