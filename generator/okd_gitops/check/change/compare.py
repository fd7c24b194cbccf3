"""Compare two fleets: the clusters and the fields of fleet.yaml that differ."""

from collections.abc import Iterator, Mapping

from okd_gitops.check.change.change import ClusterChange, Status
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.identity import shared_key
from okd_gitops.fleet.load import Fleet
from okd_gitops.manifests.model import FileModel


def cluster_changes(base: Fleet, now: Fleet) -> list[ClusterChange]:
    """Return the clusters that differ between two fleets, by name."""
    old_clusters = {cluster.name: cluster for cluster in base.clusters}
    new_clusters = {cluster.name: cluster for cluster in now.clusters}
    # Another name makes no new cluster: its release goes on from the one before.
    earlier = old_clusters | {
        name: old
        for name, new in new_clusters.items()
        if name not in old_clusters and (old := _renamed(new, base, new_clusters))
    }
    changes = [
        _cluster_change(name, earlier.get(name), new_clusters.get(name))
        for name in sorted({*old_clusters, *new_clusters})
    ]

    return [change for change in changes if change]


def changed_fields(old: FileModel, new: FileModel) -> tuple[str, ...]:
    """Return the keys that differ, with dots: release.version."""
    return tuple(_differences(_written(old), _written(new), ""))


def _renamed(new: Cluster, base: Fleet, now: Mapping[str, Cluster]) -> Cluster | None:
    """Return the cluster of the base that is gone by name, and is this one by its clusterID or server."""
    gone = (cluster for cluster in base.clusters if cluster.name not in now)

    return next((old for old in gone if shared_key(old, new)), None)


def _cluster_change(name: str, old: Cluster | None, new: Cluster | None) -> ClusterChange | None:
    if old is None or new is None:
        status = Status.ADDED if old is None else Status.REMOVED
        return ClusterChange(name=name, status=status, old=old, new=new)

    fields = changed_fields(old.spec, new.spec)
    paths = sorted({*old.extras, *new.extras})
    extras = tuple(path for path in paths if old.extras.get(path) != new.extras.get(path))

    # The owners of the fleet are those of a cluster that names none.
    if old.owners != new.owners and "owners" not in fields:
        fields = (*fields, "owners")

    if not fields and not extras:
        return None

    return ClusterChange(name=name, status=Status.CHANGED, old=old, new=new, fields=fields, extras=extras)


def _written(model: FileModel) -> dict[str, object]:
    return model.model_dump(by_alias=True, mode="json")


def _differences(old: object, new: object, where: str) -> Iterator[str]:
    """Yield the dotted keys of two values that differ; lists differ as a whole."""
    if old == new:
        return

    if not isinstance(old, dict) or not isinstance(new, dict):
        yield where
        return

    for key in sorted({*old, *new}):
        path = f"{where}.{key}" if where else key

        # A feature without parameters has no value: it is there, or not.
        if key in old and key in new:
            yield from _differences(old[key], new[key], path)
        else:
            yield path
