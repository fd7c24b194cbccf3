"""Kustomizations without the generators that decrypt Secrets, so that the rest can be built."""

from collections.abc import Iterable, Mapping
from copy import deepcopy

from okd_gitops.manifests.graph import Graph
from okd_gitops.manifests.write import dump


def without_decryption(files: Mapping[str, bytes], graphs: Iterable[Graph]) -> dict[str, bytes]:
    """Return the files with those kustomizations changed in which generators decrypt."""
    edited = {path: files[path] for path in files}

    for graph in graphs:
        for path, places in graph.decrypting.items():
            document = graph.kustomizations[path]
            value = deepcopy(document.value)
            dropped = {place[1] for place in places if place[0] == "generators"}
            kept = [each for index, each in enumerate(value["generators"]) if index not in dropped]
            value["generators"] = kept
            edited[path] = dump({key: inner for key, inner in value.items() if inner != []}).encode()

    return edited
