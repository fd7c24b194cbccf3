"""Hand-written extras of a cluster: `clusters/NAME/` with a kustomization.yaml of its own, which generation
reads and never changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from okd_gitops.finding import Findings
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.scopes import Scopes, defined_scopes, is_cluster_scoped
from okd_gitops.tree import Tree

if TYPE_CHECKING:
    from okd_gitops.manifests.graph import Graph


@dataclass(frozen=True, slots=True)
class Extras:
    """Whether a cluster has extras, whether they are a Component, and the identities of their objects.

    `scopes` is what the CRDs among them define.
    """

    present: bool = False
    component: bool = False
    objects: tuple[ObjectId, ...] = ()
    scopes: Scopes = field(default_factory=dict)


def read_extras(cluster: str, tree: Tree, findings: Findings) -> Extras:
    """Read what a cluster's extras add, as far as it can be told without running kustomize; what is wrong
    goes to `findings`.
    """
    if not tree:
        return Extras()

    # Most clusters have none.
    from okd_gitops.manifests.graph import kustomization_of
    from okd_gitops.manifests.kustomization import walk

    folder = f"clusters/{cluster}"
    graph = walk({f"{folder}/{path}": data for path, data in tree.items()}, folder)
    findings.extend(graph.findings)

    document = graph.kustomizations.get(f"{folder}/{kustomization_of(tree, '')}")
    if document is None:
        return Extras(present=True)

    namespace = str(document.value.get("namespace") or "")
    is_component = document.value.get("kind") == "Component"
    scopes = defined_scopes(_values(graph))
    objects = _moved(graph.objects, namespace, scopes)

    return Extras(present=True, component=is_component, objects=objects, scopes=scopes)


def _values(graph: "Graph") -> Iterable[Object]:
    return (written.value for written in graph.objects.values())


def _moved(objects: Iterable[ObjectId], namespace: str, scopes: Scopes) -> tuple[ObjectId, ...]:
    """Return objects in the namespace that a kustomization gives them; without one they stay."""
    if not namespace:
        return tuple(objects)
    return tuple(
        identity if is_cluster_scoped(identity, scopes) else replace(identity, namespace=namespace)
        for identity in objects
    )
