"""`okd-gitops release observe`: what the API of each cluster answers about its release."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.completion import cluster_names, references
from okd_gitops.cli.observed import hub_of, targets_of, targets_through_hive
from okd_gitops.cli.options import AT, DRY_RUN, OUTPUT, PUSH, REMOTE, clock, fleet_of, root_of, writes
from okd_gitops.cli.output import echo, print_result, show_error, show_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okd_gitops.evidence.ask_cluster import Target
    from okd_gitops.evidence.conclude import Result
    from okd_gitops.evidence.observe import Observed
    from okd_gitops.finding import Finding


@click.command()
@click.argument("clusters", nargs=-1, metavar="[CLUSTER]...", shell_complete=cluster_names)
@click.option(
    "--accounts",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with CLUSTER.token and CLUSTER.ca.crt.",
)
@click.option("--api", default="", help="URL of one cluster's API server. Default: its `server`.")
@click.option(
    "--account",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of one cluster's account: token and ca.crt.",
)
@click.option(
    "--hub-account",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of an account on the hub. Asks Hive about its clusters.",
)
@click.option(
    "--hub-api",
    default="https://kubernetes.default.svc",
    show_default=True,
    help="URL of the hub's API server, for --hub-account.",
)
@click.option(
    "--trials",
    default="",
    metavar="REF",
    shell_complete=references,
    help="Take over reports of trials from these records. A reference of this clone, fetched from the "
    "unattended repository.",
)
@click.option(
    "--patience",
    default="4h",
    show_default=True,
    metavar="TIME",
    help="Record a failure that lasts longer than this. Write it like 90m, 4h or 2d.",
)
@click.option(
    "--watch-age",
    default="6h",
    show_default=True,
    metavar="TIME",
    help="Fail if the watch has not run for this time.",
)
@click.option(
    "--test",
    "tests",
    multiple=True,
    metavar="NAME=URL",
    help="HTTPS URL that must answer with status 200. Repeatable. Only with one cluster.",
)
@AT
@PUSH
@REMOTE
@DRY_RUN
@OUTPUT
@click.pass_context
@writes
def observe(
    context: click.Context,
    *,
    clusters: tuple[str, ...],
    accounts: Path | None,
    api: str,
    account: Path | None,
    hub_account: Path | None,
    hub_api: str,
    trials: str,
    patience: str,
    watch_age: str,
    tests: tuple[str, ...],
    at: str,
    push: bool,
    remote: str,
    dry_run: bool,
    output: str,
) -> None:
    """Inspect clusters and record how their upgrades went.

    Asks the API of each cluster of the fleet, or of those that are named, about the release that Git names
    for it, and writes the branch records in one commit. A complete release that every node runs, with all
    operators healthy, is recorded as passed; one that has failed or been refused for longer than --patience
    as failed. With --hub-account, also the clusters that Hive has installed, by what Hive on the hub reports
    of them. Exits 1 if a cluster is another one than in its file, differs from Git, or passed and is
    unhealthy now, and 6 if a cluster cannot be reached; the others are recorded.
    """
    from okd_gitops.errors import first_code
    from okd_gitops.evidence.observe import Limits, bound
    from okd_gitops.evidence.observe import observe as run
    from okd_gitops.finding import exit_code_of

    root, now = root_of(context), clock(at)
    fleet = fleet_of(context)
    targets: list[Target] = []
    missing: list[Finding] = []

    hub = hub_of(context, hub_account, hub_api) if hub_account else None

    if hub:
        targets += targets_through_hive(fleet, clusters, hub, now)

    if accounts or account or not hub_account:
        asked, missing = targets_of(context, fleet, clusters, accounts, api, account, tests, now)
        targets += asked

    limits = Limits(now=now, patience=bound(patience), watch_age=bound(watch_age))
    result = run(
        root,
        fleet,
        targets,
        limits,
        hub=hub,
        trials=trials,
        write=not dry_run,
        remote=remote if push else "",
    )
    findings = [*result.all_findings, *missing]

    def as_text() -> None:
        for each in result.results:
            _print_result(each, dry_run=dry_run)

        for report in result.taken_over:
            echo(f"{report.path}: taken over, {'passed' if report.passed else 'failed'}")

        _print_ending(result, findings)

    print_result(output, "Observation", _as_json(result, findings), as_text)
    failure_code = result.failure.exit_code if result.failure else 0
    code = first_code({failure_code, exit_code_of(findings)})

    if code:
        sys.exit(code)


def _print_result(result: "Result", *, dry_run: bool) -> None:
    """Print what a cluster answered, and what became of its report."""
    echo(f"{result.cluster}: {result.reason}")
    evidence = result.evidence

    if evidence is None:
        return

    new = "would be recorded" if dry_run else "recorded"
    echo(f"{evidence.path}: {new if result.is_new else 'already recorded'}")

    if dry_run:
        echo(evidence.text(), nl=False)


def _print_ending(result: "Observed", findings: "Sequence[Finding]") -> None:
    if result.sha:
        echo(f"records: {result.sha[:12]}")

    show_findings(findings)

    if result.failure:
        show_error(result.failure)


def _as_json(result: "Observed", findings: "Sequence[Finding]") -> dict[str, object]:
    failure = result.failure
    error = {"reason": failure.reason, "remedy": failure.remedy} if failure else None
    clusters = [
        {
            "cluster": each.cluster,
            "reason": each.reason,
            "new": each.is_new,
            "evidence": each.evidence,
            "state": each.state,
        }
        for each in result.results
    ]

    return {
        "clusters": clusters,
        "trials": result.taken_over,
        "findings": findings,
        "commit": result.sha,
        "failure": error,
    }
