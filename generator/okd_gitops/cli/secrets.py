"""`okd-gitops secrets`: what a person must make on a cluster, because Git never contains it."""

import click

from okd_gitops.cli.completion import cluster_names
from okd_gitops.cli.options import OUTPUT, fleet_of
from okd_gitops.cli.output import echo, print_result


@click.command()
@click.option(
    "--cluster",
    "name",
    required=True,
    metavar="NAME",
    shell_complete=cluster_names,
    help="Cluster of the fleet.",
)
@OUTPUT
@click.pass_context
def secrets(context: click.Context, *, name: str, output: str) -> None:
    """Print the commands that make a cluster's Secrets.

    Git contains no Secret: a person makes each of them once, on the cluster. This prints a bash script with
    what each Secret is for and the command that makes it. With the feature `secrets`, it prints where in the
    store the values belong instead. It reads the cluster files alone, and asks no cluster.

    \b
    okd-gitops secrets --cluster NAME > make-secrets.sh
    bash make-secrets.sh

    Read the script before you run it. It asks for each value, or for the file that contains it; no value is
    an argument or is printed. It stops on another cluster, and leaves a Secret that exists as it is.
    """
    from okd_gitops.lifecycle.make_secrets import script, secrets_of

    result = secrets_of(fleet_of(context), name)
    body = {"cluster": name, "secrets": list(result.secrets)}
    print_result(output, "Secrets", body, lambda: echo(script(result), nl=False))
