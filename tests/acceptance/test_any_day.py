"""The tests pass on any day: those that read the clock run on another day, with every program that they
start.

`@pytest.mark.clock` marks them. libfaketime moves the clock of a process and of its children, so keys are
made, signatures judged and branches pushed on that day. Where a test gives a program an environment of its
own, `frozen.CLOCK` is part of it.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from conftest import CACHE, ROOT

# A leap day, and years after the last day of the key of OpenShift CI. Days before it was made are none that
# will come.
DAY = "2032-02-29"
READS_THE_CLOCK = re.compile(r"datetime\.now\(|date\.today\(|time\.time\(\)")


def clock(day: str) -> dict[str, str]:
    """Return the environment in which it is noon of that day now, and later from then on."""
    found = find_spec("libfaketime")
    assert found, "make test installs libfaketime"
    assert found.origin
    library = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    ahead = datetime.fromisoformat(f"{day}T12:00:00+00:00") - datetime.now(UTC)
    # Files keep their times: Python would compile every module again.
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{ahead.total_seconds():+.0f}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def marked() -> list[str]:
    """Return the modules of the tests that are marked."""
    texts = {
        str(path): path.read_text()
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.name != Path(__file__).name
    }
    return sorted(path for path, text in texts.items() if "pytest.mark.clock" in text)


def test_tests_that_read_the_clock_pass_on_another_day() -> None:
    environment = {**os.environ, **clock(DAY), "OKD_GITOPS_CACHE": str(CACHE)}
    today = subprocess.run(["date", "+%F"], env=environment, capture_output=True, text=True, check=True)
    assert today.stdout.strip() == DAY, today.stderr
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-m",
        "clock",
        *marked(),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_test_that_reads_the_clock_is_marked() -> None:
    texts = {
        path.name: path.read_text()
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.name != Path(__file__).name
    }
    unmarked = [
        name for name, text in texts.items() if READS_THE_CLOCK.search(text) and "mark.clock" not in text
    ]
    assert unmarked == []
