"""`okd-gitops status`: the whole fleet from Git, and what of it needs a person."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.completion import references
from okd_gitops.cli.fleet_from_git import fleet_from_git
from okd_gitops.cli.options import AT, CLUSTER, OUTPUT, RECORDS, clock, fleet_of, root_of
from okd_gitops.cli.output import echo, print_result, print_table

if TYPE_CHECKING:
    from okd_gitops.fleet.load import Fleet
    from okd_gitops.lifecycle.list_clusters import ListedCluster
    from okd_gitops.report.fleet_status import ClusterStatus, FleetStatus

_COLORS = {"done": "green", "upgrade": "cyan", "wait": "yellow", "refuse": "red"}
# The table must fit 100 columns; a version is never cut.
_LONGEST_NAME = 18
_LONGEST_RELEASE = 35


@click.command()
@CLUSTER
@click.option(
    "--attention", "only_attention", is_flag=True, help="Print only what needs a person, a line each."
)
@click.option(
    "--since",
    default="",
    metavar="REF",
    shell_complete=references,
    help="Leave out what the records at REF told. Only with --attention. Each day begins anew.",
)
@RECORDS
@AT
@OUTPUT
@click.pass_context
def status(
    context: click.Context,
    *,
    clusters: tuple[str, ...],
    only_attention: bool,
    since: str,
    records: str,
    at: str,
    output: str,
) -> None:
    """Show where every cluster stands.

    Reads the cluster files and the records of the hub; asks no network. Shows the release of each cluster,
    its evidence, what comes next and when, who waits for whom, and what differs from Git. With --attention,
    exits 1 if something needs a person.
    """
    from okd_gitops.errors import UsageError
    from okd_gitops.report.attention import attention

    if since and not only_attention:
        raise UsageError("--since is for --attention alone", "add --attention")

    root, now = root_of(context), clock(at)
    fleet = fleet_of(context)
    seen = fleet_from_git(root, fleet, records, now, clusters)
    lines = attention(seen)

    if since:
        lines = _new_lines(lines, root, fleet, since, now, clusters)

    if only_attention:
        print_result(output, "Attention", {"attention": lines}, lambda: _print_lines(lines))
        sys.exit(1 if lines else 0)

    rows = _ending(root, seen, now)

    print_result(output, "Status", _as_json(seen, lines, rows), lambda: _print_status(seen, lines, rows))


def _ending(root: Path, seen: "FleetStatus", now: datetime) -> "list[ListedCluster]":
    """Return the shown clusters that have an end, those that end first before the others."""
    from okd_gitops.lifecycle.committed import read_committed
    from okd_gitops.lifecycle.list_clusters import list_clusters

    shown = {cluster.name for cluster in seen.clusters}
    rows = list_clusters(seen.fleet, read_committed(root), now)

    return [row for row in rows if row.end and row.name in shown]


def _new_lines(
    lines: list[str], root: Path, fleet: "Fleet", reference: str, now: datetime, patterns: tuple[str, ...]
) -> list[str]:
    """Return the lines that the records of a reference did not give on the same day.

    A message that was lost, and what nobody has mended, comes again on the next day.
    """
    from okd_gitops.report.attention import attention
    from okd_gitops.system import git

    then = git.committed_at(root, git.resolve(root, reference))

    if then.date() != now.date():
        return lines

    told = set(attention(fleet_from_git(root, fleet, reference, then, patterns)))

    return [line for line in lines if line not in told]


def _as_json(seen: "FleetStatus", lines: list[str], rows: "list[ListedCluster]") -> dict[str, object]:
    from okd_gitops.report.attention import JOBS, is_dead, last_run
    from okd_gitops.times import time_text

    jobs = {}

    for job in JOBS:
        ran = last_run(seen, job)
        jobs[job.name] = {"ran": time_text(ran) if ran else None, "dead": is_dead(seen, job)}

    return {
        "clusters": list(seen.clusters),
        "ending": rows,
        "jobs": jobs,
        "records": seen.records.commit or None,
        "branches": list(seen.branches),
        "removals": list(seen.removals),
        "missing": [{"what": what, "remedy": remedy} for what, remedy in seen.missing],
        "attention": lines,
    }


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        echo(line)


def _print_status(seen: "FleetStatus", lines: list[str], rows: "list[ListedCluster]") -> None:
    from okd_gitops.report.attention import JOBS, is_dead, job_words

    print_table(("cluster", "purpose", "wave", "release", "evidence", "next"), list(map(_row, seen.clusters)))

    for cluster in seen.clusters:
        _print_cluster(cluster)

    for row in rows:
        echo(f": {_life(row)}", head=row.name)

    for job in JOBS:
        color = "red" if is_dead(seen, job) else None
        echo(f": {job_words(seen, job)}", head=job.name, fg=color)

    for removal in seen.removals:
        echo(f": {removal.words(seen.now)}", head=removal.cluster, fg="yellow")

    for name in seen.branches:
        echo(f"open branch: {name}")

    for what, remedy in seen.missing:
        echo(f": {what}", head="missing", fg="yellow")
        echo(f"  fix: {remedy}")

    if lines:
        need = "needs" if len(lines) == 1 else "need"
        echo(f"{len(lines)} of these {need} a person: okd-gitops status --attention", bold=True)


def _life(row: "ListedCluster") -> str:
    """Return how old a cluster is, when it ends, who asked for it and what it used, as far as git knows."""
    words = [f"ends {row.end}"]

    if row.age is not None:
        words.insert(0, f"{row.age} {'day' if row.age == 1 else 'days'} old")

    if row.asked_by:
        words.append(f"asked for by {row.asked_by}")

    if row.node_hours is not None:
        words.append(f"{row.node_hours} node hours")

    return ", ".join(words)


def _row(cluster: "ClusterStatus") -> tuple[str, ...]:
    from okd_gitops.redaction import one_line

    spec = cluster.cluster.spec
    verdict = str(cluster.decision.verdict) if cluster.decision else "-"

    return (
        one_line(cluster.name, _LONGEST_NAME),
        str(spec.purpose),
        str(cluster.cluster.wave),
        one_line(cluster.runs, _LONGEST_RELEASE),
        _evidence(cluster),
        verdict,
    )


def _evidence(cluster: "ClusterStatus") -> str:
    evidence = cluster.evidence

    if evidence:
        return f"{'passed' if evidence.passed else 'FAILED'} {evidence.finished:%Y-%m-%d}"

    return "none" if cluster.cluster.spec.release else "-"


def _print_cluster(cluster: "ClusterStatus") -> None:
    """Print what the table has no room for: the next release, and what is not as it should be."""
    if cluster.expired:
        echo(f": expired, its last day was {cluster.cluster.spec.expires}", head=cluster.name, fg="yellow")

    for text in cluster.states:
        echo(f": {text}", head=cluster.name, fg="yellow")

    for what, remedy in cluster.differences:
        echo(f": {what}", head=cluster.name, fg="yellow")

        if remedy:
            echo(f"  fix: {remedy}")

    _print_next(cluster)


def _print_next(cluster: "ClusterStatus") -> None:
    decision = cluster.decision

    if decision is None or decision.verdict == "done":
        return

    target = f" {cluster.target}" if cluster.target else ""
    until = f", not before {decision.until:%Y-%m-%d %H:%M} UTC" if decision.until else ""
    waits = f", waits for {', '.join(cluster.waits_for)}" if cluster.waits_for else ""
    echo(f": next{target or ' release'}{until}{waits}", head=cluster.name, fg=_COLORS[decision.verdict])

    if decision.name:
        echo(f"  {decision.reason} [{decision.name}]")
        echo(f"  fix: {decision.remedy}")
    else:
        echo(f"  go: okd-gitops release {cluster.command}")
