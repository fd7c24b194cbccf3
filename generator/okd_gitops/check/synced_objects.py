"""What each Application applies: objects with the cluster and the namespace in which they end up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from okd_gitops.check.rule import Overlay, Repository
from okd_gitops.manifests.argocd import IN_CLUSTER, at_head, server_address, sources
from okd_gitops.manifests.objects import Object, ObjectId, Same, at, items
from okd_gitops.manifests.scopes import defined_scopes, is_cluster_scoped

HOOK = "argocd.argoproj.io/hook"
_HERE = "https://kubernetes.default.svc"
# What changes names and namespaces of a source that is rendered here without it.
_OVERRIDES = ("kustomize", "helm", "plugin")
_NAMESPACE = "CreateNamespace=true"


@dataclass(frozen=True, slots=True)
class Synced:
    """An object of an overlay that an Application applies; `identity` has the namespace in which it ends up.

    `cluster` tells clusters apart that this repository can tell apart, and is empty where it cannot.
    """

    application: Object
    overlay: Overlay
    cluster: str
    identity: ObjectId
    value: Object


def synced_objects(repository: Repository) -> Iterator[Synced]:
    """Yield the objects of every Application that follows the files at hand, and changes none of them.

    There are none in a fleet of our own: each of its Applications has a cluster of its own, which the rule
    second-application guards.
    """
    if repository.destinations:
        return

    homes = _homes(repository)
    scopes = defined_scopes(repository.objects)

    for application in repository.applications:
        cluster = cluster_of(application, homes.get(id(application), ""))
        namespace = str(at(application, "spec", "destination", "namespace") or "")
        is_as_written = all(at_head(source) and not _overrides(source) for source in sources(application))
        if not cluster or not is_as_written:
            continue

        for overlay in repository.synced_by.get(Same(application), ()):
            for value in overlay.objects:
                identity = ObjectId.of(value)
                if is_cluster_scoped(identity, scopes):
                    identity = replace(identity, namespace="")
                elif not identity.namespace:
                    identity = replace(identity, namespace=namespace)

                if identity.name and not at(value, "metadata", "annotations", HOOK):
                    yield Synced(application, overlay, cluster, identity, value)


def creates_namespace(application: Object) -> bool:
    """Whether an Application makes the namespace of its destination."""
    return _NAMESPACE in items(application, "spec", "syncPolicy", "syncOptions")


def cluster_of(application: Object, home: str) -> str:
    """Return what names the cluster that an Application writes to, empty where nothing tells.

    Every Argo CD calls its own cluster the same, so of that one only Applications from one folder are of one
    cluster for certain.
    """
    destination = at(application, "spec", "destination")
    name, server = str(at(destination, "name") or ""), str(at(destination, "server") or "")

    if "{{" in name + server or not name + server:
        return ""
    if name == IN_CLUSTER or server.rstrip("/") == _HERE:
        return f"{IN_CLUSTER} of {home}"
    return name or server_address(server)


def _homes(repository: Repository) -> dict[int, str]:
    """Return the folder in which each Application, or the set that makes it, is deployed."""
    homes: dict[int, str] = {}
    for overlay in repository.overlays:
        # A file that people apply is an overlay of its own.
        parent = overlay.folder.rpartition("/")[0]
        is_file = overlay.is_directory and overlay.folder.endswith((".yaml", ".yml"))
        home = (parent or ".") if is_file else overlay.folder

        homes.update({id(value): home for value in overlay.objects})

    makers = {made: homes.get(id(maker), "") for made, maker in repository.makers.items()}
    return homes | makers


def _overrides(source: Object) -> bool:
    return any(at(source, key) for key in _OVERRIDES)
