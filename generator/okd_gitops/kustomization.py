"""Kustomization files as a graph: what a folder reaches, where each object is written, and what must not be built.

kustomize fetches remote bases and can run programs; a repository under check may ask for both. So the graph is read first, and what it may
not hold is refused before kustomize starts.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from okd_gitops.finding import Finding, FindingsError, Location
from okd_gitops.objects import ObjectId
from okd_gitops.yamltext import FOREIGN, Document, read, read_all

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Fields whose entries are files or folders of the repository.
_PATHS = ("resources", "components", "bases", "crds", "configurations", "transformers", "generators", "validators")
# They run programs or fetch charts. (kustomize itself needs flags for some of these; a check refuses all.)
_RUNS = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
# Deeper than people nest, and less deep than Python recurses.
_MAX_DEPTH = 100
_REMOTE = re.compile(r"[a-z+]+://|[^/]*@[^/]*:|(github|gitlab|bitbucket)\.[a-z]+[/:]|.*\.git(/|\?|$)|.*\?(ref|version|timeout|submodules)=")


@dataclass(slots=True)
class Graph:
    """What is reached from one folder: files, the kustomizations among them, places of objects, and what is refused."""

    files: set[str] = field(default_factory=set)
    kustomizations: dict[str, Document] = field(default_factory=dict)
    objects: dict[ObjectId, Location] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    depth: int = 0


def kustomization_of(tree: Mapping[str, bytes], folder: str) -> str | None:
    """Return the path of a folder's kustomization file, if it has one."""
    return next((path for name in NAMES if (path := f"{folder}/{name}" if folder else name) in tree), None)


def walk(tree: Mapping[str, bytes], folder: str) -> Graph:
    """Return the graph below `folder`; nothing is raised, whatever is wrong is among its findings."""
    graph = Graph()
    _visit(tree, folder, graph)
    return graph


def _visit(tree: Mapping[str, bytes], folder: str, graph: Graph) -> None:
    path = kustomization_of(tree, folder)
    if path is None or path in graph.files:
        if path is None:
            place = Location(file=f"{folder}/{NAMES[0]}")
            graph.findings.append(Finding(code="GK003", location=place, reason="the folder has no kustomization.yaml", remedy="add one"))
        return
    graph.files.add(path)
    try:
        document = read(path, tree[path], bounds=FOREIGN)
    except FindingsError as error:
        graph.findings += error.findings
        return
    if not isinstance(document.value, dict):
        graph.findings.append(Finding(code="GK003", location=document.at([]), reason="a kustomization is a map", remedy="write resources:"))
        return
    graph.kustomizations[path] = document
    for key in _RUNS:
        if key in document.value:
            reason = f"{key} fetches charts and runs helm, which a check does not do"
            remedy = "commit the rendered chart and list it under resources"
            graph.findings.append(Finding(code="GK002", location=document.at([key], key=True), reason=reason, remedy=remedy))
    for where, entry in _entries(document.value):
        _follow(tree, folder, document, where, entry, graph)


def _entries(value: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield every path that a kustomization names, with the place where it does."""
    for key in _PATHS:
        yield from (((key, index), item) for index, item in enumerate(_list(value, key)))
    for key in ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements"):
        for index, item in enumerate(_list(value, key)):
            path = item.get("path") if isinstance(item, dict) else item
            if isinstance(path, str) and "\n" not in path:
                yield (key, index), path
    for key in ("configMapGenerator", "secretGenerator"):
        for index, item in enumerate(_list(value, key)):
            named = [*_list(item, "files"), *_list(item, "envs")] if isinstance(item, dict) else []
            yield from (((key, index), str(file).rpartition("=")[2]) for file in named)
    openapi = value.get("openapi")
    if isinstance(openapi, dict) and isinstance(openapi.get("path"), str):
        yield ("openapi",), openapi["path"]


def _list(value: dict[str, Any], key: str) -> list[Any]:
    items = value.get(key)
    return items if isinstance(items, list) else []


def _follow(tree: Mapping[str, bytes], folder: str, document: Document, where: tuple[str | int, ...], entry: Any, graph: Graph) -> None:
    place = document.at(where)
    if not isinstance(entry, str):
        graph.findings.append(Finding(code="GK003", location=place, reason="a path is expected here", remedy="write one path an entry"))
        return
    if "\n" in entry:
        # An inline transformer or generator: kustomize would run it as a plug-in if it is not one of its own.
        graph.findings.append(Finding(code="GK002", location=place, reason="inline plug-ins are not run", remedy="use a field of kustomize"))
        return
    if _REMOTE.match(entry):
        reason = f'"{entry}" is fetched from elsewhere: what is built would not be what was reviewed'
        graph.findings.append(Finding(code="GK001", location=place, reason=reason, remedy="copy it into the repository"))
        return
    path = posixpath.normpath(posixpath.join(folder, entry))
    if path == ".." or path.startswith(("../", "/")):
        graph.findings.append(Finding(code="GK001", location=place, reason=f'"{entry}" is outside the repository', remedy="copy it in"))
    elif path in tree:
        graph.files.add(path)
        _index(path, tree[path], where[0], graph)
    elif kustomization_of(tree, path) and graph.depth >= _MAX_DEPTH:
        reason = f"kustomizations are nested deeper than {_MAX_DEPTH}"
        graph.findings.append(Finding(code="GI004", location=place, reason=reason, remedy="list what is needed directly"))
    elif kustomization_of(tree, path):
        graph.depth += 1
        _visit(tree, path, graph)
        graph.depth -= 1
    else:
        reason = f'"{entry}" does not exist'
        graph.findings.append(Finding(code="GK003", location=place, reason=reason, remedy="add the file, or remove the entry"))


def _index(path: str, data: bytes, field_name: str | int, graph: Graph) -> None:
    if field_name not in ("resources", "bases") or not path.endswith((".yaml", ".yml", ".json")):
        return
    try:
        documents = read_all(path, data, bounds=FOREIGN)
    except FindingsError as error:
        graph.findings += error.findings
        return
    for document in documents:
        if isinstance(document.value, dict):
            graph.objects.setdefault(ObjectId.of(document.value), document.at([]))
