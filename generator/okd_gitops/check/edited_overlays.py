"""Which overlays a change edits: those that are built from a file that differs between two trees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from okd_gitops.check.rule import ARGOCD
from okd_gitops.manifests.directory import directory_paths, read_directory
from okd_gitops.manifests.graph import Graph, Leaves, kustomization_of
from okd_gitops.manifests.kustomization import walk
from okd_gitops.system.files_on_disk import different
from okd_gitops.tree import PROVIDER, Tree


@dataclass(slots=True)
class Side:
    """The files before a change, or after it, and what they deploy."""

    files: Tree
    _leaves: Leaves = field(default_factory=dict)

    def overlays(self) -> list[str]:
        """Return the folders that are deployed."""
        tops = {"/".join(path.split("/", 2)[:2]) for path in self.files.files}
        overlays = [folder for folder in tops if folder.startswith("overlays/")]
        folders = [ARGOCD, *overlays, *(f"{folder}/{PROVIDER}" for folder in overlays)]

        return [folder for folder in folders if self.has(folder)]

    def has(self, folder: str) -> bool:
        """Whether a folder is deployed."""
        if folder == ARGOCD:
            return bool(directory_paths(self.files.files, folder))

        return kustomization_of(self.files, folder) is not None

    def graph(self, folder: str) -> Graph:
        """Return what a folder that is deployed is built from."""
        if folder == ARGOCD:
            return read_directory(self.files, folder)

        return walk(self.files, folder, self._leaves)

    def reached(self, folder: str) -> set[str]:
        """Return the files that an overlay is built from; none where there is no such overlay."""
        if folder == ARGOCD:
            return set(directory_paths(self.files.files, folder))

        return self.graph(folder).files if self.has(folder) else set()


class Sides:
    """The files of two trees, `old` and `new`, compared once.

    `built_from` has the folders that overlays of `new` are built from, where an earlier run found them.
    """

    def __init__(self, old: Tree, new: Tree) -> None:
        self.old, self.new = Side(old), Side(new)
        self.built_from: Mapping[str, Sequence[str]] = {}
        self.changed = different(old, new)

    @cached_property
    def changed_folders(self) -> frozenset[str]:
        """The folders of the files that differ."""
        return frozenset(path.rpartition("/")[0] for path in self.changed)

    @cached_property
    def gone(self) -> frozenset[str]:
        """The files that only the old side has."""
        return self.changed - self.new.files.files.keys()

    def overlays(self) -> list[str]:
        """Return the folders that are deployed on one of the sides, in order."""
        return sorted({*self.old.overlays(), *self.new.overlays()})


def is_edited(folder: str, sides: Sides) -> bool:
    """Whether a file that an overlay is built from differs.

    The walks through both sides are the same up to the first file that differs or that one side lacks. The
    walk through the new side reaches that file, unless it is the new side that lacks it.
    """
    if not sides.changed:
        return False

    # To a folder that is taken as it is, each new one in it belongs.
    known = None if folder == ARGOCD else sides.built_from.get(folder)
    if known is not None and sides.changed_folders.isdisjoint(known):
        return False

    if not sides.changed.isdisjoint(sides.new.reached(folder)):
        return True

    return bool(sides.gone) and not sides.gone.isdisjoint(sides.old.reached(folder))
