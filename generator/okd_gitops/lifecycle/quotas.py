"""What the ephemeral clusters of a fleet use together, and the refusal of one more than fleet.yaml allows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from okd_gitops.finding import Findings
from okd_gitops.fleet.cluster import Purpose
from okd_gitops.fleet.load import Fleet
from okd_gitops.times import end_of_day

_WEEK = timedelta(days=7)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Use:
    """An ephemeral cluster, from the commit that brought it to its end (UTC)."""

    name: str
    start: datetime
    end: datetime
    owners: tuple[str, ...] = ()

    def __str__(self) -> str:
        owners = f", {', '.join(self.owners)}" if self.owners else ""
        return f"{self.name} (until {self.end:%Y-%m-%d %H:%M}{owners})"


def present_uses(fleet: Fleet, added: Mapping[str, datetime], now: datetime) -> list[Use]:
    """Return what each ephemeral cluster of a fleet uses; one that git does not have yet begins now.

    A cluster whose last day has passed uses what it has until it is removed.
    """
    uses = []

    for cluster in fleet.clusters:
        last_day = cluster.spec.expires
        if cluster.spec.purpose == Purpose.EPHEMERAL and last_day:
            start = added.get(cluster.name, now)
            uses.append(Use(cluster.name, start, max(end_of_day(last_day), now), cluster.owners))

    return uses


def most_hours_in_a_week(new: Use, others: Iterable[Use]) -> float:
    """Return the most cluster hours in any seven days in which the new cluster exists."""
    uses = [new, *others]
    # Between these times the sum grows or falls evenly, so one of them is the highest.
    corners = {corner for use in uses for corner in (use.start, use.end)}
    starts = {start for corner in corners for start in (corner, corner - _WEEK)}
    with_new = [start for start in starts if new.start - _WEEK <= start <= new.end]

    return max(sum(_hours(use, start) for use in uses) for start in with_new)


def judge_quota(fleet: Fleet, new: Use, present: list[Use], past: Iterable[Use]) -> Findings:
    """Return a finding for each limit of `ephemeral` in fleet.yaml that the new cluster would exceed.

    `present` are the uses of the clusters that exist, `past` those of clusters that were removed.
    """
    findings = Findings(fleet.document)
    quota = fleet.spec.ephemeral
    users = ", ".join(map(str, present)) or "no other cluster"

    if quota.at_once is not None and len(present) >= quota.at_once:
        reason = f"{len(present)} of {quota.at_once} ephemeral clusters exist: {users}"
        findings.add("ephemeral-quota-exceeded", ("ephemeral", "atOnce"), reason)

    hours = most_hours_in_a_week(new, [*present, *past])

    if quota.hours_per_week is not None and hours > quota.hours_per_week:
        reason = (
            f"with {new.name} until {new.end:%Y-%m-%d %H:%M}, ephemeral clusters use {hours:.0f} of "
            f"{quota.hours_per_week} hours in a week: {users}"
        )
        findings.add("ephemeral-quota-exceeded", ("ephemeral", "hoursPerWeek"), reason)

    return findings


def _hours(use: Use, start: datetime) -> float:
    """Return for how many hours of the week from `start` a cluster exists."""
    overlap = min(use.end, start + _WEEK) - max(use.start, start)

    return max(overlap, timedelta()) / _HOUR
