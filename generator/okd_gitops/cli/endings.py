"""How a run ends from outside: by a signal, or because its output cannot be written. It imports nothing
heavy, to be there first.
"""

import io
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

from okd_gitops.errors import PRECEDENCE, BusyError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds that children have to clear up after SIGTERM, and during which a second signal is taken for the
# first one.
_GRACE = 3.0


class EndedError(BaseException):
    """A signal ends the run; it is no Exception, so that nothing on the way takes it for a failure of its
    own.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """Return what a shell says of a process that a signal ended."""
        return 128 + self.number


class OutputError(Exception):
    """Standard output cannot be written."""


def end_by_signals() -> None:
    """Let SIGINT, SIGTERM and SIGHUP raise EndedError, and end the programs that run; signals that are
    ignored stay so.
    """
    first = 0.0

    def end(number: int, _frame: object) -> None:
        nonlocal first
        if first:
            # `timeout` and terminals signal twice. Whoever waits and signals again wants out.
            if time.monotonic() - first > _GRACE:
                os._exit(128 + number)
            return
        first = time.monotonic()
        for child in _children():
            _signal(child, signal.SIGTERM)
        raise EndedError(number)

    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)


def end_children() -> None:
    """End every program that this run started: by SIGTERM, so that it can remove its locks, and after some
    seconds by SIGKILL.
    """
    deadline = time.monotonic() + _GRACE
    for child in _children():
        _signal(child, signal.SIGTERM)
    while (left := _children()) and time.monotonic() < deadline:
        time.sleep(0.02)
    for child in left:
        _signal(child, signal.SIGKILL)


def open_streams() -> bool:
    """Make standard error one that never fails and standard output one whose failure is an OutputError;
    say whether the latter is open.
    """
    is_open = sys.stdout is not None
    # Else the next file that is opened gets the number of a standard stream, and is what is printed to.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)  # noqa: FBT003 - it takes no name
    os.close(number)
    sys.stdout = _stream(1, _Output)
    sys.stderr = _stream(2, _Unheard)
    return is_open


def leave(name: int) -> NoReturn:
    """Write what is left of the output and exit; a reader that went away is 141, other failures are 7
    unless `code` weighs more.
    """
    try:
        sys.stdout.flush()
    except EndedError as ending:
        name = ending.exit_code
        _discard_output()
    except OutputError as error:
        busy = BusyError.exit_code
        if name != busy:
            sys.stderr.write(f"error: {error}\n")
        name = name if name in PRECEDENCE[: PRECEDENCE.index(busy)] else busy
        _discard_output()
    sys.exit(name)


def _discard_output() -> None:
    """Lead what is left in the buffer to nowhere: the interpreter would try it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


class _Output(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            raise EndedError(signal.SIGPIPE) from None
        except OSError as error:
            raise OutputError(f"standard output cannot be written: {error.strerror}") from None


class _Unheard(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError:
            return len(data)


def _stream(number: int, kind: type[io.FileIO]) -> io.TextIOWrapper:
    old = sys.__stdout__ if number == 1 else sys.__stderr__
    encoding = getattr(old, "encoding", None) or "utf-8"
    raw = kind(number, "w", closefd=False)
    # What a terminal cannot show is shown as its number.
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=raw.isatty() or number == 2,
    )


def _children() -> list[int]:
    """Return the programs that this process started and that still run."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir("/proc/self/task"):  # noqa: PTH208 - pathlib is not loaded yet
            with open(f"/proc/self/task/{task}/children", encoding="ascii") as file:  # noqa: PTH123
                found += [int(word) for word in file.read().split()]
    return [child for child in found if _runs(child)]


def _runs(child: int) -> bool:
    try:
        with open(f"/proc/{child}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return False


def _signal(child: int, number: int) -> None:
    with suppress(OSError):
        # A program that leads a group is signalled with all that it started.
        if os.getpgid(child) == child:
            os.killpg(child, number)
        else:
            os.kill(child, number)
