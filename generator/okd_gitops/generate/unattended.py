"""Clusters of another repository, to which a job pushes without a review: what this hub lets them do.

Nothing of that repository becomes an Application or an AppProject. This one decides, by a review, what its
folders `overlays/NAME/provider` may write to the hub, and `overlays/NAME` to the cluster that comes of it.
"""

from collections.abc import Mapping
from typing import Any

from okd_gitops.fleet.fleet_file import FleetSpec, UnattendedRepository
from okd_gitops.fleet.providers import CLUSTER, GUESTS, LABELS, PREFIX, PROJECT
from okd_gitops.generate.providers.provided import CLUSTER_KINDS, NAMESPACED_KINDS, filled_in_by_all
from okd_gitops.generate.sync import FINALIZER, LEFT_ALONE, OWNERS_FIRST, sync_policy
from okd_gitops.manifests.argocd import API_VERSION, IN_CLUSTER, NAMESPACE, WAVE
from okd_gitops.manifests.objects import Object

# The project of what makes clusters on the hub, and how the names of Applications begin.
PROVIDERS = "unattended"
_FOLDER = "unattended"
_ANY = [{"group": "*", "kind": "*"}]
_OF_FOLDER = "{{ index .path.segments 1 }}"
_OF_CLUSTER = f'{{{{ index .metadata.labels "{CLUSTER}" }}}}'


def unattended_files(fleet: FleetSpec) -> dict[str, Object]:
    """Return the objects of `argocd/unattended/` by their files; none without such a repository."""
    other = fleet.unattended_repository

    if other is None:
        return {}

    return {
        f"{_FOLDER}/appproject-{PROVIDERS}.yaml": _providers_project(other),
        f"{_FOLDER}/appproject-{GUESTS}.yaml": _guests_project(other),
        f"{_FOLDER}/applicationset-{PROVIDERS}.yaml": _providers(other),
        f"{_FOLDER}/applicationset-{GUESTS}.yaml": _guests(other),
    }


def _providers_project(other: UnattendedRepository) -> Object:
    """Return the project of what makes clusters: namespaces `ephemeral-*` of the hub, and no other.

    That names of objects without a namespace are restricted needs Argo CD 3.3 (clusterResourceWhitelist).
    """
    spec = {
        "description": f"What makes the clusters of {other.repository}, and deletes them.",
        "sourceRepos": [other.repository],
        "destinations": [{"name": IN_CLUSTER, "namespace": f"{PREFIX}*"}],
        "clusterResourceWhitelist": [
            {"group": group, "kind": kind, "name": f"{PREFIX}*"} for group, kind in CLUSTER_KINDS
        ],
        "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, kind in NAMESPACED_KINDS],
    }

    return _project(PROVIDERS, spec)


def _guests_project(other: UnattendedRepository) -> Object:
    """Return the project of what is on such clusters: everything on them, and nothing elsewhere.

    `cluster register` names them so, and a cluster of a fleet never has such a name.
    """
    spec = {
        "description": f"The clusters of {other.repository}: everything that is on them.",
        "sourceRepos": [other.repository],
        "destinations": [{"name": f"{PREFIX}*", "namespace": "*"}],
        "clusterResourceWhitelist": _ANY,
        "namespaceResourceWhitelist": _ANY,
    }

    return _project(GUESTS, spec)


def _project(name: str, spec: Mapping[str, Any]) -> Object:
    # Before the Applications, and after them when the repository is given up.
    metadata = {
        "name": name,
        "namespace": NAMESPACE,
        "annotations": {WAVE: "-1"},
        "finalizers": [FINALIZER],
    }

    return {"apiVersion": API_VERSION, "kind": "AppProject", "metadata": metadata, "spec": dict(spec)}


def _providers(other: UnattendedRepository) -> Object:
    """Return the set of Applications that make clusters: one for each folder with something for the hub.

    A folder that leaves git takes its cluster along.
    """
    found = {"repoURL": other.repository, "revision": other.revision}
    generator = {"git": {**found, "directories": [{"path": "overlays/*/provider"}]}}
    metadata = {
        "name": f"{PROVIDERS}-{_OF_FOLDER}",
        "labels": {CLUSTER: _OF_FOLDER, f"{LABELS}purpose": "ephemeral"},
        "annotations": dict(LEFT_ALONE),
        "finalizers": [OWNERS_FIRST],
    }
    spec = {
        "project": PROVIDERS,
        "source": _source(other, "{{ .path.path }}"),
        "destination": {"name": IN_CLUSTER, "namespace": f"{PREFIX}{_OF_FOLDER}"},
        "syncPolicy": sync_policy(prune=False, self_heal=False, makes_cluster=True),
        "ignoreDifferences": filled_in_by_all(),
    }

    return _set(PROVIDERS, generator, metadata, spec)


def _guests(other: UnattendedRepository) -> Object:
    """Return the set of Applications on such clusters: one for each that is registered.

    It goes when the cluster is forgotten, and deletes nothing: the cluster is deleted with all that is on it.
    """
    generator = {"clusters": {"selector": {"matchLabels": {PROJECT: GUESTS}}}}
    metadata = {
        # A dot: no cluster has one, so no maker of another cluster is called like this.
        "name": f"{GUESTS}.{_OF_CLUSTER}",
        "labels": {CLUSTER: _OF_CLUSTER, f"{LABELS}purpose": "ephemeral"},
    }
    spec = {
        "project": GUESTS,
        "source": _source(other, f"overlays/{_OF_CLUSTER}"),
        "destination": {"name": "{{ .name }}", "namespace": "default"},
        "syncPolicy": sync_policy(prune=True, self_heal=True),
    }

    # An ApplicationSet gives its Applications the finalizer, unless it is told to preserve.
    return _set(GUESTS, generator, metadata, spec, {"preserveResourcesOnDeletion": True})


def _set(
    name: str, generator: Object, metadata: Object, spec: Object, policy: Object | None = None
) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": "ApplicationSet",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [generator],
            "template": {"metadata": metadata, "spec": spec},
            **({"syncPolicy": policy} if policy else {}),
        },
    }


def _source(other: UnattendedRepository, path: str) -> Object:
    return {"repoURL": other.repository, "targetRevision": other.revision, "path": path}
