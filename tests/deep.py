"""make test-deep: kill points, fuzzing and mutants, for as long as nobody waits. Exits with 1 when anything
is wrong, and says how to repeat it.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import fuzz
import mutation
from kill_points import SCENARIOS, Point, kill_all, spread, trials
from readers import READERS

MUTATION = "mutation"
IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def kill_points(most: int, only: str) -> bool:
    """Kill at up to `most` points, as many of each command, evenly spread, and print what came of it;
    returns whether all went well.
    """
    start, ends, failed, missed = time.monotonic(), dict[str, Counter[str]](), 0, 0
    with (
        tempfile.TemporaryDirectory(prefix="kill-points-") as folder,
        trials(Path(folder), _commands(only)) as made,
    ):
        total = sum(len(trial.points) for trial in made)
        chosen = _shared([trial.points for trial in made], most)
        chosen = [point for trial in made for point in trial.points if str(point) == only] or chosen
        print(f"kill points: {total} found, {len(chosen)} tried", flush=True)
        for number, outcome in enumerate(kill_all(Path(folder), made, chosen), 1):
            counts = ends.setdefault(outcome.point.command, Counter())
            counts["tried"] += 1
            counts["missed" if outcome.missed else outcome.ended] += 1
            counts["a lock to remove"] += outcome.locked
            counts["failed"] += bool(outcome.faults)
            failed, missed = failed + bool(outcome.faults), missed + outcome.missed
            for fault in outcome.faults:
                print(
                    f"FAILED {outcome.point}: {fault}\n  again: make test-deep ARGS='--only {outcome.point}'",
                    flush=True,
                )
            if number % 25 == 0:
                print(
                    f"  {number} of {len(chosen)}, {failed} failed, {time.monotonic() - start:.0f} s",
                    flush=True,
                )
    for command, counts in ends.items():
        print(
            f"  {command:10}"
            + ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "failed")
        )
    print(
        (
            f"kill points: {len(chosen) - missed} killed, {missed} not reached, {failed} failed, "
            f"{time.monotonic() - start:.0f} s"
        ),
        flush=True,
    )
    return not failed and missed * 10 <= len(chosen)


def _shared(points: list[list[Point]], most: int) -> list[Point]:
    """Return at most `most` points: as many of each command as of the others, as far as it has them."""
    chosen: list[Point] = []
    for left, of_one in zip(range(len(points), 0, -1), sorted(points, key=len), strict=True):
        chosen += spread(of_one, (most - len(chosen)) // left)
    return chosen


def _commands(only: str) -> list[str]:
    command = only.partition(":")[0]
    return [command] if command in SCENARIOS else list(SCENARIOS)


def main() -> int:
    """Run all parts, or the one that was asked for."""
    asked = _arguments()
    os.environ.update({**IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull})

    part, _, group = asked.only.partition(":")
    is_mutation = part == MUTATION
    good: list[bool] = []

    if asked.points and not is_mutation and asked.only not in READERS:
        good.append(kill_points(asked.points, asked.only))

    if asked.cpu_minutes and not is_mutation and part not in SCENARIOS:
        good.append(fuzz.run(asked.cpu_minutes, [asked.only] if asked.only else list(READERS)))

    if is_mutation or (asked.mutants and not asked.only):
        good.append(mutation.run([group] if group else list(mutation.GROUPS)))

    return 0 if all(good) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpu-minutes", type=float, default=30, help="CPU minutes of fuzzing; 0: none")
    parser.add_argument("--points", type=int, default=400, help="how many kill points; 0: none")
    parser.add_argument("--no-mutants", action="store_false", dest="mutants", help="no mutation testing")
    parser.add_argument(
        "--only",
        default="",
        help="one command, one point (as a failure names it), one reader, mutation, or mutation:GROUP",
    )
    asked = parser.parse_args()
    part, _, group = asked.only.partition(":")

    if part == MUTATION and group and group not in mutation.GROUPS:
        parser.error(f"no group of mutants is called {group}; there are {', '.join(mutation.GROUPS)}")

    return asked


if __name__ == "__main__":
    sys.exit(main())
