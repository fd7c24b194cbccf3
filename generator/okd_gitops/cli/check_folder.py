"""check FOLDER: judge what others wrote, and tell what of it counts."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from okd_gitops.cli.options import tools_of
from okd_gitops.cli.output import progress

if TYPE_CHECKING:
    from datetime import datetime

    from okd_gitops.check.outcome import Report


class Wanted(NamedTuple):
    """What was asked of the check of a FOLDER."""

    kubernetes: str | None
    is_fleet: bool
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    base: str
    baseline: Path | None
    write_baseline: Path | None
    sarif: Path | None
    github: bool
    code_quality: Path | None
    folder: Path | None
    require_complete: bool
    crds: Path | None


def judged_folder(context: click.Context, folder: Path, wanted: Wanted, now: "datetime") -> "Report":
    """Check a FOLDER, a fleet or a repository that others wrote, and return what counts of it.

    Raises UsageError for names, a commit or a baseline that are not there.
    """
    from dataclasses import replace

    from okd_gitops.check import check as judge
    from okd_gitops.errors import UsageError
    from okd_gitops.finding import chosen_findings

    root, cache, say = folder.resolve(), tools_of(context), progress(context)

    if wanted.kubernetes is None and judge.is_ours(root):
        if wanted.base:
            raise UsageError(
                "--base judges the change of a fleet where it is the repository", "use --root FOLDER"
            )
        report = judge.check(root, cache, today=now.date(), say=say, now=now)
    else:
        report = _judged_as_foreign(root, cache, wanted, now, say)

    # The baseline is compared whole: what is not selected is not gone.
    compared = _against_baseline(report, wanted)
    chosen, older, known = (
        chosen_findings(findings, wanted.select, wanted.ignore)
        for findings in (compared.findings, compared.older, compared.known)
    )
    return replace(compared, findings=chosen, older=older, known=known)


def _judged_as_foreign(
    root: Path, cache: Path, wanted: Wanted, now: "datetime", say: Callable[[str], None]
) -> "Report":
    """Check a repository that others wrote, and with --base also what it was before."""
    from dataclasses import replace

    from okd_gitops.check.foreign import check_foreign
    from okd_gitops.check.foreign_change import findings_before
    from okd_gitops.check.kubeconform import DEFAULT_KUBERNETES, known_minors
    from okd_gitops.errors import UsageError
    from okd_gitops.system.foreign_files import remotes_of

    minors = known_minors(cache / "schemas")
    if wanted.kubernetes and wanted.kubernetes not in minors:
        raise UsageError(
            f"there are no schemas for Kubernetes {wanted.kubernetes}", f"there are: {', '.join(minors)}"
        )

    def judge(folder: Path) -> "Report":
        return check_foreign(
            folder,
            cache,
            kubernetes=wanted.kubernetes or DEFAULT_KUBERNETES,
            today=now.date(),
            say=say,
            is_fleet=wanted.is_fleet,
            crds=wanted.crds,
            remotes=remotes_of(root),
        )

    report = replace(judge(root), must_be_complete=wanted.require_complete)
    if not wanted.base:
        return report

    commit, older = findings_before(report, root, wanted.base, judge)
    findings = tuple(finding for finding in report.findings if finding not in set(older))
    return replace(report, findings=findings, base=commit, older=older)


def _against_baseline(report: "Report", wanted: Wanted) -> "Report":
    """Return a report of which only counts what the baseline does not have; a new one is written first."""
    from dataclasses import replace

    from okd_gitops.check.baseline import known_findings, read_baseline, write_baseline

    found = [*report.findings, *report.older]
    before = read_baseline(wanted.baseline) if wanted.baseline else None
    if wanted.write_baseline:
        write_baseline(wanted.write_baseline, found)
        before = read_baseline(wanted.write_baseline)
    if before is None:
        return report

    known, gone = known_findings(found, before)
    new = tuple(finding for finding in report.findings if finding not in set(known))
    blocked = {path for root in (report.ledger.blocked if report.ledger else ()) for path in root.files}
    mended = tuple(entry for entry in gone if entry.file not in blocked)
    return replace(report, findings=new, known=known, gone=mended)
