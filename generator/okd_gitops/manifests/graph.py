"""What is reached from one folder: files, kustomizations, objects, and what must not be built."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from okd_gitops.finding import Finding, Findings, Location
from okd_gitops.manifests.bounds import PASSED_ON, Bounds
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.path_fields import Where
from okd_gitops.manifests.read import Document

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class Written:
    """Where an object is written: a document, and its path there, which is not empty in a List."""

    document: Document
    where: Where = ()

    @property
    def value(self) -> Object:
        """The object itself, which nobody may change: files of equal bytes share it."""
        value: Any = self.document.value
        for step in self.where:
            value = value[step]

        found: Object = value
        return found

    def at(self, path: Where = (), *, key: bool = False) -> Location:
        """Return the place of a value of the object, or of the nearest thing around it that exists."""
        return self.document.at((*self.where, *path), key=key)


@dataclass(slots=True)
class Graph:
    """What is reached from one folder: files, the kustomizations among them, where each object is written,
    and what is refused.
    """

    files: set[str] = field(default_factory=set)
    kustomizations: dict[str, Document] = field(default_factory=dict)
    objects: dict[ObjectId, "Written"] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    # ConfigMaps and Secrets that are made here, and whether something may take objects away again.
    generated: int = 0
    deletes: bool = False
    # The folders from the first one to the one that is being read.
    path: list[str] = field(default_factory=list)
    # Folders that were walked before in the same tree, and reach no other one; None for those that do.
    leaves: "Leaves" = field(default_factory=dict)
    # Whether one folder is read to see if it is such a leaf, and uses another one, which is not walked then.
    is_trial: bool = False
    uses_another: bool = False
    # How its files are read, and what of it only a network or another program can render.
    bounds: Bounds = PASSED_ON
    beyond: list[Finding] = field(default_factory=list)
    # Kustomizations with the generators that decrypt Secrets, which are left out of a build.
    decrypting: dict[str, list[Where]] = field(default_factory=dict)
    # The objects of plain files as the API server reads them, where that may differ from `objects`.
    values: list[Object] = field(default_factory=list)
    # What is wrong, and does not keep kustomize from building.
    notes: Findings = field(default_factory=Findings)

    def add(self, leaf: "Graph") -> None:
        """Add what a folder reaches of which nothing is refused."""
        self.files |= leaf.files
        self.kustomizations |= leaf.kustomizations
        self.generated += leaf.generated
        self.deletes = self.deletes or leaf.deletes
        self.beyond += leaf.beyond
        self.decrypting |= leaf.decrypting
        self.values += leaf.values

        for identity, written in leaf.objects.items():
            self.objects.setdefault(identity, written)

    @property
    def least(self) -> int:
        """How many documents a build must write at least.

        Each object that is written in a file must come out, once or more, and each that a generator makes.
        Only a patch can delete one, and only an annotation can keep one local; where either is mentioned,
        nothing is certain. What plug-ins and transformers add is not counted.
        """
        if self.deletes:
            return 0

        named = sum(bool(identity.kind and identity.name) for identity in self.objects)
        return named + self.generated


Leaves = dict[str, Graph | None]


class Reading:
    """The graph of a folder, which `read` returns; again if somebody asks for it after it was let go."""

    def __init__(self, read: Callable[[], Graph] = Graph) -> None:
        self._read = read
        self._graph: Graph | None = None

    @property
    def graph(self) -> Graph:
        """The graph."""
        if self._graph is None:
            self._graph = self._read()

        return self._graph

    def let_go(self) -> None:
        """Hold the graph no longer."""
        self._graph = None


def read_already(graph: Graph) -> Reading:
    """Return the reading of a graph that is always at hand."""
    return Reading(lambda: graph)


def kustomization_of(tree: Mapping[str, bytes], folder: str) -> str | None:
    """Return the path of a folder's kustomization file, if it has one."""
    paths = (f"{folder}/{name}" if folder else name for name in NAMES)
    return next((path for path in paths if path in tree), None)


def resolved(tree: Mapping[str, bytes], path: str) -> str:
    """Return the real path of a file or folder, where a tree knows symlinks."""
    resolve: Callable[[str], str] | None = getattr(tree, "resolve", None)
    return resolve(path) if resolve else path


def links_of(tree: Mapping[str, bytes]) -> Mapping[str, str]:
    """Return the symlinks of a tree that knows them, with the real path of what each leads to."""
    links: Mapping[str, str] = getattr(tree, "links", {})
    return links


def unread_reason(tree: Mapping[str, bytes], path: str) -> str:
    """Return why a file that is there was not read, where a tree knows that; else nothing."""
    unread: Mapping[str, str] = getattr(tree, "unread", {})
    return unread.get(path, "")


def is_too_large(tree: Mapping[str, bytes], path: str) -> bool:
    """Whether a file was not read because of its size, which is no fault of its repository."""
    too_large: Collection[str] = getattr(tree, "too_large", ())
    return path in too_large
