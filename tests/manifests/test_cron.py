"""Schedules are read as robfig/cron v3 reads them; its parser_test.go and spec_test.go gave the cases."""

import pytest

from okd_gitops.manifests.cron import MINUTES_OF_DAY, CronError, meeting, parse_cron


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("5 * * * *", {5}),
        ("5,6,7 * * * *", {5, 6, 7}),
        ("5-7 * * * *", {5, 6, 7}),
        ("5-6/2 * * * *", {5}),
        ("5-7/2 * * * *", {5, 7}),
        ("50/4 * * * *", {50, 54, 58}),
        ("*/30 * * * *", {0, 30}),
        ("?/30 * * * *", {0, 30}),
        ("@hourly", {0}),
    ],
)
def test_a_field_is_a_list_of_ranges_with_steps(text: str, minutes: set[int]) -> None:
    assert parse_cron(text).minutes == minutes


def test_months_and_days_of_the_week_have_names_in_any_case() -> None:
    schedule = parse_cron("0 0 * jan-Mar MON,fri")
    assert schedule.months == {1, 2, 3}
    assert schedule.weekdays == {1, 5}


@pytest.mark.parametrize(
    "text",
    [
        *("60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 7"),
        *("5-4 * * * *", "5--6 * * * *", "5-6-7 * * * *", "1/2/3 * * * *", "*/0 * * * *", "-1 * * * *"),
        *("", "* * * *", "* * * * * *", "jan * * * *", "* * L * *", "* * * * 1#1", "@reboot", "@every", ","),
        *("@every day", "TZ=UTC 0 0 * * *", "CRON_TZ=UTC 0 0 * * *", ", * * * *"),
    ],
)
def test_what_the_api_server_refuses_is_refused(text: str) -> None:
    with pytest.raises(CronError):
        parse_cron(text)


@pytest.mark.parametrize(
    ("text", "never"),
    [("0 0 30 2 *", True), ("0 0 31 4,6 *", True), ("0 0 29 2 *", False), ("0 0 30 2 1", False)],
)
def test_a_day_that_no_month_has_never_comes(text: str, never: bool) -> None:
    assert parse_cron(text).never_runs is never


def meets(first: str, second: str, lasts: int = 240) -> int | None:
    return meeting(parse_cron(first), parse_cron(second), first_lasts=lasts, second_lasts=lasts)


def test_runs_meet_when_one_starts_while_the_other_lasts() -> None:
    assert meets("30 6 * * *", "29 10 * * *") == 10 * 60 + 29
    assert meets("30 6 * * *", "30 10 * * *") is None
    assert meets("0 23 * * 6", "0 1 * * 0") == 60
    assert meets("0 6 * * 1", "0 6 * * 2") is None
    # A day of the month may be any day of the week; with both fields, either suffices.
    assert meets("0 6 1 * *", "0 7 * * 3") == 3 * MINUTES_OF_DAY + 7 * 60
    assert meets("0 6 1 * 1", "0 7 * * 3") == 3 * MINUTES_OF_DAY + 7 * 60
