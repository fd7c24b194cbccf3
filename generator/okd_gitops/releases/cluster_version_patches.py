"""Patches of kustomizations that concern a ClusterVersion, as documents and operations with their places."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from okd_gitops.finding import Findings, Location
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.objects import at, items
from okd_gitops.manifests.placed import Places
from okd_gitops.manifests.read import Document, read_all
from okd_gitops.releases.cluster_version import mentions

_Path = tuple[str | int, ...]


def inline_patches(document: Document) -> Iterator[Document]:
    """Yield the partial objects that a kustomization holds as text, with places in the kustomization."""
    texts: list[tuple[_Path, Any]] = [
        ((*path, "patch"), patch.get("patch")) for path, patch in _patches(document)
    ]
    texts += [
        (("patchesStrategicMerge", index), text)
        for index, text in enumerate(items(document.value, "patchesStrategicMerge"))
    ]

    for path, text in texts:
        if isinstance(text, str) and "\n" in text and mentions(text.encode()):
            for inner in _read_text(document, path, text):
                yield _moved(document, path, inner)


def inline_operations(document: Document) -> Iterator[tuple[Location, object]]:
    """Yield the JSON6902 operations on a ClusterVersion that a kustomization holds as text."""
    for path, patch in _patches(document):
        text = patch.get("patch")
        if _is_for_cluster_version(patch) and isinstance(text, str):
            place = (*path, "patch")
            for part in _read_text(document, place, text):
                yield document.at(place), part.value


def listed_files(document: Document, folder: str) -> list[str]:
    """Return the files that a kustomization lists: resources, and patches that are partial objects."""
    patch_files = [patch.get("path") for _, patch in _patches(document)]
    patch_files += items(document.value, "patchesStrategicMerge")

    listed = [*items(document.value, "resources"), *items(document.value, "bases")]
    listed += [name for name in patch_files if isinstance(name, str) and "\n" not in name]
    return _joined(folder, listed)


def operation_files(document: Document, folder: str) -> list[str]:
    """Return the files of JSON6902 patches that name a ClusterVersion as their target."""
    return _joined(
        folder, [patch.get("path") for _, patch in _patches(document) if _is_for_cluster_version(patch)]
    )


def _patches(document: Document) -> Iterator[tuple[_Path, dict[str, Any]]]:
    """Yield the patches in lists of a kustomization, each with its path there."""
    for key in ("patches", "patchesJson6902"):
        for index, patch in enumerate(items(document.value, key)):
            if isinstance(patch, dict):
                yield (key, index), patch


def _is_for_cluster_version(patch: dict[str, Any]) -> bool:
    return bool(at(patch, "target", "kind") == "ClusterVersion")


def _read_text(document: Document, path: _Path, text: str) -> list[Document]:
    """Read a text inside a document; raises FindingsError with the place of that text."""
    findings = Findings()
    inner: list[Document] = []
    with findings.collecting(at=lambda: document.at(path)):
        inner = read_all(document.file, text.encode(), bounds=FOREIGN)

    findings.raise_errors()
    return inner


def _moved(document: Document, path: _Path, inner: Document) -> Document:
    """Return an inner document with places in the document around it.

    Only in a block of lines has each value a place of its own; in other texts all have that of the text.
    """
    lines = document.lines
    line, column, length = document.marks[path]
    if lines[line][column : column + 1] in ("|", ">"):
        first_line = lines[line + 1]
        indent = len(first_line) - len(first_line.lstrip(" "))
        marks = {
            where: (line + 1 + mark[0], mark[1] + indent, mark[2]) for where, mark in inner.marks.items()
        }
    else:
        marks = dict.fromkeys(inner.marks, (line, column, length))

    return replace(document, value=inner.value, moved=Places(marks, {}))


def _joined(folder: str, names: Iterable[object]) -> list[str]:
    return [posixpath.normpath(posixpath.join(folder, name)) for name in names if isinstance(name, str)]
