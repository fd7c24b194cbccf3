"""`okd-gitops bootstrap`: what brings a hub up."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.options import OUTPUT, root_of
from okd_gitops.cli.output import echo, print_result, progress

if TYPE_CHECKING:
    from okd_gitops.lifecycle.bootstrap import Step


@click.command()
@click.option("--apply", "applies", is_flag=True, help="Run the steps that need no person. Needs --context.")
@click.option(
    "--context", "kube_context", default="", metavar="NAME", help="The hub's context in your kubeconfig."
)
@click.option("--yes", is_flag=True, help="Do not ask before --apply changes the cluster.")
@OUTPUT
@click.pass_context
def bootstrap(context: click.Context, *, applies: bool, kube_context: str, yes: bool, output: str) -> None:
    """Print what brings the hub up, or do it.

    Prints the commands in order: Argo CD, the account for the repository, the clusters, the root Application,
    Secrets. Nothing runs without --apply, which leaves to a person what asks for a password or a decision,
    and can be run again. It says which cluster the context leads to and what is there, and asks. It refuses a
    cluster that is not the hub, or that is the hub of another fleet, and a clone with placeholders or with
    files that are not generated or not committed. An Argo CD of the same or a newer version stays.
    """
    from okd_gitops.errors import UsageError
    from okd_gitops.lifecycle.bootstrap import bootstrap as run
    from okd_gitops.lifecycle.bootstrap import carry_out, refuse_unready
    from okd_gitops.lifecycle.found_hub import look_at_hub
    from okd_gitops.system.kubectl import kubectl

    if applies != bool(kube_context):
        raise UsageError("--apply and --context go together", "okd-gitops bootstrap --apply --context NAME")

    root = root_of(context)
    result = run(root)
    steps: Iterable[Step] = result.steps

    if applies:
        refuse_unready(root)
        on_hub = kubectl(root, kube_context)
        found = look_at_hub(result.hub, result.repository, on_hub)
        _ask(
            f"{found.words(kube_context)}\nBring up {result.hub.name} of {result.repository} there?", yes=yes
        )
        steps = carry_out(result, on_hub, progress(context))

    body = {"hub": result.hub.name, "applied": applies, "steps": steps}
    print_result(output, "Bootstrap", body, lambda: _print(steps, result.hub.name, applied=applies))


def _ask(question: str, *, yes: bool) -> None:
    """Show what would be changed, and let a person decide; raises UsageError for no, or without a person."""
    from okd_gitops.errors import UsageError

    if yes:
        echo(question.partition("\n")[0], err=True)
        return

    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can answer here", "add --yes, if that is the cluster")

    if not click.confirm(question, err=True):
        raise UsageError("nothing was applied", "okd-gitops bootstrap prints the commands")


def _print(steps: Iterable["Step"], hub: str, *, applied: bool) -> None:
    from okd_gitops.lifecycle.bootstrap import as_line

    echo(f"# {'Done on' if applied else 'Brings up'} {hub}{'; what is left is by hand' if applied else ''}.")

    for step in steps:
        echo(f"\n# {step.title}{' (by hand)' if step.by_hand else ''}")

        for command in (step.after, *step.commands) if step.after else step.commands:
            echo(as_line(command))
