"""serve gate: answer Tekton's EventListener until stopped; or, once, find the sets that expired
incomplete.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.gate.decide import BuildSet, Expectation
from okd_gitops.gate.server import GateServer, Trust, serve
from okd_gitops.gate.store import Ledger, connect

# After that a set is forgotten. Late repetitions then open a set that nobody completes, and a sweep tells of
# it.
RETAIN = timedelta(days=30)
_ARCH = re.compile(r"[a-z0-9]{3,12}")
_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class Files:
    """Where the server's certificate, its key and the CAs that may have signed it are."""

    certificate: Path
    key: Path
    authorities: tuple[Path, ...] = ()


def gate(
    listen: str, port: int, files: Files, namespace: str, expected: Expectation, interceptor: str
) -> None:
    """Serve decisions until SIGTERM; raises ToolError for files, an address or a cluster that cannot be
    used.
    """
    trust = Trust(files.certificate, files.key, files.authorities)
    trust.bundle()
    ledger = Ledger(connect(), namespace or own_namespace())
    serve(
        GateServer(
            (listen, port), trust, ledger, expected, interceptor=interceptor, clock=lambda: datetime.now(UTC)
        )
    )


def sweep(namespace: str) -> tuple[BuildSet, ...]:
    """Return the sets that expired incomplete and that no sweep told of, and forget what was decided long
    ago; raises LedgerError.
    """
    now = datetime.now(UTC)
    ledger = Ledger(connect(), namespace or own_namespace())
    ledger.forget(now, RETAIN)
    return ledger.overdue(now)


def told(namespace: str, expired: Sequence[BuildSet]) -> None:
    """Remember that somebody was told of these sets; whoever is stopped before tells again. Raises
    LedgerError.
    """
    ledger = Ledger(connect(), namespace or own_namespace())
    for state in expired:
        ledger.notified(state, datetime.now(UTC))


def expectation(arches: str, expire: str, registry: str) -> Expectation:
    """Return what was asked for on the command line; raises UsageError."""
    names = tuple(arches.split(","))
    if len(set(names)) < max(2, len(names)) or not all(_ARCH.fullmatch(name) for name in names):
        raise UsageError(
            f'"{arches}" does not name two or more architectures',
            "write GOARCH names with commas between, as nodes have them",
        )
    life = _DURATION.fullmatch(expire)
    if life is None:
        raise UsageError(f'"{expire}" is no time', "write 90m, 24h or 2d")
    return Expectation(names, int(life[1]) * _UNITS[life[2]], registry.rstrip("/"))


def own_namespace() -> str:
    """Return the namespace of the pod that this runs in; raises UsageError outside of one."""
    try:
        return _NAMESPACE.read_text("utf-8").strip()
    except OSError:
        raise UsageError("the namespace is not known outside of a pod", "give --namespace") from None
