"""`okd-gitops release record`: write what the sources publish to the branch `records`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.options import AT, DRY_RUN, OUTPUT, PUSH, REMOTE, writes
from okd_gitops.cli.output import echo, print_result, show_findings
from okd_gitops.cli.upgrades import network_of

if TYPE_CHECKING:
    from okd_gitops.upgrade.known import Network
    from okd_gitops.upgrade.record_releases import RecordedReleases


@click.command()
@click.option(
    "--release",
    "own",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Record this release of one of your own streams.",
)
@click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="NAME",
    help="Also record this stream, which no cluster follows yet. Repeatable.",
)
@PUSH
@REMOTE
@DRY_RUN
@AT
@OUTPUT
@click.pass_context
@writes
def record(
    context: click.Context,
    *,
    own: Path | None,
    streams: tuple[str, ...],
    push: bool,
    remote: str,
    dry_run: bool,
    at: str,
    output: str,
) -> None:
    """Record what the sources publish.

    Asks all sources and writes releases/VERSION.yaml on the branch `records`: digests, signatures, phase in
    each stream, edges with risks. Everything else judges offline by that branch. Without --push the branch of
    this clone is written. A run that finds nothing new writes nothing for an hour.

    It asks about the streams that clusters follow. Before the first cluster there is none: name it by
    --stream, and `cluster new --release` takes the image of a release from what was recorded.

    With --release, no source is asked: the file is the record of a release that the chain of a stream has
    published. It must be signed by a key that fleet.yaml pins for that stream.
    """
    from okd_gitops.upgrade.record_releases import record_releases

    root, network = network_of(context, at)

    if own:
        _record_own(root, own, network, remote=remote if push else "", output=output)
        return

    result = record_releases(
        root, network, streams, write=not dry_run, remote=remote if push else "", rehearsal=bool(at)
    )

    body = {"changed": result.changed, "commit": result.commit, "findings": result.findings}
    print_result(output, "Records", body, lambda: _print_records(result, dry_run=dry_run))


def _record_own(root: Path, own: Path, network: "Network", *, remote: str, output: str) -> None:
    from okd_gitops.upgrade.own_releases import record_own_release

    commit = record_own_release(root, own.name, own.read_bytes(), now=network.now, remote=remote)
    words = f"written as {commit[:12]}" if commit else "is there already"

    print_result(output, "Records", {"commit": commit}, lambda: echo(f"{own.name}: {words}"))


def _print_records(result: "RecordedReleases", *, dry_run: bool) -> None:
    new = "would be written" if dry_run else "written"

    for path in result.changed:
        echo(f"{path}: {new}")

    written = f"written as {result.commit[:12]}" if result.commit else "nothing was written"
    echo(f"records: {len(result.releases)} releases; {written}")
    show_findings(result.findings, limit=20)
