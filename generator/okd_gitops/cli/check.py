"""check: whether what is generated is right, and whether a change may be merged."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from okd_gitops.cli.completion import finding_names, references
from okd_gitops.cli.options import AT, OUTPUT, RECORDS, clock, root_of, tools_of
from okd_gitops.cli.output import echo, print_result, progress, show_findings

if TYPE_CHECKING:
    from datetime import datetime

    from okd_gitops.check.change.change import ClusterChange
    from okd_gitops.check.change.judge_change import JudgedChange
    from okd_gitops.check.outcome import Report
    from okd_gitops.system.unchanged import Result

# What of a report are counts.
_COUNTS = ("clusters", "overlays", "documents", "distinct", "without_schema")


class _Wanted(NamedTuple):
    """What was asked of the check of a FOLDER."""

    kubernetes: str | None
    is_fleet: bool
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    sarif: Path | None
    require_complete: bool
    crds: Path | None


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--kubernetes", metavar="MINOR", help="Kubernetes minor of a foreign FOLDER, such as 1.33.")
@click.option(
    "--base",
    default="",
    metavar="COMMIT",
    shell_complete=references,
    help="Judge the change from this commit to the files here.",
)
@click.option(
    "--profile",
    type=click.Choice(["fleet", "others"]),
    default="others",
    help="Whose rules hold for FOLDER. With fleet, house rules too.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="NAME",
    shell_complete=finding_names,
    help="Count these findings only; may have a star.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="NAME",
    shell_complete=finding_names,
    help="Leave these findings out; may have a star.",
)
@click.option(
    "--sarif",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the findings on FOLDER as SARIF.",
)
@click.option(
    "--crds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="CustomResourceDefinitions of more kinds.",
)
@click.option("--require-complete", is_flag=True, help="Exit 4 if anything in FOLDER was not judged.")
@RECORDS
@AT
@OUTPUT
@click.pass_context
def check(
    context: click.Context,
    folder: Path | None,
    *,
    kubernetes: str | None,
    base: str,
    profile: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    sarif: Path | None,
    require_complete: bool,
    crds: Path | None,
    records: str,
    at: str,
    output: str,
) -> None:
    """Check drift, builds, schemas and rules.

    With --base, also judge the change of releases, clusters and trust, and count only findings that the base
    does not have; check out the merge result first. With FOLDER, check a repository that okd-gitops did not
    write: every kustomization that no other one uses. A check fetches nothing and runs nothing from the
    repository. Whatever cannot be checked is a finding or exit code 4; it never counts as passed.
    """
    now = clock(at)
    _refuse_without_folder(folder, (*select, *ignore, crds), require_complete=require_complete)

    if base:
        _check_change(context, folder, base, records, now, output)
    elif folder is None:
        _check_own(context, now, output)
    else:
        wanted = _Wanted(kubernetes, profile == "fleet", select, ignore, sarif, require_complete, crds)
        _check_folder(context, folder, wanted, now, output)


def _check_own(context: click.Context, now: "datetime", output: str) -> None:
    """Check the repository that this is run in, unless it is as an earlier run of this day left it."""
    from okd_gitops.system.unchanged import Earlier, tools_in

    root = root_of(context)
    cache = tools_of(context)
    earlier = Earlier(root, cache, "check", str(now.date()).encode(), tools_in(cache))
    result = earlier.result()

    if result:
        progress(context)("nothing changed since a check of today; --exact checks everything again")
        _end(_report_of(result), output)

    from okd_gitops.check.check import check as judge

    report = judge(root, cache, today=now.date(), say=progress(context), now=now)
    earlier.keep(_counts(report), report.findings)
    _end(report, output)


def _check_folder(
    context: click.Context, folder: Path, wanted: _Wanted, now: "datetime", output: str
) -> None:
    """Check a FOLDER: a fleet, or a repository that others wrote."""
    from dataclasses import replace

    from okd_gitops.check import check as judge
    from okd_gitops.check.foreign import check_foreign
    from okd_gitops.finding import chosen_findings

    root, cache, say = folder.resolve(), tools_of(context), progress(context)

    if wanted.kubernetes is None and judge.is_ours(root):
        report = judge.check(root, cache, today=now.date(), say=say, now=now)
    else:
        minor = wanted.kubernetes or judge.DEFAULT_KUBERNETES
        report = check_foreign(
            root,
            cache,
            kubernetes=minor,
            today=now.date(),
            say=say,
            is_fleet=wanted.is_fleet,
            crds=wanted.crds,
        )

    chosen = chosen_findings(report.findings, wanted.select, wanted.ignore)
    if wanted.sarif:
        from okd_gitops import __version__
        from okd_gitops.report.sarif import sarif

        wanted.sarif.write_text(sarif(chosen, __version__), encoding="utf-8")

    _end(replace(report, findings=chosen, must_be_complete=wanted.require_complete), output)


def _refuse_without_folder(
    folder: Path | None, given: tuple[str | Path | None, ...], *, require_complete: bool
) -> None:
    """Raise UsageError: a fleet is judged whole, because others rely on what passed."""
    from okd_gitops.errors import UsageError

    if folder is None and (any(given) or require_complete):
        raise UsageError(
            "--select, --ignore, --crds and --require-complete are for a FOLDER", "okd-gitops check FOLDER"
        )


def _end(report: "Report", output: str) -> NoReturn:
    """Print the report of a check without a change, and end with its exit code."""
    body = {**_report_as_json(report), "change": None}
    print_result(output, "Check", body, lambda: _print_report(report))
    sys.exit(report.exit_code)


def _check_change(
    context: click.Context, folder: Path | None, base: str, records: str, now: "datetime", output: str
) -> None:
    """Judge a change, print what was found and end."""
    from dataclasses import replace

    from okd_gitops.check.change.judge_change import judge_change
    from okd_gitops.errors import UsageError
    from okd_gitops.evidence.records import read_records

    if folder:
        raise UsageError(
            "--base judges the repository that this is run in, not a FOLDER", "use --root FOLDER"
        )

    root = root_of(context)
    seen = read_records(root, records)
    judged = judge_change(root, tools_of(context), base, seen, now=now, say=progress(context))
    report = replace(judged.report, findings=judged.findings)

    body = {**_report_as_json(report), "change": judged.change, "older": judged.older}
    print_result(output, "Check", body, lambda: _print_change(judged, report))
    sys.exit(judged.exit_code)


def _counts(report: "Report") -> dict[str, int]:
    return {name: getattr(report, name) for name in _COUNTS}


def _report_of(result: "Result") -> "Report":
    """Return the report of an earlier run; this one has measured no step."""
    from okd_gitops.check.outcome import Report

    return Report(findings=result.warnings, seconds={}, ledger=None, must_be_complete=False, **result.counts)


def _report_as_json(report: "Report") -> dict[str, object]:
    return {
        "clusters": report.clusters,
        "overlays": report.overlays,
        "documents": report.documents,
        "distinct": report.distinct,
        "withoutSchema": report.without_schema,
        "errors": report.errors,
        "warnings": len(report.findings) - report.errors,
        "seconds": report.seconds,
        "findings": report.findings,
        **({"ledger": report.ledger} if report.ledger else {}),
    }


def _print_change(judged: "JudgedChange", report: "Report") -> None:
    change = judged.change
    show_findings(report.findings)

    for edit in change.trust_edits:
        echo(f" of {edit.field} at {edit.place}", head="trust edit", fg="red", bold=True)

    for cluster in change.clusters:
        echo(f"{cluster.name}: {cluster.status}, {_step(cluster)}")

    _print_counts(report)
    count = len(change.clusters)
    clusters = "1 cluster changes" if count == 1 else f"{count} clusters change"
    by = f"by records {change.records[:12]}" if change.records else "without records"
    echo(
        f"judged against {change.base[:12]} {by}: {clusters}, "
        f"{len(change.refusals)} refusals; {len(judged.older)} older findings do not count"
    )


def _step(cluster: "ClusterChange") -> str:
    """Return the old and new release; the release of another server says nothing about this one."""
    from okd_gitops.check.change.removals import NONE, replaced_fields

    old, new = cluster.old_release, cluster.new_release
    replaced = replaced_fields(cluster.old, cluster.new) if cluster.old and cluster.new else []
    others = [f"{'no' if new_value == NONE else 'another'} {field}" for field, _, new_value in replaced]

    if cluster.release_changed or old is None or new is None:
        versions = f"{old.version if old else '-'} → {new.version if new else '-'}"
        return ", ".join([versions, *others])

    return ", ".join(others) or "same release"


def _print_report(report: "Report") -> None:
    show_findings(report.findings)
    _print_counts(report)

    if report.ledger is None:
        echo("no change was judged; --base COMMIT compares with a commit")
        return

    for line in report.ledger.lines():
        echo(line)
    if not report.documents:
        echo("nothing was judged: nothing here is deployed and can be rendered", err=True)


def _print_counts(report: "Report") -> None:
    warnings = len(report.findings) - report.errors
    echo(
        f"{report.clusters} clusters, {report.overlays} overlays, "
        f"{report.documents} documents ({report.distinct} distinct), "
        f"{report.without_schema} without schema, {report.errors} errors, {warnings} warnings"
    )
