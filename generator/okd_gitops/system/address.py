"""The addresses that may be asked: https without credentials, or http on loopback."""

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from okd_gitops.errors import OkdGitopsError

if TYPE_CHECKING:
    from urllib3.util import Url

_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


class NetworkError(OkdGitopsError):
    """An address is not allowed, or gave no usable answer. `status` is that of HTTP, or 0."""

    exit_code = 6

    def __init__(self, reason: str, remedy: str = "", status: int = 0) -> None:
        super().__init__(reason, remedy)
        self.status = status


def allowed(url: str) -> "Url":
    """Parse an address as urllib3 will understand it; raises NetworkError for any that is not fetched."""
    # The whole package at once: two threads that load different parts of it wait for each other.
    import urllib3

    try:
        address = urllib3.util.parse_url(url)
    except (urllib3.exceptions.LocationParseError, UnicodeError):
        raise NetworkError("an address is not a URL", "write https://host/path") from None

    if address.auth is not None:
        reason = f"the address of {address.host} holds a user or password"
        raise NetworkError(reason, "remove it: credentials come by the environment")

    is_safe = address.scheme == "https" or (address.scheme == "http" and address.host in _LOOPBACK)
    if not address.host or not is_safe:
        reason = f"{shown(address)} is not https"
        raise NetworkError(reason, "write https://host/path; http is for loopback alone")

    return address


def redirected(address: "Url", location: str) -> "Url":
    """Return where an answer sends its reader; raises NetworkError for a place that is not fetched."""
    try:
        target = allowed(urljoin(address.url, location))
    except (NetworkError, ValueError) as error:
        reason = error.reason if isinstance(error, NetworkError) else "the place is not a URL"
        raise NetworkError(
            f"{shown(address)} redirects, but {reason}", "give the address that it should lead to"
        ) from None

    if not location or (target.host in _LOOPBACK and address.host not in _LOOPBACK):
        raise NetworkError(f"{shown(address)} redirects to nowhere or to this machine", "look at the address")

    return target


def shown(address: "Url") -> str:
    """Return an address without its query, which may hold what nobody should read."""
    if not address.host:
        return "an address without a host"
    return f"{address.scheme}://{address.netloc}{address.path or ''}"
