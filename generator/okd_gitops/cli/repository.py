"""Commands that start a repository and explain it: init, import, explain, schema, doctor."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.completion import explained_names
from okd_gitops.cli.options import OUTPUT, fleet_of, root_of, tools_of, writes
from okd_gitops.cli.output import echo, print_result, show_findings

if TYPE_CHECKING:
    from okd_gitops.cli.doctor import Fact
    from okd_gitops.fleet.feature import Catalog
    from okd_gitops.lifecycle.import_repository import Import, Imported


@click.command()
@click.option(
    "--forge",
    type=click.Choice(["github", "gitlab"]),
    help="Also write samples, CI, a hook, owners and a README.",
)
@click.option(
    "--repository",
    default="",
    metavar="URL",
    help="The address from which Argo CD reads it. Default: that of the remote origin.",
)
@click.option(
    "--wheel",
    default="",
    metavar="FILE|URL",
    help="The okd-gitops for CI. Default: the wheel that was installed here.",
)
@click.pass_context
@writes
def init(context: click.Context, *, forge: str | None, repository: str, wheel: str) -> None:
    """Start a repository.

    Writes fleet.yaml, clusters/hub.yaml and the schemas into the working folder, makes that a git repository
    if it is none, and generates. With --forge it has everything that a repository there needs, which its
    README explains. CI installs the wheel of okd-gitops that lies in the repository then, or that --wheel
    names by its address and hash (https://…/FILE.whl#sha256=…). Existing files are never overwritten:
    beside a README.md the next steps go into FIRST-STEPS.md, and a .gitignore gets our lines at its end.
    """
    from okd_gitops.lifecycle.init import init as run

    started = run(context.obj["root"] or Path.cwd(), forge or "", repository, wheel)

    for path in started.files:
        echo(f"wrote {path}")

    if started.generated:
        echo(f"generated {len(started.generated.wanted)} files in argocd/, bases/ and overlays/")
        steps = f"{started.steps} has the next steps" if forge else "okd-gitops tools, then okd-gitops check"
        echo(f"next: {steps}")
    else:
        echo("next: okd-gitops generate --cluster hub; docs/how-to.md adopts what is there, one by one")


@click.command(name="import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Write the new files. Default: only print them.")
@OUTPUT
@click.pass_context
@writes
def import_(context: click.Context, folder: Path, *, write: bool, output: str) -> None:
    """Create cluster files from another repository.

    Reads the ClusterVersions in FOLDER: manifests, Lists and patches of kustomizations. The name of the
    overlay's folder becomes the name of the cluster. Values that Git does not contain, such as the API
    server, are written as FILL-IN. Invalid values are kept and reported, and the command exits 1. FOLDER is
    only read, and existing files are never overwritten.
    """
    from okd_gitops.lifecycle.import_repository import import_ as run

    result = run(root_of(context), folder.resolve(), write=write)
    errors = sum(finding.severity == "error" for finding in result.findings)

    body = {
        "clusters": [_imported_as_json(cluster) for cluster in result.clusters],
        "written": result.written,
        "findings": result.findings,
    }
    print_result(output, "Import", body, lambda: _print_import(result, errors, write=write))

    if errors:
        sys.exit(1)


def _imported_as_json(cluster: "Imported") -> dict[str, object]:
    return {
        "name": cluster.name,
        "path": cluster.path,
        "source": cluster.source,
        "unknown": cluster.unknown,
        "exists": cluster.exists,
        "content": cluster.content,
    }


def _print_import(result: "Import", errors: int, *, write: bool) -> None:
    for cluster in result.clusters:
        verb = "wrote" if write else "would write"
        echo(f"{'already exists:' if cluster.exists else verb} {cluster.path}", bold=True)

        if not write and not cluster.exists:
            echo(cluster.content)

        echo(f"  from {cluster.source}; to find out: {', '.join(cluster.unknown)}")

    show_findings(result.findings)

    existing = sum(cluster.exists for cluster in result.clusters)
    verb = "written" if write else "would be written"
    counts = f"{len(result.clusters)} clusters, {len(result.clusters) - existing} {verb}"
    echo(f"{counts}, {existing} already exist, {errors} errors")

    if result.clusters:
        first = "" if write else "run the command with --write, "
        echo(f"next: {first}replace FILL-IN in these files, and run okd-gitops generate")


@click.command()
@click.argument("name", required=False, default="", shell_complete=explained_names)
@click.argument("object_name", required=False, default="", metavar="[OBJECT]")
@click.argument("field", required=False, default="")
@OUTPUT
@click.pass_context
def explain(context: click.Context, *, name: str, object_name: str, field: str, output: str) -> None:
    """Explain a value of a cluster, or a name.

    NAME is a finding, a feature, a purpose, or a cluster, which wins. Without NAME, list everything that can
    be explained. For a cluster, show its features and where each parameter has its value from; with OBJECT
    (Kind/name, or Kind/namespace/name) the fields that parameters set; with FIELD, in the notation of a
    feature.yaml, where its value comes from: the patch in the overlay, the base's own value, and the line
    that caused it. It reads files alone.

    \b
    okd-gitops explain moc-cd ClusterVersion/version spec.channel
    """
    from okd_gitops.cli.explain import explain as run
    from okd_gitops.cli.explain import overview

    if object_name or (name and _is_cluster(context, name)):
        from okd_gitops.cli.explain_cluster import explain_cluster, explain_field

        fleet = fleet_of(context)

        if object_name:
            explain_field(root_of(context), fleet, name, object_name, field, output)
        else:
            explain_cluster(fleet, name, output)
        return

    text = run(name, lambda: _catalog(context)) if name else overview(_catalog(context))
    print_result(output, "Explanation", {"name": name, "text": text}, lambda: echo(text, nl=False))


@click.command()
@click.argument("kind", type=click.Choice(["cluster", "fleet", "feature", "changes"]))
@click.pass_context
def schema(context: click.Context, kind: str) -> None:
    """Print a JSON Schema for an editor.

    `cluster` is for files in clusters/, `fleet` for fleet.yaml, `feature` for a feature.yaml and `changes`
    for files in catalog/changes/. In a fleet, an editor then also offers its clusters, channels and streams.
    """
    from okd_gitops.errors import UsageError
    from okd_gitops.fleet.known_names import KnownNames, known_names
    from okd_gitops.fleet.schema import schema as run

    try:
        known = known_names(root_of(context))
    except UsageError:
        known = KnownNames()

    click.echo(run(kind, _catalog(context), known), nl=False)


def _is_cluster(context: click.Context, name: str) -> bool:
    """Whether the repository has a file of a cluster with this name; outside of one there is none."""
    from okd_gitops.errors import UsageError

    try:
        names = {path.stem for path in (root_of(context) / "clusters").glob("*.yaml")}
    except UsageError:
        return False

    return name in names


def _catalog(context: click.Context) -> "Catalog":
    """Return the catalog of the repository; outside of a repository, the built-in one."""
    from okd_gitops.errors import UsageError
    from okd_gitops.fleet.load import load_catalog

    try:
        root: Path | None = root_of(context)
    except UsageError:
        root = None

    return load_catalog(root)


@click.command()
@OUTPUT
@click.pass_context
def doctor(context: click.Context, output: str) -> None:
    """Find what is missing on this machine.

    Prints a command that fixes each problem. Exits 4 if anything is missing.
    """
    from okd_gitops.cli.doctor import doctor as run

    root = root_of(context)
    facts = run(root, tools_of(context))
    print_result(output, "Doctor", {"facts": facts}, lambda: _print_facts(facts))

    if any(fact.remedy for fact in facts):
        sys.exit(4)


def _print_facts(facts: list["Fact"]) -> None:
    for fact in facts:
        echo(f"{'!!' if fact.remedy else 'ok'}  {fact.name:16} {fact.value}")

        if fact.remedy:
            echo(f"    fix: {fact.remedy}")
