"""A folder whose files Argo CD applies as they are, with those of all folders below it: the source type
Directory, `directory: {recurse: true}`.
"""

from collections.abc import Iterable, Iterator, Mapping

import yaml

from okd_gitops.finding import refused
from okd_gitops.manifests.bounds import FOREIGN, Bounds
from okd_gitops.manifests.graph import Graph, Written
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.path_fields import Where
from okd_gitops.manifests.plain import plain_values
from okd_gitops.manifests.read import Document, read_all
from okd_gitops.tree import Unread, source_in

# What Argo CD reads there as it is (reposerver/repository/repository.go of v3.3, manifestFile).
ENDINGS = (".yaml", ".yml", ".json")


def directory_files(tree: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    """Return the files that Argo CD reads in a folder and below it."""
    return {path: tree[path] for path in directory_paths(tree, folder)}


def directory_paths(tree: Iterable[str], folder: str) -> list[str]:
    """Return the paths of these files."""
    return [path for path in tree if path.startswith(f"{folder}/") and path.endswith(ENDINGS)]


def read_directory(tree: Mapping[str, bytes], folder: str) -> Graph:
    """Return the graph of a folder: its files, and where each object is written.

    What cannot be read is among its findings. The folder is a generated one: that a file there is foreign, or
    has another content, is found by comparing it with what is generated.
    """
    graph = Graph(bounds=FOREIGN)
    for path in directory_paths(tree, folder):
        _read(graph, path, tree[path], source_in(tree, path))

    return graph


def read_files(files: Mapping[str, bytes], bounds: Bounds = FOREIGN) -> Graph:
    """Return the graph of files that are applied as they are; what cannot be read is among its findings."""
    graph = Graph(bounds=bounds)

    for path, data in files.items():
        _read(graph, path, data, data)

    return graph


def _read(graph: Graph, path: str, data: bytes, source: bytes | Unread) -> None:
    graph.files.add(path)

    with graph.findings.collecting():
        for document in read_all(path, data, bounds=graph.bounds, source=source):
            _note(graph, document, document.value, ())

        if graph.bounds.aliases:
            graph.values += [value for each in _values(path, data) for value in _listed(each)]


def _values(path: str, data: bytes) -> list[object]:
    try:
        return plain_values(data)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise refused("not-yaml", path, "its values cannot be read", "look at its tags and keys") from None


def _listed(value: object) -> Iterator[Object]:
    """Yield an object, or each one of a List; what has no kind is nothing that is applied."""
    if not isinstance(value, dict) or not ObjectId.of(value).kind:
        return

    if str(value["kind"]).endswith("List") and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _listed(item)
    elif not str(value.get("apiVersion")).startswith("kustomize.config.k8s.io/"):
        yield value


def _note(graph: Graph, document: Document, value: object, where: Where) -> None:
    if not isinstance(value, dict):
        return

    if str(value.get("kind")).endswith("List") and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            _note(graph, document, item, (*where, "items", index))
    else:
        graph.objects.setdefault(ObjectId.of(value), Written(document, where))
