"""diff: what changes on each cluster since a commit, in rendered objects, equal changes told once."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from okd_gitops.check.build import build, kustomizations_beside
from okd_gitops.check.edited_overlays import Side, Sides, is_edited
from okd_gitops.check.kept_overlays import KeptOverlays
from okd_gitops.errors import BusyError
from okd_gitops.finding import FindingsError, exit_code_of
from okd_gitops.manifests.argocd import OPTIONS
from okd_gitops.manifests.changed_fields import FieldChange, changed_fields
from okd_gitops.manifests.graph import Graph
from okd_gitops.manifests.mask_secrets import mask_secrets
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.manifests.write import dump
from okd_gitops.render.kustomize import Document
from okd_gitops.system.disk import MAX_GENERATED, ROOTS, read_tree, scratch_folder, write_files
from okd_gitops.system.files_on_disk import lent_as_found
from okd_gitops.system.kept import Kept
from okd_gitops.system.tools import tool
from okd_gitops.tree import Tree, unified_diff

FOLDERS = (*ROOTS, "clusters")
# The documents of each folder, as rendered.
Rendered = Mapping[str, Mapping[ObjectId, Document]]
_ABSENT = Document(b"", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """One object's change, and every overlay in which exactly this change happens.

    `verb` is added, changed or removed; `fields` are the fields in which a changed object differs. A removed
    one that `is_kept` has the option by which Argo CD leaves it where it is.
    """

    object: ObjectId
    verb: str
    diff: str
    overlays: tuple[str, ...]
    fields: tuple[FieldChange, ...] = ()
    is_kept: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        return {
            "object": str(self.object),
            "verb": self.verb,
            "diff": self.diff,
            "overlays": list(self.overlays),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes, and the overlays that have none."""

    changes: tuple[ObjectChange, ...]
    untouched: tuple[str, ...]

    @property
    def clusters(self) -> list[str]:
        """Every cluster that was compared, by name."""
        overlays = {overlay for change in self.changes for overlay in change.overlays}

        return sorted({cluster_of(overlay) for overlay in (*overlays, *self.untouched)})

    def of(self, clusters: Collection[str]) -> "Difference":
        """Return what of it concerns some clusters."""
        changes = (
            replace(change, overlays=tuple(name for name in change.overlays if cluster_of(name) in clusters))
            for change in self.changes
        )
        untouched = tuple(name for name in self.untouched if cluster_of(name) in clusters)

        return Difference(tuple(change for change in changes if change.overlays), untouched)

    def counts(self) -> list[tuple[str, Counter[str]]]:
        """Return how many objects each changed cluster gets, changes and loses, by name."""
        counts: dict[str, Counter[str]] = {}

        for change in self.changes:
            for cluster in {cluster_of(overlay) for overlay in change.overlays}:
                counts.setdefault(cluster, Counter())[change.verb] += 1

        return sorted(counts.items())


def diff(
    root: Path,
    cache: Path,
    old: Tree,
    *,
    say: Callable[[str], None],
    files: Tree | None = None,
    kept: Kept | None = None,
) -> Difference:
    """Compare what kustomize renders from `old`, the FOLDERS of a commit, and from the files below `root`.

    `files` are those, if somebody has found them already. Overlays none of whose files changed are not
    rendered; of most, what is `kept` tells that. Raises FindingsError when an overlay holds what a check
    refuses, or does not build, and BusyError when one of the files changes meanwhile.
    """
    new = read_tree(root, *FOLDERS, max_file=MAX_GENERATED) if files is None else files.at_top(FOLDERS)
    sides = Sides(old, new)
    if kept and sides.changed:
        sides.built_from = KeptOverlays(kept, root, cache, new).built_from()

    return difference(root, cache, sides, say=say)


def difference(root: Path, cache: Path, sides: Sides, *, say: Callable[[str], None]) -> Difference:
    """Compare what kustomize renders from two sides, of which the new one is what `root` contains.

    Raises FindingsError and BusyError like `diff`.
    """
    folders = sides.overlays()
    changed = [folder for folder in folders if is_edited(folder, sides)]
    say(f"rendering {len(changed)} of {len(folders)} overlays, before and after")
    before, after = render_both(root, cache, sides, changed)

    untouched = sorted({*folders} - {*changed})
    return Difference(tuple(_changes(before, after, changed)), tuple(untouched))


def cluster_of(folder: str) -> str:
    """Return the cluster of a folder that is deployed; `argocd` belongs to the whole fleet."""
    top, *below = folder.split("/")
    return below[0] if below else top


def render_both(root: Path, cache: Path, sides: Sides, folders: Sequence[str]) -> tuple[Rendered, Rendered]:
    """Return the objects of folders before and after; the new side is what `root` contains.

    Raises FindingsError when one holds what a check refuses, or does not build, and BusyError when a file
    below `root` changes meanwhile.
    """
    if not folders:
        return {}, {}

    # A missing tool is reported before any work.
    tool(cache, "kustomize")

    with scratch_folder() as old_root:
        graphs = _graphs(sides.old, folders)
        reached = _reached(graphs.values(), sides.old.files)
        write_files(old_root, reached)
        before = _render(old_root, cache, graphs, reached)

    new_files = sides.new.files
    after = _render(root, cache, _graphs(sides.new, folders), new_files)
    if not lent_as_found(root, new_files):
        raise BusyError("a file changed while kustomize read it", "run the same command again")

    return before, after


def _changes(before: Rendered, after: Rendered, folders: Sequence[str]) -> list[ObjectChange]:
    """Return each change once, with every overlay in which it happens."""
    same_changes: dict[tuple[ObjectId, tuple[str, ...]], list[ObjectChange]] = {}

    for folder in folders:
        for change in _changes_of(folder, before.get(folder, {}), after.get(folder, {})):
            key = change.object, _without_context(change.diff)
            same_changes.setdefault(key, []).append(change)

    folded = [_folded(changes) for changes in same_changes.values()]
    return sorted(folded, key=lambda change: (change.overlays, str(change.object)))


def _without_context(diff: str) -> tuple[str, ...]:
    """Return the lines of a diff that are not context: clusters with the same change differ there, as in
    their clusterID.
    """
    return tuple(line for line in diff.splitlines() if not line.startswith(" "))


def _folded(changes: Sequence[ObjectChange]) -> ObjectChange:
    """Return changes that differ in context alone as one, in which the lines that differ are `…`."""
    overlays = tuple(overlay for change in changes for overlay in change.overlays)
    lines = zip(*(change.diff.splitlines() for change in changes), strict=True)
    common_lines = [versions[0] if len(set(versions)) == 1 else " …" for versions in lines]

    return replace(changes[0], overlays=overlays, diff="".join(f"{line}\n" for line in common_lines))


def _changes_of(
    folder: str, old: Mapping[ObjectId, Document], new: Mapping[ObjectId, Document]
) -> Iterator[ObjectChange]:
    """Yield the changes of one overlay, by object."""
    for identity in sorted({*old, *new}):
        old_document, new_document = old.get(identity, _ABSENT), new.get(identity, _ABSENT)

        if old_document.data == new_document.data:
            continue

        old_document, new_document = _without_secrets(old_document, new_document)
        is_changed = identity in old and identity in new
        fields = changed_fields(old_document.value, new_document.value) if is_changed else ()

        yield ObjectChange(
            object=identity,
            verb=_verb(identity, old, new),
            diff=unified_diff(str(identity), old_document.data, new_document.data),
            overlays=(folder,),
            fields=tuple(fields),
            is_kept="Prune=false" in str(at(old_document.value, "metadata", "annotations", OPTIONS) or ""),
        )


def _without_secrets(old: Document, new: Document) -> tuple[Document, Document]:
    """Return both sides with a sign in the place of each secret value: a difference is read by everybody."""
    old_value, new_value = mask_secrets(old.value, new.value)
    if old_value is old.value and new_value is new.value:
        return old, new

    return _dumped(old_value), _dumped(new_value)


def _dumped(value: Object) -> Document:
    return Document(dump(value).encode(), value) if value else _ABSENT


def _verb(identity: ObjectId, old: Collection[ObjectId], new: Collection[ObjectId]) -> str:
    if identity not in old:
        return "added"

    return "changed" if identity in new else "removed"


def _graphs(side: Side, folders: Iterable[str]) -> dict[str, Graph]:
    """Return the graphs of the folders that a side has.

    Raises FindingsError when a kustomization holds something that must not be built.
    """
    graphs = {folder: side.graph(folder) for folder in folders if side.has(folder)}
    findings = [finding for graph in graphs.values() for finding in graph.findings]
    if findings:
        raise FindingsError(findings, exit_code=1)

    return graphs


def _reached(graphs: Iterable[Graph], files: Tree) -> Tree:
    """Return the files that a build reads, and those for which it looks beside them."""
    paths = {path for graph in graphs for path in (*graph.files, *kustomizations_beside(graph))}
    return Tree({path: files[path] for path in paths if path in files})


def _render(root: Path, cache: Path, graphs: Mapping[str, Graph], files: Tree) -> Rendered:
    names = {folder: cluster_of(folder) for folder in graphs}
    rendering = build(root, cache, graphs, names, files)
    if rendering.findings:
        raise FindingsError(rendering.findings, exit_code=exit_code_of(rendering.findings))

    return {folder: _by_identity(documents) for folder, documents in rendering.documents.items()}


def _by_identity(documents: Iterable[Document]) -> dict[ObjectId, Document]:
    return {ObjectId.of(document.value): document for document in documents}
