"""`okd-gitops release update` and `promote`: branches and pull requests of a release."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.branches import branch_as_json, open_pull_requests, print_branch, write_texts
from okd_gitops.cli.completion import cluster_names
from okd_gitops.cli.options import (
    ACK,
    AT,
    CLUSTER,
    OUTPUT,
    RECORDS,
    REMOTE,
    TO,
    Command,
    clock,
    network_options,
    root_of,
    tools_of,
    writes,
)
from okd_gitops.cli.output import echo, print_result, progress, show_findings
from okd_gitops.cli.upgrades import print_upgrades, sources_of, upgrades_as_json

if TYPE_CHECKING:
    from okd_gitops.rollout.request import Request
    from okd_gitops.rollout.waves import Rollout


_REOPEN = click.option(
    "--reopen",
    "reopened",
    multiple=True,
    metavar="CLUSTER",
    shell_complete=cluster_names,
    help="Propose again what a person closed for this cluster. Shell patterns; repeatable.",
)


def _branch_options(command: Command) -> Command:
    """Add the options of the commands that make branches."""
    dry_run = click.option(
        "--dry-run", is_flag=True, help="Change nothing; show the pull requests. This is the default."
    )
    write = click.option(
        "--write", is_flag=True, help="Create the branches locally. The working tree is not touched."
    )
    push = click.option(
        "--push",
        is_flag=True,
        help="Push the branches, with a lease. Starts from the remote's branch; implies --write.",
    )
    opening = click.option(
        "--open",
        "opening",
        is_flag=True,
        help="Open or update the pull requests. Implies --push. Without a token, prints the command.",
    )

    return dry_run(write(push(REMOTE(opening(command)))))


@click.command()
@TO
@CLUSTER
@ACK
@click.option(
    "--force",
    "forced",
    multiple=True,
    metavar="CLUSTER",
    shell_complete=cluster_names,
    help="Upgrade this ephemeral cluster even if checks refuse. Needs --to. Repeatable.",
)
@_REOPEN
@_branch_options
@RECORDS
@network_options
@OUTPUT
@click.pass_context
@writes
def update(
    context: click.Context,
    *,
    target: str,
    clusters: tuple[str, ...],
    acks: tuple[str, ...],
    forced: tuple[str, ...],
    reopened: tuple[str, ...],
    dry_run: bool,
    write: bool,
    push: bool,
    remote: str,
    opening: bool,
    records: str,
    offline: bool,
    at: str,
    output: str,
) -> None:
    """Start a release on the first wave.

    Makes a branch for the wave, a commit for each cluster, and the text of the pull request. With --at it is
    a rehearsal: its commits are marked, and it pushes only to a folder of this machine.
    """
    from okd_gitops.rollout.request import Request

    request = Request(
        first=True,
        target=target,
        clusters=clusters,
        acks=acks,
        forced=forced,
        reopened=reopened,
        write=write,
        push=push,
        remote=remote,
        records=records,
        rehearsal=at,
    )
    _advance(context, request, dry_run=dry_run, opening=opening, offline=offline, output=output)


@click.command()
@TO
@CLUSTER
@ACK
@_REOPEN
@_branch_options
@RECORDS
@network_options
@OUTPUT
@click.pass_context
@writes
def promote(
    context: click.Context,
    *,
    target: str,
    clusters: tuple[str, ...],
    acks: tuple[str, ...],
    reopened: tuple[str, ...],
    dry_run: bool,
    write: bool,
    push: bool,
    remote: str,
    opening: bool,
    records: str,
    offline: bool,
    at: str,
    output: str,
) -> None:
    """Continue a release on the next waves.

    Upgrades the clusters whose earlier waves have reported that the release passed, and have soaked it. With
    --at it is a rehearsal: its commits are marked, and it pushes only to a folder of this machine.
    """
    from okd_gitops.rollout.request import Request

    request = Request(
        first=False,
        target=target,
        clusters=clusters,
        acks=acks,
        reopened=reopened,
        write=write,
        push=push,
        remote=remote,
        records=records,
        rehearsal=at,
    )
    _advance(context, request, dry_run=dry_run, opening=opening, offline=offline, output=output)


@click.command()
@click.argument("cluster", shell_complete=cluster_names)
@_branch_options
@RECORDS
@AT
@OUTPUT
@click.pass_context
@writes
def adopt(
    context: click.Context,
    *,
    cluster: str,
    dry_run: bool,
    write: bool,
    push: bool,
    remote: str,
    opening: bool,
    records: str,
    at: str,
    output: str,
) -> None:
    """Follow CLUSTER after an upgrade by hand.

    Takes the release that the hub saw it run, and makes a branch in which its file names that. A release that
    is lower, of another digest or, on a long-term cluster, without a good signature is refused.
    """
    from okd_gitops.rollout.adopt import adopt as run
    from okd_gitops.rollout.request import Request
    from okd_gitops.rollout.waves import Rollout

    options = Request(first=False, write=write, push=push, remote=remote, records=records, rehearsal=at)
    request = _completed(options, dry_run=dry_run, opening=opening)
    root = root_of(context)
    cache = tools_of(context)
    adoption = run(root, cache, cluster, request, now=clock(at), say=progress(context))
    made = (adoption.branch,) if adoption.branch else ()
    result = Rollout(outlook=adoption.outlook, upgrades=(adoption.upgrade,), branches=made)
    files = write_texts(root, result.branches) if request.write else {}

    body = {"branches": [branch_as_json(branch) for branch in made], "moves": [adoption.upgrade]}
    print_result(output, "Adoption", body, lambda: _print_adoption(result, files))

    if opening:
        open_pull_requests(result.outlook.fleet.spec, made, files, answers=cache / "answers")


def _print_adoption(result: "Rollout", files: dict[str, str]) -> None:
    for branch in result.branches:
        print_branch(branch, files.get(branch.name, ""))

    if not result.branches:
        cluster = result.upgrades[0].cluster
        echo(f"Git names already what {cluster.name} runs: {cluster.version.text}")


def _advance(
    context: click.Context, request: "Request", *, dry_run: bool, opening: bool, offline: bool, output: str
) -> None:
    from okd_gitops.rollout.open_pull_request import is_closed
    from okd_gitops.rollout.request import fleet_of
    from okd_gitops.rollout.waves import rollout

    request = _completed(request, dry_run=dry_run, opening=opening)
    root, network = sources_of(context, request.rehearsal, request.records, offline=offline)
    cache = tools_of(context)
    answers = cache / "answers"

    def is_closed_on_forge(branch: str, sha: str) -> bool:
        return opening and is_closed(fleet_of(root), branch, sha, answers=answers, environment=os.environ)

    result = rollout(
        root,
        cache,
        network,
        request,
        now=network.now,
        say=progress(context),
        is_closed=is_closed_on_forge,
    )
    files = write_texts(root, result.branches) if request.write else {}

    body = {
        **upgrades_as_json(result.outlook, result.upgrades, result.findings),
        "branches": [branch_as_json(branch) for branch in result.branches],
        "superseded": result.superseded,
    }
    print_result(output, "Rollout", body, lambda: _print_rollout(result, files, closed=request.push))

    if opening:
        open_pull_requests(result.outlook.fleet.spec, result.branches, files, answers=answers)


def _completed(request: "Request", *, dry_run: bool, opening: bool) -> "Request":
    """Return the request with what its options imply; raises UsageError when --dry-run contradicts them."""
    from okd_gitops.errors import UsageError

    if dry_run and (request.write or request.push or opening):
        raise UsageError("--dry-run changes nothing", "leave it out, or leave out --write, --push and --open")

    pushes = request.push or opening

    return replace(request, push=pushes, write=request.write or pushes)


def _print_rollout(result: "Rollout", files: dict[str, str], *, closed: bool) -> None:
    print_upgrades(result.outlook, result.upgrades)

    for branch in result.branches:
        print_branch(branch, files.get(branch.name, ""))

    for name in result.superseded:
        echo(f"superseded: {name}" + (" (closed)" if closed else ""))

    if not result.branches:
        echo("no cluster is upgraded now")

    show_findings(result.findings, limit=10)
