"""A sample of what `make test-deep` does whole: killed at a system call that changes the disk, the next
run ends as an undisturbed one.
"""

from collections import Counter
from pathlib import Path

from kill_points import kill_all, spread, trials

SAMPLE = {"generate": 4, "commit": 4, "record": 4}


def test_after_a_kill_the_next_run_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    with trials(tmp_path, list(SAMPLE)) as made:
        chosen = [point for trial in made for point in spread(trial.points, SAMPLE[trial.name])]
        outcomes = list(kill_all(tmp_path, made, chosen))
    assert [f"{outcome.point}: {fault}" for outcome in outcomes for fault in outcome.faults] == []
    assert sum(outcome.missed for outcome in outcomes) < len(outcomes) // 4
    assert Counter(outcome.ended for outcome in outcomes)["before"] > 3
