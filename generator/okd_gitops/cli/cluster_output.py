"""What the `cluster` commands print: the edit, what vanishes with a cluster, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from okd_gitops.cli.branches import branch_as_json, print_branch
from okd_gitops.cli.output import echo, print_result, print_table, show_findings

if TYPE_CHECKING:
    from okd_gitops.lifecycle.edit_clusters import Saved, Saving
    from okd_gitops.lifecycle.list_clusters import ListedCluster
    from okd_gitops.lifecycle.registration import Registrations
    from okd_gitops.lifecycle.remove_cluster import Leaving
    from okd_gitops.manifests.objects import Object
    from okd_gitops.rollout.propose_clusters import Proposed

_AT_ONCE = 20


def print_saved(output: str, kind: str, saved: "Saved", saving: "Saving") -> None:
    """Print an edit that was made in the working tree, as text or as JSON of that kind."""
    print_result(output, kind, _as_json(saved), lambda: _print_edit(saved, saving))


def print_proposed(output: str, kind: str, proposed: "Proposed", files: Mapping[str, str]) -> None:
    """Print an edit that was made in a branch; `files` have the text of its pull request, by branch."""
    saved, branch = proposed.saved, proposed.branch

    def as_text() -> None:
        _print_leaving_clusters(saved)
        show_findings(saved.findings)

        if branch:
            print_branch(branch, files[branch.name])
        else:
            echo(saved.nothing)

    body = {**_as_json(saved), "branch": branch_as_json(branch) if branch else None}
    print_result(output, kind, body, as_text)


def print_registrations(output: str, done: "Registrations", *, dry_run: bool) -> None:
    """Print by name what was registered, forgotten and deleted: nothing of a Secret is shown."""
    names = {
        "registered": [_cluster_of(secret) for secret in done.register],
        "forgotten": [_cluster_of(secret) for secret in done.forget],
        "deleted": [cluster.name for cluster in done.delete],
    }

    def as_text() -> None:
        for verb, clusters in names.items():
            for name in clusters:
                echo(f"{name}: {'would be ' if dry_run else ''}{verb}")

        show_findings(done.findings)

        if not any(names.values()):
            echo("nothing to do: Argo CD knows every cluster that is installed")

    print_result(output, "Registration", {**names, "findings": done.findings}, as_text)


def _cluster_of(value: "Object") -> str:
    from okd_gitops.fleet.providers import CLUSTER

    return str(value["metadata"]["labels"][CLUSTER])


def print_list(rows: "Sequence[ListedCluster]") -> None:
    """Print the clusters of a fleet as a table."""
    cells = [
        (
            row.name,
            row.purpose,
            row.release or "-",
            "-" if row.age is None else f"{row.age}d",
            _end(row),
            row.asked_by or "-",
            "-" if row.node_hours is None else str(row.node_hours),
            ", ".join(row.owners),
        )
        for row in rows
    ]
    print_table(("NAME", "PURPOSE", "RELEASE", "AGE", "END", "ASKED BY", "NODE HOURS", "OWNERS"), cells)


def _end(row: "ListedCluster") -> str:
    if row.end:
        return str(row.end)

    return "leaving" if row.is_leaving else "-"


def _as_json(saved: "Saved") -> dict[str, object]:
    body = {**_paths_as_json(saved), "findings": saved.findings}

    if saved.removal is None:
        return {**body, "unfinished": saved.unfinished}

    return {**body, "leaving": saved.removal.leaving, "announcedOnly": saved.removal.is_announced_only}


def _paths_as_json(saved: "Saved") -> dict[str, object]:
    edit, generated = saved.edited.edit, saved.edited.generated

    return {
        "put": sorted({*edit.put, *(generated.drift.put if generated else ())}),
        "delete": sorted({*edit.delete, *(generated.drift.delete if generated else ())}),
        "commit": saved.commit,
        "diff": saved.edited.diff,
    }


def _print_edit(saved: "Saved", saving: "Saving") -> None:
    if saved.nothing:
        show_findings(saved.findings)
        echo(saved.nothing)
        return

    _print_files(saved, saving)
    _print_leaving_clusters(saved)
    show_findings(saved.findings)

    if saved.unfinished:
        echo(f"next: replace FILL-IN in {', '.join(saved.unfinished)}, and run okd-gitops generate")
    else:
        _print_next(saved, saving)

    if saved.removal and saved.removal.is_announced_only:
        echo("then, when that is merged: run the same command again, and it removes the cluster")


def _print_files(saved: "Saved", saving: "Saving") -> None:
    """Print the difference of a dry run, or the files that were written and deleted."""
    if saving.dry_run:
        echo(saved.edited.diff, nl=False)
        return

    body = _paths_as_json(saved)
    _print_paths("write", body["put"])
    _print_paths("delete", body["delete"])


def _print_paths(verb: str, listed: Any) -> None:
    paths = [path for path in listed if not path.endswith(".sha256")]

    for path in paths[:_AT_ONCE]:
        echo(f"{verb:6} {path}")

    if len(paths) > _AT_ONCE:
        echo(f"… and {len(paths) - _AT_ONCE} more")


def _print_leaving_clusters(saved: "Saved") -> None:
    for leaving in saved.removal.leaving if saved.removal else ():
        _print_leaving(leaving, is_announced_only=bool(saved.removal and saved.removal.is_announced_only))


def _print_leaving(leaving: "Leaving", *, is_announced_only: bool) -> None:
    verb = "will leave" if is_announced_only else "leaves"
    fate = "Argo CD deletes them" if leaving.is_emptied else "they stay on the cluster"

    if leaving.provider:
        fate = f"{leaving.provider} deletes the cluster with all that is on it"

    echo(f" {verb} the fleet", head=leaving.name, bold=True)
    echo(f"  objects: {f'{_listed(leaving.objects)} ({fate})' if leaving.objects else 'none'}")

    if leaving.on_hub:
        echo(f"  on the hub: {_listed(leaving.on_hub)} (Argo CD deletes them)")

    echo(f"  application: {leaving.application or 'none in this repository'}")
    echo(f"  wait for it before they take a release: {', '.join(leaving.waiting) or 'no other cluster'}")

    if leaving.commands and not is_announced_only:
        echo(
            "  Argo CD keeps its Application, so that no mistake in git loses it; when the removal is merged:"
        )
        for command in leaving.commands:
            echo(f"    {command}")


def _listed(counts: "Mapping[str, int]") -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _print_next(saved: "Saved", saving: "Saving") -> None:
    if saved.commit:
        echo(f"committed as {saved.commit[:12]}; next: git push origin HEAD:NEW-BRANCH, and a pull request")
    elif not saving.dry_run:
        echo("next: okd-gitops check, then okd-gitops commit")
