"""diff: what changes on each cluster since a commit, in rendered objects, equal changes told once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.check.judge import WORKERS
from okd_gitops.finding import FindingsError, exit_code_of
from okd_gitops.manifests.kustomization import Graph, kustomization_of, walk
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.render import kustomize
from okd_gitops.system.disk import MAX_GENERATED, ROOTS, read_tree, scratch_folder, write_files
from okd_gitops.system.tools import tool
from okd_gitops.tree import Tree, unified_diff

FOLDERS = (*ROOTS, "clusters")
# The objects of each folder, as rendered.
_Rendered = Mapping[str, Mapping[ObjectId, bytes]]


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
    """Compare what kustomize renders from `old`, the FOLDERS of a commit, and from the files below `root`.

    Overlays none of whose files changed are not rendered. Raises FindingsError when an overlay holds what a
    check refuses, or does not build.
    """
    new = read_tree(root, *FOLDERS, max_file=MAX_GENERATED)
    folders = sorted({*_overlays(old), *_overlays(new)})
    changed = [folder for folder in folders if _inputs(old, folder) != _inputs(new, folder)]
    if changed:
        # A missing tool is reported before any work.
        tool(cache, "kustomize")

    say(f"rendering {len(changed)} of {len(folders)} overlays, before and after")
    with scratch_folder() as old_root:
        write_files(old_root, old)
        before = _render(old_root, cache, old, changed)
        after = _render(root, cache, new, changed)

    untouched = sorted({*folders} - {*changed})
    return Difference(tuple(_changes(before, after, changed)), tuple(untouched))


def _changes(before: _Rendered, after: _Rendered, folders: Sequence[str]) -> list[Change]:
    """Return each change once, with every overlay in which it happens."""
    overlays: dict[tuple[str, str, str], list[str]] = {}

    for folder in folders:
        old, new = before.get(folder, {}), after.get(folder, {})
        for identity in sorted({*old, *new}):
            if old.get(identity) != new.get(identity):
                text = unified_diff(str(identity), old.get(identity, b""), new.get(identity, b""))
                change = str(identity), _verb(identity, old, new), text
                overlays.setdefault(change, []).append(folder)

    changes = [
        Change(object=name, verb=verb, diff=text, overlays=tuple(changed_overlays))
        for (name, verb, text), changed_overlays in overlays.items()
    ]
    return sorted(changes, key=lambda change: (change.overlays, change.object))


def _verb(identity: ObjectId, old: Mapping[ObjectId, bytes], new: Mapping[ObjectId, bytes]) -> str:
    if identity not in old:
        return "added"
    return "changed" if identity in new else "removed"


def _overlays(tree: Tree) -> list[str]:
    folders = ["argocd", *{f"overlays/{path.split('/')[0]}" for path in tree.below("overlays")}]
    return [folder for folder in folders if kustomization_of(tree, folder)]


def _inputs(tree: Tree, folder: str) -> Mapping[str, bytes]:
    """Return the files that an overlay is built from; none where there is no such overlay."""
    if not kustomization_of(tree, folder):
        return {}
    return {path: tree[path] for path in walk(tree, folder).files}


def _render(root: Path, cache: Path, tree: Tree, folders: Sequence[str]) -> _Rendered:
    present = [folder for folder in folders if kustomization_of(tree, folder)]
    graphs = {folder: walk(tree, folder) for folder in present}
    _refuse(graphs.values())

    rendering = kustomize.render(
        root,
        {folder: folder.rpartition("/")[2] for folder in graphs},
        tool(cache, "kustomize"),
        workers=WORKERS,
        least={folder: graph.least for folder, graph in graphs.items()},
    )
    if rendering.findings:
        raise FindingsError(rendering.findings, exit_code=exit_code_of(rendering.findings))

    return {folder: _by_identity(documents) for folder, documents in rendering.documents.items()}


def _refuse(graphs: Iterable[Graph]) -> None:
    """Raise FindingsError when a kustomization holds something that must not be built."""
    findings = [finding for graph in graphs for finding in graph.findings]
    if findings:
        raise FindingsError(findings, exit_code=1)


def _by_identity(documents: Iterable[kustomize.Document]) -> dict[ObjectId, bytes]:
    return {ObjectId.of(document.value): document.data for document in documents}
