"""The rule cluster-expiry; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Location, Severity

_NOTICE_DAYS = 3
_LONGEST_DAYS = 366


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Compare the day of a cluster with today. Only what is too far ahead is an error: time mends that
    one.
    """
    if overlay.expires is None:
        return
    left = (overlay.expires - repository.today).days
    place = _place(f"clusters/{overlay.name}.yaml", repository)
    if left < 0:
        reason = f"{overlay.name} expired on {overlay.expires}"
        remedy = f"{_removal(overlay.name, repository)} and okd-gitops generate, or move the day"
        yield Fault(reason=reason, remedy=remedy, location=place)
    elif left <= _NOTICE_DAYS:
        when = "today" if left == 0 else f"in {left} day{'s' if left > 1 else ''}"
        reason = f"{overlay.name} expires {when}, on {overlay.expires}"
        yield Fault(reason=reason, remedy="move the day if the cluster is still needed", location=place)
    elif left > _LONGEST_DAYS:
        reason = f"{overlay.name} expires on {overlay.expires}, more than {_LONGEST_DAYS} days ahead: that is no ephemeral cluster"
        remedy = "name a day within a year and move it when it comes, or choose another purpose"
        yield Fault(reason=reason, remedy=remedy, location=place, severity=Severity.ERROR)


def _removal(name: str, repository: Repository) -> str:
    """Return the command that removes what people wrote of a cluster: its file, and its extras if it has
    any.
    """
    extras = any(path.startswith(f"clusters/{name}/") for path in repository.files)
    return f"git rm -r clusters/{name}.yaml clusters/{name}" if extras else f"git rm clusters/{name}.yaml"


def _place(path: str, repository: Repository) -> Location:
    lines = repository.files.get(path, b"").decode(errors="replace").splitlines()
    number = next((number for number, line in enumerate(lines, 1) if line.startswith("expires:")), 0)
    return (
        Location(file=path, line=number, column=1, length=7, text=lines[number - 1])
        if number
        else Location(file=path)
    )
