"""Commands on the files of a repository: generate, diff, commit."""

import gc
import sys
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.completion import cluster_names, references
from okd_gitops.cli.options import (
    CLUSTER,
    OUTPUT,
    root_of,
    tools_of,
    writes,
)
from okd_gitops.cli.output import echo, print_result, print_table, progress, show_findings

if TYPE_CHECKING:
    from okd_gitops.check.diff import Difference
    from okd_gitops.generate.commit import Committed
    from okd_gitops.generate.generate import Generated
    from okd_gitops.system.unchanged import Result

_SHOWN_CHANGES = 30
_DIFF_COLORS = {"+": "green", "-": "red", "@": "cyan"}
_VERBS = ("added", "changed", "removed")


@click.command()
@click.option("--check", "checking", is_flag=True, help="Write nothing; exit 3 if any file would change.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print the changes as a diff.")
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="GLOB",
    shell_complete=cluster_names,
    help="Write only matching clusters and what they use. Repeatable.",
)
@click.option(
    "--force",
    "forced",
    multiple=True,
    metavar="PATH",
    help="Overwrite this hand-edited or foreign file or folder. Repeatable.",
)
@OUTPUT
@click.pass_context
@writes
def generate(
    context: click.Context,
    *,
    checking: bool,
    dry_run: bool,
    clusters: tuple[str, ...],
    forced: tuple[str, ...],
    output: str,
) -> None:
    """Write bases/, overlays/ and argocd/ from clusters/.

    Either all files are written, or none. A generated file that was edited by hand and a foreign file are
    never overwritten: the run stops, shows the difference and exits 3.
    """
    from okd_gitops.system.unchanged import Earlier

    # What is left in circles goes with the end of the run.
    gc.disable()
    root = root_of(context)
    # A person who names files or clusters wants them looked at.
    is_plain = not (clusters or forced or dry_run)
    earlier = Earlier(root, tools_of(context), "generate") if is_plain else None
    unchanged = earlier.result() if earlier else None

    if unchanged:
        _print_unchanged(unchanged, output, checking=checking)
        return

    from okd_gitops.fleet.kept_placeholders import kept_placeholders
    from okd_gitops.fleet.placeholders import as_warnings
    from okd_gitops.generate.compare import stale
    from okd_gitops.generate.generate import diff_text
    from okd_gitops.generate.generate import generate as run
    from okd_gitops.system.kept import Kept

    writes_files = not (checking or dry_run)
    result = run(
        root,
        clusters=clusters,
        forced=forced,
        write=writes_files,
        cache=tools_of(context),
        files=earlier.files if earlier else None,
    )

    drift = result.drift
    stand_in = kept_placeholders(result.fleet.documents, Kept.of(root, tools_of(context)))
    notes = [*result.fleet.notes, *as_warnings(stand_in)]
    findings = [*drift.refused, *(stale(drift) if checking else [])]

    def as_text() -> None:
        if drift.refused:
            echo("".join(drift.diffs.values()), nl=False)
        elif dry_run:
            echo(diff_text(root, drift), nl=False)
        elif result.written:
            _list_changes(result)

        show_findings([*notes, *findings])
        verb = "would change" if checking or dry_run or drift.refused else "changed"
        counts = f"{len(result.fleet.clusters)} clusters, {len(result.wanted)} files"
        echo(f"{counts}, {drift.changes} {verb}")

    body = {
        "put": sorted(drift.put),
        "delete": sorted(drift.delete),
        "written": result.written,
        "clusters": len(result.fleet.clusters),
        "findings": [*notes, *findings],
    }
    print_result(output, "Generate", body, as_text)

    if findings:
        sys.exit(3)

    if earlier and not drift.changes:
        earlier.keep({"clusters": len(result.fleet.clusters), "files": len(result.wanted)}, notes)


def _print_unchanged(result: "Result", output: str, *, checking: bool) -> None:
    """Print what a run without a change prints."""
    clusters, files = result.counts["clusters"], result.counts["files"]
    body = {
        "put": [],
        "delete": [],
        "written": False,
        "clusters": clusters,
        "findings": list(result.warnings),
    }

    def as_text() -> None:
        show_findings(result.warnings)
        echo(f"{clusters} clusters, {files} files, 0 {'would change' if checking else 'changed'}")

    print_result(output, "Generate", body, as_text)


def _list_changes(result: "Generated") -> None:
    """Print the files that were written or deleted, without the records of ownership."""
    drift = result.drift
    verbs = dict.fromkeys(drift.put, "write") | dict.fromkeys(drift.delete, "delete")
    paths = [path for path in sorted(verbs) if not path.endswith(".sha256")]

    for path in paths[:_SHOWN_CHANGES]:
        echo(f"{verbs[path]:6} {path}")

    if len(paths) > _SHOWN_CHANGES:
        echo(f"… and {len(paths) - _SHOWN_CHANGES} more")


@click.command()
@click.option(
    "--base",
    default="HEAD",
    show_default=True,
    metavar="COMMIT",
    shell_complete=references,
    help="Compare with this commit.",
)
@CLUSTER
@click.option("--stat", "is_short", is_flag=True, help="Count the objects of each cluster; show no lines.")
@OUTPUT
@click.pass_context
def diff(
    context: click.Context, *, base: str, clusters: tuple[str, ...], is_short: bool, output: str
) -> None:
    """Show what changes on each cluster since a commit.

    Rendered objects are compared. A change that several clusters share is shown once, with their names.
    """
    from okd_gitops.check.diff import FOLDERS
    from okd_gitops.check.diff import diff as run
    from okd_gitops.system.commit_files import files_at
    from okd_gitops.system.kept import Kept
    from okd_gitops.system.unchanged import Earlier

    # What is left in circles goes with the end of the run.
    gc.disable()
    root, cache = root_of(context), tools_of(context)
    files = Earlier(root, cache, "diff").files
    old = files_at(root, base, FOLDERS, files, cache)
    kept = Kept.of(root, cache)
    result = run(root, cache, old, say=progress(context), files=files, kept=kept)

    if clusters:
        from okd_gitops.finding import matching_names

        result = result.of(matching_names(clusters, result.clusters, kind="cluster"))

    body = {"changes": result.changes, "untouched": result.untouched}
    print_result(
        output, "Diff", body, lambda: print_counts(result) if is_short else _print_difference(result)
    )


def print_counts(result: "Difference") -> None:
    """Print how many objects each cluster gets, changes and loses."""
    rows = [(cluster, *(str(counts[verb]) for verb in _VERBS)) for cluster, counts in result.counts()]
    print_table(("cluster", *_VERBS), rows)
    _print_total(result)


def _print_difference(result: "Difference") -> None:
    overlays: tuple[str, ...] = ()

    for change in result.changes:
        if change.overlays != overlays:
            overlays = change.overlays
            echo(f"== {', '.join(overlays)}", bold=True)

        echo(f"{change.verb} {change.object}")

        for line in change.diff.splitlines()[2:]:
            echo(line, fg=_DIFF_COLORS.get(line[:1]))

    _print_total(result)


def _print_total(result: "Difference") -> None:
    verbs = [change.verb for change in result.changes]
    counts = ", ".join(f"{verbs.count(verb)} {verb}" for verb in _VERBS)
    echo(f"{counts} (identical changes counted once); {len(result.untouched)} overlays untouched")


@click.command()
@click.option(
    "-m", "--message", "subject", default="", help="Subject line. Default: the clusters that changed."
)
@click.option("--dry-run", is_flag=True, help="Commit nothing; print the message and the paths.")
@OUTPUT
@click.pass_context
@writes
def commit(context: click.Context, subject: str, *, dry_run: bool, output: str) -> None:
    """Commit cluster files together with what they generate.

    Commits fleet.yaml, clusters/, catalog/ and the generated folders, and nothing else. Your Git hooks and
    your signing settings apply.
    """
    from okd_gitops.generate.commit import commit as run
    from okd_gitops.system.unchanged import Earlier

    # What is left in circles goes with the end of the run.
    gc.disable()
    root, cache = root_of(context), tools_of(context)
    files = Earlier(root, cache, "commit").files
    result = run(root, subject=subject, dry_run=dry_run, cache=cache, files=files)

    body = {"paths": result.paths, "message": result.message, "commit": result.sha}
    print_result(output, "Commit", body, lambda: _print_commit(result))


def _print_commit(result: "Committed") -> None:
    if not result.paths:
        echo("nothing to commit: the cluster files and the generated folders are as in HEAD")
        return

    echo(f"{result.sha[:12]} {len(result.paths)} files" if result.sha else "\n".join(result.paths))
    echo(f"\n{result.message}", nl=False)
