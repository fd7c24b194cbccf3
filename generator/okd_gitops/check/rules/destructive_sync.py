"""The rule destructive-sync: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items

_HOLD_DATA = (
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterVersion",
    "ClusterDeployment",
    "HostedCluster",
)
_CLUSTERS = ("ClusterClaim", "ClusterDeployment", "HostedCluster")
_OPTIONS = "argocd.argoproj.io/sync-options"


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at each Application of an overlay and at the overlays that it syncs."""
    for value in overlay.objects:
        if ObjectId.of(value).group_kind != "Application.argoproj.io":
            continue

        yield from _cascading_finalizer(value)

        synced = list(_synced_objects(value, repository))
        automated = at(value, "spec", "syncPolicy", "automated")
        if at(automated, "prune"):
            yield from _unguarded(value, synced)
        if at(automated, "selfHeal"):
            yield from _recreated_clusters(value, synced)


def _synced_objects(application: Object, repository: Repository) -> Iterator[Object]:
    for overlay in repository.overlays:
        if any(syncing is application for syncing in repository.synced.get(overlay.folder, ())):
            yield from overlay.objects


def _cascading_finalizer(application: Object) -> Iterator[Fault]:
    purpose = at(application, "metadata", "labels", "okd-gitops.io/purpose")
    finalizers = items(application, "metadata", "finalizers")

    if purpose in ("cd", "hub") and any("resources-finalizer" in str(name) for name in finalizers):
        yield Fault(
            reason="removing this Application would empty a long-term cluster",
            remedy="remove the finalizer",
            object=ObjectId.of(application),
        )


def _unguarded(application: Object, synced: list[Object]) -> Iterator[Fault]:
    identity = ObjectId.of(application)
    for value in synced:
        synced_identity = ObjectId.of(value)
        options = str(at(value, "metadata", "annotations", _OPTIONS) or "")
        is_guarded = "Prune=false" in options or "Prune=confirm" in options

        if synced_identity.kind in _HOLD_DATA and not is_guarded:
            yield Fault(
                reason=f"{identity.name} prunes, and nothing guards {synced_identity}",
                remedy=f"add the annotation {_OPTIONS}: Prune=confirm to it",
                object=identity,
            )


def _recreated_clusters(application: Object, synced: list[Object]) -> Iterator[Fault]:
    if any(ObjectId.of(value).kind in _CLUSTERS for value in synced):
        yield Fault(
            reason="self-heal recreates a cluster that its owner removed",
            remedy="switch selfHeal off",
            object=ObjectId.of(application),
        )
