"""`okd-gitops release record`: write what the sources publish to the branch `records`."""

from typing import TYPE_CHECKING

import click

from okd_gitops.cli.options import AT, DRY_RUN, OUTPUT, PUSH, REMOTE
from okd_gitops.cli.output import echo, print_result, show_findings
from okd_gitops.cli.upgrades import network_of

if TYPE_CHECKING:
    from okd_gitops.upgrade.record_releases import RecordedReleases


@click.command()
@PUSH
@REMOTE
@DRY_RUN
@AT
@OUTPUT
@click.pass_context
def record(context: click.Context, *, push: bool, remote: str, dry_run: bool, at: str, output: str) -> None:
    """Record what the sources publish.

    Asks all sources and writes releases/VERSION.yaml on the branch `records`: digests, signatures, phase in
    each stream, edges with risks. Everything else judges offline by that branch. Without --push the branch of
    this clone is written. A run that finds nothing new writes nothing for an hour.
    """
    from okd_gitops.upgrade.record_releases import record_releases

    root, network = network_of(context, at)
    result = record_releases(
        root, network, write=not dry_run, remote=remote if push else "", rehearsal=bool(at)
    )

    body = {"changed": result.changed, "commit": result.commit, "findings": result.findings}
    print_result(output, "Records", body, lambda: _print_records(result, dry_run=dry_run))


def _print_records(result: "RecordedReleases", *, dry_run: bool) -> None:
    new = "would be written" if dry_run else "written"

    for path in result.changed:
        echo(f"{path}: {new}")

    written = f"written as {result.commit[:12]}" if result.commit else "nothing was written"
    echo(f"records: {len(result.releases)} releases; {written}")
    show_findings(result.findings, limit=20)
