"""report: judge the change between a commit and the work tree, and return what its text is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from okd_gitops.check.change.base import resolve_base
from okd_gitops.check.change.judge_change import JudgedChange, judge_change
from okd_gitops.check.diff import Difference, difference
from okd_gitops.evidence.records import Records
from okd_gitops.finding import FindingsError
from okd_gitops.report.of_change import pull_request_of, unreadable_pull_request
from okd_gitops.report.pull_request_text import PullRequest
from okd_gitops.system.kept import Kept


@dataclass(frozen=True, slots=True)
class Description:
    """The pull request that tells a change, and its judgment; or the error that kept it from being judged."""

    pull: PullRequest
    judged: JudgedChange | None = None
    error: FindingsError | None = None


def report(
    root: Path,
    cache: Path,
    base: str,
    seen: Records,
    *,
    now: datetime,
    say: Callable[[str], None],
    kept: Kept | None = None,
) -> Description:
    """Judge the change from the commit `base` to the files below `root`, as `check --base` does, by what the
    hub has `seen`; what is found is kept in `kept`.

    Files that are no fleet are told too: a reviewer must see why they are blocked. Raises UsageError for a
    commit that is not there, ToolError when a tool is missing: then there is nothing to report.
    """
    commit = resolve_base(root, base)

    try:
        judged = judge_change(root, cache, commit, seen, now=now, say=say, kept=kept)
    except FindingsError as error:
        return Description(unreadable_pull_request(error.findings, commit, seen.commit, now), error=error)

    rendered = _difference(root, cache, judged, say)

    return Description(pull_request_of(judged, rendered, now), judged)


def _difference(
    root: Path, cache: Path, judged: JudgedChange, say: Callable[[str], None]
) -> Difference | None:
    """Return the difference of rendered objects, and None where one side does not build."""
    try:
        return difference(root, cache, judged.sides, say=say)
    except FindingsError:
        # The check of the tree has found it too.
        return None
