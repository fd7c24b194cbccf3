"""The rule destructive-sync; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at

_PRECIOUS = (
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterVersion",
    "ClusterDeployment",
    "HostedCluster",
)
_REAPED = ("ClusterClaim", "ClusterDeployment", "HostedCluster")
_OPTIONS = "argocd.argoproj.io/sync-options"


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at each Application of an overlay and at the overlay that it syncs."""
    for value in overlay.objects:
        if ObjectId.of(value).group_kind == "Application.argoproj.io":
            yield from _application(value, repository)


def _application(value: Object, repository: Repository) -> Iterator[Fault]:
    identity, automated = ObjectId.of(value), at(value, "spec", "syncPolicy", "automated")
    synced = [
        overlay
        for overlay in repository.overlays
        if any(each is value for each in repository.synced.get(overlay.folder, ()))
    ]
    held = [(ObjectId.of(each), each) for overlay in synced for each in overlay.objects]
    purpose = at(value, "metadata", "labels", "okd-gitops.io/purpose")
    finalizers = at(value, "metadata", "finalizers")
    if (
        purpose in ("cd", "hub")
        and isinstance(finalizers, list)
        and any("resources-finalizer" in str(name) for name in finalizers)
    ):
        yield Fault(
            reason="removing this Application would empty a long-term cluster",
            remedy="drop the finalizer",
            object=identity,
        )
    if at(automated, "prune"):
        for other, each in held:
            options = str(at(each, "metadata", "annotations", _OPTIONS) or "")
            if other.kind in _PRECIOUS and "Prune=false" not in options and "Prune=confirm" not in options:
                reason = f"{identity.name} prunes, and nothing guards {other}"
                yield Fault(
                    reason=reason,
                    remedy=f"add the annotation {_OPTIONS}: Prune=confirm to it",
                    object=identity,
                )
    if at(automated, "selfHeal") and any(other.kind in _REAPED for other, _ in held):
        yield Fault(
            reason="self-heal makes a cluster again after it was reaped",
            remedy="switch selfHeal off",
            object=identity,
        )
