"""check: whether what is generated is right, and whether a change may be merged."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from okd_gitops.cli.check_files import write_for_forges
from okd_gitops.cli.check_folder import Wanted, judged_folder
from okd_gitops.cli.check_output import print_change, print_report, report_as_json
from okd_gitops.cli.completion import finding_names, references
from okd_gitops.cli.options import AT, OUTPUT, RECORDS, clock, not_empty, root_of, tools_of
from okd_gitops.cli.output import counter, print_result, progress

if TYPE_CHECKING:
    from datetime import datetime

    from okd_gitops.check.outcome import Report
    from okd_gitops.system.unchanged import Result

# What of a report are counts.
_COUNTS = ("clusters", "overlays", "documents", "distinct", "without_schema")


_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--kubernetes", metavar="MINOR", help="Kubernetes minor of a foreign FOLDER, such as 1.33.")
@click.option(
    "--base",
    default="",
    metavar="COMMIT",
    callback=not_empty,
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
    "--baseline",
    type=_FILE,
    metavar="FILE",
    help="Count only what this file does not have. For a FOLDER.",
)
@click.option(
    "--write-baseline",
    type=_FILE,
    metavar="FILE",
    help="Write what is found now as a baseline. For a FOLDER.",
)
@click.option(
    "--sarif", type=_FILE, metavar="FILE", help="Also write the findings as SARIF, even if it fails."
)
@click.option("--github", is_flag=True, help="Also annotate lines, by commands in the log.")
@click.option(
    "--code-quality", type=_FILE, metavar="FILE", help="Also write the findings for GitLab's code quality."
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
    baseline: Path | None,
    write_baseline: Path | None,
    sarif: Path | None,
    github: bool,
    code_quality: Path | None,
    require_complete: bool,
    crds: Path | None,
    records: str,
    at: str,
    output: str,
) -> None:
    """Check drift, builds, schemas and rules.

    With --base, also judge the change of releases, clusters and trust, and count only findings that the base
    does not have; check out the merge result first. With FOLDER, check a repository that okd-gitops did not
    write: what its kustomizations, Argo CD and Flux deploy. There, --base counts what the change brought or
    touched. A check fetches nothing and runs nothing from the repository. Whatever cannot be checked is a
    finding or exit code 4; it never counts as passed.
    """
    wanted = Wanted(
        kubernetes=kubernetes,
        is_fleet=profile == "fleet",
        select=select,
        ignore=ignore,
        base=base,
        baseline=baseline,
        write_baseline=write_baseline,
        sarif=sarif,
        github=github,
        code_quality=code_quality,
        folder=folder,
        require_complete=require_complete,
        crds=crds,
    )

    with _failure_for_forges(wanted):
        now = clock(at)
        if folder:
            _end(judged_folder(context, folder, wanted, now), wanted, output)

        _refuse_without_folder(wanted)
        if base:
            _check_change(context, wanted, records, now, output)
        else:
            _check_own(context, wanted, now, output)


@contextmanager
def _failure_for_forges(wanted: Wanted) -> Iterator[None]:
    """Write why a check could not be made, so that nobody takes an earlier file for its result."""
    from okd_gitops.errors import OkdGitopsError
    from okd_gitops.finding import FindingsError

    try:
        yield
    except OkdGitopsError as error:
        findings = error.findings if isinstance(error, FindingsError) else ()
        reason = f"{error.reason}. {error.remedy}".rstrip(". ")
        write_for_forges(findings, wanted, error.exit_code, reason)
        raise


def _check_own(context: click.Context, wanted: Wanted, now: "datetime", output: str) -> None:
    """Check the repository that this is run in, unless it is as an earlier run of this day left it."""
    # What is left in circles goes with the end of the run: to look for it at each step takes a tenth.
    gc.disable()
    from okd_gitops.check.named_wheel import named_wheel_findings
    from okd_gitops.system.kept import Kept
    from okd_gitops.system.unchanged import Earlier, tools_in

    root = root_of(context)
    cache = tools_of(context)
    # Of wheels in tool/ no status is kept.
    of_wheels = tuple(named_wheel_findings(root))
    about_wheels = "\n".join(finding.reason for finding in of_wheels).encode()
    earlier = Earlier(root, cache, "check", str(now.date()).encode(), tools_in(cache), about_wheels)
    result = earlier.result()

    if result:
        progress(context)("nothing changed since a check of today; --exact checks everything again")
        _end(_report_of(result), wanted, output)

    from okd_gitops.check.check import check as judge

    report = judge(
        root,
        cache,
        today=now.date(),
        say=progress(context),
        count=counter(context),
        now=now,
        files=earlier.files,
        of_wheels=of_wheels,
        kept=Kept.of(root, cache),
    )
    earlier.keep(_counts(report), report.findings)
    _end(report, wanted, output)


def _refuse_without_folder(wanted: Wanted) -> None:
    """Raise UsageError: a fleet is judged whole, because others rely on what passed."""
    from okd_gitops.errors import UsageError

    chosen, baseline = wanted.select or wanted.ignore, wanted.baseline or wanted.write_baseline
    of_others = wanted.kubernetes or wanted.is_fleet or wanted.require_complete or wanted.crds
    if chosen or baseline or of_others:
        raise UsageError(
            "--kubernetes, --profile, --select, --ignore, --crds, --require-complete and baselines are for a "
            "FOLDER, and none is given",
            "okd-gitops check FOLDER",
        )


def _end(report: "Report", wanted: Wanted, output: str) -> NoReturn:
    """Print the report of a check without a change of a fleet, and end with its exit code."""
    from dataclasses import replace

    from okd_gitops.report.causes import worst_first

    in_order = replace(report, findings=worst_first(report.findings))
    reason = "not everything was judged that had to be" if report.is_short else ""
    write_for_forges(in_order.findings, wanted, report.exit_code, reason, of_others=report.ledger is not None)

    body = {} if output == "text" else {**report_as_json(in_order), "change": None}
    print_result(output, "Check", body, lambda: print_report(in_order))
    sys.exit(report.exit_code)


def _check_change(
    context: click.Context, wanted: Wanted, records: str, now: "datetime", output: str
) -> NoReturn:
    """Judge a change, print what was found and end."""
    # What is left in circles goes with the end of the run.
    gc.disable()
    from dataclasses import replace

    from okd_gitops.check.change.judge_change import judge_change
    from okd_gitops.evidence.records import read_records
    from okd_gitops.report.causes import worst_first
    from okd_gitops.system.kept import Kept

    root = root_of(context)
    seen = read_records(root, records)
    cache = tools_of(context)
    judged = judge_change(
        root, cache, wanted.base, seen, now=now, say=progress(context), kept=Kept.of(root, cache)
    )
    report = replace(judged.report, findings=worst_first(judged.findings))
    write_for_forges(report.findings, wanted, judged.exit_code, "")

    body = {**report_as_json(report), "change": judged.change, "older": judged.older}
    print_result(output, "Check", body, lambda: print_change(judged, report))
    sys.exit(judged.exit_code)


def _counts(report: "Report") -> dict[str, int]:
    return {name: getattr(report, name) for name in _COUNTS}


def _report_of(result: "Result") -> "Report":
    """Return the report of an earlier run; this one has measured no step."""
    from okd_gitops.check.outcome import Report

    counts: dict[str, Any] = dict(result.counts)
    return Report(findings=result.warnings, seconds={}, **counts)
