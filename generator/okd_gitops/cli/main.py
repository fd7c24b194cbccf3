"""The command line: options and printing. Click is used here and in __main__ alone; everything heavy is
imported by its command.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops import __version__
from okd_gitops.cli.output import (
    AT,
    OUTPUT,
    cache_of,
    clock,
    print_json,
    progress,
    root_of,
    say,
    settings,
    show_findings,
    tools_of,
)
from okd_gitops.cli.rollout import release
from okd_gitops.cli.serve import serve
from okd_gitops.errors import EXIT_CODES

if TYPE_CHECKING:
    from okd_gitops.fleet.feature import Catalog

_EPILOG = (
    "Exit codes: "
    + "; ".join(f"{code} {text.split(':')[0].split(';')[0]}" for code, text in EXIT_CODES.items())
    + "."
)


@click.group(
    epilog=_EPILOG,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "OKD_GITOPS",
        "max_content_width": 110,
    },
)
@click.version_option(__version__, prog_name="okd-gitops")
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    help="The repository; default: the nearest folder with fleet.yaml.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Tools and schemas; default: .cache in the repository.",
)
@click.option(
    "--color/--no-color", default=None, help="Default: only on a terminal, and never with NO_COLOR."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress lines.")
@click.pass_context
def cli(
    context: click.Context, root: Path | None, cache: Path | None, *, color: bool | None, quiet: bool
) -> None:
    """Write, check and explain a GitOps repository for OKD clusters.

    People edit clusters/NAME.yaml; `generate` writes bases/, overlays/ and argocd/; people review the change;
    Argo CD syncs what is merged. Start with: okd-gitops generate, then okd-gitops check.
    """
    context.color = settings["color"] = False if os.environ.get("NO_COLOR") and color is None else color
    context.obj = {"root": root, "cache": cache, "quiet": quiet}


def _catalog(context: click.Context) -> "Catalog":
    """Read the catalog as the repository has it; outside of one, as it comes with the tool."""
    from okd_gitops.errors import UsageError
    from okd_gitops.generate.load import load_repository_catalog

    try:
        root: Path | None = root_of(context)
    except UsageError:
        root = None
    return load_repository_catalog(root)


@cli.command()
@click.argument("name", required=False, default="")
@click.option(
    "--purpose",
    type=click.Choice(["hub", "cd", "test", "ephemeral"]),
    default=None,
    help="What the cluster is for.",
)
@click.option(
    "--environment",
    type=click.Choice(["okd", "kubernetes", "kind"]),
    default=None,
    help="What kind of API server it has.",
)
@click.pass_context
def init(context: click.Context, name: str, purpose: str | None, environment: str | None) -> None:
    """Start a repository here, or with NAME add clusters/NAME.yaml. Existing files are never overwritten."""
    from okd_gitops.lifecycle.init import init as run

    root = context.obj["root"] or (root_of(context) if name else Path.cwd())
    written = run(
        root,
        cluster=name,
        purpose=purpose or ("test" if name else "hub"),
        environment=environment or ("okd" if name else "kind"),
    )
    for path in written:
        say(f"wrote {path}")
    say("next: edit them where they say EXAMPLE or FILL-IN, then okd-gitops generate")


def _cluster_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - the signature is Click's
    """Complete the names of clusters, from wherever in the repository."""
    folders = [folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "clusters").is_dir()][:1]
    return sorted(
        path.stem for folder in folders for path in (folder / "clusters").glob(f"{incomplete}*.yaml")
    )


@cli.command()
@click.option("--check", "checking", is_flag=True, help="Write nothing; exit 3 when anything would change.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would change as a diff.")
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="GLOB",
    shell_complete=_cluster_names,
    help="Only these clusters' overlays, and what they use. Repeatable.",
)
@click.option(
    "--force",
    "forced",
    multiple=True,
    metavar="PATH",
    help="Overwrite or delete this file although it is not ours. Repeatable.",
)
@OUTPUT
@click.pass_context
def generate(
    context: click.Context,
    *,
    checking: bool,
    dry_run: bool,
    clusters: tuple[str, ...],
    forced: tuple[str, ...],
    output: str,
) -> None:
    """Write bases/, overlays/ and argocd/ from the cluster files, all or nothing."""
    from okd_gitops.generate.generate import diff_text, stale
    from okd_gitops.generate.generate import generate as run

    root = root_of(context)
    result = run(root, clusters=clusters, forced=forced, write=not (checking or dry_run))
    drift, plan = result.drift, result.repository.plan
    findings = [*drift.refused, *(stale(drift) if checking else [])]
    notes = result.repository.notes
    if output == "json":
        body = {
            "put": sorted(drift.put),
            "delete": sorted(drift.delete),
            "written": result.written,
            "clusters": len(plan.clusters),
        }
        print_json("Generate", {**body, "findings": [finding.as_json() for finding in (*notes, *findings)]})
    else:
        if drift.refused:
            say("".join(drift.diffs.values()), nl=False)
        elif dry_run:
            say(diff_text(root, drift), nl=False)
        else:
            _list_changes(
                [*((path, "write") for path in drift.put), *((path, "delete") for path in drift.delete)]
            )
        show_findings([*notes, *findings])
        what = "would change" if checking or dry_run or drift.refused else "changed"
        say(f"{len(plan.clusters)} clusters, {len(result.repository.wanted)} files, {drift.changes} {what}")
    if findings:
        sys.exit(3)


def _list_changes(changes: list[tuple[str, str]], *, limit: int = 30) -> None:
    shown = [(path, verb) for path, verb in sorted(changes) if not path.endswith(".sha256")]
    for path, verb in shown[:limit]:
        say(f"{verb:6} {path}")
    if len(shown) > limit:
        say(f"… and {len(shown) - limit} more")


@cli.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--kubernetes", metavar="MINOR", help="Schemas for a FOLDER that okd-gitops did not write, e.g. 1.33."
)
@AT
@OUTPUT
@click.pass_context
def check(context: click.Context, folder: Path | None, kubernetes: str | None, at: str, output: str) -> None:
    """Check everything: drift, builds, schemas, rules.

    With FOLDER, check a repository that others wrote: every kustomization that no other one uses. Nothing is
    fetched, and nothing from the repository is run. What could not be checked is a finding or exit 4, never a
    pass.
    """
    from okd_gitops.check import check as command

    today = clock(at).date()
    if folder is None or (kubernetes is None and command.is_ours(folder.resolve())):
        root = folder.resolve() if folder else root_of(context)
        report = command.check(
            root, tools_of(context) if folder else cache_of(context, root), today=today, say=progress(context)
        )
    else:
        minor = kubernetes or command.DEFAULT_KUBERNETES
        report = command.check_foreign(
            folder.resolve(), tools_of(context), kubernetes=minor, today=today, say=progress(context)
        )
    warnings = len(report.findings) - report.errors
    counts = {
        "clusters": report.clusters,
        "overlays": report.overlays,
        "documents": report.documents,
        "distinct": report.distinct,
    }
    if output == "json":
        body = {
            **counts,
            "withoutSchema": report.without_schema,
            "errors": report.errors,
            "warnings": warnings,
            "seconds": report.seconds,
        }
        print_json("Check", {**body, "findings": [finding.as_json() for finding in report.findings]})
    else:
        show_findings(report.findings)
        say(
            f"{report.clusters} clusters, {report.overlays} overlays, {report.documents} documents ({report.distinct} distinct), "
            f"{report.without_schema} without schema, {report.errors} errors, {warnings} warnings"
        )
    sys.exit(report.exit_code)


@cli.command()
@click.option(
    "--from", "ref", default="HEAD", show_default=True, metavar="REF", help="The commit to compare with."
)
@OUTPUT
@click.pass_context
def diff(context: click.Context, ref: str, output: str) -> None:
    """Show what changes on each cluster since a commit: rendered objects, identical changes once with the
    clusters they happen on.
    """
    from dataclasses import asdict

    from okd_gitops.check.diff import FOLDERS
    from okd_gitops.check.diff import diff as run
    from okd_gitops.system.git import tree_at

    root = root_of(context)
    result = run(root, cache_of(context, root), tree_at(root, ref, FOLDERS), say=progress(context))
    if output == "json":
        print_json(
            "Diff",
            {"changes": [asdict(change) for change in result.changes], "untouched": list(result.untouched)},
        )
        return
    overlays: tuple[str, ...] = ()
    for change in result.changes:
        if change.overlays != overlays:
            overlays = change.overlays
            say(f"== {', '.join(overlays)}", bold=True)
        say(f"{change.verb} {change.object}")
        for line in change.diff.splitlines()[2:]:
            say(line, fg={"+": "green", "-": "red", "@": "cyan"}.get(line[:1]))
    verbs = [
        sum(change.verb == verb for change in result.changes) for verb in ("added", "changed", "removed")
    ]
    say(
        f"{verbs[0]} added, {verbs[1]} changed, {verbs[2]} removed (identical changes counted once); {len(result.untouched)} overlays untouched"
    )


@cli.command()
@click.option(
    "-m", "--message", "subject", default="", help="The first line; default: the clusters that change."
)
@click.option("--dry-run", is_flag=True, help="Print the message and the paths; commit nothing.")
@OUTPUT
@click.pass_context
def commit(context: click.Context, subject: str, *, dry_run: bool, output: str) -> None:
    """Commit fleet.yaml, clusters/, catalog/ and the generated folders, and nothing else. Your hooks and
    your signing apply.
    """
    from okd_gitops.generate.commit import commit as run

    result = run(root_of(context), subject=subject, dry_run=dry_run)
    if output == "json":
        print_json("Commit", {"paths": list(result.paths), "message": result.message, "commit": result.sha})
    elif not result.paths:
        say("nothing to commit: the cluster files and the generated folders are as in HEAD")
    else:
        say(f"{result.sha[:12]} {len(result.paths)} files" if result.sha else "\n".join(result.paths))
        say(f"\n{result.message}", nl=False)


@cli.command()
@click.argument("name", required=False, default="")
@click.pass_context
def explain(context: click.Context, name: str) -> None:
    """Explain a finding, a feature or a purpose; without NAME, list all."""
    from okd_gitops.cli.explain import explain as run
    from okd_gitops.cli.explain import overview

    text = run(name, lambda: _catalog(context)) if name else overview(_catalog(context))
    say(text, nl=False)


@cli.command()
@OUTPUT
@click.pass_context
def doctor(context: click.Context, output: str) -> None:
    """Say what is there and what is missing, with one command to mend each. Exit 4 when something is
    missing.
    """
    from dataclasses import asdict

    from okd_gitops.cli.doctor import doctor as run

    root = root_of(context)
    facts = run(root, cache_of(context, root))
    if output == "json":
        print_json("Doctor", {"facts": [asdict(fact) for fact in facts]})
    else:
        for fact in facts:
            say(
                f"{'!!' if fact.remedy else 'ok'}  {fact.name:16} {fact.value}"
                + (f"\n    fix: {fact.remedy}" if fact.remedy else "")
            )
    if any(fact.remedy for fact in facts):
        sys.exit(4)


@cli.command()
@click.argument("kind", type=click.Choice(["cluster", "fleet", "feature", "changes"]))
@click.pass_context
def schema(context: click.Context, kind: str) -> None:
    """Print the JSON Schema of fleet.yaml, a cluster file, or a feature.yaml or the changes of a catalog,
    for editors.
    """
    from okd_gitops.fleet.schema import schema as run

    click.echo(run(kind, _catalog(context)), nl=False)


@cli.command(name="import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Write the new files; without it they are printed.")
@OUTPUT
@click.pass_context
def import_(context: click.Context, folder: Path, *, write: bool, output: str) -> None:
    """Make cluster files from the ClusterVersions of another repository. Existing files are never
    overwritten.

    FOLDER is only read: manifests, Lists and the patches of kustomizations. The name of the overlay's folder
    becomes the cluster's. What git does not say, as the API server, is FILL-IN. Values that are wrong there
    are kept and reported; then it exits 1.
    """
    from okd_gitops.lifecycle.import_repository import import_ as run

    result = run(root_of(context), folder.resolve(), write=write)
    errors = sum(finding.severity == "error" for finding in result.findings)
    if output == "json":
        clusters = [
            {
                "name": c.name,
                "path": c.path,
                "source": c.source,
                "unknown": list(c.unknown),
                "exists": c.exists,
                "content": c.content,
            }
            for c in result.clusters
        ]
        print_json(
            "Import",
            {
                "clusters": clusters,
                "written": list(result.written),
                "findings": [finding.as_json() for finding in result.findings],
            },
        )
    else:
        for cluster in result.clusters:
            verb = "there already" if cluster.exists else "wrote" if write else "would write"
            say(f"{verb} {cluster.path}", bold=True)
            if not write and not cluster.exists:
                say(cluster.content)
            say(f"  from {cluster.source}; to find out: {', '.join(cluster.unknown)}")
        show_findings(result.findings)
        there = sum(cluster.exists for cluster in result.clusters)
        what = "written" if write else "would be written"
        say(
            f"{len(result.clusters)} clusters, {len(result.clusters) - there} {what}, {there} there already, {errors} errors"
        )
        if result.clusters:
            say(
                f"next: {'' if write else 'run it with --write, '}edit them where they say FILL-IN, then okd-gitops generate"
            )
    if errors:
        sys.exit(1)


cli.add_command(release)
cli.add_command(serve)
