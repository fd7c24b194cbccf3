"""Accounts on clusters, as a Secret or a service account is mounted: files with a token and authorities.

The kubelet exchanges these files through links, so they are read on each run, and links are followed.
"""

from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import UsageError

_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The token of an account, and the authorities (PEM) that sign the certificate of its API server."""

    token: str
    authorities: bytes


def service_account(folder: Path) -> Account:
    """Return the account of a folder with token, ca.crt and perhaps service-ca.crt; raises UsageError."""
    account = _account(folder / "token", folder / "ca.crt")
    # OpenShift signs the certificates of services with another authority than the API server's.
    services = folder / "service-ca.crt"

    if account is None:
        remedy = "run this in a pod with its account's token, or give --account"
        raise UsageError(f"there is no service account in {folder}", remedy)

    if not services.is_file():
        return account

    return Account(token=account.token, authorities=account.authorities + b"\n" + services.read_bytes())


def account_of_cluster(folder: Path, name: str) -> Account | None:
    """Return the account of a cluster from NAME.token and NAME.ca.crt; None without one of the two files.

    `name` is the name of a cluster, which cannot lead out of the folder.
    """
    return _account(folder / f"{name}.token", folder / f"{name}.ca.crt")


def _account(token: Path, authorities: Path) -> Account | None:
    try:
        if max(token.stat().st_size, authorities.stat().st_size) > _MAX_BYTES:
            return None

        return Account(token=token.read_text().strip(), authorities=authorities.read_bytes())
    except (OSError, ValueError):
        return None
