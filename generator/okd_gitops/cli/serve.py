"""The command line of `okd-gitops serve`: what runs inside a cluster."""

import sys
from pathlib import Path

import click

from okd_gitops.cli.output import OUTPUT, print_json, say


@click.group()
def serve() -> None:
    """Run as a service inside a cluster."""


@serve.command("gate")
@click.option("--arches", metavar="A,B", help="GOARCH names that make a set complete.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="The server's certificate, PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option(
    "--tls-ca",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Its CA, PEM, published in --interceptor. Repeatable: those that exist.",
)
@click.option(
    "--interceptor",
    default="",
    metavar="NAME",
    help="The Interceptor through which EventListeners find the gate.",
)
@click.option(
    "--registry", default="", metavar="HOST/PATH", help="Where reported images must be; default: anywhere."
)
@click.option(
    "--expire",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="How long a set may be incomplete: 90m, 24h, 2d.",
)
@click.option("--namespace", default="", help="Where sets are kept; default: the pod's own.")
@click.option("--listen", default="0.0.0.0", show_default=True, metavar="ADDRESS")  # noqa: S104 - a pod's Service leads to it
@click.option("--port", type=click.IntRange(1, 65535), default=8443, show_default=True)
@click.option(
    "--sweep",
    is_flag=True,
    help="Serve nothing: name the sets that expired incomplete, once each, and exit 1 if there are any.",
)
@OUTPUT
def serve_gate(
    *,
    arches: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_ca: tuple[Path, ...],
    interceptor: str,
    registry: str,
    expire: str,
    namespace: str,
    listen: str,
    port: int,
    sweep: bool,
    output: str,
) -> None:
    """Gate multi-architecture builds: a Tekton interceptor that opens once all architectures of a set have
    reported.

    Its state is one ConfigMap for each set, so any number of replicas may run. It stops on SIGTERM with exit
    code 0, and does not start without its files, its address or a cluster (4) or with wrong options (2). A
    sweep exits 4 when the cluster does not answer.
    """
    from okd_gitops.gate import serve as command

    if sweep:
        expired = command.sweep(namespace)
        if output == "json":
            print_json("Sweep", {"expired": [each.model_dump(mode="json") for each in expired]})
        for each in expired if output == "text" else ():
            here = ", ".join(f"{built.arch} ({built.run})" for built in each.built)
            say(
                f"expired: {each.key} {each.image}: {', '.join(each.missing)} missing since {each.opened:%Y-%m-%d %H:%M} UTC; here: {here}"
            )
        command.told(namespace, expired)
        sys.exit(1 if expired else 0)
    if not (arches and tls_cert and tls_key):
        raise click.UsageError("--arches, --tls-cert and --tls-key are needed to serve")
    files = command.Files(tls_cert, tls_key, tls_ca)
    command.gate(listen, port, files, namespace, command.expectation(arches, expire, registry), interceptor)
