"""How an installed cluster is reached, as the kubeconfig says that its provider has written.

What a kubeconfig says is data of a cluster that somebody else may rule: its address must be the one that the
provider's own object gives.
"""

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path

from okd_gitops.evidence.ask_cluster import ask_pools
from okd_gitops.finding import FindingsError
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.manifests.read import read
from okd_gitops.redaction import one_line
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http

_KUBECONFIG = "kubeconfig"
_MAX_BYTES, _MOST_POOLS = 1 << 20, 100
# Where the Job of the feature `conformance` reports.
_CONFORMANCE = "/api/v1/namespaces/okd-conformance/configmaps/conformance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """The API server of an installed cluster, and its administrator; all but the server is PEM in base64."""

    server: str
    authorities: str
    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a cluster answered: its MachineConfigPoolList, and the ConfigMap of its conformance suite.

    Each is None where there is none.
    """

    pools: object
    conformance: object = None


def guest_in(secret: Object, server: str) -> Guest:
    """Return what the kubeconfig in a Secret says; raises ValueError if it is not for `server`."""
    kubeconfig = _kubeconfig(secret)
    cluster, user = _first(kubeconfig, "clusters", "cluster"), _first(kubeconfig, "users", "user")
    its_server = str(at(cluster, "server") or "")

    if its_server != server:
        shown = one_line(its_server, 100) or "no server"
        raise ValueError(f"its kubeconfig is for {shown}, and must be for {server}")

    authorities = at(cluster, "certificate-authority-data")
    certificate, key = at(user, "client-certificate-data"), at(user, "client-key-data")

    if not all(isinstance(value, str) and value for value in (authorities, certificate, key)):
        raise ValueError("its kubeconfig has no certificate of the administrator")

    return Guest(server=server, authorities=authorities, certificate=certificate, key=key)


def ask_guest(guest: Guest, *, answers: Path) -> Told:
    """Ask a cluster as its administrator for its nodes and its conformance suite; raises NetworkError.

    `answers` is a folder for answers with an ETag. The cluster may be hostile: what it says is bounded.
    """
    try:
        encoded = (guest.authorities, guest.certificate, guest.key)
        authorities, certificate, key = (b64decode(text, validate=True) for text in encoded)
    except ValueError:
        raise NetworkError("its kubeconfig has certificates that cannot be read") from None

    client = certificate + b"\n" + key
    # A cluster that is away comes in the next run.
    http = Http(answers, timeout=10, max_bytes=_MAX_BYTES, retries=0, authorities=authorities, client=client)
    pools = ask_pools(guest.server, http)

    if len(items(pools, "items")) > _MOST_POOLS:
        raise NetworkError(f"it has more than {_MOST_POOLS} pools of nodes")

    return Told(pools=pools, conformance=http.ask_if_there(f"{guest.server}{_CONFORMANCE}"))


def _kubeconfig(secret: Object) -> Object:
    encoded = at(secret, "data", _KUBECONFIG)

    try:
        value = read(_KUBECONFIG, b64decode(str(encoded or ""), validate=True), bounds=FOREIGN).value
    except (binascii.Error, FindingsError):
        raise ValueError("its kubeconfig cannot be read") from None

    return value if isinstance(value, dict) else {}


def _first(kubeconfig: Object, key: str, inner: str) -> Object:
    entries = [at(entry, inner) for entry in items(kubeconfig, key)]

    return next((entry for entry in entries if isinstance(entry, dict)), {})
