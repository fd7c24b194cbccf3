"""What a folder rendered at the base of a change and renders no longer: a loss that somebody must consent to.

An overlay that renders nothing any more, or loses an object with data, is a mistake more often than a wish: a
key that stands twice in a kustomization, a patch with `$patch: delete`, a folder that was moved. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from okd_gitops.finding import Finding, Location, Severity, finding_of
from okd_gitops.manifests.objects import Object, ObjectId, at

# okd-gitops writes it, so no annotation of it can announce that it goes.
_CLUSTER_VERSION = "ClusterVersion.config.openshift.io"
_CLUSTER_REMEDY = (
    "restore it; if {cluster} is to leave the fleet, write decommission: true in clusters/{cluster}.yaml, "
    "run okd-gitops generate and merge that; then make this change"
)
# Kinds whose objects hold what Git never had, or decide what a cluster runs.
_HOLD_DATA = frozenset(
    {
        "ClusterDeployment.hive.openshift.io",
        _CLUSTER_VERSION,
        "CustomResourceDefinition.apiextensions.k8s.io",
        "HostedCluster.hypershift.openshift.io",
        "Namespace.",
        "PersistentVolume.",
        "PersistentVolumeClaim.",
    }
)
# On an object at the base: its removal was announced one change earlier, as that of a cluster is.
REMOVAL, ANNOUNCED = "okd-gitops.io/removal", "announced"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedChange:
    """The objects that a folder rendered at the base, and those that it renders now.

    `place`: where a loss is shown. `is_leaving`: the cluster file at the base has `decommission: true`.
    """

    cluster: str
    place: Location
    before: tuple[Object, ...]
    after: tuple[Object, ...]
    is_long_term: bool = False
    is_leaving: bool = False


def lost_objects(change: RenderedChange) -> list[Finding]:
    """Return a finding for a folder that renders nothing any more, or for each lost object that holds data.

    It is an error for a long-term cluster, else a warning; there is none where the base announced the loss.
    """
    if change.is_leaving:
        return []

    if change.before and not change.after:
        count = len(change.before)
        return [
            _finding(change, f"{change.cluster} rendered {count} objects at the base, and renders none now")
        ]

    present = {_key(ObjectId.of(value)) for value in change.after}
    lost = [identity for identity in _held(change.before) if _key(identity) not in present]
    return [
        _finding(change, f"{change.cluster} rendered {identity} at the base, and does not any more", identity)
        for identity in sorted(lost)
    ]


def _held(objects: Iterable[Object]) -> Iterable[ObjectId]:
    """Return the objects with data whose removal is not announced."""
    for value in objects:
        identity = ObjectId.of(value)
        is_announced = at(value, "metadata", "annotations", REMOVAL) == ANNOUNCED

        if identity.group_kind in _HOLD_DATA and not is_announced:
            yield identity


def _key(identity: ObjectId) -> tuple[str, str, str]:
    """Return what names an object on a cluster, whatever its version."""
    return identity.group_kind, identity.namespace, identity.name


def _finding(change: RenderedChange, reason: str, identity: ObjectId | None = None) -> Finding:
    is_cluster = identity is None or identity.group_kind == _CLUSTER_VERSION

    return finding_of(
        "objects-lost",
        change.place,
        reason,
        _CLUSTER_REMEDY.format(cluster=change.cluster) if is_cluster else None,
        of_object=str(identity or ""),
        clusters=(change.cluster,),
        severity=Severity.ERROR if change.is_long_term else Severity.WARNING,
    )
