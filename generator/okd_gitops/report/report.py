"""report: judge the change between a commit and the work tree, and return what its text is made of."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from okd_gitops.check.change.judge_change import JudgedChange, judge_change
from okd_gitops.check.diff import FOLDERS, Difference, diff
from okd_gitops.evidence.records import read_records
from okd_gitops.finding import FindingsError
from okd_gitops.report.of_change import pull_request_of
from okd_gitops.report.pull_request_text import PullRequest
from okd_gitops.system import git


def report(
    root: Path, cache: Path, base: str, records: str, *, now: datetime, say: Callable[[str], None]
) -> tuple[JudgedChange, PullRequest]:
    """Judge the change from the commit `base` to the files below `root`, as `check --base` does; return that
    with the pull request that tells it.

    Raises FindingsError for input that cannot be read, UsageError for a commit that is not there, ToolError
    when a tool is missing: then there is nothing to report.
    """
    judged = judge_change(root, cache, base, read_records(root, records), now=now, say=say)
    difference = _difference(root, cache, judged.change.base, say)

    return judged, pull_request_of(judged, difference, now)


def _difference(root: Path, cache: Path, commit: str, say: Callable[[str], None]) -> Difference | None:
    """Return the difference of rendered objects, and None where one side does not build."""
    try:
        return diff(root, cache, git.tree_at(root, commit, FOLDERS), say=say)
    except FindingsError:
        # The check of the tree has found it too.
        return None
