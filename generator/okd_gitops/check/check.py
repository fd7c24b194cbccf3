"""check: drift, builds, schemas and rules, over everything that was generated and what people added to it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from time import monotonic

from okd_gitops.check import kubeconform
from okd_gitops.check.rule import Rendered
from okd_gitops.check.rule import Repository as Judged
from okd_gitops.check.rules.foreign_cluster_name import WORD
from okd_gitops.check.run_rules import run
from okd_gitops.errors import ToolError
from okd_gitops.evidence.report import FOLDER as EVIDENCE
from okd_gitops.evidence.report import read_evidence
from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, FindingsError, Location, Severity, ordered
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.generate.applications import destination
from okd_gitops.generate.compare import compare
from okd_gitops.generate.generate import stale
from okd_gitops.generate.overlays import render
from okd_gitops.generate.plan import ClusterPlan, Plan
from okd_gitops.generate.plan import plan as plan_fleet
from okd_gitops.manifests.kustomization import Graph, tops, walk
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.render import kustomize
from okd_gitops.system.disk import FLEET, MAX_GENERATED, ROOTS, read_catalog, read_tree
from okd_gitops.system.tools import tool
from okd_gitops.tree import Tree

# Schemas of the newest Kubernetes that a foreign repository is judged by, unless it says otherwise.
# kustomize did not do its work.
NOT_JUDGED = "not-judged"
DEFAULT_KUBERNETES = "1.35"


@dataclass(slots=True)
class Report:
    """The outcome of a check: findings, and what was looked at."""

    findings: list[Finding] = field(default_factory=list)
    clusters: int = 0
    overlays: int = 0
    documents: int = 0
    distinct: int = 0
    without_schema: int = 0
    drifted: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == Severity.ERROR for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0; 4 when something was not judged; 3 when all that is wrong is drift; else 1."""
        names = {finding.name for finding in self.findings if finding.severity == Severity.ERROR}
        if not names:
            return 0
        if NOT_JUDGED in names:
            return 4
        areas = {explanation_of(name).area for name in names}
        return 3 if self.drifted and areas == {"drift"} else 1


@dataclass(frozen=True, slots=True)
class _Overlay:
    name: str
    folder: str
    kubernetes: str
    plan: ClusterPlan | None = None


def check(
    root: Path, cache: Path, *, today: date, say: Callable[[str], None], fleet: Fleet | None = None
) -> Report:
    """Check the repository at `root` with the tools and schemas in `cache`; `fleet` is the fleet there, where
    it is known already.

    Raises FindingsError when a cluster file is wrong, ToolError when a tool or a schema bundle is missing:
    not checked is never passed.
    """
    started = monotonic()
    fleet = fleet or load(root)
    planned = plan_fleet(fleet)
    tree = read_tree(root, *ROOTS, "clusters", max_file=MAX_GENERATED)
    drift = compare(
        render(planned),
        Tree({path: data for path, data in tree.items() if not path.startswith("clusters/")}),
    )
    report = Report(
        [*fleet.notes, *drift.refused, *stale(drift)],
        clusters=len(planned.clusters),
        drifted=bool(drift.changes or drift.refused),
    )
    try:
        # A report that cannot be read would stop every rollout, after it was merged.
        read_evidence(read_tree(root, EVIDENCE))
    except FindingsError as error:
        report.findings += error.findings
    report.seconds["generate"] = monotonic() - started
    plans = {plan.cluster.name: plan for plan in planned.clusters}
    hub = plans[fleet.spec.hub].cluster.kubernetes
    overlays = [_Overlay("argocd", "argocd", hub)]
    overlays += [
        _Overlay(name, f"overlays/{name}", plan.cluster.kubernetes, plan) for name, plan in plans.items()
    ]
    _judge(root, cache, tree, overlays, report, today, say, planned)
    return report


def check_foreign(
    root: Path, cache: Path, *, kubernetes: str, today: date, say: Callable[[str], None]
) -> Report:
    """Check a repository that others wrote: every kustomization that no other one uses is built and
    judged.
    """
    tree = read_tree(
        root,
        *sorted(entry.name for entry in root.iterdir() if not entry.name.startswith(".")),
        max_file=MAX_GENERATED,
    )
    folders = [folder for folder, graph in tops(tree).items() if not _component(graph)]
    report = Report()
    _judge(
        root,
        cache,
        tree,
        [_Overlay(folder or ".", folder or ".", kubernetes) for folder in folders],
        report,
        today,
        say,
        None,
    )
    return report


def _component(graph: Graph) -> bool:
    return any(
        document.value.get("kind") == "Component" for document in list(graph.kustomizations.values())[:1]
    )


def _judge(
    root: Path,
    cache: Path,
    tree: Tree,
    overlays: list[_Overlay],
    report: Report,
    today: date,
    say: Callable[[str], None],
    planned: Plan | None,
) -> None:
    started = monotonic()
    graphs = {
        overlay.folder: walk(tree, "" if overlay.folder == "." else overlay.folder) for overlay in overlays
    }
    report.findings += [finding for graph in graphs.values() for finding in graph.findings]
    sound = [overlay for overlay in overlays if not graphs[overlay.folder].findings]
    workers = os.cpu_count() or 1
    say(f"building {len(sound)} overlays with kustomize, a worker per core")
    names = {overlay.folder: overlay.name for overlay in sound}
    least = {folder: graphs[folder].least for folder in names}
    rendering = kustomize.render(root, names, tool(cache, "kustomize"), workers=workers, least=least)
    report.findings += rendering.findings
    report.overlays = len(rendering.documents)
    report.documents = sum(len(documents) for documents in rendering.documents.values())
    if not report.documents and not report.errors:
        raise ToolError(
            f"nothing was judged: {root} holds no kustomization that builds an object",
            "name another folder, or list resources",
        )
    report.distinct = len(
        {id(document) for documents in rendering.documents.values() for document in documents}
    )
    report.seconds["build"] = monotonic() - started
    started = monotonic()
    say(f"validating {report.distinct} distinct of {report.documents} documents with kubeconform")
    built = [overlay for overlay in sound if overlay.folder in rendering.documents]
    _validate(cache, built, rendering.documents, graphs, report, workers)
    report.seconds["schemas"] = monotonic() - started
    started = monotonic()
    say("running the rules")
    rendered = tuple(
        _rendered(overlay, rendering.documents[overlay.folder], graphs[overlay.folder], planned)
        for overlay in built
    )
    judged = Judged(files=tree, overlays=rendered, today=today)
    if planned:
        destinations = {cluster.cluster.name: destination(planned, cluster) for cluster in planned.clusters}
        judged = replace(
            judged, destinations=destinations, url=planned.fleet.repository, common=_words(read_catalog())
        )
    report.findings = ordered([*report.findings, *run(judged)])
    report.seconds["rules"] = monotonic() - started


def _words(tree: Tree) -> frozenset[str]:
    return frozenset(word for data in tree.values() for word in WORD.findall(data.decode()))


def _rendered(
    overlay: _Overlay, documents: tuple[kustomize.Document, ...], graph: Graph, planned: Plan | None
) -> Rendered:
    objects = tuple(document.value for document in documents)
    if overlay.plan is None or planned is None:
        return Rendered(name=overlay.name, folder=overlay.folder, objects=objects, graph=graph)
    spec = overlay.plan.cluster.spec
    parts = {(placement.feature, placement.part) for placement in overlay.plan.placements}
    features = [planned.parts[part].spec for part in parts]
    declared = {name for feature in features for name in feature.external}
    declared |= {f"Secret/{name}" for feature in features for name in feature.secrets}
    return Rendered(
        name=overlay.name,
        folder=overlay.folder,
        objects=objects,
        graph=graph,
        purpose=str(spec.purpose),
        environment=str(spec.environment),
        declared=frozenset(declared),
        expires=spec.expires,
    )


def _validate(
    cache: Path,
    overlays: list[_Overlay],
    documents: Mapping[str, tuple[kustomize.Document, ...]],
    graphs: Mapping[str, Graph],
    report: Report,
    workers: int,
) -> None:
    for kubernetes in sorted({overlay.kubernetes for overlay in overlays}):
        members = [overlay for overlay in overlays if overlay.kubernetes == kubernetes]
        distinct = {
            document.data: ObjectId.of(document.value)
            for overlay in members
            for document in documents[overlay.folder]
        }
        verdicts = kubeconform.validate(
            distinct, cache / "schemas", tool(cache, "kubeconform"), kubernetes=kubernetes, workers=workers
        )
        for verdict in verdicts:
            identity = distinct[verdict.document]
            held = [
                overlay
                for overlay in members
                if any(document.data == verdict.document for document in documents[overlay.folder])
            ]
            report.without_schema += verdict.missing
            report.findings += [
                _invalid(identity, held, graphs, reason, missing=verdict.missing)
                for reason in verdict.reasons
            ]


def _invalid(
    identity: ObjectId, held: list[_Overlay], graphs: Mapping[str, Graph], reason: str, *, missing: bool
) -> Finding:
    place = next((found for overlay in held if (found := graphs[overlay.folder].objects.get(identity))), None)
    names = tuple(overlay.name for overlay in held)
    if missing:
        remedy = "add the module that has its CRD to tools/crds/go.mod, or leave the object out"
    else:
        remedy = (
            f"mend it where it is written, or the parameter that puts it there (clusters/{names[0]}.yaml)"
        )
    return Finding(
        name="no-schema" if missing else "schema-violation",
        location=place or Location(file=f"{held[0].folder}/kustomization.yaml"),
        object=str(identity),
        reason=reason,
        remedy=remedy,
        clusters=names,
    )


def is_ours(root: Path) -> bool:
    """Whether a folder is a repository that okd-gitops writes."""
    return (root / FLEET).is_file()
