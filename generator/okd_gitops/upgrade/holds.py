"""What in a cluster's hand-written extras makes its version operator refuse updates."""

from collections.abc import Iterator
from dataclasses import dataclass

from okd_gitops.fleet.cluster import ClusterFile
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.objects import at, items
from okd_gitops.manifests.read import Document, read_all
from okd_gitops.releases.cluster_version_patches import inline_operations, inline_patches
from okd_gitops.releases.lines import allows_updates, overrides_hold_patches
from okd_gitops.releases.version import Version


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a cluster refuses updates. Overrides hold back patches too, on the lines whose operator says so."""

    reason: str
    by_overrides: bool = False

    def stops(self, start: Version, end: Version) -> bool:
        """Whether the cluster refuses this update."""
        if start.line != end.line:
            return True

        return self.by_overrides and overrides_hold_patches(start.line)


def holds_of(cluster: ClusterFile) -> tuple[Hold, ...]:
    """Return what holds updates back, as far as the extras in git tell."""
    holds: list[Hold] = []

    for path, data in cluster.extras.items():
        if path.endswith((".yaml", ".yml")):
            for document in read_all(path, data, bounds=FOREIGN):
                holds += _holds_in(path, document)

    return tuple(dict.fromkeys(holds))


def _holds_in(path: str, document: Document) -> Iterator[Hold]:
    for value in _objects(document):
        feature_set = at(value, "spec", "featureSet")

        if at(value, "kind") == "FeatureGate" and not allows_updates(feature_set):
            yield Hold(f"the feature set {feature_set} in {path}")

        if at(value, "kind") == "ClusterVersion" and _unmanaged(at(value, "spec", "overrides")):
            yield Hold(f"the overrides in {path}", by_overrides=True)

    for _, operations in _cluster_version_operations(document):
        if _unmanaged(_overrides_set(operations)):
            yield Hold(f"the overrides in {path}", by_overrides=True)


def _objects(document: Document) -> Iterator[object]:
    """Yield the objects of a document: itself, the items of a List, partial objects in a kustomization."""
    yield document.value
    yield from items(document.value, "items")

    if isinstance(document.value, dict):
        for patch in inline_patches(document):
            yield patch.value


def _cluster_version_operations(document: Document) -> Iterator[tuple[object, object]]:
    if isinstance(document.value, dict):
        yield from inline_operations(document)


def _overrides_set(operations: object) -> list[object]:
    """Return the overrides that JSON6902 operations set, as a list or one by one."""
    overrides: list[object] = []

    for operation in operations if isinstance(operations, list) else []:
        path, value = str(at(operation, "path")), at(operation, "value")

        if path == "/spec/overrides" and isinstance(value, list):
            overrides += value
        elif path.startswith("/spec/overrides/"):
            overrides.append(value)

    return overrides


def _unmanaged(overrides: object) -> bool:
    """Whether an override takes a component away from the operator; others change nothing.

    Read in openshift/cluster-version-operator, pkg/payload/precondition/clusterversion/upgradeable.go.
    """
    entries = overrides if isinstance(overrides, list) else []
    return any(at(entry, "unmanaged") is True for entry in entries)
