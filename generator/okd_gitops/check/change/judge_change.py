"""check --base: judge the change from a commit to the tree that is checked out, without a network.

Refusals of the change always fail. Findings of the tree that the base has too do not: whoever did not cause
them is not stopped by them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from okd_gitops.check.change.applications import application_findings
from okd_gitops.check.change.base import (
    FOLDERS,
    Base,
    contains_base,
    edited_clusters,
    load_base,
    resolve_base,
)
from okd_gitops.check.change.change import Change, ClusterChange
from okd_gitops.check.change.compare import changed_fields, cluster_changes
from okd_gitops.check.change.emergencies import emergency_findings
from okd_gitops.check.change.loosened_rules import loosened_rules
from okd_gitops.check.change.objects import lost_object_findings
from okd_gitops.check.change.older import older_findings
from okd_gitops.check.change.order import weakened_orders
from okd_gitops.check.change.releases import (
    force_without_signature,
    judge_release,
    unknown_streams,
    unrecorded_pins,
)
from okd_gitops.check.change.removals import moved_fleet_findings, removal_findings
from okd_gitops.check.change.sides import Side
from okd_gitops.check.change.trust_edits import TOOL_FILES, trust_edits, trust_findings, trusted_paths
from okd_gitops.check.check import check
from okd_gitops.check.edited_overlays import Sides
from okd_gitops.check.kept_overlays import KeptOverlays
from okd_gitops.check.outcome import Report
from okd_gitops.evidence.records import Records
from okd_gitops.finding import Finding, exit_code_of, ordered
from okd_gitops.fleet.kept_documents import KeptDocuments
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.system import git
from okd_gitops.system.disk import FLEET, MAX_GENERATED, ROOTS, read_tree, scan_tree
from okd_gitops.system.draft import Draft, drafted
from okd_gitops.system.files_on_disk import lend_below, let_go
from okd_gitops.system.kept import Kept, is_exact
from okd_gitops.system.unchanged import Earlier
from okd_gitops.tree import Tree

_SHOWN_FILES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedChange:
    """A change, and the check of the tree that it makes: `report` has the new findings, `older` the rest;
    `sides` are the files of the base and those of the tree.
    """

    change: Change
    fleet: Fleet
    report: Report
    sides: Sides
    older: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that counts: the findings about the change, and the new ones of the tree."""
        return tuple(ordered((*self.change.findings, *self.report.findings)))

    @property
    def exit_code(self) -> int:
        """0 without errors that count; of several, the exit code that takes precedence."""
        return exit_code_of(self.findings)


def judge_change(
    root: Path,
    cache: Path,
    base: str,
    records: Records,
    *,
    now: datetime,
    say: Callable[[str], None],
    kept: Kept | None = None,
) -> JudgedChange:
    """Judge the change from the commit `base` to the files below `root`, by what the hub has recorded.

    What is found of the files is kept in `kept` for later runs. Without it only the check of the base uses
    that, and it is gone afterwards.

    Raises UsageError for a commit that is not there, FindingsError for files that cannot be read, ToolError
    when a tool is missing: then nothing was judged.
    """
    commit = resolve_base(root, base)
    # Of a draft no status is kept: its folder is gone soon.
    is_draft = kept is None or kept.is_only_read
    found = None if is_draft else Earlier(root, cache, "change").files

    with drafted(root, commit, ROOTS) as draft:
        results = _shared(kept, draft)
        before = Base.of(draft, results.only_read() if results else None)
        edited = edited_clusters(before.files, found or _clusters(root))
        fleet = load(root, edited, KeptDocuments(results), found)
        files = found or let_go(root, read_tree(root, *FOLDERS, max_file=MAX_GENERATED))
        old_fleet, unreadable = load_base(before, fleet)
        change = _change_since(root, before, old_fleet, commit, fleet, records, now)
        report = check(
            root,
            cache,
            today=now.date(),
            say=say,
            fleet=fleet,
            now=now,
            edited=edited,
            files=files,
            kept=results,
        )
        sides = Sides(before.files, files)
        older = older_findings(report, sides.changed, before, cache, now, edited)
        if results:
            sides.built_from = KeptOverlays(results, root, cache, files).built_from()
        lost = lost_object_findings(root, cache, sides, old_fleet, fleet)

    known = set(older)
    new_findings = tuple(finding for finding in report.findings if finding not in known)

    return JudgedChange(
        change=change.with_findings((*unreadable, *lost)),
        fleet=fleet,
        report=replace(report, findings=new_findings),
        sides=sides,
        older=tuple(older),
    )


def change_since(root: Path, cache: Path, base: str, records: Records, *, now: datetime) -> Change:
    """Return the change from the commit `base` with everything that is found about it, but no check of the
    tree.

    Raises UsageError for a commit that is not there, FindingsError for files that cannot be read.
    """
    commit = resolve_base(root, base)

    with drafted(root, commit, ROOTS) as draft:
        before = Base.of(draft, None)
        fleet = load(root, edited_clusters(before.files, _clusters(root)))
        old_fleet, unreadable = load_base(before, fleet)
        change = _change_since(root, before, old_fleet, commit, fleet, records, now)
        sides = Sides(before.files, read_tree(root, *FOLDERS, max_file=MAX_GENERATED))
        lost = lost_object_findings(root, cache, sides, old_fleet, fleet)

    return change.with_findings((*unreadable, *lost))


def _clusters(root: Path) -> Tree:
    """Return the files of clusters/ that can be read; `load` tells what is wrong with the others."""
    return scan_tree(root, "clusters")[0]


def _shared(kept: Kept | None, draft: Draft) -> Kept | None:
    """Return where the check of the tree leaves for that of the base what it has found.

    Where nothing of other runs may be used, that is a folder of this run alone. A run that must be exact
    judges both sides for themselves.
    """
    if kept or is_exact():
        return kept

    return Kept(draft.beside, "change")


def _change_since(
    root: Path, base: Base, old_fleet: Fleet, commit: str, fleet: Fleet, records: Records, now: datetime
) -> Change:
    """Return the change from the base, a commit that has `old_fleet`, to `fleet`, which is what `root` has,
    and what is found about it.
    """
    # Files of keys may be anywhere.
    lend_below(base.files, trusted_paths(old_fleet.spec, fleet.spec))
    base_side = Side(root=base.folder, fleet=old_fleet, records=records, now=now)
    now_side = Side(root=root, fleet=fleet, records=records, now=now)

    return _judged(commit, base_side, now_side).with_findings(contains_base(root, commit))


def _judged(commit: str, base: Side, now: Side) -> Change:
    """Return the change between two sides with everything that is found about it."""
    compared = cluster_changes(base.fleet, now.fleet)
    fleet_fields = changed_fields(base.fleet.spec, now.fleet.spec)
    findings: list[Finding] = []
    changes: list[ClusterChange] = []

    for change in compared:
        judged, refusals = judge_release(change, base, now)
        changes.append(judged)
        findings += [*refusals, *force_without_signature(judged, (base, now))]

    paths = trusted_paths(base.fleet.spec, now.fleet.spec)
    old_files, new_files = (scan_tree(side.root, *paths)[0] for side in (base, now))
    edited = git.changed_paths(now.root, commit)
    tool_files = _tool_files(now.root, edited)
    edits = trust_edits(base.fleet, now.fleet, changes, old_files, new_files, tool_files, edited)
    findings += [
        *unknown_streams(changes, now),
        *unrecorded_pins(changes, now),
        *weakened_orders(changes, base, now),
        *loosened_rules(base.fleet, now.fleet, changes),
        *trust_findings(edits, changes),
        *emergency_findings(changes, fleet_fields, _other_edits(edited), now.now),
        *_removals(changes, base, now),
    ]

    return Change(
        base=commit,
        clusters=tuple(changes),
        fleet_fields=fleet_fields,
        trust_edits=tuple(edits),
        findings=tuple(findings),
        records=now.records.commit,
    )


def _tool_files(root: Path, edited: Sequence[str]) -> list[str]:
    """Return the edited files of the tool, where the repository contains the tool."""
    if not (root / "generator" / "okd_gitops").is_dir():
        return []

    return [path for path in edited if path.partition("/")[0] in TOOL_FILES]


def _other_edits(edited: Sequence[str]) -> list[str]:
    """Return what a change with an emergency must not edit beside cluster files, which are judged as such."""
    generated = tuple(f"{folder}/" for folder in (*ROOTS, "clusters"))
    others = [path for path in edited if path != FLEET and not path.startswith(generated)]
    more = [f"{len(others) - _SHOWN_FILES} more files"] if len(others) > _SHOWN_FILES else []

    return [*others[:_SHOWN_FILES], *more]


def _removals(changes: Sequence[ClusterChange], base: Side, now: Side) -> list[Finding]:
    removals = removal_findings(changes, base.fleet, now.fleet)
    removed = {name for finding in removals for name in finding.clusters}
    leaving = {cluster.name for cluster in base.fleet.clusters if cluster.spec.decommission}
    files = read_tree(now.root, "argocd", max_file=MAX_GENERATED)

    return [
        *removals,
        *moved_fleet_findings(base.fleet, now.fleet),
        *application_findings(base.fleet, now.fleet, files, removed={*removed, *leaving}),
    ]
