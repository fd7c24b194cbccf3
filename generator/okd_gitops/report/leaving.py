"""What happens to objects that leave Git: which of them Argo CD deletes, and which stay, and why."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from okd_gitops.check.diff import ObjectChange, cluster_of
from okd_gitops.check.rule import ARGOCD
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.manifests.argocd import NAMESPACE


class Fate(StrEnum):
    """What happens to the objects of a cluster that leave Git, as the words after their number."""

    DELETED = "removed"
    EMPTIED = "deleted from the cluster by Argo CD"
    GONE = "gone with the cluster, which its provider deletes"
    NOT_PRUNED = (
        "out of Git, and stay on the cluster until a person deletes them: Argo CD prunes nothing there"
    )
    LEFT = "out of Git, and stay on the cluster, where nobody changes them any more"
    NOT_REACHED = "out of Git, and stay on the cluster: Argo CD does not know it"
    GUARDED = "out of Git, and stay, because they are guarded"

    @property
    def of_one(self) -> str:
        """The words for one object."""
        return re.sub(r"\bstay\b", "stays", self).replace("they are", "it is").replace("them", "it")

    @property
    def deletes(self) -> bool:
        """Whether the objects are gone then."""
        return self in (Fate.DELETED, Fate.EMPTIED, Fate.GONE)


def fate_when_removed(cluster: Cluster) -> Fate:
    """Return what happens to the objects of a cluster whose file goes."""
    if cluster.spec.provider:
        return Fate.GONE

    if not cluster.spec.server:
        return Fate.NOT_REACHED

    return Fate.EMPTIED if cluster.purpose.sync.finalizer else Fate.LEFT


def fate_when_it_stays(cluster: Cluster) -> Fate:
    """Return what happens to an object that leaves the overlay of a cluster."""
    if not cluster.spec.server and not cluster.spec.provider:
        return Fate.NOT_REACHED

    return Fate.DELETED if cluster.purpose.sync.prune else Fate.NOT_PRUNED


def removal_words(cluster: Cluster) -> str:
    """Return in a sentence what happens to a cluster that leaves the fleet, or to what is on it."""
    fate = fate_when_removed(cluster)

    if fate == Fate.GONE:
        return f"🔴 {cluster.spec.provider} deletes the cluster with all that is on it"

    if fate == Fate.NOT_REACHED:
        return "Argo CD does not know it, so nothing happens to what is on it"

    if fate == Fate.EMPTIED:
        return "Argo CD deletes its objects"

    if not cluster.purpose.guarded:
        return "Argo CD leaves its objects there"

    deletion = f"`oc --namespace {NAMESPACE} delete application {cluster.name}`, then the appproject"

    return f"Argo CD leaves its objects there, and on the hub its Application until a person types {deletion}"


def by_fate(
    removed: Iterable[ObjectChange], cluster: str, fates: Mapping[str, Fate]
) -> dict[Fate, list[ObjectChange]]:
    """Return the removed objects of a cluster by what happens to them, what is deleted first."""
    fate = Fate.DELETED if cluster == ARGOCD else fates.get(cluster, Fate.DELETED)
    found: dict[Fate, list[ObjectChange]] = {}

    for change in removed:
        stays = change.is_kept and fate in (Fate.DELETED, Fate.EMPTIED)
        found.setdefault(Fate.GUARDED if stays else fate, []).append(change)

    return dict(sorted(found.items(), key=lambda item: not item[0].deletes))


def is_deleted(change: ObjectChange, fates: Mapping[str, Fate]) -> bool:
    """Whether a removed object is deleted from one of its clusters."""
    clusters = (cluster_of(overlay) for overlay in change.overlays)

    return any(fate.deletes for name in clusters for fate in by_fate([change], name, fates))
