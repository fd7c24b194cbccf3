"""What check prints, as text and as JSON."""

from typing import TYPE_CHECKING

from okd_gitops.cli.output import echo, show_causes

if TYPE_CHECKING:
    from okd_gitops.check.change.change import ClusterChange
    from okd_gitops.check.change.judge_change import JudgedChange
    from okd_gitops.check.outcome import Report

# Of what does not count, so many are told by name; --output json has all.
_SHOWN = 20


def report_as_json(report: "Report") -> dict[str, object]:
    """Return the form that `--output json` prints; of a repository of others it is the same in each run."""
    from okd_gitops.report.causes import causes

    return {
        "clusters": report.clusters,
        "overlays": report.overlays,
        "documents": report.documents,
        "distinct": report.distinct,
        "withoutSchema": report.without_schema,
        "errors": report.errors,
        "warnings": len(report.findings) - report.errors,
        "findings": report.findings,
        "causes": [cause.as_json() for cause in causes(report.findings)],
        "ignored": report.ignored,
        "older": report.older,
        "baseline": {"known": report.known, "gone": [entry._asdict() for entry in report.gone]},
        # Seconds would make two runs differ.
        **({"ledger": report.ledger} if report.ledger else {"seconds": report.seconds}),
    }


def print_change(judged: "JudgedChange", report: "Report") -> None:
    """Print what is thought of a change."""
    change = judged.change
    show_causes(report.findings)

    for edit in change.trust_edits:
        echo(f" of {edit.field} at {edit.place}", head="trust edit", fg="red", bold=True)

    for cluster in change.clusters:
        echo(", ".join(filter(None, (f"{cluster.name}: {cluster.status}", _step(cluster)))))

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

    if old is None and new is None:
        return ", ".join(others)

    if cluster.release_changed or old is None or new is None:
        versions = f"{old.version if old else '-'} → {new.version if new else '-'}"
        return ", ".join([versions, *others])

    return ", ".join(others) or "same release"


def print_report(report: "Report") -> None:
    """Print the report of a check without a change of a fleet."""
    show_causes(report.findings, where="roots" if report.ledger else "clusters")
    _print_counts(report)
    _print_uncounted(report)

    if report.ledger is None:
        echo("no change was judged; --base COMMIT compares with a commit")
        return

    for line in report.ledger.lines():
        echo(line)
    if not report.documents:
        echo("nothing was judged: nothing here is deployed and can be rendered", err=True)


def _print_uncounted(report: "Report") -> None:
    """Print what was found and does not count, so that nobody takes it for absent."""
    if report.ignored:
        echo(f"comments hide {len(report.ignored)} findings")
    if report.base:
        echo(f"judged against {report.base[:12]}: {len(report.older)} older findings do not count")
        for finding in report.older[:_SHOWN]:
            echo(f"  there before: {finding.severity} {finding.name} at {finding.location}")
    if report.known:
        echo(f"the baseline has {len(report.known)} of the findings, which do not count")
    if report.gone:
        echo(f"gone, so --write-baseline makes the baseline smaller: {len(report.gone)} of its findings")
        for entry in report.gone[:_SHOWN]:
            echo(f"  gone: {entry.name} in {entry.file}: {entry.reason}")


def _print_counts(report: "Report") -> None:
    warnings = len(report.findings) - report.errors
    # Of what others wrote nobody knows how many clusters it is for.
    judged = (
        f"{report.overlays} roots"
        if report.ledger
        else f"{report.clusters} clusters, {report.overlays} overlays"
    )
    echo(
        f"{judged}, "
        f"{report.documents} documents ({report.distinct} distinct), "
        f"{report.without_schema} without schema, {report.errors} errors, {warnings} warnings"
    )
