"""diff: what changes on each cluster between a commit and the working tree, in rendered objects, identical
hunks folded over clusters.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.finding import FindingsError, exit_code_of
from okd_gitops.manifests.kustomization import kustomization_of, walk
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.render import kustomize
from okd_gitops.system.disk import MAX_GENERATED, ROOTS, read_tree, scratch_folder
from okd_gitops.system.tools import tool
from okd_gitops.tree import Tree, unified_diff

FOLDERS = (*ROOTS, "clusters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object's change, and every overlay in which exactly this change happens."""

    object: str
    verb: str
    diff: str
    overlays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes, and the overlays that have none."""

    changes: tuple[Change, ...]
    untouched: tuple[str, ...]


def diff(root: Path, cache: Path, old: Tree, *, say: Callable[[str], None]) -> Difference:
    """Compare what kustomize renders from `old`, which holds FOLDERS of a commit, with what it renders
    from the files below `root`.

    Overlays none of whose files changed are not rendered. Raises FindingsError when an overlay holds what a
    check refuses, or does not build.
    """
    new = read_tree(root, *FOLDERS, max_file=MAX_GENERATED)
    folders = sorted({*_overlays(old), *_overlays(new)})
    changed = [folder for folder in folders if _inputs(old, folder) != _inputs(new, folder)]
    if changed:
        tool(cache, "kustomize")
    say(f"rendering {len(changed)} of {len(folders)} overlays, before and after")
    with scratch_folder() as before:
        _extract(before, old)
        sides = [_render(before, cache, old, changed), _render(root, cache, new, changed)]
    found: dict[tuple[str, str, str], list[str]] = {}
    for folder in changed:
        was, now = sides[0].get(folder, {}), sides[1].get(folder, {})
        for identity in sorted({*was, *now}):
            if was.get(identity) != now.get(identity):
                verb = "added" if identity not in was else "removed" if identity not in now else "changed"
                text = unified_diff(str(identity), was.get(identity, b""), now.get(identity, b""))
                found.setdefault((str(identity), verb, text), []).append(folder)
    changes = [
        Change(object=name, verb=verb, diff=text, overlays=tuple(held))
        for (name, verb, text), held in found.items()
    ]
    return Difference(
        tuple(sorted(changes, key=lambda change: (change.overlays, change.object))),
        tuple(sorted({*folders} - {*changed})),
    )


def _overlays(tree: Tree) -> list[str]:
    folders = ["argocd", *{f"overlays/{path.split('/')[0]}" for path in tree.below("overlays")}]
    return [folder for folder in folders if kustomization_of(tree, folder)]


def _inputs(tree: Tree, folder: str) -> Mapping[str, bytes]:
    return {path: tree[path] for path in walk(tree, folder).files} if kustomization_of(tree, folder) else {}


def _extract(folder: Path, tree: Tree) -> None:
    for path, data in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _render(root: Path, cache: Path, tree: Tree, folders: list[str]) -> dict[str, dict[ObjectId, bytes]]:
    present = [folder for folder in folders if kustomization_of(tree, folder)]
    graphs = {folder: walk(tree, folder) for folder in present}
    refused = [finding for graph in graphs.values() for finding in graph.findings]
    if refused:
        raise FindingsError(refused, exit_code=1)
    named = {folder: folder.rpartition("/")[2] for folder in present}
    least = {folder: graph.least for folder, graph in graphs.items()}
    rendering = kustomize.render(
        root, named, tool(cache, "kustomize"), workers=os.cpu_count() or 1, least=least
    )
    if rendering.findings:
        raise FindingsError(rendering.findings, exit_code=exit_code_of(rendering.findings))
    return {
        folder: {ObjectId.of(document.value): document.data for document in documents}
        for folder, documents in rendering.documents.items()
    }
