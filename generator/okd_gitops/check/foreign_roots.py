"""The roots of a repository that others wrote: which there are, and what became of each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from okd_gitops.check import rule
from okd_gitops.check.judge import Built, build_overlays
from okd_gitops.check.kept_overlays import key_of_document
from okd_gitops.check.ledger import Blocked
from okd_gitops.check.roots import Deployments, Root
from okd_gitops.finding import Finding
from okd_gitops.manifests.bounds import OTHERS
from okd_gitops.manifests.directory import read_files
from okd_gitops.manifests.graph import Graph, read_already
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.without_plugins import without_decryption
from okd_gitops.render.kustomize import Document
from okd_gitops.system.disk import scratch_folder, write_files
from okd_gitops.system.foreign_files import ForeignFiles

# What a file must mention to say what is deployed.
_DECLARES = (b"argoproj.io", b"toolkit.fluxcd.io")
_DECLARING = ("Application", "ApplicationSet", "AppProject", "Kustomization", "GitRepository", "Secret")


@dataclass(slots=True)
class Judgement:
    """What is known so far: the roots that were built, those that are blocked, and the documents."""

    overlays: list[rule.Overlay] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    documents: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    distinct: dict[bytes, Document] = field(default_factory=dict)
    # What could not be built, and the bases that are judged alone because all of their users are so.
    refused: list[rule.Overlay] = field(default_factory=list)
    alone: set[str] = field(default_factory=set)

    @property
    def known(self) -> set[str]:
        return {overlay.folder for overlay in self.overlays} | {each.folder for each in self.blocked}

    @property
    def objects(self) -> list[Object]:
        return [value for overlay in self.overlays for value in overlay.objects]


def build(
    overlays: Sequence[rule.Overlay],
    files: ForeignFiles,
    root: Path,
    cache: Path,
    judgement: Judgement,
    say: Callable[[str], None],
) -> None:
    """Build overlays, and note what became of each."""
    if not overlays:
        return

    decrypting = [overlay for overlay in overlays if overlay.graph.decrypting]
    plain = [overlay for overlay in overlays if not overlay.graph.decrypting]
    results = [build_overlays(plain, files, root, cache, say=say)]

    if decrypting:
        # What ksops decrypts is not there: no key of a repository belongs on this machine.
        edited = without_decryption(files, [overlay.graph for overlay in decrypting])
        reached = {path for overlay in decrypting for path in overlay.graph.files}
        with scratch_folder() as folder:
            write_files(folder, {path: edited[path] for path in reached if path in edited})
            results.append(build_overlays(decrypting, edited, folder, cache, say=say))

    for built in results:
        _note(overlays, built, judgement)


def _note(overlays: Sequence[rule.Overlay], built: Built, judgement: Judgement) -> None:
    beyond = {id(finding) for overlay in overlays for finding in overlay.graph.beyond}
    judgement.findings += [finding for finding in built.findings if id(finding) not in beyond]

    for overlay in built.overlays:
        documents = tuple(
            judgement.distinct.setdefault(document.data, document)
            for document in built.documents[overlay.folder]
        )
        judgement.documents[overlay.folder] = documents
        objects = tuple(document.value for document in documents)
        keys = [key_of_document(document, "") for document in documents]
        judgement.overlays.append(replace(overlay, objects=objects, keys=keys))

    known = judgement.known
    causes = {finding.clusters[0]: finding.reason for finding in built.findings if finding.clusters}
    for overlay in overlays:
        refused = list(overlay.graph.findings)
        if overlay.folder not in known and (refused or overlay.name in causes):
            cause = refused[0].reason if refused else causes[overlay.name]
            judgement.blocked.append(Blocked(overlay.folder, cause, frozenset(overlay.graph.files)))
            judgement.refused.append(overlay)


def new_roots(found: Deployments, known: set[str]) -> Iterator[Root]:
    taken = set(known)
    for source in found.sources:
        if source.root and source.root.folder not in taken:
            taken.add(source.root.folder)
            yield source.root


def overlay_of(root: Root, files: ForeignFiles, kubernetes: str) -> rule.Overlay:
    if root.files is None:
        graph = walk(files, "" if root.folder == "." else root.folder, bounds=OTHERS)
        return rule.Overlay(
            name=root.folder, folder=root.folder, kubernetes=kubernetes, reading=read_already(graph)
        )

    graph = read_files({path: files[path] for path in root.files}, OTHERS)
    return rule.Overlay(
        name=root.folder,
        folder=root.folder,
        kubernetes=kubernetes,
        reading=read_already(graph),
        is_directory=True,
    )


def applied_by_hand(files: Mapping[str, bytes], graphs: Iterable[Graph]) -> dict[str, Graph]:
    """Return the files that declare what is deployed and that no kustomization lists: people apply them."""
    reached = {path for graph in graphs for path in graph.files}
    found = {}

    for path, data in files.items():
        is_candidate = path.endswith((".yaml", ".yml")) and path not in reached
        if not is_candidate or not any(mark in data for mark in _DECLARES) or "/templates/" in f"/{path}":
            continue

        graph = read_files({path: data}, OTHERS)
        if not graph.findings and any(identity.kind in _DECLARING for identity in graph.objects):
            found[path] = graph

    return found


def objects_of(graph: Graph) -> list[Object]:
    return [written.value for written in graph.objects.values() if ObjectId.of(written.value).name]


def is_component(graph: Graph) -> bool:
    top = next(iter(graph.kustomizations.values()), None)
    return top is not None and top.value.get("kind") == "Component"
