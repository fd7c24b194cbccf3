"""`okd-gitops serve`: services that run inside a cluster."""

import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.options import OUTPUT
from okd_gitops.cli.output import echo, print_result

if TYPE_CHECKING:
    from okd_gitops.gate.decide import BuildSet, Expectation
    from okd_gitops.gate.store import Ledger

# After that a set is forgotten. A late repetition then opens a set that nobody completes, and a sweep
# reports it.
_RETAIN = timedelta(days=30)
_ARCH = re.compile(r"[a-z0-9]{3,12}")
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_FILE = click.Path(path_type=Path)


@click.group()
def serve() -> None:
    """Run a service inside a cluster."""


@serve.command("gate")
@click.option("--arches", metavar="A,B", help="Architectures of a complete set (amd64,arm64).")
@click.option("--tls-cert", type=_FILE, help="Certificate of the server (PEM).")
@click.option("--tls-key", type=_FILE, help="Private key of the certificate (PEM).")
@click.option(
    "--tls-ca",
    multiple=True,
    type=_FILE,
    help="CA to publish in --interceptor (PEM). Files that do not exist are skipped. Repeatable.",
)
@click.option(
    "--interceptor",
    default="",
    metavar="NAME",
    help="Interceptor object that points at this server.",
)
@click.option(
    "--registry",
    default="",
    metavar="HOST/PATH",
    help="Accept only images in this registry. Default: any.",
)
@click.option(
    "--expire",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="Expire incomplete sets after this time. Write it like 90m, 24h or 2d.",
)
@click.option("--namespace", default="", help="Namespace of the sets. Default: that of the pod.")
@click.option(
    "--listen",
    default="0.0.0.0",  # noqa: S104 - a Service of the cluster leads to the pod
    show_default=True,
    metavar="ADDRESS",
    help="Listen on this address.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8443,
    show_default=True,
    help="Listen on this port.",
)
@click.option("--sweep", is_flag=True, help="Report expired sets once instead of serving. Exit 1 if any.")
@OUTPUT
def gate_command(
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
    """Combine builds of several architectures.

    A Tekton interceptor that lets an event through when all architectures of a set have reported. Its state
    is one ConfigMap for each set, so any number of replicas may run. SIGTERM ends it with exit code 0. Wrong
    options exit 2; a missing file, address or cluster exits 4, also with --sweep.
    """
    if sweep:
        expired = _sweep(namespace, output)
        sys.exit(1 if expired else 0)

    if not (arches and tls_cert and tls_key):
        raise click.UsageError("--arches, --tls-cert and --tls-key are required to serve")

    from okd_gitops.gate.certificates import Certificates
    from okd_gitops.gate.server import GateServer
    from okd_gitops.gate.server import serve as run

    expected = expectation(arches, expire, registry)
    certificates = Certificates(tls_cert, tls_key, tls_ca)
    certificates.bundle()

    server = GateServer(
        (listen, port),
        certificates,
        _ledger(namespace),
        expected,
        interceptor=interceptor,
        clock=lambda: datetime.now(UTC),
    )
    run(server)


def _sweep(namespace: str, output: str) -> "tuple[BuildSet, ...]":
    """Print the sets that expired and that no sweep has reported, and forget the old ones.

    A set counts as reported only after it was printed: a sweep that is stopped before that reports it again.
    """
    ledger = _ledger(namespace)
    now = datetime.now(UTC)
    ledger.forget(now, _RETAIN)
    expired = ledger.overdue(now)

    print_result(output, "Sweep", {"expired": expired}, lambda: _print_expired(expired))

    for build_set in expired:
        ledger.notified(build_set, datetime.now(UTC))

    return expired


def _print_expired(expired: "Iterable[BuildSet]") -> None:
    for build_set in expired:
        missing = ", ".join(build_set.missing)
        reported = ", ".join(f"{built.arch} ({built.run})" for built in build_set.built)
        echo(
            f"expired: {build_set.key} {build_set.image}: {missing} missing since "
            f"{build_set.opened:%Y-%m-%d %H:%M} UTC; here: {reported}"
        )


def _ledger(namespace: str) -> "Ledger":
    from okd_gitops.gate.store import Ledger, connect

    return Ledger(connect(), namespace or own_namespace())


def expectation(arches: str, expire: str, registry: str) -> "Expectation":
    """Return which reports the gate waits for; raises UsageError."""
    from okd_gitops.errors import UsageError
    from okd_gitops.gate.decide import Expectation

    names = tuple(arches.split(","))
    are_distinct = len(set(names)) == len(names) >= 2

    if not are_distinct or not all(_ARCH.fullmatch(name) for name in names):
        raise UsageError(
            f'"{arches}" does not name two or more architectures',
            "write the GOARCH names of the nodes, separated by commas",
        )

    return Expectation(names, _lifetime(expire), registry.rstrip("/"))


def _lifetime(text: str) -> timedelta:
    """Return how long a set may stay incomplete; raises UsageError."""
    from okd_gitops.errors import UsageError
    from okd_gitops.times import parse_duration

    try:
        lifetime = parse_duration(text)
    except ValueError:
        lifetime = timedelta(0)

    if not lifetime:
        raise UsageError(f'"{text}" is not a duration', "write it like 90m, 24h or 2d")

    return lifetime


def own_namespace() -> str:
    """Return the namespace of the pod that this runs in; raises UsageError outside of a pod."""
    from okd_gitops.errors import UsageError

    try:
        return _NAMESPACE.read_text("utf-8").strip()
    except OSError:
        raise UsageError("the namespace is not known outside of a pod", "give --namespace") from None
