"""What a long-term cluster would get without its extras, rendered, to compare with what it gets."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from okd_gitops.check.build import build
from okd_gitops.fleet.extras import Extras
from okd_gitops.generate.overlays import render
from okd_gitops.generate.plan import Plan
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.objects import Object
from okd_gitops.system.disk import scratch_folder, write_files


def objects_without_extras(plan: Plan, cache: Path) -> Mapping[str, tuple[Object, ...]]:
    """Return the objects that each guarded cluster with extras would get without them, by the cluster's name.

    A cluster whose generated files do not build is left out: the check of its overlay tells why. Raises
    ToolError when kustomize is missing in `cache`.
    """
    clusters = [
        replace(cluster, extras=Extras())
        for cluster in plan.clusters
        if cluster.extras.present and cluster.cluster.purpose.guarded
    ]
    if not clusters:
        return {}

    files = render(replace(plan, clusters=tuple(clusters)))
    names = {f"overlays/{cluster.cluster.name}": cluster.cluster.name for cluster in clusters}
    graphs = {folder: walk(files, folder) for folder in names}

    with scratch_folder() as root:
        write_files(root, files)
        rendering = build(root, cache, graphs, names, files)

    return {
        names[folder]: tuple(document.value for document in documents)
        for folder, documents in rendering.documents.items()
    }
