"""The steps of set-up: Python packages, with any Python; then, with those, the tools and the schemas."""

import argparse
import signal
import sys
from pathlib import Path

import debian
import environment
from aside import only_one
from failure import SetupError

HERE = Path(__file__).resolve().parent
# The second half of set-up, which is written with packages of the first: what judges a repository, and with
# it what the tests run besides.
JUDGES, TEST_TOOLS = "judges", "test-tools"
# Prints the packages of Debian that are missing, for CI to install.
DEBIAN = "debian"
RELEASE = "release"


def main() -> int:
    """Run each step whose result is not there, was changed, or is out of date; return the exit code."""
    parser = argparse.ArgumentParser(prog="tools", description=__doc__)
    parser.add_argument("level", choices=(*environment.LEVELS, JUDGES, TEST_TOOLS, DEBIAN, RELEASE))
    parser.add_argument("--cache", type=Path, default=HERE.parent / ".cache")
    parser.add_argument(
        "--requirements",
        type=Path,
        default=HERE.parent / "requirements",
        help="the folder with the lock files",
    )
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        _set_up(given.level, given.cache.resolve(), given.requirements.resolve())
    except (SetupError, OSError) as error:
        told = error if isinstance(error, SetupError) else SetupError.of(error)
        print(f"\nerror: {told}\n  fix: {told.remedy}", file=sys.stderr)
        return told.exit_code
    return 0


def _set_up(level: str, cache: Path, requirements: Path) -> None:
    if level == DEBIAN:
        print("\n".join(sorted(set(debian.missing().values()))))
        return
    if level == RELEASE:
        import release

        release.build(cache)
        return
    if level == TEST_TOOLS:
        debian.check()
    if level in (JUDGES, TEST_TOOLS):
        import judges

        steps = judges.STEPS if level == JUDGES else judges.STEPS_OF_TESTS
        with only_one(cache):
            judges.set_up(cache, steps)
        return
    with only_one(cache):
        environment.set_up(cache, requirements, level)


def _terminated(number: int, _: object) -> None:
    # As an exception, so that what was made aside is removed; a program that runs is ended by the one that
    # waits for it.
    sys.stderr.write("\nterminated: nothing is half set up, run it again\n")
    sys.exit(128 + number)
