"""The command line. Click is used in this package and in __main__ alone; a command imports what it needs."""

import os
from pathlib import Path

import click

from okd_gitops import __version__
from okd_gitops.cli.commands import AllCommands
from okd_gitops.cli.output import settings
from okd_gitops.errors import EXIT_CODES


def _exit_codes() -> str:
    """Return one line with every exit code and the first words of its meaning."""
    short = [f"{code} {text.split(':')[0].split(';')[0]}" for code, text in EXIT_CODES.items()]

    return f"Exit codes: {'; '.join(short)}."


@click.group(
    cls=AllCommands,
    epilog=_exit_codes(),
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "OKD_GITOPS",
        "max_content_width": 110,
    },
)
@click.version_option(__version__, prog_name="okd-gitops", help="Show the version and exit.")
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Repository. Default: nearest folder with fleet.yaml.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Tools and schemas. Default: the cache of this user.",
)
@click.option(
    "--color/--no-color",
    default=None,
    help="Color the output. Default: on a terminal, unless NO_COLOR is set.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Use no earlier result, and kustomize for each overlay. Where CI is set, none is used anyway.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print no progress lines.")
@click.pass_context
def cli(
    context: click.Context,
    root: Path | None,
    cache: Path | None,
    *,
    color: bool | None,
    exact: bool,
    quiet: bool,
) -> None:
    """Manage a GitOps repository of OKD clusters.

    People edit clusters/NAME.yaml; `generate` writes bases/, overlays/ and argocd/; people review the pull
    request; Argo CD syncs what is merged. Start with `okd-gitops generate`, then `okd-gitops check`.
    """
    context.color = settings.color = False if os.environ.get("NO_COLOR") and color is None else color
    if exact:
        from okd_gitops.system.kept import EXACT

        os.environ[EXACT] = "1"

    context.obj = {"root": root, "cache": cache, "quiet": quiet}
