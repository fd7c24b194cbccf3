"""The commands that add clusters to a fleet, remove them, and list them: edits of clusters/."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from okd_gitops.cli.options import (
    AT,
    DRY_RUN,
    OUTPUT,
    RECORDS,
    Command,
    clock,
    cluster_names,
    root_of,
    writes,
)
from okd_gitops.cli.output import echo, print_result, print_table, show_findings

if TYPE_CHECKING:
    from okd_gitops.lifecycle.edit_clusters import Saved, Saving
    from okd_gitops.lifecycle.list_clusters import ListedCluster
    from okd_gitops.lifecycle.remove_cluster import Leaving, Removal

_AT_ONCE = 20


@click.group()
def cluster() -> None:
    """Add, remove and list clusters.

    Each command edits clusters/ and generates what follows from that, all or nothing, in the working tree. A
    pull request brings it to the fleet. Nothing is installed and no cluster is asked.
    """


def _edits(command: Command) -> Command:
    """Add the options of every command that edits clusters/."""
    committing = click.option("--commit", "committing", is_flag=True, help="Commit what was written.")

    return OUTPUT(committing(DRY_RUN(command)))


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
@click.option("--release", "version", default="", metavar="VERSION", help="Run this release.")
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
@_edits
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

    output, at, records = options.pop("output"), options.pop("at"), options.pop("records")
    saving = _saving(options)
    given = {key: value or "" for key, value in options.items()}
    saved = add_cluster(root_of(context), NewCluster(**given), records, saving, now=clock(at))

    body = {**_saved_as_json(saved), "unfinished": saved.unfinished, "findings": saved.findings}
    print_result(output, "ClusterNew", body, lambda: _print_new(saved, saving))


def _print_new(saved: "Saved", saving: "Saving") -> None:
    _print_saved(saved, saving)
    show_findings(saved.findings)

    if saved.unfinished:
        echo(f"next: replace FILL-IN in {', '.join(saved.unfinished)}, and run okd-gitops generate")
    else:
        _print_next(saved, saving)


@cluster.command()
@click.argument("name", shell_complete=cluster_names)
@_edits
@click.pass_context
@writes
def remove(context: click.Context, name: str, **options: Any) -> None:
    """Remove a cluster from the fleet.

    Removes its file, its extras and all that was generated for it, and lists what vanishes. A long-term
    cluster (cd, hub) takes two merged steps: the first run writes `decommission: true`, and a run after the
    merge removes it. The hub of the fleet is refused.
    """
    from okd_gitops.lifecycle.edit_clusters import drop_cluster

    output, saving = options.pop("output"), _saving(options)
    removal, saved = drop_cluster(root_of(context), name, saving)
    _print_result(output, "ClusterRemoval", removal, saved, lambda: _print_removal(removal, saved, saving))


@cluster.command()
@AT
@_edits
@click.pass_context
@writes
def expire(context: click.Context, at: str, **options: Any) -> None:
    """Remove ephemeral clusters whose end has passed.

    The end of a cluster is that of its last day, in UTC. Other purposes have no end. A cluster that HEAD has
    with another server, clusterID or purpose stays, with a warning. Without such a cluster there is nothing
    to do, and the exit code is 0.
    """
    from okd_gitops.lifecycle.edit_clusters import drop_expired

    output, saving = options.pop("output"), _saving(options)
    removal, saved = drop_expired(root_of(context), saving, now=clock(at))

    def as_text() -> None:
        if removal.leaving:
            _print_removal(removal, saved, saving)
        else:
            show_findings(removal.findings)
            echo("nothing to remove: no ephemeral cluster has passed its last day")

    _print_result(output, "ClusterExpiry", removal, saved, as_text)


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

    rows = listed_clusters(root_of(context), now=clock(at))
    print_result(output, "ClusterList", {"clusters": rows}, lambda: _print_list(rows))


def _print_list(rows: "list[ListedCluster]") -> None:
    cells = [
        (
            row.name,
            row.purpose,
            row.release or "-",
            "-" if row.age is None else f"{row.age}d",
            _end(row),
            ", ".join(row.owners),
        )
        for row in rows
    ]
    print_table(("NAME", "PURPOSE", "RELEASE", "AGE", "END", "OWNERS"), cells)


def _end(row: "ListedCluster") -> str:
    if row.end:
        return str(row.end)

    return "leaving" if row.is_leaving else "-"


def _saving(options: dict[str, Any]) -> "Saving":
    """Take out of the options of a command how its edit is saved."""
    from okd_gitops.lifecycle.edit_clusters import Saving

    return Saving(dry_run=options.pop("dry_run"), commit=options.pop("committing"))


def _print_result(
    output: str, kind: str, removal: "Removal", saved: "Saved", as_text: Callable[[], None]
) -> None:
    body = {
        **_saved_as_json(saved),
        "leaving": removal.leaving,
        "announcedOnly": removal.is_announced_only,
        "findings": removal.findings,
    }
    print_result(output, kind, body, as_text)


def _saved_as_json(saved: "Saved") -> dict[str, object]:
    edit, generated = saved.edited.edit, saved.edited.generated

    return {
        "put": sorted({*edit.put, *(generated.drift.put if generated else ())}),
        "delete": sorted({*edit.delete, *(generated.drift.delete if generated else ())}),
        "commit": saved.commit,
        "diff": saved.edited.diff,
    }


def _print_saved(saved: "Saved", saving: "Saving") -> None:
    """Print the difference of a dry run, or the files that were written and deleted."""
    if saving.dry_run:
        echo(saved.edited.diff, nl=False)
        return

    body = _saved_as_json(saved)
    _print_paths("write", body["put"])
    _print_paths("delete", body["delete"])


def _print_paths(verb: str, listed: Any) -> None:
    paths = [path for path in listed if not path.endswith(".sha256")]

    for path in paths[:_AT_ONCE]:
        echo(f"{verb:6} {path}")

    if len(paths) > _AT_ONCE:
        echo(f"… and {len(paths) - _AT_ONCE} more")


def _print_removal(removal: "Removal", saved: "Saved", saving: "Saving") -> None:
    _print_saved(saved, saving)

    for leaving in removal.leaving:
        _print_leaving(leaving, is_announced_only=removal.is_announced_only)

    show_findings(removal.findings)
    _print_next(saved, saving)

    if removal.is_announced_only:
        echo("then, when that is merged: run the same command again, and it removes the cluster")


def _print_leaving(leaving: "Leaving", *, is_announced_only: bool) -> None:
    verb = "will leave" if is_announced_only else "leaves"
    kinds = ", ".join(f"{count} {kind}" for kind, count in leaving.objects.items())
    fate = "Argo CD deletes them" if leaving.is_emptied else "they stay on the cluster"

    echo(f" {verb} the fleet", head=leaving.name, bold=True)
    echo(f"  objects: {kinds} ({fate})")
    echo(f"  application: {leaving.application or 'none: Argo CD does not know this cluster'}")
    echo(f"  wait for it before they take a release: {', '.join(leaving.waiting) or 'no other cluster'}")

    if leaving.commands and not is_announced_only:
        echo(
            "  Argo CD keeps its Application, so that no mistake in git loses it; when the removal is merged:"
        )
        for command in leaving.commands:
            echo(f"    {command}")


def _print_next(saved: "Saved", saving: "Saving") -> None:
    if saved.commit:
        echo(f"committed as {saved.commit[:12]}; next: push it on a branch, and open a pull request")
    elif not saving.dry_run:
        echo("next: okd-gitops check, then okd-gitops commit")
