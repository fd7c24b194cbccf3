"""AppProjects: what Argo CD may read and write for one cluster, derived from what its overlay holds.

There is no `*` anywhere but in `syncWindows`, which hold for the one Application of a project.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.upgrades import Window
from okd_gitops.generate.sync import FINALIZER
from okd_gitops.manifests.argocd import API_VERSION, NAMESPACE
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.scopes import Scopes, is_cluster_scoped

# The group and the name of each kind.
_Kinds = set[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What an Application deploys: the cluster's name in Argo CD, the objects, what their CRDs define, and
    when, if not at any time. `home` is the namespace that an object without one counts to.
    """

    destination: str
    objects: Sequence[ObjectId]
    scopes: Scopes = field(default_factory=dict)
    window: Window | None = None
    home: str = NAMESPACE


def project(
    name: str, fleet: FleetSpec, description: str, deployed: Deployed, annotations: Mapping[str, str]
) -> Object:
    """Return the AppProject that permits what is deployed, and nothing else."""
    cluster_kinds: _Kinds = set()
    namespaced_kinds: _Kinds = set()
    # A cluster that has nothing yet has an Application all the same, and that names a namespace.
    namespaces = set() if deployed.objects else {deployed.home}

    for identity in deployed.objects:
        namespaces.add(identity.namespace or deployed.home)
        scope = is_cluster_scoped(identity, deployed.scopes)

        if scope is None:
            _permit_unknown(identity, cluster_kinds, namespaced_kinds)
        else:
            (cluster_kinds if scope else namespaced_kinds).add((identity.group, identity.kind))

    spec: dict[str, Any] = {
        "description": description,
        "sourceRepos": [fleet.repository],
        "destinations": [
            {"name": deployed.destination, "namespace": namespace} for namespace in sorted(namespaces)
        ],
        "clusterResourceWhitelist": _permitted(cluster_kinds),
        "namespaceResourceWhitelist": _permitted(namespaced_kinds),
    }
    if deployed.window:
        spec["syncWindows"] = [_sync_window(deployed.window)]

    # It goes when no Application has it any more. Without that, a removal deletes both at once, and then the
    # Application can never be deleted (tried on Argo CD 3.3.9: PruneLast has no waves).
    metadata = {
        "name": name,
        "namespace": NAMESPACE,
        "annotations": dict(annotations),
        "finalizers": [FINALIZER],
    }
    return {"apiVersion": API_VERSION, "kind": "AppProject", "metadata": metadata, "spec": spec}


def _permit_unknown(identity: ObjectId, cluster_kinds: _Kinds, namespaced_kinds: _Kinds) -> None:
    """Permit a kind of unknown scope: one that names no namespace may be of either."""
    namespaced_kinds.add((identity.group, identity.kind))
    if not identity.namespace:
        cluster_kinds.add((identity.group, identity.kind))


def _permitted(kinds: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"group": group, "kind": kind} for group, kind in sorted(kinds)]


def _sync_window(window: Window) -> dict[str, Any]:
    """Return the hours in which Argo CD syncs by itself; a person may sync at any time."""
    return {
        "kind": "allow",
        "schedule": window.cron,
        "duration": f"{window.hours}h",
        "timeZone": "UTC",
        "applications": ["*"],
        "manualSync": True,
    }
