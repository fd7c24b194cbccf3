"""Times and durations, in the one form in which files, options and the Kubernetes API write them."""

import re
from datetime import UTC, date, datetime, time, timedelta

DURATION = r"(0|[1-9][0-9]{0,3})[mhd]"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def parse_time(text: str) -> datetime:
    """Return a time in UTC and in whole seconds, such as 2026-11-21T12:00:00Z; raises ValueError."""
    return datetime.strptime(f"{text}+0000", f"{_TIME}%z")


def time_text(moment: datetime) -> str:
    """Return a time in UTC as `parse_time` reads it."""
    return moment.strftime(_TIME)


def end_of_day(day: date) -> datetime:
    """Return the end of a day, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def parse_duration(text: str) -> timedelta:
    """Return a duration such as 90m, 4h or 2d; raises ValueError."""
    if not re.fullmatch(DURATION, text):
        raise ValueError(f'"{text}" is not a duration')

    return int(text[:-1]) * _UNITS[text[-1]]
