"""report: judge the change between a commit and the work tree, and return what its text is made of."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from okd_gitops.check.change.judge_change import judge_change as judge
from okd_gitops.check.diff import FOLDERS, Difference, diff
from okd_gitops.evidence.records import read_records
from okd_gitops.finding import Finding, FindingsError
from okd_gitops.report.of_change import Judged
from okd_gitops.system import git


def judge_change(
    root: Path, cache: Path, base: str, records: str, *, now: datetime, say: Callable[[str], None]
) -> Judged:
    """Judge the change from the commit `base` to the files below `root`, as `check --base` does.

    Raises FindingsError for input that cannot be read, UsageError for a commit that is not there, ToolError
    when a tool is missing: then there is nothing to report.
    """
    seen = read_records(root, records)
    outcome = judge(root, cache, base, seen, now=now, say=say)
    change = outcome.change
    difference, faults = _difference(root, cache, change.base, say)

    return Judged(
        change=change,
        fleet=outcome.fleet,
        difference=difference,
        findings=tuple(dict.fromkeys((*outcome.report.findings, *faults))),
        older=len(outcome.older),
        documents=outcome.report.documents,
    )


def _difference(
    root: Path, cache: Path, commit: str, say: Callable[[str], None]
) -> tuple[Difference | None, tuple[Finding, ...]]:
    """Return the difference of rendered objects, or why one of both sides cannot be built."""
    try:
        return diff(root, cache, git.tree_at(root, commit, FOLDERS), say=say), ()
    except FindingsError as error:
        return None, error.findings
