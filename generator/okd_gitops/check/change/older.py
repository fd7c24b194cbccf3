"""Findings that a tree had before the change: whoever did not cause them is not stopped by them."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from okd_gitops.check.change.base import Base
from okd_gitops.check.check import check
from okd_gitops.check.outcome import Report
from okd_gitops.check.same_finding import key_of
from okd_gitops.errors import ToolError
from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, FindingsError


def older_findings(
    report: Report,
    edited: Collection[str],
    base: Base,
    cache: Path,
    now: datetime,
    edited_names: Collection[str],
) -> list[Finding]:
    """Return the findings of a report that the base has too, compared without their lines; `edited` are the
    files that differ.
    """
    if not report.findings:
        return []

    known = Counter(key_of(finding) for finding in _findings_at_base(base, cache, now, edited_names))
    older = []

    for finding in report.findings:
        is_drift = explanation_of(finding.name).area == "drift"

        # Each one at the base excuses one now. A generated file that was edited has a finding of its own.
        if known[key_of(finding)] and not (is_drift and finding.location.file in edited):
            known[key_of(finding)] -= 1
            older.append(finding)

    return older


def _findings_at_base(
    base: Base, cache: Path, now: datetime, edited_names: Collection[str]
) -> Sequence[Finding]:
    try:
        return check(
            base.folder,
            cache,
            today=now.date(),
            say=lambda _: None,
            now=now,
            edited=edited_names,
            files=base.files if base.is_sound else None,
            kept=base.kept,
        ).findings
    except FindingsError as error:
        return error.findings
    except ToolError:
        return ()
