"""`okd-gitops release`: the group, and the commands that show releases: list, show, verify, replay."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.completion import recorded_versions
from okd_gitops.cli.observe import observe
from okd_gitops.cli.options import AT, OUTPUT, RECORDS, clock, fleet_of, network_options
from okd_gitops.cli.output import echo, print_result, print_table, settings, show_findings
from okd_gitops.cli.record import record
from okd_gitops.cli.rollout import adopt, promote, update
from okd_gitops.cli.upgrades import plan, sources_of

if TYPE_CHECKING:
    from okd_gitops.check.history import JudgedPastChange
    from okd_gitops.check.replay import Replay
    from okd_gitops.releases.cross_check import Release
    from okd_gitops.upgrade.listing import Listing, Shown

_SHOWN_EDGES = 8


@click.group()
def release() -> None:
    """Find releases, plan upgrades and roll them out.

    All state is in Git: the release of each cluster in clusters/, what the hub has seen on the branch
    `records`. `record` writes what the sources publish there, `observe` how clusters are. `update` starts a
    release on the first wave. People merge and Argo CD applies. `promote` continues with the next wave when
    every earlier wave has passed and soaked.
    """


for _command in (adopt, observe, plan, promote, record, update):
    release.add_command(_command)


@release.command("list")
@click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="STREAM",
    help="List only this stream. Default: streams that clusters follow. Repeatable.",
)
@click.option("--all", "everything", is_flag=True, help="Include releases that no stream accepts.")
@RECORDS
@network_options
@OUTPUT
@click.pass_context
def list_(
    context: click.Context,
    *,
    streams: tuple[str, ...],
    everything: bool,
    records: str,
    offline: bool,
    at: str,
    output: str,
) -> None:
    """List releases, newest first.

    Combines the answers of all sources. A disagreement between sources is a finding.
    """
    from okd_gitops.upgrade.listing import listing

    root, network = sources_of(context, at, records, offline=offline)
    result = listing(root, network, streams, everything=everything, fleet=fleet_of(context))

    body = {"releases": result.releases, "findings": result.learned.findings}
    print_result(output, "ReleaseList", body, lambda: _print_releases(result))


def _print_releases(result: "Listing") -> None:
    rows = [_release_row(item) for item in result.releases]
    print_table(("release", "streams", "published", "signed image"), rows)
    show_findings(result.learned.findings, limit=20)


def _release_row(item: "Release") -> tuple[str, str, str, str]:
    state = "withdrawn" if item.withdrawn else "not accepted"
    published = f"{item.published:%Y-%m-%d}" if item.published else ""
    from okd_gitops.releases.version import digest_of

    digest = digest_of(item.signed)[:19]

    return item.version.text, ", ".join(item.streams) or state, published, digest or "no digest"


@release.command()
@click.argument("version", shell_complete=recorded_versions)
@RECORDS
@network_options
@OUTPUT
@click.pass_context
def show(context: click.Context, *, version: str, records: str, offline: bool, at: str, output: str) -> None:
    """Show digests, signature and edges of one release."""
    result = _shown(context, version, records, at, offline=offline)

    edges = {"from": result.before, "fromConditional": result.conditional, "to": result.after}
    body = {**result.release.as_json(), "signature": result.trust, "edges": edges}
    print_result(output, "Release", body, lambda: _print_release(result, edges))


@release.command()
@click.argument("version", shell_complete=recorded_versions)
@RECORDS
@network_options
@OUTPUT
@click.pass_context
def verify(
    context: click.Context, *, version: str, records: str, offline: bool, at: str, output: str
) -> None:
    """Verify the signature of one release.

    Checks the signature of its image with the keys that fleet.yaml pins, and shows what the keys are for.
    Exits 5 if it is not good.
    """
    result = _shown(context, version, records, at, offline=offline)
    trust = result.trust

    def as_text() -> None:
        echo(f"{'image':16} {result.release.signed or '-'}")
        _print_signature(result)
        show_findings(trust.findings)

    print_result(output, "Signature", {"image": result.release.signed, **trust.as_json()}, as_text)

    if not trust.verified:
        sys.exit(5)


def _shown(context: click.Context, version: str, records: str, at: str, *, offline: bool) -> "Shown":
    from okd_gitops.evidence.records import read_records
    from okd_gitops.upgrade.listing import show as run

    root, sources = sources_of(context, at, records, offline=offline)

    return run(root, sources, read_records(root, records), version, now=sources.now)


def _print_signature(result: "Shown") -> None:
    if not result.trust.verified:
        click.echo(f"{'signature':16} {click.style('NOT verified', fg='red')}", color=settings.color)
        return

    echo(f"{'signature':16} verified by {result.trust.fingerprint.upper()}")

    for use in result.trust.uses:
        for limit, values in (("streams", use.streams), ("purposes", use.purposes)):
            if values:
                echo(f"{'':16} for {limit} {', '.join(sorted(values))}")


def _print_release(result: "Shown", edges: dict[str, tuple[str, ...]]) -> None:
    for name, value in result.release.as_json().items():
        echo(f"{name:16} {_shown_value(value)}")

    _print_signature(result)

    for name, versions in edges.items():
        more = f" and {len(versions) - _SHOWN_EDGES} more" if len(versions) > _SHOWN_EDGES else ""
        echo(f"{name:16} {', '.join(versions[-_SHOWN_EDGES:]) or '-'}{more}")

    show_findings(result.trust.findings)


def _shown_value(value: object) -> str:
    """Return a field of a release for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"

    if isinstance(value, list):
        value = ", ".join(value)

    return str(value or "-")


@release.command()
@click.argument("git_dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--max",
    "limit",
    type=click.IntRange(1, 100_000),
    default=5000,
    show_default=True,
    help="Read at most this many commits, newest first.",
)
@AT
@OUTPUT
def replay(git_dir: Path, limit: int, at: str, output: str) -> None:
    """Judge the past release changes of a repository.

    Reports what okd-gitops would have flagged in each change of a ClusterVersion in the history of GIT_DIR,
    which is only read. With --at, later commits are left out.
    """
    from okd_gitops.check.replay import replay as run

    result = run(git_dir, limit, until=clock(at) if at else None)

    body = {
        "changes": result.changes,
        "counts": result.counts,
        "unread": result.unread,
        "commits": result.commits,
        "shallow": result.shallow,
    }
    print_result(output, "Replay", body, lambda: _print_replay(result))


def _print_replay(result: "Replay") -> None:
    for change in result.changes:
        _print_past_change(change)

    for line in result.unread:
        echo(f"not read: {line}", err=True)

    for name, count in result.counts.items():
        echo(f"{count:6} {name}")

    shallow = "; this clone is shallow, so older commits are missing" if result.shallow else ""
    echo(f"{result.commits:6} commits change such files{shallow}")


def _print_past_change(change: "JudgedPastChange") -> None:
    versions = _step(change.start, change.target)
    channel = _step(change.old_channel, change.new_channel)
    before = "ran elsewhere before" if change.elsewhere else "ran nowhere else before"
    echo(
        f"{change.day} {change.commit[:9]} {change.kind:13} {change.cluster:20} {versions}  "
        f"[{channel}]  {before}  {change.path}"
    )

    for fault in change.faults:
        echo(f"    {fault}", fg="yellow")


def _step(old: str, new: str) -> str:
    """Return both values of a change, or the one value that stayed."""
    return new or "-" if old == new else f"{old or '-'} → {new or '-'}"
