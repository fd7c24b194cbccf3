"""A program of our own ends with all that it started, however the run that started it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT

# Starts a program as `okd-gitops tools` starts its set-up: a Python that starts another program, as go build.
PROGRAM = """
import sys
sys.path.insert(0, {generator!r})
from pathlib import Path
from okd_gitops.cli.endings import EndedError, end_by_signals
from okd_gitops.system.process import run_in_view
end_by_signals()
try:
    sys.exit(run_in_view([sys.executable, "-c", sys.argv[1]], cwd=Path("/"), quiet=False))
except EndedError as ending:
    sys.exit(ending.exit_code)
"""
# It notes both processes; the second one does not hear SIGTERM.
STARTS = """
import os, subprocess
build = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"])
with open({noted!r} + ".new", "w") as file:
    file.write(f"{{os.getpid()}} {{build.pid}}")
os.rename({noted!r} + ".new", {noted!r})
build.wait()
"""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def _of_group(pid: int) -> list[int]:
    """Return the processes of a group that still run."""
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == pid and fields[0] not in ("Z", "X"):
            members.append(int(entry.name))
    return members


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_that_was_started_outlives_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    program = PROGRAM.format(generator=str(ROOT / "generator"))
    run = subprocess.Popen([sys.executable, "-c", program, STARTS.format(noted=str(noted))])

    while not noted.exists():
        assert run.poll() is None
        time.sleep(0.02)

    started = [int(word) for word in noted.read_text().split()]
    assert all(map(_runs, started))
    group = os.getpgid(started[0])
    os.kill(run.pid, number)

    assert run.wait(60) == 128 + number
    assert [pid for pid in started if _runs(pid)] == []
    assert _of_group(group) == []


def test_the_exit_code_of_a_program_arrives(tmp_path: Path) -> None:
    program = PROGRAM.format(generator=str(ROOT / "generator"))
    done = subprocess.run([sys.executable, "-c", program, "import sys; sys.exit(6)"], check=False)

    assert done.returncode == 6
