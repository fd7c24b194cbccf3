"""Kustomization files as a graph: what a folder reaches, where each object is, and what must not be built.

kustomize fetches remote bases and can run programs; a repository under check may ask for both. So the graph
is read first, and what it may not hold is refused before kustomize starts.
"""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from okd_gitops.finding import Finding, Findings, Location, finding_of
from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object
from okd_gitops.manifests.path_below import OutsideError, path_below
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
from okd_gitops.manifests.read import PASSED_ON, Bounds, Document
from okd_gitops.manifests.read_once import read_all_once, read_once

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Deeper than people nest, and less deep than Python recurses.
_MAX_DEPTH = 100
# The time of kustomize grows with the square of the objects: 5,000 take one and a half minutes.
_MAX_OBJECTS = 3_000


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
_Uses = tuple[tuple[Where, ...], tuple[Entry, ...]]


def kustomization_of(tree: Mapping[str, bytes], folder: str) -> str | None:
    """Return the path of a folder's kustomization file, if it has one."""
    paths = (f"{folder}/{name}" if folder else name for name in NAMES)
    return next((path for path in paths if path in tree), None)


def walk(
    tree: Mapping[str, bytes], folder: str, leaves: Leaves | None = None, bounds: Bounds = PASSED_ON
) -> Graph:
    """Return the graph below `folder`; nothing is raised, whatever is wrong is among its findings.

    `leaves` are those of earlier walks in the same tree, and takes in those of this one.
    """
    graph = Graph(leaves={} if leaves is None else leaves, bounds=bounds)
    _visit(tree, folder, graph)

    if len(graph.objects) > _MAX_OBJECTS:
        reason = (
            f"{len(graph.objects):,} objects are more than the limit of {_MAX_OBJECTS:,}: "
            "the time of a build grows with the square of their number"
        )
        file = kustomization_of(tree, folder) or folder
        graph.findings.add("document-too-complex", file, reason, "split it into several folders")

    return graph


def tops(tree: Mapping[str, bytes], bounds: Bounds = PASSED_ON) -> dict[str, Graph]:
    """Return the folders whose kustomization no other one uses, with their graphs; of a cycle, one folder."""
    kustomizations = {}
    for folder in sorted({posixpath.dirname(path) for path in tree}):
        path = kustomization_of(tree, folder)
        if path is not None:
            kustomizations[folder] = path

    graphs: dict[str, Graph] = {}
    leaves: Leaves = {}
    used: set[str] = set()

    for folder, path in kustomizations.items():
        # What another one uses is seen from there, so it is not walked again.
        if path not in used:
            graphs[folder] = walk(tree, folder, leaves, bounds)
            used |= graphs[folder].kustomizations.keys() - {path}

    return {folder: graph for folder, graph in graphs.items() if kustomizations[folder] not in used}


def _visit_once(tree: Mapping[str, bytes], folder: str, graph: Graph) -> None:
    """Visit a folder that another one uses: many overlays use the same bases, and most of these no other."""
    if folder not in graph.leaves:
        alone = Graph(path=list(graph.path), bounds=graph.bounds, is_trial=True)
        _visit(tree, folder, alone)
        is_leaf = not (alone.uses_another or alone.findings or alone.notes)
        graph.leaves[folder] = alone if is_leaf else None

    leaf = graph.leaves[folder]

    if leaf is None:
        _visit(tree, folder, graph)
    elif not leaf.kustomizations.keys() & graph.files:
        graph.add(leaf)


def _visit(tree: Mapping[str, bytes], folder: str, graph: Graph) -> None:
    path = kustomization_of(tree, folder)

    if path is None:
        reason = "the folder has no kustomization.yaml"
        graph.findings.add("broken-kustomization", f"{folder}/{NAMES[0]}", reason, "add one")
        return

    if path in graph.files:
        return

    graph.files.add(path)
    with graph.findings.collecting():
        document = read_once(path, tree[path], graph.bounds)
        _visit_kustomization(tree, folder, graph, document)


def _visit_kustomization(tree: Mapping[str, bytes], folder: str, graph: Graph, document: Document) -> None:
    findings, value = graph.findings.of(document), document.value

    if not isinstance(value, dict):
        findings.add("broken-kustomization", (), "a kustomization must be a map", "write resources:")
        return

    fields = _canonical(value)
    graph.kustomizations[document.file] = replace(document, value=fields)

    for key in value:
        if canonical({key: None}).keys() & set(RUNS):
            reason = f"{key} fetches charts and runs helm, which a check does not do"
            remedy = "commit the rendered chart and list it under resources"
            findings.add("kustomize-plugin", [key], reason, remedy, key=True)
            graph.beyond += list(findings)[-1:]

    _look_for_deletions(tree[document.file], graph)
    for generator in (*items(fields, "configMapGenerator"), *items(fields, "secretGenerator")):
        graph.generated += (
            isinstance(generator, dict) and str(generator.get("behavior") or "create") == "create"
        )

    graph.path.append(folder)
    _Reading(tree, folder, graph, document).fields(value, KUSTOMIZATION)
    graph.path.pop()


def _uses(value: Object, fields: Mapping[str, Use]) -> _Uses:
    return _uses_of_kustomization(value) if fields is KUSTOMIZATION else _uses_of(value, fields)


@per_object
def _uses_of_kustomization(value: Object) -> _Uses:
    return _uses_of(value, KUSTOMIZATION)


def _uses_of(value: Object, fields: Mapping[str, Use]) -> _Uses:
    """Return the places of repeated keys, and the entries that name files."""
    return tuple(repeated(value, fields)), tuple(entries(value, fields))


_canonical = per_object(canonical)


def _look_for_deletions(data: bytes, graph: Graph) -> None:
    graph.deletes = graph.deletes or b"$patch" in data or b"local-config" in data


@dataclass(frozen=True, slots=True)
class _Reading:
    """One kustomization that is being read; `inside` is the place of a plug-in's or a patch's text in it."""

    tree: Mapping[str, bytes]
    folder: str
    graph: Graph
    document: Document
    inside: Where | None = None

    def fields(self, value: dict[str, Any], fields: Mapping[str, Use]) -> None:
        repeated_keys, named = _uses(value, fields)

        for where in repeated_keys:
            reason = f"kustomize reads {where[-1]} as another key of the same map: one of them would vanish"
            self.refuse("duplicate-key", self.at(where, key=True), reason, "keep one of them")

        for entry in named:
            if not isinstance(entry.value, str):
                reason, remedy = "this must be a path", "write one path in each entry"
                self.refuse("broken-kustomization", self.at(entry.where), reason, remedy)
            elif _is_text(entry.use, entry.value):
                self.text(entry, entry.value)
            else:
                self.follow(entry, entry.value)

    def at(self, where: Where, *, key: bool = False) -> Location:
        return self.document.at(where if self.inside is None else self.inside, key=key)

    def refuse(self, name: str, place: Location, reason: str, remedy: str, *, beyond: bool = False) -> None:
        """Note what must not be built; `beyond` is what only a network or another program could render."""
        finding = finding_of(name, place, reason, remedy)
        self.graph.findings.extend([finding])

        if beyond:
            self.graph.beyond.append(finding)

    def follow(self, entry: Entry, text: str) -> None:
        """Go where a path leads."""
        try:
            path = path_below(self.folder, text, keyed=entry.use == Use.KEYED)
        except OutsideError as outside:
            place = self.at(entry.where)
            self.refuse("outside-repository", place, str(outside), outside.remedy, beyond=outside.is_remote)
            return

        path = resolved(self.tree, path)
        is_folder = kustomization_of(self.tree, path) is not None

        if path in self.tree:
            self.file(entry, path)
        elif is_folder and entry.use in (Use.BASE, Use.PART):
            self.into(path, text, entry)
        elif is_folder and entry.use == Use.PLUGIN:
            reason = "plug-ins in a folder could read other files than those that were checked"
            self.refuse("kustomize-plugin", self.at(entry.where), reason, "list the files in it")
        else:
            remedy = "add the file, or remove the entry"
            self.refuse("broken-kustomization", self.at(entry.where), f'"{text}" does not exist', remedy)

    def into(self, folder: str, text: str, entry: Entry) -> None:
        if any(f"{visited}/".startswith(f"{folder}/") or not folder for visited in self.graph.path):
            reason = f'"{text}" contains this folder: a cycle'
            self.refuse("broken-kustomization", self.at(entry.where), reason, "remove the entry")
        elif len(self.graph.path) > _MAX_DEPTH:
            reason = f"kustomizations are nested deeper than {_MAX_DEPTH}"
            remedy = "list the files that are needed directly"
            self.refuse("document-too-complex", self.at(entry.where), reason, remedy)
        elif self.graph.is_trial:
            self.graph.uses_another = True
        else:
            _visit_once(self.tree, folder, self.graph)

    def file(self, entry: Entry, path: str) -> None:
        self.graph.files.add(path)
        data = self.tree[path]

        if entry.use in (Use.DATA, Use.KEYED):
            return

        # A schema of all of OpenShift is larger than what a person writes, and harmless without aliases.
        is_patch = str(entry.where[0]).casefold().startswith("patches")
        if entry.use == Use.YAML and not is_patch and not (b"&" in data and b"*" in data):
            _look_for_deletions(data, self.graph)
            return

        # kustomize takes a patch in which a key stands twice, and drops one half of it.
        found = self.graph.notes if is_patch and self.graph.bounds.aliases else self.graph.findings
        with found.collecting():
            documents = read_all_once(path, data, self.graph.bounds)
            _look_for_deletions(data, self.graph)

            for document in documents:
                if entry.use == Use.BASE:
                    self.object(document, document.value, ())
                elif entry.use == Use.PLUGIN and self.decrypts(entry, document.value):
                    self.encrypted_files(document.value)
                elif entry.use == Use.PLUGIN:
                    place = self.at(entry.where)
                    replace(self, document=document, inside=None).plugin(document.value, place)

    def text(self, entry: Entry, text: str) -> None:
        place = self.at(entry.where)

        with self.graph.findings.collecting(at=place):
            documents = read_all_once(self.document.file, text.encode(), self.graph.bounds)

            for document in documents if entry.use == Use.PLUGIN else ():
                if self.decrypts(entry, document.value):
                    self.encrypted_files(document.value)
                else:
                    replace(self, inside=entry.where).plugin(document.value, place)

    def decrypts(self, entry: Entry, plugin: Any) -> bool:
        """Note a generator that decrypts Secrets; a build of others' files leaves out what it makes."""
        is_ksops = at(plugin, "kind") == "ksops" and str(at(plugin, "apiVersion")).startswith("viaduct.ai/")
        if not is_ksops or not self.graph.bounds.aliases:
            return False

        self.graph.decrypting.setdefault(self.document.file, []).append(entry.where)
        return True

    def encrypted_files(self, plugin: Any) -> None:
        for key in ("files", "secretFrom"):
            for name in items(plugin, key):
                path = posixpath.normpath(posixpath.join(self.folder, str(name)))
                if path in self.tree:
                    self.graph.files.add(path)

    def object(self, document: Document, value: Any, where: Where) -> None:
        """Note an object of a file, or each one of a list; what is no object would vanish without a word."""
        if value is None and where == ():
            return

        if not isinstance(value, dict):
            reason = "this must be an object: kustomize would leave it out"
            self.refuse("broken-kustomization", document.at(where), reason, "remove it")
        elif str(value.get("kind")).endswith("List") and isinstance(value.get("items"), list):
            for index, item in enumerate(value["items"]):
                self.object(document, item, (*where, "items", index))
        else:
            self.graph.objects.setdefault(ObjectId.of(value), Written(document, where))

    def plugin(self, value: Any, place: Location) -> None:
        """Follow what the configuration of a built-in plug-in names; any other plug-in is a program."""
        kind = at(value, "kind")
        is_builtin = at(value, "apiVersion") == "builtin" and kind in PLUGINS

        if is_builtin and isinstance(at(value, "metadata", "name"), str):
            self.fields(value, PLUGINS[kind])
        else:
            reason = f"{kind} is not a plug-in of kustomize: it is not run"
            self.refuse("kustomize-plugin", place, reason, "use a field of kustomize", beyond=True)


def resolved(tree: Mapping[str, bytes], path: str) -> str:
    """Return the real path of a file or folder, where a tree knows symlinks."""
    resolve: Callable[[str], str] | None = getattr(tree, "resolve", None)
    return resolve(path) if resolve else path


def _is_text(use: Use, text: str) -> bool:
    """Whether kustomize takes an entry for YAML itself, and not for the path of a file."""
    if use in (Use.PATCH, Use.PLUGIN):
        return "\n" in text or text.lstrip().startswith("{")

    return use == Use.TEXT
