"""Check a repository that others wrote: find its roots, judge each, and account for every file."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from okd_gitops.check import rule
from okd_gitops.check.ignore_comments import without_ignored
from okd_gitops.check.judge import Built, Stopwatch, build_overlays, judge_built
from okd_gitops.check.kubeconform import known_kinds
from okd_gitops.check.ledger import Blocked, keep_account
from okd_gitops.check.outcome import Report
from okd_gitops.check.own_schemas import definitions_in, own_schemas, with_versions
from okd_gitops.check.roots import Deployments, Root, deployments
from okd_gitops.finding import Finding, ordered
from okd_gitops.manifests.directory import read_files
from okd_gitops.manifests.kustomization import Graph, tops, walk
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.read import OTHERS
from okd_gitops.manifests.without_plugins import without_decryption
from okd_gitops.render.kustomize import Document
from okd_gitops.system.disk import scratch_folder, write_files
from okd_gitops.system.foreign_files import ForeignFiles, read_repository

# What a file must mention to say what is deployed.
_DECLARES = (b"argoproj.io", b"toolkit.fluxcd.io")
_DECLARING = ("Application", "ApplicationSet", "AppProject", "Kustomization", "GitRepository", "Secret")
# Applications that make Applications, more deeply than anybody nests them.
_MAX_ROUNDS = 6


@dataclass(slots=True)
class _Judgement:
    """What is known so far: the roots that were built, those that are blocked, and the documents."""

    overlays: list[rule.Overlay] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    documents: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    distinct: dict[bytes, Document] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        return {overlay.folder for overlay in self.overlays} | {each.folder for each in self.blocked}

    @property
    def objects(self) -> list[Object]:
        return [value for overlay in self.overlays for value in overlay.objects]


def check_foreign(
    root: Path,
    cache: Path,
    *,
    kubernetes: str,
    today: date,
    say: Callable[[str], None],
    is_fleet: bool = False,
    crds: Path | None = None,
    remotes: tuple[str, ...] | None = None,
) -> Report:
    """Check a repository that others wrote; with `is_fleet` it is held to the rules of our own house.

    `crds` is a folder with CustomResourceDefinitions of kinds that are not known otherwise, `remotes` are the
    repository's addresses, where its folder does not know them.

    Raises ToolError when a tool or a schema bundle is missing.
    """
    stopwatch = Stopwatch()
    read = read_repository(root)
    files = read if remotes is None else replace(read, remotes=remotes)
    graphs = {folder or ".": graph for folder, graph in tops(files, OTHERS).items()}
    judgement = _Judgement()

    pending = [
        rule.Overlay(name=folder, folder=folder, kubernetes=kubernetes, graph=graph)
        for folder, graph in graphs.items()
        if not _is_component(graph)
    ]
    by_hand = _applied_by_hand(files, graphs.values())
    declared = [value for graph in by_hand.values() for value in _objects(graph)]
    found = Deployments(frozenset(), (), ())

    for _ in range(_MAX_ROUNDS):
        _build(pending, files, root, cache, judgement, say)
        found = deployments([*judgement.objects, *declared], files, files.remotes)
        pending = [_overlay(each, files, kubernetes) for each in _new_roots(found, judgement.known)]
        if not pending:
            break

    reached = {path for overlay in judgement.overlays for path in overlay.graph.files}
    pending = [
        rule.Overlay(name=path, folder=path, is_directory=True, graph=graph, kubernetes=kubernetes)
        for path, graph in by_hand.items()
        if path not in reached
    ]
    _build(pending, files, root, cache, judgement, say)
    found = deployments(judgement.objects, files, files.remotes)
    stopwatch.lap("build")

    repository = rule.Repository(
        files=files,
        overlays=tuple(judgement.overlays),
        today=today,
        urls=found.urls,
        sets=found.sets,
        is_whole=not judgement.blocked,
        has_house_rules=is_fleet,
    )
    built = Built(
        overlays=tuple(judgement.overlays),
        findings=tuple(judgement.findings),
        documents=judgement.documents,
    )
    known = known_kinds(cache / "schemas", kubernetes)
    defined = [*judgement.objects, *definitions_in(files)]
    more = definitions_in(read_repository(crds)) if crds else []
    with own_schemas(defined, more, known, cache, kubernetes) as own:
        report = judge_built(repository, built, cache, stopwatch, say=say, own=own)

    report = replace(report, findings=tuple(with_versions(report.findings, own, known)))
    accounted = _with_account(report, files, judgement, found, known)
    judged = accounted.ledger.judged if accounted.ledger else ()
    counted, ignored = without_ignored(accounted.findings, files, judged, today)

    return replace(accounted, findings=tuple(ordered(counted)), ignored=tuple(ignored))


def _with_account(
    report: Report,
    files: ForeignFiles,
    judgement: _Judgement,
    found: Deployments,
    known: Collection[tuple[str, str, str]],
) -> Report:
    """Return the report with its ledger; an unknown kind is counted there and is no finding."""
    gaps = [finding for finding in report.findings if _is_gap(finding, known)]
    kinds = Counter(finding.object.partition(" ")[0] for finding in gaps)
    account = keep_account(
        files,
        files.unread,
        [(overlay.folder, overlay.graph.files) for overlay in judgement.overlays],
        judgement.blocked,
        found.sources,
        kinds,
    )
    findings = ordered(finding for finding in report.findings if finding not in gaps)
    return replace(report, findings=tuple(ordered(_once(findings))), ledger=account)


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what several roots have in common once, with all of them."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.name, finding.location, finding.object, finding.reason)
        groups.setdefault(key, []).append(finding)

    for group in groups.values():
        clusters = dict.fromkeys(cluster for finding in group for cluster in finding.clusters)
        yield replace(group[0], clusters=tuple(clusters))


_NO_SCHEMA = re.compile(r"no schema for (\S+)/(\S+) (\S+)")


def _is_gap(finding: Finding, known: Collection[tuple[str, str, str]]) -> bool:
    """Whether a finding only says that nothing is known of a kind; one that is nearly the name of a known
    kind of its group is misspelled.
    """
    kind = _NO_SCHEMA.fullmatch(finding.reason)
    if finding.name != "no-schema" or not kind:
        return finding.name == "kind-not-checked"

    of_group = [name for group, version, name in known if (group, version) == (kind[1], kind[2])]
    return not get_close_matches(kind[3], of_group, n=1, cutoff=0.85)


def _build(
    overlays: Sequence[rule.Overlay],
    files: ForeignFiles,
    root: Path,
    cache: Path,
    judgement: _Judgement,
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


def _note(overlays: Sequence[rule.Overlay], built: Built, judgement: _Judgement) -> None:
    beyond = {id(finding) for overlay in overlays for finding in overlay.graph.beyond}
    judgement.findings += [finding for finding in built.findings if id(finding) not in beyond]

    for overlay in built.overlays:
        documents = tuple(
            judgement.distinct.setdefault(document.data, document)
            for document in built.documents[overlay.folder]
        )
        judgement.documents[overlay.folder] = documents
        objects = tuple(document.value for document in documents)
        judgement.overlays.append(replace(overlay, objects=objects))

    known = judgement.known
    causes = {finding.clusters[0]: finding.reason for finding in built.findings if finding.clusters}
    for overlay in overlays:
        refused = list(overlay.graph.findings)
        if overlay.folder not in known and (refused or overlay.name in causes):
            cause = refused[0].reason if refused else causes[overlay.name]
            judgement.blocked.append(Blocked(overlay.folder, cause, frozenset(overlay.graph.files)))


def _new_roots(found: Deployments, known: set[str]) -> Iterator[Root]:
    taken = set(known)
    for source in found.sources:
        if source.root and source.root.folder not in taken:
            taken.add(source.root.folder)
            yield source.root


def _overlay(root: Root, files: ForeignFiles, kubernetes: str) -> rule.Overlay:
    if root.files is None:
        graph = walk(files, "" if root.folder == "." else root.folder, bounds=OTHERS)
        return rule.Overlay(name=root.folder, folder=root.folder, kubernetes=kubernetes, graph=graph)

    graph = read_files({path: files[path] for path in root.files}, OTHERS)
    return rule.Overlay(
        name=root.folder, folder=root.folder, kubernetes=kubernetes, graph=graph, is_directory=True
    )


def _applied_by_hand(files: Mapping[str, bytes], graphs: Iterable[Graph]) -> dict[str, Graph]:
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


def _objects(graph: Graph) -> list[Object]:
    return [written.value for written in graph.objects.values() if ObjectId.of(written.value).name]


def _is_component(graph: Graph) -> bool:
    top = next(iter(graph.kustomizations.values()), None)
    return top is not None and top.value.get("kind") == "Component"
