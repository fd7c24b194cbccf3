"""Cron expressions as the CronJob controller reads them, and when their runs meet.

The grammar is that of the standard parser of robfig/cron v3 (parser.go, spec.go at bc59245), by which the
API server validates `spec.schedule`: five fields, or a descriptor. A 7 is no day of the week there, and L, W
and # are not known.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+")
_ZONE = re.compile(r"(CRON_)?TZ=")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MINUTES_OF_DAY = 24 * 60
MINUTES_OF_WEEK = 7 * MINUTES_OF_DAY


class CronError(ValueError):
    """A text is not a cron expression; the message tells why."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five fields: its name, its least and greatest value, and the names of values."""

    name: str
    least: int
    greatest: int
    names: tuple[tuple[str, int], ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, tuple((name, number) for number, name in enumerate(_MONTHS, start=1))),
    _Field("day of the week", 0, 6, tuple((name, number) for number, name in enumerate(_WEEKDAYS))),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The values of each field at which a run starts; all empty for `@every`, which follows no clock."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool = True
    any_weekday: bool = True

    @property
    def never_runs(self) -> bool:
        """Whether there is no such day, such as the 30th of February."""
        if not self.minutes or not self.any_weekday:
            return False

        return all(min(self.days) > _DAYS_IN_MONTH[month - 1] for month in self.months)

    def starts(self) -> Iterator[int]:
        """Yield the minutes of a week, from Sunday 0:00 on, at which a run may start in some week."""
        for weekday in range(7):
            # Any date falls on each day of the week in some year; of two fields one suffices.
            is_possible = weekday in self.weekdays or not self.any_day
            for hour in sorted(self.hours) if is_possible else ():
                for minute in sorted(self.minutes):
                    yield weekday * MINUTES_OF_DAY + hour * 60 + minute


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> Schedule:
    """Read a cron expression; raises CronError for what the API server refuses."""
    if _ZONE.match(text):
        raise CronError("the API server refuses a time zone in a schedule; write it in UTC")

    if text.startswith(_EVERY):
        return _every(text.removeprefix(_EVERY))
    if text.startswith("@") and text not in _DESCRIPTORS:
        raise CronError(f'"{text}" is not one of {", ".join(_DESCRIPTORS)}')

    fields = _DESCRIPTORS.get(text, text).split()
    if len(fields) != len(_FIELDS):
        raise CronError(f'a schedule has five fields, like "30 6 * * *", this one has {len(fields)}')

    minutes, hours, days, months, weekdays = (
        _values(part, field) for part, field in zip(fields, _FIELDS, strict=True)
    )
    any_day, any_weekday = _is_any(fields[2]), _is_any(fields[4])
    return Schedule(minutes, hours, days, months, weekdays, any_day, any_weekday)


def meeting(first: Schedule, second: Schedule, *, first_lasts: int, second_lasts: int) -> int | None:
    """Return the first minute of a week at which a run of one schedule starts while one of the other lasts.

    None if there is no such minute. Runs last at most so many minutes.
    """
    starts, other_starts = list(first.starts()), list(second.starts())
    meetings = set()

    for start in starts:
        for other in other_starts:
            if (other - start) % MINUTES_OF_WEEK < first_lasts:
                meetings.add(other)
            elif (start - other) % MINUTES_OF_WEEK < second_lasts:
                meetings.add(start)

    return min(meetings, default=None)


def _every(duration: str) -> Schedule:
    if not _DURATION.fullmatch(duration):
        raise CronError(f'"{duration}" is not a duration like 1h30m')

    nothing: frozenset[int] = frozenset()
    return Schedule(nothing, nothing, nothing, nothing, nothing)


def _is_any(field: str) -> bool:
    """Whether a field leaves the choice of the day to the other one: it has a star without a step."""
    return any(
        part.split("/")[0] in ("*", "?") and part.partition("/")[2] in ("", "1") for part in field.split(",")
    )


def _values(text: str, field: _Field) -> frozenset[int]:
    """Return the values that a field lists."""
    parts = [part for part in text.split(",") if part]
    if not parts:
        raise CronError(f'the {field.name} "{text}" contains no value')

    return frozenset(value for part in parts for value in _range(part, field))


def _range(part: str, field: _Field) -> range:
    """Return the values of `*`, `N`, `N-M` and each with `/STEP`; `N/STEP` goes on to the greatest value."""
    bounds, has_step, step_text = part.partition("/")
    low, is_range, high = bounds.partition("-")

    if low in ("*", "?"):
        start, end = field.least, field.greatest
    else:
        start = _number(low, field)
        end = _number(high, field) if is_range else start
        if has_step and not is_range:
            end = field.greatest

    step = _number(step_text, None) if has_step else 1
    _refuse_bounds(part, field, start, end, step)
    return range(start, end + 1, step)


def _refuse_bounds(part: str, field: _Field, start: int, end: int, step: int) -> None:
    if start < field.least or end > field.greatest:
        raise CronError(f'the {field.name} "{part}" is not within {field.least} and {field.greatest}')
    if start > end:
        raise CronError(f'the {field.name} "{part}" ends before it begins')
    if step == 0:
        raise CronError(f'the {field.name} "{part}" has a step of 0')


def _number(text: str, field: _Field | None) -> int:
    names = dict(field.names) if field else {}
    if text.lower() in names:
        return names[text.lower()]
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise CronError(f'"{text}" is not a number' if not names else f'"{text}" is not a number or a name')

    return int(text)
