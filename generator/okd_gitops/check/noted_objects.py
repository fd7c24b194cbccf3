"""What of an object rules of other overlays may know: a few kinds as a whole, of others the outline."""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from okd_gitops.manifests.argocd import source_paths
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import FixedObject, Object, ObjectId, at, per_object
from okd_gitops.releases.cluster_version import CLUSTER_VERSION
from okd_gitops.tree import digest

OF_ARGOCD = ("Application", "AppProject", "ApplicationSet")
# What rules of other overlays ask for as a whole: how Argo CD is told what to sync, kinds, and rights.
_NOTED = (*OF_ARGOCD, "CustomResourceDefinition", "RoleBinding", "ClusterRoleBinding")
# Of other objects they see the names, and what tells Argo CD how to sync them.
_SYNC = "argocd.argoproj.io/"


class UnreadObject(NamedTuple):
    """An object that rules of other overlays may read whole, which is read when somebody wants it.

    `paths` are those of the sources of an Application.
    """

    identity: ObjectId
    paths: Sequence[str]
    read: Callable[[], Object]


def hash_of_outlines(outlines: Sequence[Object]) -> str:
    """Return a hash of the outlines of an overlay, in order."""
    return digest("\0".join(map(_outline_text, outlines)).encode())


@per_object
def _outline_text(value: Object) -> str:
    return json.dumps(value)


def is_noted(value: Object) -> bool:
    """Whether rules of other overlays may read an object whole: by its kind, or by a ClusterVersion in it."""
    return value.get("kind") in _NOTED or has_cluster_version(value)


def noted_unread(value: Object) -> UnreadObject:
    """Return what is known of a noted object without reading it."""
    return UnreadObject(ObjectId.of(value), source_paths(value), lambda: value)


@per_object
def has_cluster_version(value: Object) -> bool:
    """Whether an object is a ClusterVersion, or has one inside."""
    return any(ObjectId.of(nested.value).group_kind == CLUSTER_VERSION for nested in objects_within(value))


@per_object
def outline(value: Object) -> Object:
    """Return the identity of an object, and its annotations for Argo CD."""
    annotations = at(value, "metadata", "annotations")
    named = annotations if isinstance(annotations, dict) else {}
    of_sync = {key: text for key, text in named.items() if str(key).startswith(_SYNC)}
    identity = ObjectId.of(value)
    metadata = {"name": identity.name, "namespace": identity.namespace, "annotations": of_sync}
    version = f"{identity.group}/{identity.version}" if identity.group else identity.version

    return FixedObject({"apiVersion": version, "kind": identity.kind, "metadata": metadata})
