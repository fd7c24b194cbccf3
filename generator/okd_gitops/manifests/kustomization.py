"""Kustomization files as a graph: what a folder reaches, where each object is written, and what must not
be built.

kustomize fetches remote bases and can run programs; a repository under check may ask for both. So the graph
is read first, and what it may not hold is refused before kustomize starts.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from okd_gitops.finding import Finding, FindingsError, Location
from okd_gitops.manifests.objects import ObjectId, at, items
from okd_gitops.manifests.path_fields import (
    KUSTOMIZATION,
    PLUGINS,
    RUNS,
    Entry,
    Use,
    Where,
    canonical,
    entries,
    repeated,
)
from okd_gitops.manifests.read import PASSED_ON, Document, read, read_all

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Deeper than people nest, and less deep than Python recurses.
_MAX_DEPTH = 100
# The time of kustomize grows with the square of the objects: 5,000 take one and a half minutes.
_MAX_OBJECTS = 3_000
# A path within a repository, in a form that no version of kustomize takes for an address: a scheme, git::,
# scp's form and a query need one of the characters that are left out; the others begin with a user or with a
# forge.
_PLAIN = re.compile(r"[^:?*\\\x00-\x1f\x7f]+")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9-]*@|(www\.)?(github|gitlab|bitbucket)\.[a-z]+(/|$)|.*\.git(/|$)|(.*/)?_git/", re.IGNORECASE
)


@dataclass(slots=True)
class Graph:
    """What is reached from one folder: files, the kustomizations among them, places of objects, and what
    is refused.
    """

    files: set[str] = field(default_factory=set)
    kustomizations: dict[str, Document] = field(default_factory=dict)
    objects: dict[ObjectId, Location] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    # ConfigMaps and Secrets that are made here, and whether something may take objects away again.
    generated: int = 0
    deletes: bool = False
    # The folders from the first one to the one that is being read.
    path: list[str] = field(default_factory=list)

    @property
    def least(self) -> int:
        """How many documents a build must write at least.

        Each object that is written in a file must come out, once or more, and each that a generator makes.
        Only a patch can delete one, and only an annotation can keep one local; where either is mentioned,
        nothing is certain. What plug-ins and transformers add is not counted.
        """
        return (
            0
            if self.deletes
            else sum(bool(identity.kind and identity.name) for identity in self.objects) + self.generated
        )

    def refuse(self, name: str, place: Location, reason: str, remedy: str) -> None:
        """Note something that must not be built."""
        self.findings.append(Finding(name=name, location=place, reason=reason, remedy=remedy))


def kustomization_of(tree: Mapping[str, bytes], folder: str) -> str | None:
    """Return the path of a folder's kustomization file, if it has one."""
    return next((path for name in NAMES if (path := f"{folder}/{name}" if folder else name) in tree), None)


def walk(tree: Mapping[str, bytes], folder: str) -> Graph:
    """Return the graph below `folder`; nothing is raised, whatever is wrong is among its findings."""
    graph = Graph()
    _visit(tree, folder, graph)
    if len(graph.objects) > _MAX_OBJECTS:
        reason = f"{len(graph.objects):,} objects are more than the {_MAX_OBJECTS:,} that are built at once: the time grows with the square"
        graph.refuse(
            "document-too-complex",
            Location(file=kustomization_of(tree, folder) or folder),
            reason,
            "split it into several folders",
        )
    return graph


def tops(tree: Mapping[str, bytes]) -> dict[str, Graph]:
    """Return the folders whose kustomization no other one uses, with their graphs; of a cycle, one folder
    is among them.
    """
    folders = sorted(
        {posixpath.dirname(path) for path in tree if kustomization_of(tree, posixpath.dirname(path)) == path}
    )
    graphs: dict[str, Graph] = {}
    used: set[str | None] = set()
    for folder in folders:
        # What another one uses is seen from there, so it is not walked again.
        if (own := kustomization_of(tree, folder)) not in used:
            graphs[folder] = walk(tree, folder)
            used |= graphs[folder].kustomizations.keys() - {own}
    return {folder: graph for folder, graph in graphs.items() if kustomization_of(tree, folder) not in used}


def _visit(tree: Mapping[str, bytes], folder: str, graph: Graph) -> None:
    path = kustomization_of(tree, folder)
    if path is None:
        graph.refuse(
            "broken-kustomization",
            Location(file=f"{folder}/{NAMES[0]}"),
            "the folder has no kustomization.yaml",
            "add one",
        )
    if path is None or path in graph.files:
        return
    graph.files.add(path)
    try:
        document = _read(path, tree[path])
    except FindingsError as error:
        graph.findings += error.findings
        return
    value = document.value
    if not isinstance(value, dict):
        graph.refuse("broken-kustomization", document.at([]), "a kustomization is a map", "write resources:")
        return
    graph.kustomizations[path] = replace(document, value=canonical(value))
    for key in value:
        if canonical({key: None}).keys() & set(RUNS):
            reason = f"{key} fetches charts and runs helm, which a check does not do"
            remedy = "commit the rendered chart and list it under resources"
            graph.refuse("kustomize-plugin", document.at([key], key=True), reason, remedy)
    _mention(tree[path], graph)
    graph.generated += sum(
        isinstance(item, dict) and str(item.get("behavior") or "create") == "create"
        for key in ("configMapGenerator", "secretGenerator")
        for item in items(canonical(value), key)
    )
    graph.path.append(folder)
    _Reading(tree, folder, graph, document).fields(value, KUSTOMIZATION)
    graph.path.pop()


@lru_cache(maxsize=4096)
def _read(path: str, data: bytes) -> Document:
    return read(path, data, bounds=PASSED_ON)


@lru_cache(maxsize=16384)
def _read_all(path: str, data: bytes) -> list[Document]:
    return read_all(path, data, bounds=PASSED_ON)


def _mention(data: bytes, graph: Graph) -> None:
    graph.deletes = graph.deletes or b"$patch" in data or b"local-config" in data


@dataclass(frozen=True, slots=True)
class _Reading:
    """One kustomization that is being read; `inside` is where the text of a plug-in or a patch stands in
    it.
    """

    tree: Mapping[str, bytes]
    folder: str
    graph: Graph
    document: Document
    inside: Where | None = None

    def fields(self, value: dict[str, Any], fields: Mapping[str, Use]) -> None:
        for where in repeated(value, fields):
            reason = f"kustomize takes {where[-1]} for a key that is there already: one of them would vanish"
            self.graph.refuse("duplicate-key", self.at(where, key=True), reason, "keep one of them")
        for entry in entries(value, fields):
            if isinstance(entry.value, str):
                self.follow(entry, entry.value)
            else:
                self.graph.refuse(
                    "broken-kustomization",
                    self.at(entry.where),
                    "a path is expected here",
                    "write one path an entry",
                )

    def at(self, where: Where, *, key: bool = False) -> Location:
        return self.document.at(where if self.inside is None else self.inside, key=key)

    def follow(self, entry: Entry, text: str) -> None:
        inline = entry.use == Use.TEXT or (
            entry.use in (Use.PATCH, Use.PLUGIN) and ("\n" in text or text.lstrip().startswith("{"))
        )
        if inline:
            self.text(entry, text)
            return
        place = self.at(entry.where)
        path = self.inner(text, place, keyed=entry.use == Use.KEYED)
        if path is None:
            return
        if path in self.tree:
            self.file(entry, path, place)
        elif kustomization_of(self.tree, path) and entry.use in (Use.BASE, Use.PART):
            self.into(path, text, place)
        elif kustomization_of(self.tree, path) and entry.use == Use.PLUGIN:
            self.graph.refuse(
                "kustomize-plugin",
                place,
                "a folder of plug-ins could change what they read",
                "list the files in it",
            )
        else:
            self.graph.refuse(
                "broken-kustomization", place, f'"{text}" does not exist', "add the file, or remove the entry"
            )

    def inner(self, text: str, place: Location, *, keyed: bool) -> str | None:
        """Return the path in the repository that an entry stands for, or refuse it."""
        name = text.rpartition("=")[2] if keyed else text
        if not _PLAIN.fullmatch(text) or _ADDRESS.match(name.replace("\u0130", "i")):
            reason = f'"{text}" is fetched from elsewhere: what is built would not be what was reviewed'
            self.graph.refuse(
                "outside-repository",
                place,
                reason,
                "copy it into the repository, under a name without : ? * @",
            )
            return None
        path = posixpath.normpath(posixpath.join(self.folder, name))
        if path == ".." or path.startswith(("../", "/")):
            self.graph.refuse(
                "outside-repository", place, f'"{name}" is outside the repository', "copy it in"
            )
            return None
        return "" if path == "." else path

    def into(self, folder: str, text: str, place: Location) -> None:
        if any(f"{visited}/".startswith(f"{folder}/") or not folder for visited in self.graph.path):
            self.graph.refuse(
                "broken-kustomization",
                place,
                f'"{text}" is a folder that this one is part of: a cycle',
                "remove the entry",
            )
        elif len(self.graph.path) > _MAX_DEPTH:
            self.graph.refuse(
                "document-too-complex",
                place,
                f"kustomizations are nested deeper than {_MAX_DEPTH}",
                "list what is needed directly",
            )
        else:
            _visit(self.tree, folder, self.graph)

    def file(self, entry: Entry, path: str, place: Location) -> None:
        self.graph.files.add(path)
        # A schema of all of OpenShift is larger than what a person writes, and harmless without aliases.
        plain = entry.use == Use.YAML and not (b"&" in self.tree[path] and b"*" in self.tree[path])
        if plain or entry.use in (Use.DATA, Use.KEYED):
            _mention(b"" if entry.use != Use.YAML else self.tree[path], self.graph)
            return
        try:
            documents = _read_all(path, self.tree[path])
        except FindingsError as error:
            self.graph.findings += error.findings
            return
        _mention(self.tree[path], self.graph)
        if entry.use == Use.BASE:
            for document in documents:
                self.object(document, document.value, ())
        elif entry.use == Use.PLUGIN:
            for document in documents:
                replace(self, document=document, inside=None).plugin(document.value, place)

    def text(self, entry: Entry, text: str) -> None:
        place = self.at(entry.where)
        try:
            documents = read_all(self.document.file, text.encode(), bounds=PASSED_ON)
        except FindingsError as error:
            self.graph.findings += [replace(finding, location=place) for finding in error.findings]
            return
        if entry.use == Use.PLUGIN:
            for document in documents:
                replace(self, inside=entry.where).plugin(document.value, place)

    def object(self, document: Document, value: Any, where: Where) -> None:
        """Note an object of a file, or each one of a list; what is no object would vanish without a word."""
        if value is None and where == ():
            return
        if not isinstance(value, dict):
            self.graph.refuse(
                "broken-kustomization",
                document.at(where),
                "an object is expected here: kustomize would leave this out",
                "remove it",
            )
        elif str(value.get("kind")).endswith("List") and isinstance(value.get("items"), list):
            for index, item in enumerate(value["items"]):
                self.object(document, item, (*where, "items", index))
        else:
            self.graph.objects.setdefault(ObjectId.of(value), document.at(where))

    def plugin(self, value: Any, place: Location) -> None:
        """Follow what the configuration of a built-in plug-in names; any other plug-in is a program."""
        kind = at(value, "kind")
        if (
            at(value, "apiVersion") != "builtin"
            or kind not in PLUGINS
            or not isinstance(at(value, "metadata", "name"), str)
        ):
            self.graph.refuse(
                "kustomize-plugin",
                place,
                f"{kind} is no named plug-in of kustomize's own: it is not run",
                "use a field of kustomize",
            )
            return
        self.fields(value, PLUGINS[kind])
