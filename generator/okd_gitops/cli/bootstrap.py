"""`okd-gitops bootstrap`: what brings a hub up."""

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
@OUTPUT
@click.pass_context
def bootstrap(context: click.Context, *, applies: bool, kube_context: str, output: str) -> None:
    """Print what brings the hub up, or do it.

    Prints the commands in order: Argo CD, the account for the repository, the clusters, the root Application,
    Secrets. Nothing runs without --apply, which leaves to a person what asks for a password or a decision,
    refuses a cluster that is not the hub, and can be run again. Run it in a clone that is generated and
    pushed.
    """
    from okd_gitops.errors import UsageError
    from okd_gitops.lifecycle.bootstrap import bootstrap as run
    from okd_gitops.lifecycle.bootstrap import carry_out
    from okd_gitops.system.kubectl import kubectl

    if applies != bool(kube_context):
        raise UsageError("--apply and --context go together", "okd-gitops bootstrap --apply --context NAME")

    root = root_of(context)
    result = run(root)
    steps: Iterable[Step] = result.steps

    if applies:
        steps = carry_out(result, kubectl(root, kube_context), progress(context))

    body = {"hub": result.hub.name, "applied": applies, "steps": steps}
    print_result(output, "Bootstrap", body, lambda: _print(steps, result.hub.name, applied=applies))


def _print(steps: Iterable["Step"], hub: str, *, applied: bool) -> None:
    from okd_gitops.lifecycle.bootstrap import as_line

    echo(f"# {'Done on' if applied else 'Brings up'} {hub}{'; what is left is by hand' if applied else ''}.")

    for step in steps:
        echo(f"\n# {step.title}{' (by hand)' if step.by_hand else ''}")

        for command in (step.after, *step.commands) if step.after else step.commands:
            echo(as_line(command))
