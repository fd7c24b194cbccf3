"""The commands that add clusters to a fleet, remove them, and list them: edits of clusters/."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from okd_gitops.cli.cluster_output import print_list, print_registrations
from okd_gitops.cli.completion import cluster_names, recorded_versions
from okd_gitops.cli.options import (
    AT,
    DRY_RUN,
    OUTPUT,
    RECORDS,
    clock,
    fleet_of,
    root_of,
    tools_of,
    writes,
)
from okd_gitops.cli.output import print_result
from okd_gitops.cli.save_edit import edits, save, way_of
from okd_gitops.cli.trials import tried, try_


@click.group()
def cluster() -> None:
    """Add, remove and list clusters.

    Each command edits clusters/ and generates what follows from that, all or nothing, in the working tree or,
    with --push, in a branch of its own. A pull request brings it to the fleet. No cluster is asked, but the
    hub by `register`.
    """


@cluster.command()
@click.argument("name")
@click.option("--purpose", type=click.Choice(["hub", "cd", "test", "ephemeral"]), help="What it is for.")
@click.option(
    "--like",
    default="",
    metavar="CLUSTER",
    shell_complete=cluster_names,
    help="Make it like this cluster: purpose, features, release.",
)
@click.option(
    "--release",
    "version",
    default="",
    metavar="VERSION",
    shell_complete=recorded_versions,
    help="Run this release.",
)
@click.option(
    "--provider",
    type=click.Choice(["hive-openstack", "hive-fake", "hypershift-agent"]),
    help="Let this provider install it, and delete it at its end.",
)
@click.option(
    "--installs",
    default="",
    metavar="VERSION",
    shell_complete=recorded_versions,
    help="Install this release first. The cluster then upgrades to --release.",
)
@click.option("--server", default="", metavar="URL", help="Address of its API server.")
@click.option("--cluster-id", default="", metavar="UUID", help="Its own clusterID.")
@click.option(
    "--environment",
    type=click.Choice(["okd", "kubernetes", "kind"]),
    help="Kind of API server. Default: that of --like, or okd.",
)
@click.option(
    "--expires", "lifetime", default="", metavar="3d", help="Remove it after so many days or hours."
)
@RECORDS
@AT
@edits
@click.pass_context
@writes
def new(context: click.Context, **options: Any) -> None:
    """Add a cluster to the fleet.

    Writes clusters/NAME.yaml. What nobody gave is written as FILL-IN with the command that tells it, and the
    rest follows with `okd-gitops generate`. The image of --release is that of the branch `records`. An
    ephemeral cluster must have --expires, whose last day (UTC) goes into the file, and must fit into
    `ephemeral` of fleet.yaml. --like never copies server, clusterID, wave, emergency and hold.
    """
    from okd_gitops.lifecycle.edit_clusters import add_cluster
    from okd_gitops.lifecycle.new_cluster import NewCluster

    way = way_of(options)
    request, now = NewCluster(**{key: value or "" for key, value in options.items()}), clock(way.at)
    # Without a release, nothing is taken from what the hub has recorded.
    way = replace(way, reads_records=bool(request.version))

    save(
        context,
        "ClusterNew",
        f"new-{request.name}",
        lambda folder, records, saving: add_cluster(folder, request, records, saving, now=now),
        way,
    )


@cluster.command()
@click.argument("name", shell_complete=cluster_names)
@edits
@click.pass_context
@writes
def remove(context: click.Context, name: str, **options: Any) -> None:
    """Remove a cluster from the fleet.

    Removes its file, its extras and all that was generated for it, and lists what vanishes. A long-term
    cluster (cd, hub) takes two merged steps: the first run writes `decommission: true`, and a run after the
    merge removes it. The hub of the fleet is refused.
    """
    from okd_gitops.lifecycle.edit_clusters import drop_cluster

    save(
        context,
        "ClusterRemoval",
        f"remove-{name}",
        lambda folder, _, saving: drop_cluster(folder, name, saving),
        way_of(options),
    )


@cluster.command()
@AT
@edits
@click.pass_context
@writes
def expire(context: click.Context, **options: Any) -> None:
    """Remove ephemeral clusters whose end has passed.

    The end of a cluster is that of its last day, in UTC. Other purposes have no end. A cluster that HEAD has
    with another server, clusterID or purpose stays, with a warning. Without such a cluster there is nothing
    to do, and the exit code is 0.
    """
    from okd_gitops.lifecycle.edit_clusters import drop_expired

    way = way_of(options)
    now = clock(way.at)

    save(
        context,
        "ClusterExpiry",
        "expire",
        lambda folder, _, saving: drop_expired(folder, saving, now=now),
        way,
    )


@cluster.command(name="list")
@AT
@OUTPUT
@click.pass_context
def list_(context: click.Context, *, at: str, output: str) -> None:
    """List clusters with age and end.

    The age counts from the commit that added the file; a shallow clone does not know it. Those that end first
    come first.
    """
    from okd_gitops.lifecycle.edit_clusters import listed_clusters

    rows = listed_clusters(root_of(context), now=clock(at), fleet=fleet_of(context))
    print_result(output, "ClusterList", {"clusters": rows}, lambda: print_list(rows))


@cluster.command()
@click.option(
    "--account",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("/var/run/secrets/kubernetes.io/serviceaccount"),
    show_default=True,
    help="Folder of the account on the hub: token and ca.crt.",
)
@click.option(
    "--api", default="https://kubernetes.default.svc", show_default=True, help="URL of the hub's API server."
)
@AT
@DRY_RUN
@OUTPUT
@click.pass_context
@writes
def register(context: click.Context, *, account: Path, api: str, at: str, dry_run: bool, output: str) -> None:
    """Register installed clusters in Argo CD, on the hub.

    For a job on the hub, beside Hive or HyperShift. A cluster that a provider has installed becomes known to
    Argo CD as ephemeral-NAME, and is forgotten when it is deleted. One whose end has passed is deleted,
    whatever git and Argo CD say. What a cluster of Hive tells of its nodes and its conformance suite is noted
    at its ClusterDeployment, for `release observe`. No kubeconfig is printed.
    """
    from okd_gitops.finding import exit_code_of
    from okd_gitops.lifecycle.guest import ask_guest
    from okd_gitops.lifecycle.register_clusters import register_clusters
    from okd_gitops.system.accounts import service_account
    from okd_gitops.system.http import Http
    from okd_gitops.system.hub import Hub

    known = service_account(account)
    tokens = {urlsplit(api).hostname or "": known.token}
    # A job on the hub has no repository: what is installed tells everything.
    answers = tools_of(context) / "answers"
    http = Http(answers, timeout=30, retries=1, tokens=tokens, authorities=known.authorities)
    hub = Hub(api=api.rstrip("/"), http=http)
    done = register_clusters(hub, partial(ask_guest, answers=answers), now=clock(at), write=not dry_run)
    print_registrations(output, done, dry_run=dry_run)
    code = exit_code_of(done.findings)

    if code:
        sys.exit(code)


cluster.add_command(try_)
cluster.add_command(tried)
