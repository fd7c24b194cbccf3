"""report: judge the change between a commit and the work tree, and return what its text is made of."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from okd_gitops.check.change.change import Change
from okd_gitops.check.change.compare import cluster_changes
from okd_gitops.check.check import check
from okd_gitops.check.diff import FOLDERS, Difference, diff
from okd_gitops.evidence.records import read_records
from okd_gitops.finding import Finding, FindingsError
from okd_gitops.fleet.load import load
from okd_gitops.report.of_change import Judged
from okd_gitops.system import git
from okd_gitops.system.disk import CATALOG, FLEET, scratch_folder, write_files


def judge_change(
    root: Path, cache: Path, base: str, records: str, *, now: datetime, say: Callable[[str], None]
) -> Judged:
    """Judge the change from the commit `base` to the files below `root`, as `check --base` does.

    Raises FindingsError for input that cannot be read, UsageError for a commit that is not there, ToolError
    when a tool is missing: then there is nothing to report.
    """
    commit = git.resolve(root, base)
    fleet = load(root)
    seen = read_records(root, records)
    outcome = check(root, cache, today=now.date(), say=say, fleet=fleet)

    with scratch_folder() as old_root:
        write_files(old_root, git.tree_at(root, commit, (FLEET, "clusters", CATALOG)))
        old_fleet = load(old_root)

    change = Change(base=commit, clusters=tuple(cluster_changes(old_fleet, fleet)), records=seen.commit)
    difference, faults = _difference(root, cache, commit, say)
    judged = Judged(
        change=change,
        fleet=fleet,
        difference=difference,
        findings=outcome.findings,
        documents=outcome.documents,
    )

    return replace(judged, findings=tuple(dict.fromkeys((*judged.findings, *faults))))


def _difference(
    root: Path, cache: Path, commit: str, say: Callable[[str], None]
) -> tuple[Difference | None, tuple[Finding, ...]]:
    """Return the difference of rendered objects, or why one of both sides cannot be built."""
    try:
        return diff(root, cache, git.tree_at(root, commit, FOLDERS), say=say), ()
    except FindingsError as error:
        return None, error.findings
