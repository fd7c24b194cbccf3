"""check: drift, builds, schemas and rules, over generated files and hand-written extras."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic

from okd_gitops.check import rule
from okd_gitops.check.judge import judge
from okd_gitops.check.kubeconform import known_minors
from okd_gitops.check.named_wheel import named_wheel_findings
from okd_gitops.check.outcome import Report
from okd_gitops.check.planned import objects_without_extras
from okd_gitops.check.standing_emergencies import standing_emergencies
from okd_gitops.check.under_check import under_check
from okd_gitops.errors import ToolError
from okd_gitops.finding import Finding, Findings, ordered
from okd_gitops.fleet.collisions import mismatched_releases
from okd_gitops.fleet.kept_documents import KeptDocuments
from okd_gitops.fleet.kept_placeholders import kept_placeholders
from okd_gitops.fleet.load import Fleet, forget_catalog, load
from okd_gitops.fleet.registered import unregistered_clusters
from okd_gitops.fleet.streams import misspelled_streams, unbuilt_streams
from okd_gitops.generate.compare import compare, gathered, stale
from okd_gitops.generate.kept_plans import KeptPlans
from okd_gitops.generate.overlays import in_parts
from okd_gitops.generate.plan import Plan
from okd_gitops.generate.plan import plan as plan_fleet
from okd_gitops.render.kustomize import no_count
from okd_gitops.system.disk import FLEET, MAX_GENERATED, ROOTS, read_tree
from okd_gitops.system.files_on_disk import let_go
from okd_gitops.system.kept import Kept
from okd_gitops.tree import Tree


def check(
    root: Path,
    cache: Path,
    *,
    today: date,
    say: Callable[[str], None],
    count: Callable[[int, int], None] = no_count,
    fleet: Fleet | None = None,
    now: datetime | None = None,
    edited: Collection[str] = (),
    files: Tree | None = None,
    of_wheels: Sequence[Finding] | None = None,
    kept: Kept | None = None,
) -> Report:
    """Check the repository at `root` with the tools and schemas in `cache`; `fleet`, if read already.

    `now` is the time of `today` for what ends at an hour; without it, its first minute. `edited` are the
    clusters whose files a change has edited: of two files that contradict each other, the fault is in theirs.
    `count` is told how many of how many overlays are built. What is found is kept in `kept` for later runs,
    and what is there is used. `files` are those of `root`, and `of_wheels` what is wrong with its wheels, if
    somebody has looked already.

    Raises FindingsError when a cluster file is wrong, ToolError when a tool or a schema bundle is missing:
    what was not checked never passes.
    """
    started = monotonic()
    # Of a change the other side may need the catalog as well.
    is_alone = fleet is None and kept is not None and not kept.is_only_read
    fleet = fleet or load(root, edited, KeptDocuments(kept), files)
    _refuse_unknown_kubernetes(fleet, cache)
    files = _deployed(root, files)
    clusters = len(fleet.clusters)
    of_wheels = tuple(named_wheel_findings(root)) if of_wheels is None else of_wheels
    time = now or datetime.combine(today, datetime.min.time(), UTC)
    standing_in = kept_placeholders(fleet.documents, kept)
    written = (*_written(fleet, edited), *standing_in, *of_wheels)
    findings = (*fleet.notes, *written, *standing_emergencies(fleet, time))

    under_check, drift = _compared(fleet, files, cache, today, kept)
    # A large fleet is not needed in memory beside its objects, nor is what it was planned from.
    del fleet
    if is_alone:
        forget_catalog()
    seconds = {"generate": monotonic() - started}

    report = judge(under_check, root, cache, say=say, count=count, kept_in=kept)
    whole_report = replace(
        report,
        findings=(*findings, *drift, *report.findings),
        clusters=clusters,
        seconds={**seconds, **report.seconds},
    )
    # Unattended clusters come and go: when all are gone, there is nothing to judge.
    return _judged(root, whole_report) if clusters else _in_order(whole_report)


def _compared(
    fleet: Fleet, files: Tree, cache: Path, today: date, kept: Kept | None
) -> tuple[rule.Repository, list[Finding]]:
    """Plan a fleet, and return what the rules are to know of it, and which of its files differ."""
    kept_plans = KeptPlans(kept, fleet, files) if kept else None
    plan = plan_fleet(fleet, kept_plans.briefs if kept_plans else {})
    drift = _drift(plan, files, kept_plans)
    planned = objects_without_extras(plan, cache)

    return under_check(plan, files, today, planned, kept), drift


def _deployed(root: Path, files: Tree | None) -> Tree:
    """Return what overlays are built from, `files` being all that is there."""
    folders = (*ROOTS, "clusters")
    if files is None:
        return let_go(root, read_tree(root, *folders, max_file=MAX_GENERATED))

    return files.at_top(folders)


def is_ours(root: Path) -> bool:
    """Whether a folder is a repository that okd-gitops writes."""
    return (root / FLEET).is_file()


def _judged(root: Path, report: Report) -> Report:
    """Return the report in order; raises ToolError when nothing was judged and no error explains why."""
    if not report.documents and not report.errors:
        raise ToolError(
            f"nothing was judged: no kustomization in {root} builds an object",
            "name another folder, or list resources in a kustomization",
        )
    return _in_order(report)


def _in_order(report: Report) -> Report:
    return replace(report, findings=tuple(ordered(report.findings)))


def _refuse_unknown_kubernetes(fleet: Fleet, cache: Path) -> None:
    """Raise FindingsError (exit 4) for clusters whose Kubernetes has no schemas: nothing could judge them."""
    known = known_minors(cache / "schemas")
    findings = Findings()

    for cluster in fleet.clusters:
        if cluster.kubernetes not in known:
            path = ("kubernetes",) if cluster.spec.kubernetes else ("release", "version")
            reason = f"there are no schemas for Kubernetes {cluster.kubernetes}"
            remedy = f"there are: {', '.join(known)}"
            place = cluster.document.at(path)
            findings.add("kubernetes-without-schemas", place, reason, remedy, clusters=[cluster.name])

    findings.raise_errors(exit_code=ToolError.exit_code)


def _written(fleet: Fleet, edited: Collection[str]) -> list[Finding]:
    """Return what is wrong with the values that people wrote, and does not keep generate from its work."""
    return [
        *mismatched_releases(fleet.clusters, edited),
        *misspelled_streams(fleet.clusters, fleet.spec),
        *unbuilt_streams(fleet.clusters),
        *unregistered_clusters(fleet.clusters, fleet.spec.hub),
    ]


def _drift(plan: Plan, files: Tree, kept: KeptPlans | None) -> list[Finding]:
    as_planned = kept.paths() if kept else set()
    in_question = files.where(lambda path: not path.startswith("clusters/") and path not in as_planned)
    made = gathered(in_parts(plan), in_question)

    drift = compare(made, in_question)
    if kept:
        kept.keep(plan, made)
    return [*drift.refused, *stale(drift)]
