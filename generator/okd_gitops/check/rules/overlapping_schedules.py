"""The rule overlapping-schedules: findings.yaml states and explains it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.cron import (
    MINUTES_OF_DAY,
    MINUTES_OF_WEEK,
    CronError,
    Schedule,
    meeting,
    parse_cron,
)
from okd_gitops.manifests.objects import Object, ObjectId, at, per_object

# What a CronJob tells about the runs that it starts: what they need for themselves, and how long they last.
USES = "okd-gitops.io/uses"
LASTS = "okd-gitops.io/lasts"
_HOURS = re.compile(r"([0-9]{1,3})h")
_WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]


@dataclass(frozen=True, slots=True)
class _Job:
    """A CronJob, when it starts runs, how many minutes each lasts at most, and what it needs for itself."""

    identity: ObjectId
    schedule: Schedule
    lasts: int
    uses: str


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Compare the CronJobs of an overlay that use the same thing, each with itself too."""
    jobs = [job for value in overlay.objects for job in _jobs(value)]

    for first, second in combinations_with_replacement(jobs, 2):
        if first.uses != second.uses:
            continue

        minute = _meeting_of(first, second)
        if minute is not None:
            yield Fault(
                reason=f"{_words(first, second)} on {_time(minute)}, and both use {first.uses}",
                remedy=f"move one of the schedules, or remove the annotation {USES} if they do not share it",
                object=second.identity,
                path=("spec", "schedule"),
            )


@per_object
def _jobs(value: Object) -> tuple[_Job, ...]:
    return tuple(_job(value))


def _job(value: Object) -> Iterator[_Job]:
    """Yield the CronJob that an object is, if it says what its runs use and is not suspended."""
    identity = ObjectId.of(value)
    annotations = at(value, "metadata", "annotations")
    hours = _HOURS.fullmatch(str(at(annotations, LASTS)))
    uses = at(annotations, USES)

    if identity.group_kind != "CronJob.batch" or not hours or not uses or at(value, "spec", "suspend"):
        return

    try:
        schedule = parse_cron(str(at(value, "spec", "schedule")))
    except CronError:
        # The rule invalid-schedule tells it.
        return
    yield _Job(identity, schedule, int(hours[1]) * 60, str(uses))


def _meeting_of(first: _Job, second: _Job) -> int | None:
    """Return the minute of a week at which runs of two jobs meet; for one job, at which its own do."""
    if first is not second:
        return meeting(first.schedule, second.schedule, first_lasts=first.lasts, second_lasts=second.lasts)

    starts = sorted(first.schedule.starts())
    following = [*starts[1:], *(start + MINUTES_OF_WEEK for start in starts[:1])]
    pairs = zip(starts, following, strict=True)
    return next((later % MINUTES_OF_WEEK for earlier, later in pairs if later - earlier < first.lasts), None)


def _words(first: _Job, second: _Job) -> str:
    hours = first.lasts // 60
    if first is second:
        return f"its next run starts before the one before has its {hours} hours"
    return f"its runs meet those of {first.identity}, which last up to {hours} hours,"


def _time(minute: int) -> str:
    hour, minutes = divmod(minute % MINUTES_OF_DAY, 60)
    return f"{_WEEKDAYS[minute // MINUTES_OF_DAY]} at {hour}:{minutes:02}"
