"""A folder whose files Argo CD applies as they are, with those of all folders below it: the source type
Directory, `directory: {recurse: true}`.
"""

from collections.abc import Mapping

from okd_gitops.manifests.kustomization import Graph, Written
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.manifests.read import FOREIGN, read_all

# What Argo CD reads there as it is (reposerver/repository/repository.go of v3.3, manifestFile).
_ENDINGS = (".yaml", ".yml", ".json")


def directory_files(tree: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    """Return the files that Argo CD reads in a folder and below it."""
    return {path: tree[path] for path in tree if path.startswith(f"{folder}/") and path.endswith(_ENDINGS)}


def read_directory(tree: Mapping[str, bytes], folder: str) -> Graph:
    """Return the graph of a folder: its files, and where each object is written.

    What cannot be read is among its findings. The folder is a generated one: that a file there is foreign, or
    has another content, is found by comparing it with what is generated.
    """
    graph = Graph()

    for path, data in directory_files(tree, folder).items():
        graph.files.add(path)

        with graph.findings.collecting():
            for document in read_all(path, data, bounds=FOREIGN):
                if isinstance(document.value, dict):
                    graph.objects.setdefault(ObjectId.of(document.value), Written(document))

    return graph
