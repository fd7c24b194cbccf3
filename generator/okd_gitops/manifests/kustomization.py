"""Kustomization files as a graph: what a folder reaches, where each object is, and what must not be built.

kustomize fetches remote bases and can run programs; a repository under check may ask for both. So the graph
is read first, and what it may not hold is refused before kustomize starts.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from okd_gitops.finding import Location, finding_of
from okd_gitops.manifests.bounds import PASSED_ON, Bounds
from okd_gitops.manifests.graph import (
    NAMES,
    Graph,
    Leaves,
    Written,
    is_too_large,
    kustomization_of,
    resolved,
    unread_reason,
)
from okd_gitops.manifests.objects import ObjectId, at, items
from okd_gitops.manifests.path_below import OutsideError, path_below
from okd_gitops.manifests.path_fields import (
    KUSTOMIZATION,
    PLUGINS,
    RUNS,
    Entry,
    Use,
    Where,
    canonical,
    canonical_once,
    uses,
)
from okd_gitops.manifests.read import Document
from okd_gitops.manifests.read_once import read_all_once, read_once
from okd_gitops.tree import source_in

# Deeper than people nest, and less deep than Python recurses.
_MAX_DEPTH = 100
# The time of kustomize grows with the square of the objects: 5,000 take one and a half minutes.
_MAX_OBJECTS = 3_000


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
    if folder.startswith(f"{graph.path[0]}/"):
        # An overlay's own part: no other one uses it, and there are several for each overlay.
        _visit(tree, folder, graph)
        return

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
        document = read_once(path, tree[path], graph.bounds, source_in(tree, path))
        _visit_kustomization(tree, folder, graph, document)


def _visit_kustomization(tree: Mapping[str, bytes], folder: str, graph: Graph, document: Document) -> None:
    findings, value = graph.findings.of(document), document.value

    if not isinstance(value, dict):
        findings.add("broken-kustomization", (), "a kustomization must be a map", "write resources:")
        return

    fields = canonical_once(value)
    graph.kustomizations[document.file] = replace(document, value=fields)

    for key, given in value.items():
        # An empty list of charts runs nothing.
        if given and canonical({key: None}).keys() & set(RUNS):
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
        repeated_keys, named = uses(value, fields)

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
        unread = unread_reason(self.tree, path)
        is_folder = kustomization_of(self.tree, path) is not None

        if path in self.tree:
            self.file(entry, path)
        elif is_folder and entry.use in (Use.BASE, Use.PART):
            self.into(path, text, entry)
        elif is_folder and entry.use == Use.PLUGIN:
            reason = "plug-ins in a folder could read other files than those that were checked"
            self.refuse("kustomize-plugin", self.at(entry.where), reason, "list the files in it")
        elif unread:
            reason, remedy = f'"{text}" was not read: {unread}', "split it, or leave it out"
            if "symlink" in unread:
                remedy = "put the file itself into the repository, in the place of the symlink"
            is_beyond = is_too_large(self.tree, path)
            self.refuse("unreadable-file", self.at(entry.where), reason, remedy, beyond=is_beyond)
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
            documents = read_all_once(path, data, self.graph.bounds, source_in(self.tree, path))
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
        place = partial(self.at, entry.where)

        with self.graph.findings.collecting(at=place):
            documents = read_all_once(self.document.file, text.encode(), self.graph.bounds)

            for document in documents if entry.use == Use.PLUGIN else ():
                if self.decrypts(entry, document.value):
                    self.encrypted_files(document.value)
                else:
                    replace(self, inside=entry.where).plugin(document.value, place())

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


def _is_text(use: Use, text: str) -> bool:
    """Whether kustomize takes an entry for YAML itself, and not for the path of a file."""
    if use in (Use.PATCH, Use.PLUGIN):
        return "\n" in text or text.lstrip().startswith("{")

    return use == Use.TEXT
