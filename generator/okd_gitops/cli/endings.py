"""How a run ends from outside: by a signal, or because its output cannot be written.

It imports nothing heavy, because it must be loaded first.
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
    """A signal ends the run; not an Exception, so that no code on the way handles it as a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """Return the code that a shell reports for a process that a signal ended."""
        return 128 + self.number


class OutputError(Exception):
    """Standard output cannot be written."""


def end_by_signals() -> None:
    """Let SIGINT, SIGTERM and SIGHUP end child programs and raise EndedError, unless they are ignored."""
    first = 0.0

    def end(number: int, _frame: object) -> None:
        nonlocal first
        if first:
            # `timeout` and terminals signal twice at once; a later second signal must end the run.
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
    """End all child programs: by SIGTERM, so that they can remove their locks, then by SIGKILL."""
    deadline = time.monotonic() + _GRACE

    for child in _children():
        _signal(child, signal.SIGTERM)

    while (left := _children()) and time.monotonic() < deadline:
        time.sleep(0.02)

    for child in left:
        _signal(child, signal.SIGKILL)


def open_streams() -> bool:
    """Make writing errors quiet on standard error and OutputErrors on standard output.

    Returns whether standard output is open.
    """
    is_open = sys.stdout is not None
    # Otherwise the next opened file gets the number of a standard stream, and output goes into it.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)  # noqa: FBT003 - it takes no name
    os.close(number)
    sys.stdout = _stream(1, _Output)
    sys.stderr = _stream(2, _Unheard)
    return is_open


def leave(code: int) -> NoReturn:
    """Write the rest of the output and exit: 141 when the reader went away, 7 when that fails otherwise.

    A code that stands before 7 in PRECEDENCE is kept.
    """
    try:
        sys.stdout.flush()
    except EndedError as ending:
        code = ending.exit_code
        _discard_output()
    except OutputError as error:
        busy = BusyError.exit_code

        if code != busy:
            sys.stderr.write(f"error: {error}\n")

        if code not in PRECEDENCE[: PRECEDENCE.index(busy)]:
            code = busy

        _discard_output()

    sys.exit(code)


def _discard_output() -> None:
    """Send the rest of the buffer to /dev/null: the interpreter would try to write it again."""
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
    # A character that the terminal cannot show is printed as its number.
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=raw.isatty() or number == 2,
    )


def _children() -> list[int]:
    """Return the programs that this process started and that still run."""
    children: list[int] = []

    with suppress(OSError):
        for task in os.listdir("/proc/self/task"):  # noqa: PTH208 - pathlib is not loaded yet
            path = f"/proc/self/task/{task}/children"
            with open(path, encoding="ascii") as file:  # noqa: PTH123 - pathlib is not loaded yet
                children += [int(word) for word in file.read().split()]

    return [child for child in children if _runs(child)]


def _runs(child: int) -> bool:
    try:
        path = f"/proc/{child}/stat"
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
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
