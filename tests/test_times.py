"""Times and durations have one form, and text in any other form is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from okd_gitops.times import parse_duration, parse_time, time_text


def test_a_time_is_read_in_utc_and_written_back() -> None:
    time = parse_time("2026-11-21T12:00:00Z")

    assert time == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert time_text(time) == "2026-11-21T12:00:00Z"


@pytest.mark.parametrize("text", ["", "2026-11-21", "2026-11-21T12:00:00", "2026-11-21T12:00:00+01:00"])
def test_a_time_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        parse_time(text)


def test_a_duration_has_minutes_hours_or_days() -> None:
    durations = [parse_duration(text) for text in ("0h", "90m", "4h", "2d")]
    assert durations == [timedelta(0), timedelta(minutes=90), timedelta(hours=4), timedelta(days=2)]


@pytest.mark.parametrize("text", ["", "h", "4", "4w", "04h", "1.5h", "99999d", "4h\n"])
def test_a_duration_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)
