"""Build folders with kustomize, by a worker for each core: for a check, and for a difference."""

import os
from collections.abc import Mapping
from pathlib import Path

from okd_gitops.manifests.kustomization import Graph
from okd_gitops.render import kustomize
from okd_gitops.system.tools import tool

WORKERS = os.cpu_count() or 1


def build(
    root: Path, cache: Path, graphs: Mapping[str, Graph], clusters: Mapping[str, str]
) -> kustomize.Rendering:
    """Build the folders of `graphs`, none of which may have a finding; `clusters` names each one's cluster.

    Raises ToolError when kustomize is missing in `cache`.
    """
    binary = tool(cache, "kustomize")
    least = {folder: graph.least for folder, graph in graphs.items()}
    names = {folder: clusters[folder] for folder in graphs}

    return kustomize.render(root, names, binary, workers=WORKERS, least=least)
