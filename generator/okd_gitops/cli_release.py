"""The command line of `okd-gitops release`: options and printing."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from okd_gitops.terminal import OUTPUT, cache_of, print_json, progress, root_of, show_findings

if TYPE_CHECKING:
    from okd_gitops.commands.release.network import Network
    from okd_gitops.commands.release.outlook import Outlook
    from okd_gitops.commands.release.rollout import Rollout
    from okd_gitops.moves import Move

Command = Callable[..., Any]
_COLORS = {"done": "green", "upgrade": "cyan", "wait": "yellow", "refuse": "red"}
_TO = click.option("--to", "target", default="", metavar="VERSION", help="Towards this release; default: the newest that each cluster may take.")
_CLUSTER = click.option("--cluster", "clusters", multiple=True, metavar="GLOB", help="Only these clusters. Repeatable.")
_ACK = click.option("--ack", "acks", multiple=True, metavar="NAME", help="An administrator's acknowledgement that you give. Repeatable.")


@click.group()
def release() -> None:
    """Find releases, plan upgrades, and move the fleet wave by wave.

    All state is in git: pins in clusters/, reports in evidence/. `update` starts a release on the first wave, Argo CD applies what people
    merge, the cluster reports, and `promote` goes on with the next wave once the report says passed and the release has soaked.
    """


def _network(command: Command) -> Command:
    """Add the options of every command that asks the sources."""
    command = click.option("--offline", is_flag=True, help="Use recorded answers only; ask nobody.")(command)
    at = "Decide as if it were this time (UTC, like 2026-11-21T12:00:00Z): a rehearsal, and commits say so."
    return click.option("--at", "at", default="", metavar="TIME", help=at)(command)


def _clock(at: str) -> datetime:
    from datetime import UTC

    from okd_gitops.errors import UsageError

    if not at:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.strptime(f"{at}+0000", "%Y-%m-%dT%H:%M:%SZ%z")
    except ValueError:
        raise UsageError(f'"{at}" is not a time', "write it like 2026-11-21T12:00:00Z") from None


def _sources(context: click.Context, at: str, *, offline: bool) -> "tuple[Path, Network]":
    from okd_gitops.commands.release.network import Network
    from okd_gitops.http import Http

    root = root_of(context)
    token = os.environ.get("GITHUB_TOKEN", "")
    http = Http(cache_of(context, root) / "answers", offline=offline, tokens={"api.github.com": token} if token else {})
    return root, Network(root=root, http=http, now=_clock(at))


@release.command("list")
@click.option("--stream", "streams", multiple=True, metavar="STREAM", help="Only this stream; default: those that clusters follow. Repeatable.")
@click.option("--all", "everything", is_flag=True, help="Also releases that no stream accepts.")
@_network
@OUTPUT
@click.pass_context
def list_(context: click.Context, *, streams: tuple[str, ...], everything: bool, offline: bool, at: str, output: str) -> None:
    """List releases, newest first, as all sources together say them; where they disagree is a finding."""
    from okd_gitops.commands.release.listing import listing

    root, network = _sources(context, at, offline=offline)
    found = listing(root, network, streams, everything=everything)
    if output == "json":
        print_json(
            "ReleaseList",
            {"releases": [item.as_json() for item in found.releases], "findings": [finding.as_json() for finding in found.learned.findings]},
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
@_network
@OUTPUT
@click.pass_context
def show(context: click.Context, *, version: str, offline: bool, at: str, output: str) -> None:
    """Show one release: both digests, its signature, and the edges to it and from it."""
    from okd_gitops.commands.release.listing import show as run

    root, network = _sources(context, at, offline=offline)
    found = run(root, network, version)
    trust = {"verified": found.trust.verified, "fingerprint": found.trust.fingerprint, "reasons": list(found.trust.reasons)}
    edges = {"from": list(found.before), "fromConditional": list(found.conditional), "to": list(found.after)}
    if output == "json":
        print_json("Release", {**found.release.as_json(), "signature": trust, "edges": edges})
        return
    for name, value in found.release.as_json().items():
        click.echo(f"{name:12} {', '.join(value) if isinstance(value, list) else value}")
    verdict = f"verified by {found.trust.fingerprint.upper()}" if found.trust.verified else click.style("NOT verified", fg="red")
    click.echo(f"{'signature':12} {verdict}" + "".join(f"\n{'':12} {reason}" for reason in found.trust.reasons))
    for name, versions in edges.items():
        click.echo(f"{name:12} {', '.join(versions[-8:]) or '-'}" + (f" and {len(versions) - 8} more" if len(versions) > 8 else ""))


@release.command()
@_TO
@_CLUSTER
@_ACK
@_network
@OUTPUT
@click.pass_context
def plan(context: click.Context, *, target: str, clusters: tuple[str, ...], acks: tuple[str, ...], offline: bool, at: str, output: str) -> None:
    """Say for each cluster which release comes next, by which path, and whether now. Exit 5 when a cluster that was asked for is blocked."""
    from okd_gitops.commands.release.outlook import matching, outlook

    root, network = _sources(context, at, offline=offline)
    seen = outlook(root, network, now=network.now, target=target, acks=acks)
    found = matching(seen.moves, clusters)
    _print_moves(seen, found, output, "Plan")
    if (target or clusters) and any(move.decision.verdict == "refuse" for move in found):
        sys.exit(5)


@release.command()
@_network
@OUTPUT
@click.pass_context
def status(context: click.Context, *, offline: bool, at: str, output: str) -> None:
    """Show where the fleet stands: what each cluster runs and reported, what comes next and when, which branches are open."""
    from okd_gitops import git
    from okd_gitops.commands.release.outlook import outlook
    from okd_gitops.commands.release.rollout import PREFIX

    root, network = _sources(context, at, offline=offline)
    seen = outlook(root, network, now=network.now)
    reports = list(seen.evidence)
    branches = sorted(git.branches(root, "", f"{PREFIX}*"))
    extra = {"evidence": [report.model_dump(mode="json") for report in reports], "branches": branches}
    _print_moves(seen, seen.moves, output, "Status", extra)
    if output == "text":
        _table(
            ("evidence of", "release", "result", "finished"),
            [(r.cluster, r.version, "passed" if r.passed else "FAILED", f"{r.finished:%Y-%m-%d %H:%M}") for r in reports],
        )
        for name in branches:
            click.echo(f"open branch  {name}")


def _print_moves(seen: "Outlook", found: "Sequence[Move]", output: str, kind: str, extra: dict[str, Any] | None = None) -> None:
    values = [move.as_json() for move in found]
    if output == "json":
        trust = {image: {"verified": t.verified, "fingerprint": t.fingerprint, "reasons": list(t.reasons)} for image, t in seen.trust.items()}
        findings = [finding.as_json() for finding in seen.learned.findings]
        print_json(kind, {"moves": values, "trust": trust, "findings": findings, **(extra or {})})
        return
    rows = []
    for value in values:
        route = " → ".join([value["version"], *(hop["to"] for hop in value["hops"])])
        rows.append((value["cluster"], str(value["wave"]), route, value["verdict"]))
    _table(("cluster", "wave", "path", "now"), rows)
    for value in values:
        if value["code"] and value["verdict"] != "done":
            until = f" until {value['until']}" if value["until"] else ""
            near = f"; the nearest release that can be reached is {value['nearest']}" if value["nearest"] else ""
            click.echo(f"{click.style(value['cluster'], fg=_COLORS[value['verdict']])}: {value['reason']} [{value['code']}]{until}{near}")
            for each in value["refused"][:5]:
                click.echo(f"  {each['reason']} [{each['code']}]")
    for image, trust_of in seen.trust.items():
        for reason in trust_of.reasons:
            click.echo(f"signature of {image[-12:]}: {reason}")
    show_findings(seen.learned.findings, limit=10)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for number, row in enumerate([head, *rows]):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.secho(line, bold=number == 0)


def _writes(command: Command) -> Command:
    """Add the options of the commands that make branches."""
    for option in (
        click.option("--open", "opening", is_flag=True, help="Also open or update the pull requests; without a token, print the command."),
        click.option("--remote", default="origin", show_default=True, help="Where to push."),
        click.option("--push", is_flag=True, help="Start from the remote's branch, and push with a lease. Implies --write."),
        click.option("--write", is_flag=True, help="Make the branches. Your open files are not touched."),
        click.option("--dry-run", is_flag=True, help="Change nothing and show the pull requests; this is the default."),
    ):
        command = option(command)
    return command


@release.command()
@_TO
@_CLUSTER
@_ACK
@click.option("--force", "forced", multiple=True, metavar="CLUSTER", help="Ephemeral clusters only: whatever speaks against it. Needs --to.")
@_writes
@_network
@OUTPUT
@click.pass_context
def update(context: click.Context, /, **options: Any) -> None:
    """Start a release on the clusters that come first: a branch for the wave, a commit for each cluster, the pull request's text."""
    _advance(context, first=True, **options)


@release.command()
@_TO
@_CLUSTER
@_ACK
@_writes
@_network
@OUTPUT
@click.pass_context
def promote(context: click.Context, /, **options: Any) -> None:
    """Go on with the next waves: the clusters whose earlier waves reported passed, and for which the release has soaked."""
    _advance(context, first=False, **options)


def _advance(
    context: click.Context, *, output: str, at: str, offline: bool, opening: bool, dry_run: bool, write: bool, push: bool, **asked: Any
) -> None:
    from dataclasses import asdict

    from okd_gitops.commands.release.opening import opening as run
    from okd_gitops.commands.release.rollout import Request, rollout
    from okd_gitops.errors import UsageError

    if dry_run and (write or push or opening):
        raise UsageError("--dry-run changes nothing", "leave it out, or leave out --write, --push and --open")
    root, network = _sources(context, at, offline=offline)
    request: Request = Request(write=write or push or opening, push=push or opening, rehearsal=at, **asked)
    done: Rollout = rollout(root, cache_of(context, root), network, request, now=network.now, say=progress(context))
    requests = root_of(context) / ".okd-gitops" / "pull-requests"
    written = [_written(requests, branch.name, branch.body) for branch in done.branches] if request.write else []
    if output == "json":
        branches = [{**asdict(branch), "commits": [each.message for each in branch.commits]} for branch in done.branches]
        _print_moves(done.outlook, done.moves, output, "Rollout", {"branches": branches, "superseded": list(done.superseded)})
    else:
        _print_moves(done.outlook, done.moves, output, "Rollout")
        for branch, path in zip(done.branches, written or [""] * len(done.branches), strict=True):
            click.secho(f"\n{branch.state} {branch.name}", bold=True)
            for each in branch.commits:
                click.echo(f"  {each.sha[:12]} {each.message.splitlines()[0]}")
            click.echo(f"  {branch.title}")
            click.echo(f"  PR.md: {path}" if path else f"\n{branch.body}")
        for name in done.superseded:
            click.echo(f"superseded: {name}" + (" (closed)" if request.push else ""))
        if not done.branches:
            click.echo("nothing moves now")
    for branch, path in zip(done.branches, written, strict=True) if opening else ():
        fleet, answers = done.outlook.repository.plan.fleet, cache_of(context, root) / "answers"
        click.echo(run(fleet, branch, path, answers=answers, environment=os.environ), err=True)


def _written(folder: Path, name: str, body: str) -> str:
    """Write PR.md of a branch where git does not see it."""
    path = folder / name.replace("/", "--") / "PR.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    return os.path.relpath(path)


@release.command()
@click.argument("cluster")
@click.option("--version", required=True, help="The release that the cluster completed.")
@click.option("--image", required=True, help="Its image by digest: status.history[0].image.")
@click.option("--finished", default="", metavar="TIME", help="When, UTC, like 2026-11-21T12:00:00Z; default: now.")
@click.option("--passed/--failed", required=True, help="The result.")
@click.option(
    "--operators", type=click.Choice(["healthy", "degraded", "unknown"]), default="unknown", show_default=True, help="All cluster operators."
)
@click.option("--test", "tests", multiple=True, metavar="NAME=passed|failed", help="A test and its result. Repeatable.")
@click.option("--reason", default="", help="Why it failed.")
@click.option("--push", is_flag=True, help="Commit it on the fleet's branch and push that.")
@click.option("--remote", default="origin", show_default=True, help="Where to push.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print the report.")
@OUTPUT
@click.pass_context
def record(
    context: click.Context,
    /,
    *,
    cluster: str,
    finished: str,
    tests: tuple[str, ...],
    push: bool,
    remote: str,
    dry_run: bool,
    output: str,
    **said: Any,
) -> None:
    """Record what CLUSTER reported after an upgrade, in evidence/. Written by the Task of upgrade-evidence, or by hand; once for each release."""
    from okd_gitops.commands.release.record import record as run
    from okd_gitops.evidence import report_of

    report = report_of(cluster=cluster, finished=_clock(finished), tests=tests, **said)
    done = run(root_of(context), report, write=not dry_run, remote=remote if push else "")
    if output == "json":
        print_json("Evidence", {"path": done.path, "new": done.new, "commit": done.sha, "text": done.text})
    else:
        click.echo(f"{done.path}: {'recorded' if done.new else 'was there already'}" + (f", pushed as {done.sha[:12]}" if done.sha else ""))
        if dry_run:
            click.echo(done.text, nl=False)
