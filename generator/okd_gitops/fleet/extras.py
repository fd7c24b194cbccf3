"""Hand-written extras of a cluster: `clusters/NAME/` with a kustomization.yaml of its own, which
generation reads and never touches.
"""

from dataclasses import dataclass, replace

from okd_gitops.finding import Finding
from okd_gitops.manifests.kustomization import kustomization_of, walk
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.tree import Tree


@dataclass(frozen=True, slots=True)
class Extras:
    """Whether there are any, whether they are a Component, and the identities of their objects."""

    present: bool = False
    component: bool = False
    objects: tuple[ObjectId, ...] = ()


def read_extras(cluster: str, tree: Tree) -> tuple[Extras, list[Finding]]:
    """Read what a cluster's extras add, as far as it can be told without running kustomize."""
    if not tree:
        return Extras(), []
    folder = f"clusters/{cluster}"
    graph = walk({f"{folder}/{path}": data for path, data in tree.items()}, folder)
    document = graph.kustomizations.get(f"{folder}/{kustomization_of(tree, '')}")
    if document is None:
        return Extras(present=True), list(graph.findings)
    namespace = str(document.value.get("namespace") or "")
    moved = (
        identity if identity.cluster_scoped or not namespace else replace(identity, namespace=namespace)
        for identity in graph.objects
    )
    return Extras(
        present=True, component=document.value.get("kind") == "Component", objects=tuple(moved)
    ), list(graph.findings)
