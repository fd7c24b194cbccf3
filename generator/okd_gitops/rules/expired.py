"""An ephemeral cluster goes on its day.

What should be gone still costs hardware and still gets releases. The day is in git, so that its end is a change that people see; nothing that a
controller reaps on its own comes back by the next sync.

Remove the cluster's file and generate, or move `expires` to a later day.
"""

from collections.abc import Iterator

from okd_gitops.finding import Location, Severity
from okd_gitops.rule import Fault, Rendered, Repository

CODE = "GR016"
SEVERITY = Severity.ERROR

_NOTICE_DAYS = 3


def check_cluster(overlay: Rendered, repository: Repository) -> Iterator[Fault]:
    """Compare the day of a cluster with today; the last days before it are a warning."""
    if overlay.expires is None:
        return
    left = (overlay.expires - repository.today).days
    place = _place(f"clusters/{overlay.name}.yaml", repository)
    if left < 0:
        remedy = f"remove clusters/{overlay.name}.yaml and generate, or move the day"
        yield Fault(reason=f"{overlay.name} expired on {overlay.expires}", remedy=remedy, location=place)
    elif left <= _NOTICE_DAYS:
        when = "today" if left == 0 else f"in {left} day{'s' if left > 1 else ''}"
        remedy = "move the day if the cluster is still needed"
        reason = f"{overlay.name} expires {when}, on {overlay.expires}"
        yield Fault(reason=reason, remedy=remedy, location=place, severity=Severity.WARNING)


def _place(path: str, repository: Repository) -> Location:
    lines = repository.files.get(path, b"").decode(errors="replace").splitlines()
    number = next((number for number, line in enumerate(lines, 1) if line.startswith("expires:")), 0)
    return Location(file=path, line=number, column=1, length=7, text=lines[number - 1]) if number else Location(file=path)
