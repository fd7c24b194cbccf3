"""The command line of `okd-gitops release`: options and printing."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from okd_gitops.cli.evidence import observe, record
from okd_gitops.cli.output import AT, OUTPUT, cache_of, clock, print_json, root_of, say, show_findings

if TYPE_CHECKING:
    from okd_gitops.upgrade.decide import Upgrade
    from okd_gitops.upgrade.known import Network
    from okd_gitops.upgrade.plan import Outlook

Command = Callable[..., Any]
_COLORS = {"done": "green", "upgrade": "cyan", "wait": "yellow", "refuse": "red"}
TO = click.option(
    "--to",
    "target",
    default="",
    metavar="VERSION",
    help="Towards this release; default: the newest that each cluster may take.",
)
CLUSTER = click.option(
    "--cluster", "clusters", multiple=True, metavar="GLOB", help="Only these clusters. Repeatable."
)
ACK = click.option(
    "--ack",
    "acks",
    multiple=True,
    metavar="NAME",
    help="An administrator's acknowledgement that you give. Repeatable.",
)


@click.group()
def release() -> None:
    """Find releases, plan upgrades, and move the fleet wave by wave.

    All state is in git: pins in clusters/, reports in evidence/. `update` starts a release on the first wave,
    Argo CD applies what people merge, the cluster reports, and `promote` goes on with the next wave once the
    report says passed and the release has soaked.
    """


release.add_command(record)
release.add_command(observe)


def network_options(command: Command) -> Command:
    """Add the options of every command that asks the sources."""
    command = click.option("--offline", is_flag=True, help="Use recorded answers only; ask nobody.")(command)
    return AT(command)


def sources_of(context: click.Context, at: str, *, offline: bool) -> "tuple[Path, Network]":
    from okd_gitops.system.http import Http
    from okd_gitops.upgrade.known import Network

    root = root_of(context)
    token = os.environ.get("GITHUB_TOKEN", "")
    http = Http(
        cache_of(context, root) / "answers",
        offline=offline,
        tokens={"api.github.com": token} if token else {},
    )
    return root, Network(http=http, now=clock(at))


@release.command("list")
@click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="STREAM",
    help="Only this stream; default: those that clusters follow. Repeatable.",
)
@click.option("--all", "everything", is_flag=True, help="Also releases that no stream accepts.")
@network_options
@OUTPUT
@click.pass_context
def list_(
    context: click.Context, *, streams: tuple[str, ...], everything: bool, offline: bool, at: str, output: str
) -> None:
    """List releases, newest first, as all sources together say them; where they disagree is a finding."""
    from okd_gitops.upgrade.listing import listing

    root, network = sources_of(context, at, offline=offline)
    found = listing(root, network, streams, everything=everything)
    if output == "json":
        print_json(
            "ReleaseList",
            {
                "releases": [item.as_json() for item in found.releases],
                "findings": [finding.as_json() for finding in found.learned.findings],
            },
        )
        return
    rows = [
        (
            item.version.text,
            ", ".join(item.streams) or ("withdrawn" if item.withdrawn else "not accepted"),
            f"{item.published:%Y-%m-%d}" if item.published else "",
            item.signed.partition("@")[2][:19] or "no digest",
        )
        for item in found.releases
    ]
    _table(("release", "streams", "published", "signed image"), rows)
    show_findings(found.learned.findings, limit=20)


@release.command()
@click.argument("version")
@network_options
@OUTPUT
@click.pass_context
def show(context: click.Context, *, version: str, offline: bool, at: str, output: str) -> None:
    """Show one release: both digests, its signature, and the edges to it and from it."""
    from okd_gitops.upgrade.listing import show as run

    root, network = sources_of(context, at, offline=offline)
    found = run(root, network, version)
    edges = {"from": list(found.before), "fromConditional": list(found.conditional), "to": list(found.after)}
    if output == "json":
        print_json("Release", {**found.release.as_json(), "signature": found.trust.as_json(), "edges": edges})
        return
    for name, value in found.release.as_json().items():
        say(f"{name:12} {', '.join(value) if isinstance(value, list) else value}")
    verdict = (
        f"verified by {found.trust.fingerprint.upper()}"
        if found.trust.verified
        else click.style("NOT verified", fg="red")
    )
    say(f"{'signature':12} {verdict}")
    for name, versions in edges.items():
        say(
            f"{name:12} {', '.join(versions[-8:]) or '-'}"
            + (f" and {len(versions) - 8} more" if len(versions) > 8 else "")
        )
    show_findings(found.trust.findings)


@release.command()
@TO
@CLUSTER
@ACK
@network_options
@OUTPUT
@click.pass_context
def plan(
    context: click.Context,
    *,
    target: str,
    clusters: tuple[str, ...],
    acks: tuple[str, ...],
    offline: bool,
    at: str,
    output: str,
) -> None:
    """Say for each cluster which release comes next, by which path, and whether now. Exit 5 when a cluster
    that was asked for is blocked.
    """
    from okd_gitops.upgrade.plan import matching, outlook

    root, network = sources_of(context, at, offline=offline)
    seen = outlook(root, network, now=network.now, target=target, acks=acks)
    found = matching(seen.upgrades, clusters)
    print_moves(seen, found, output, "Plan")
    if (target or clusters) and any(upgrade.decision.verdict == "refuse" for upgrade in found):
        sys.exit(5)


@release.command()
@network_options
@OUTPUT
@click.pass_context
def status(context: click.Context, *, offline: bool, at: str, output: str) -> None:
    """Show where the fleet stands: what each cluster runs and reported, what comes next and when, which
    branches are open.
    """
    from okd_gitops.rollout.open_branches import PREFIX
    from okd_gitops.system.branches import local_heads
    from okd_gitops.upgrade.plan import outlook

    root, network = sources_of(context, at, offline=offline)
    seen = outlook(root, network, now=network.now)
    reports = list(seen.evidence)
    branches = sorted(local_heads(root, f"{PREFIX}*"))
    extra = {"evidence": [report.model_dump(mode="json") for report in reports], "branches": branches}
    print_moves(seen, seen.upgrades, output, "Status", extra)
    if output == "text":
        _table(
            ("evidence of", "release", "result", "finished"),
            [
                (r.cluster, r.version, "passed" if r.passed else "FAILED", f"{r.finished:%Y-%m-%d %H:%M}")
                for r in reports
            ],
        )
        for name in branches:
            say(f"open branch  {name}")


def print_moves(
    seen: "Outlook", found: "Sequence[Upgrade]", output: str, kind: str, extra: dict[str, Any] | None = None
) -> None:
    values = [upgrade.as_json() for upgrade in found]
    if output == "json":
        trust = {image: trust_of.as_json() for image, trust_of in seen.trust.items()}
        findings = [finding.as_json() for finding in (*seen.repository.notes, *seen.learned.findings)]
        print_json(kind, {"moves": values, "trust": trust, "findings": findings, **(extra or {})})
        return
    rows = []
    for value in values:
        route = " → ".join([value["version"], *(hop["to"] for hop in value["hops"])])
        rows.append((value["cluster"], str(value["wave"]), route, value["verdict"]))
    _table(("cluster", "wave", "path", "now"), rows)
    for value in values:
        if value["name"] and value["verdict"] != "done":
            until = f" until {value['until']}" if value["until"] else ""
            near = (
                f"; the nearest release that can be reached is {value['nearest']}" if value["nearest"] else ""
            )
            said = f": {value['reason']} [{value['name']}]{until}{near}"
            say(said, head=value["cluster"], fg=_COLORS[value["verdict"]])
            for each in value["refused"][:5]:
                say(f"  {each['reason']} [{each['name']}]")
            say(f"  fix: {value['remedy']}")
        for hop in value["hops"]:
            for one in hop["barriers"]:
                say(
                    f"{value['cluster']}: by hand for {hop['to']}, {one['name']}: {one['message']} {one['url']}".rstrip()
                )
    signatures = [finding for trust_of in seen.trust.values() for finding in trust_of.findings]
    show_findings([*signatures, *seen.repository.notes, *seen.learned.findings], limit=10)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for number, row in enumerate([head, *rows]):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        say(line, bold=number == 0)


@release.command()
@click.argument("git_dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--max",
    "limit",
    type=click.IntRange(1, 100_000),
    default=5000,
    show_default=True,
    help="How many commits to look at, newest first.",
)
@AT
@OUTPUT
def replay(git_dir: Path, limit: int, at: str, output: str) -> None:
    """Say of each change of a ClusterVersion in a repository's history what okd-gitops would have said.
    The repository is only read.

    With --at, of the changes that were there at that time.
    """
    from dataclasses import asdict

    from okd_gitops.check.replay import replay as run

    result = run(git_dir, limit, until=clock(at) if at else None)
    if output == "json":
        body = {
            "changes": [asdict(said) for said in result.said],
            "counts": result.counts,
            "unread": list(result.unread),
        }
        print_json("Replay", {**body, "commits": result.commits, "shallow": result.shallow})
        return

    for said in result.said:
        channel = (
            said.new_channel
            if said.old_channel == said.new_channel
            else f"{said.old_channel or '-'} → {said.new_channel or '-'}"
        )
        before = "ran elsewhere before" if said.elsewhere else "ran nowhere else before"
        moved = (
            f"{said.start or '-'} → {said.target or '-'}" if said.start != said.target else said.target or "-"
        )
        say(
            f"{said.day} {said.commit[:9]} {said.kind:13} {said.cluster:20} {moved}  [{channel or '-'}]  {before}  {said.path}"
        )
        for fault in said.faults:
            say(f"    {fault}", fg="yellow")
    for line in result.unread:
        say(f"not read: {line}", err=True)
    for name, count in result.counts.items():
        say(f"{count:6} {name}")
    say(
        f"{result.commits:6} commits change such files"
        + ("; this clone is shallow: there is more" if result.shallow else "")
    )
