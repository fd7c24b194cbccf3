"""The command line of what changes a fleet: `okd-gitops release update` and `promote`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from okd_gitops.cli.output import OUTPUT, cache_of, progress, root_of, say
from okd_gitops.cli.release import (
    ACK,
    CLUSTER,
    TO,
    Command,
    network_options,
    print_moves,
    release,
    sources_of,
)

if TYPE_CHECKING:
    from okd_gitops.rollout.waves import Rollout


def _writes(command: Command) -> Command:
    """Add the options of the commands that make branches."""
    for option in (
        click.option(
            "--open",
            "opening",
            is_flag=True,
            help="Also open or update the pull requests; without a token, print the command.",
        ),
        click.option("--remote", default="origin", show_default=True, help="Where to push."),
        click.option(
            "--push",
            is_flag=True,
            help="Start from the remote's branch, and push with a lease. Implies --write.",
        ),
        click.option("--write", is_flag=True, help="Make the branches. Your open files are not touched."),
        click.option(
            "--dry-run", is_flag=True, help="Change nothing and show the pull requests; this is the default."
        ),
    ):
        command = option(command)
    return command


@release.command()
@TO
@CLUSTER
@ACK
@click.option(
    "--force",
    "forced",
    multiple=True,
    metavar="CLUSTER",
    help="Ephemeral clusters only: whatever speaks against it. Needs --to.",
)
@_writes
@network_options
@OUTPUT
@click.pass_context
def update(context: click.Context, /, **options: Any) -> None:
    """Start a release on the clusters that come first: a branch for the wave, a commit for each cluster,
    the pull request's text.

    With --at it is a rehearsal: its commits say so, and it is pushed to no remote that others see.
    """
    _advance(context, first=True, **options)


@release.command()
@TO
@CLUSTER
@ACK
@_writes
@network_options
@OUTPUT
@click.pass_context
def promote(context: click.Context, /, **options: Any) -> None:
    """Go on with the next waves: the clusters whose earlier waves reported passed, and for which the
    release has soaked.

    With --at it is a rehearsal: its commits say so, and it is pushed to no remote that others see.
    """
    _advance(context, first=False, **options)


def _advance(
    context: click.Context,
    *,
    output: str,
    at: str,
    offline: bool,
    opening: bool,
    dry_run: bool,
    write: bool,
    push: bool,
    **asked: Any,
) -> None:
    from dataclasses import asdict

    from okd_gitops.errors import UsageError
    from okd_gitops.rollout.open_pull_request import opening as run
    from okd_gitops.rollout.waves import Request, rollout

    if dry_run and (write or push or opening):
        raise UsageError("--dry-run changes nothing", "leave it out, or leave out --write, --push and --open")
    root, network = sources_of(context, at, offline=offline)
    request: Request = Request(write=write or push or opening, push=push or opening, rehearsal=at, **asked)
    done: Rollout = rollout(
        root, cache_of(context, root), network, request, now=network.now, say=progress(context)
    )
    requests = root_of(context) / ".okd-gitops" / "pull-requests"
    written = (
        [_written(requests, branch.name, branch.body) for branch in done.branches] if request.write else []
    )
    if output == "json":
        branches = [
            {**asdict(branch), "commits": [each.message for each in branch.commits]}
            for branch in done.branches
        ]
        print_moves(
            done.outlook,
            done.upgrades,
            output,
            "Rollout",
            {"branches": branches, "superseded": list(done.superseded)},
        )
    else:
        print_moves(done.outlook, done.upgrades, output, "Rollout")
        for branch, path in zip(done.branches, written or [""] * len(done.branches), strict=True):
            say(f"\n{branch.state} {branch.name}", bold=True)
            for each in branch.commits:
                say(f"  {each.sha[:12]} {each.message.splitlines()[0]}")
            say(f"  {branch.title}")
            # The joiners that break mentions on a forge are no text.
            say(f"  PR.md: {path}" if path else f"\n{branch.body}".replace("\u2060", ""))
        for name in done.superseded:
            say(f"superseded: {name}" + (" (closed)" if request.push else ""))
        if not done.branches:
            say("nothing moves now")
    for branch, path in zip(done.branches, written, strict=True) if opening else ():
        fleet, answers = done.outlook.repository.plan.fleet, cache_of(context, root) / "answers"
        say(run(fleet, branch, path, answers=answers, environment=os.environ), err=True)


def _written(folder: Path, name: str, body: str) -> str:
    """Write PR.md of a branch where git does not see it."""
    path = folder / name.replace("/", "--") / "PR.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    return os.path.relpath(path)


__all__ = ["release"]
