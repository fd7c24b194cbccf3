"""The rule cluster-expiry: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Location, Severity

_NOTICE_DAYS = 3
_KEY = "expires:"


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Compare the day on which a cluster expires with today.

    Only a day that is too far ahead is an error, because it stops being one as time passes.
    """
    if overlay.expires is None:
        return

    name, days_left = overlay.name, (overlay.expires - repository.today).days
    place = _place(f"clusters/{name}.yaml", repository)

    if days_left < 0:
        yield Fault(
            reason=f"{name} expired on {overlay.expires}",
            remedy="okd-gitops cluster expire removes it; or set a later day",
            location=place,
        )
    elif days_left > overlay.longest_days:
        yield Fault(
            reason=f"{name} expires on {overlay.expires}, more than {overlay.longest_days} days ahead",
            remedy="set an earlier day and move it when it comes",
            location=place,
            severity=Severity.ERROR,
        )
    elif days_left <= _NOTICE_DAYS:
        yield Fault(
            reason=f"{name} expires {_in_days(days_left)}, on {overlay.expires}",
            remedy="set a later day if the cluster is still needed",
            location=place,
        )


def _in_days(days: int) -> str:
    if days == 0:
        return "today"
    return "in 1 day" if days == 1 else f"in {days} days"


def _place(path: str, repository: Repository) -> Location:
    lines = repository.files.get(path, b"").decode(errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if line.startswith(_KEY):
            return Location(file=path, line=number, column=1, length=len("expires"), text=line)
    return Location(file=path)
