"""Where branches may be pushed to: forms of an address that reach one repository and run nothing."""

import re

from okd_gitops.errors import UsageError

_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_PATH = r"(?P<path>[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*)/?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?P<scheme>https)://{_HOST}{_PORT}/{_PATH}",
        rf"(?P<scheme>ssh)://git@{_HOST}{_PORT}/{_PATH}",
        # The short form of ssh has no port (git-clone(1), GIT URLS).
        rf"git@{_HOST}:{_PATH}",
        # A git server inside the hub itself: fleet.yaml permits it for Argo CD.
        rf"(?P<scheme>http)://(?P<host>[a-z0-9.-]+\.svc(?:\.cluster\.local)?){_PORT}/{_PATH}",
    )
)
_FOLDER = re.compile(r"(file://)?/[^\x00-\x1f\x7f$`]+")
_LOOPBACK = re.compile(rf"http://(127\.0\.0\.1|localhost){_PORT}/{_PATH}")
_PORTS = {"https": "443", "http": "80"}
FORMS = (
    "https://host/path, ssh://git@host/path, git@host:path, or for a rehearsal the absolute path of a folder"
)


def is_folder(url: str) -> bool:
    """Whether an address is a folder of this machine, by which nobody else is reached."""
    return bool(_FOLDER.fullmatch(url))


def is_here(url: str) -> bool:
    """Whether an address leads to this machine: a folder, or a server on loopback."""
    return is_folder(url) or bool(_LOOPBACK.fullmatch(url))


def must_stay_here(url: str) -> None:
    """Raise UsageError unless an address is a folder of this machine, or empty: a rehearsal goes nowhere.

    Else a wrong time would skip a soak on real clusters.
    """
    if url and not is_folder(url):
        raise UsageError(
            "the remote is not a folder of this machine: a rehearsal goes nowhere",
            "leave out --at, or push to a bare clone",
        )


def is_permitted(url: str) -> bool:
    """Whether an address has one of the forms that can be pushed to."""
    return is_here(url) or _parts(url) is not None


def same_repository(one: str, other: str) -> bool:
    """Whether two addresses mean the same repository, as https and ssh of one host and path do."""
    first, second = _parts(one), _parts(other)
    if first is None or second is None:
        return one == other and is_here(one)

    # The port of ssh tells nothing about that of https.
    ports_count = "ssh" not in (first[0], second[0])
    return first[1:3] == second[1:3] and (not ports_count or first[3] == second[3])


def _parts(url: str) -> tuple[str, str, str, str] | None:
    """Return scheme, host, path and port; nothing for an address of another form."""
    for form in _FORMS:
        match = form.fullmatch(url)
        if match and not {".", ".."} & set(match["path"].split("/")):
            named = match.groupdict()
            scheme = named.get("scheme") or "ssh"
            return (
                scheme,
                match["host"].lower(),
                match["path"].removesuffix(".git"),
                named.get("port") or _PORTS.get(scheme, ""),
            )
    return None
