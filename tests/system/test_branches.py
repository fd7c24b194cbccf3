"""Work that races with another run is repeated, and not for ever."""

import pytest

from okd_gitops.system.branches import RaceError, repeated


@pytest.mark.parametrize(("races", "attempts"), [(0, 1), (2, 3), (3, 4)])
def test_work_is_repeated_after_each_race(races: int, attempts: int) -> None:
    outcomes = [RaceError("somebody else pushed in between")] * races
    announced: list[str] = []

    def work() -> str:
        if outcomes:
            raise outcomes.pop()
        return "done"

    assert repeated(work, attempts=attempts, on_race=lambda: announced.append("again")) == "done"
    assert len(announced) == races


def test_the_last_race_is_raised() -> None:
    calls: list[int] = []

    def work() -> str:
        calls.append(1)
        raise RaceError("somebody else pushed in between")

    with pytest.raises(RaceError):
        repeated(work, attempts=3)
    assert len(calls) == 3
