"""Commands on the files of a repository: generate, check, diff, commit."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.options import (
    AT,
    OUTPUT,
    RECORDS,
    cache_of,
    clock,
    cluster_names,
    root_of,
    tools_of,
    writes,
)
from okd_gitops.cli.output import echo, print_result, progress, show_findings

if TYPE_CHECKING:
    from datetime import datetime

    from okd_gitops.check.change.change import ClusterChange
    from okd_gitops.check.change.judge_change import JudgedChange
    from okd_gitops.check.diff import Difference
    from okd_gitops.check.judge import Report
    from okd_gitops.generate.commit import Committed
    from okd_gitops.generate.generate import Generated

_SHOWN_CHANGES = 30
_DIFF_COLORS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.option("--check", "checking", is_flag=True, help="Write nothing; exit 3 if any file would change.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print the changes as a diff.")
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="GLOB",
    shell_complete=cluster_names,
    help="Write only matching clusters and what they use. Repeatable.",
)
@click.option(
    "--force",
    "forced",
    multiple=True,
    metavar="PATH",
    help="Overwrite or delete this hand-edited or foreign file. Repeatable.",
)
@OUTPUT
@click.pass_context
@writes
def generate(
    context: click.Context,
    *,
    checking: bool,
    dry_run: bool,
    clusters: tuple[str, ...],
    forced: tuple[str, ...],
    output: str,
) -> None:
    """Write bases/, overlays/ and argocd/ from clusters/.

    Either all files are written, or none. A generated file that was edited by hand and a foreign file are
    never overwritten: the run stops, shows the difference and exits 3.
    """
    from okd_gitops.fleet.placeholders import placeholder_warnings
    from okd_gitops.generate.generate import diff_text, stale
    from okd_gitops.generate.generate import generate as run

    root = root_of(context)
    result = run(root, clusters=clusters, forced=forced, write=not (checking or dry_run))

    drift = result.drift
    notes = [*result.fleet.notes, *placeholder_warnings(result.fleet.documents)]
    findings = [*drift.refused, *(stale(drift) if checking else [])]

    def as_text() -> None:
        if drift.refused:
            echo("".join(drift.diffs.values()), nl=False)
        elif dry_run:
            echo(diff_text(root, drift), nl=False)
        elif result.written:
            _list_changes(result)

        show_findings([*notes, *findings])
        verb = "would change" if checking or dry_run or drift.refused else "changed"
        counts = f"{len(result.fleet.clusters)} clusters, {len(result.wanted)} files"
        echo(f"{counts}, {drift.changes} {verb}")

    body = {
        "put": sorted(drift.put),
        "delete": sorted(drift.delete),
        "written": result.written,
        "clusters": len(result.fleet.clusters),
        "findings": [*notes, *findings],
    }
    print_result(output, "Generate", body, as_text)

    if findings:
        sys.exit(3)


def _list_changes(result: "Generated") -> None:
    """Print the files that were written or deleted, without the records of ownership."""
    drift = result.drift
    verbs = dict.fromkeys(drift.put, "write") | dict.fromkeys(drift.delete, "delete")
    paths = [path for path in sorted(verbs) if not path.endswith(".sha256")]

    for path in paths[:_SHOWN_CHANGES]:
        echo(f"{verbs[path]:6} {path}")

    if len(paths) > _SHOWN_CHANGES:
        echo(f"… and {len(paths) - _SHOWN_CHANGES} more")


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--kubernetes", metavar="MINOR", help="Kubernetes minor of a foreign FOLDER, such as 1.33.")
@click.option(
    "--base", default="", metavar="COMMIT", help="Judge the change from this commit to the files here."
)
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
    from okd_gitops.check import check as judge

    now = clock(at)
    today = now.date()

    if base:
        _check_change(context, folder, base, records, now, output)
        return

    if folder is None or (kubernetes is None and judge.is_ours(folder.resolve())):
        root = folder.resolve() if folder else root_of(context)
        cache = tools_of(context) if folder else cache_of(context, root)
        report = judge.check(root, cache, today=today, say=progress(context), now=now)
    else:
        report = judge.check_foreign(
            folder.resolve(),
            tools_of(context),
            kubernetes=kubernetes or judge.DEFAULT_KUBERNETES,
            today=today,
            say=progress(context),
        )

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
    judged = judge_change(root, cache_of(context, root), base, seen, now=now, say=progress(context))
    report = replace(judged.report, findings=judged.findings)

    body = {**_report_as_json(report), "change": judged.change, "older": judged.older}
    print_result(output, "Check", body, lambda: _print_change(judged, report))
    sys.exit(judged.exit_code)


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
    from okd_gitops.check.change.removals import replaced_fields

    old, new = cluster.old_release, cluster.new_release
    replaced = replaced_fields(cluster.old, cluster.new) if cluster.old and cluster.new else []
    others = [f"another {field}" for field, _, _ in replaced]

    if cluster.release_changed or old is None or new is None:
        versions = f"{old.version if old else '-'} → {new.version if new else '-'}"
        return ", ".join([versions, *others])

    return ", ".join(others) or "same release"


def _print_report(report: "Report") -> None:
    show_findings(report.findings)
    _print_counts(report)
    echo("no change was judged; --base COMMIT compares with a commit")


def _print_counts(report: "Report") -> None:
    warnings = len(report.findings) - report.errors
    echo(
        f"{report.clusters} clusters, {report.overlays} overlays, "
        f"{report.documents} documents ({report.distinct} distinct), "
        f"{report.without_schema} without schema, {report.errors} errors, {warnings} warnings"
    )


@click.command()
@click.option("--base", default="HEAD", show_default=True, metavar="COMMIT", help="Compare with this commit.")
@OUTPUT
@click.pass_context
def diff(context: click.Context, base: str, output: str) -> None:
    """Show what changes on each cluster since a commit.

    Rendered objects are compared. A change that several clusters share is shown once, with their names.
    """
    from okd_gitops.check.diff import FOLDERS
    from okd_gitops.check.diff import diff as run
    from okd_gitops.system.git import tree_at

    root = root_of(context)
    result = run(root, cache_of(context, root), tree_at(root, base, FOLDERS), say=progress(context))

    body = {"changes": result.changes, "untouched": result.untouched}
    print_result(output, "Diff", body, lambda: _print_difference(result))


def _print_difference(result: "Difference") -> None:
    overlays: tuple[str, ...] = ()

    for change in result.changes:
        if change.overlays != overlays:
            overlays = change.overlays
            echo(f"== {', '.join(overlays)}", bold=True)

        echo(f"{change.verb} {change.object}")

        for line in change.diff.splitlines()[2:]:
            echo(line, fg=_DIFF_COLORS.get(line[:1]))

    verbs = [change.verb for change in result.changes]
    counts = ", ".join(f"{verbs.count(verb)} {verb}" for verb in ("added", "changed", "removed"))
    echo(f"{counts} (identical changes counted once); {len(result.untouched)} overlays untouched")


@click.command()
@click.option(
    "-m", "--message", "subject", default="", help="Subject line. Default: the clusters that changed."
)
@click.option("--dry-run", is_flag=True, help="Commit nothing; print the message and the paths.")
@OUTPUT
@click.pass_context
@writes
def commit(context: click.Context, subject: str, *, dry_run: bool, output: str) -> None:
    """Commit cluster files together with what they generate.

    Commits fleet.yaml, clusters/, catalog/ and the generated folders, and nothing else. Your Git hooks and
    your signing settings apply.
    """
    from okd_gitops.generate.commit import commit as run

    result = run(root_of(context), subject=subject, dry_run=dry_run)

    body = {"paths": result.paths, "message": result.message, "commit": result.sha}
    print_result(output, "Commit", body, lambda: _print_commit(result))


def _print_commit(result: "Committed") -> None:
    if not result.paths:
        echo("nothing to commit: the cluster files and the generated folders are as in HEAD")
        return

    echo(f"{result.sha[:12]} {len(result.paths)} files" if result.sha else "\n".join(result.paths))
    echo(f"\n{result.message}", nl=False)
