"""Findings that a tree had before the change: whoever did not cause them is not stopped by them."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from okd_gitops.check.check import check
from okd_gitops.check.outcome import Report
from okd_gitops.check.same_finding import key_of
from okd_gitops.errors import ToolError
from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, FindingsError
from okd_gitops.system.disk import MAX_GENERATED, ROOTS, read_tree
from okd_gitops.system.draft import drafted


def older_findings(
    report: Report, root: Path, cache: Path, commit: str, now: datetime, edited_names: Collection[str]
) -> list[Finding]:
    """Return the findings of a report on `root` that the commit has too, compared without their lines."""
    if not report.findings:
        return []

    with drafted(root, commit) as draft:
        known = Counter(
            key_of(finding) for finding in _findings_at_base(draft.folder, cache, now, edited_names)
        )
        edited = _edited_files(root, draft.folder)

    older = []

    for finding in report.findings:
        is_drift = explanation_of(finding.name).area == "drift"

        # Each one at the base excuses one now. A generated file that was edited has a finding of its own.
        if known[key_of(finding)] and not (is_drift and finding.location.file in edited):
            known[key_of(finding)] -= 1
            older.append(finding)

    return older


def _findings_at_base(
    folder: Path, cache: Path, now: datetime, edited_names: Collection[str]
) -> Sequence[Finding]:
    try:
        return check(
            folder, cache, today=now.date(), say=lambda _: None, now=now, edited=edited_names
        ).findings
    except FindingsError as error:
        return error.findings
    except ToolError:
        return ()


def _edited_files(root: Path, old_root: Path) -> set[str]:
    old, new = (read_tree(folder, *ROOTS, max_file=MAX_GENERATED) for folder in (old_root, root))

    return {path for path in {*old, *new} if old.get(path) != new.get(path)}
