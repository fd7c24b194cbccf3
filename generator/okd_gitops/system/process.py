"""Run a program with limits, without network where the system allows that, and end all that it starts."""

import os
import secrets
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from okd_gitops.errors import ToolError

MAX_OUTPUT = 256 << 20
MAX_MEMORY = 4 << 30
# Nothing is found on PATH, no home has a configuration, and each proxy is a port where nobody listens.
_CLOSED = "http://127.0.0.1:1"
ENVIRONMENT = {
    "PATH": "",
    **dict.fromkeys(
        ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "KUSTOMIZE_PLUGIN_HOME"),
        "/nonexistent",
    ),
    **dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), _CLOSED
    ),
    "GIT_ALLOW_PROTOCOL": "none",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
}
# The shell sets the limits and is replaced by the program: unlike code between fork and exec, that is safe
# beside threads. A limit that a system does not have is left out.
_LIMITS = 'for limit in "-t $1" "-v $2" "-f $3"; do ulimit $limit 2>/dev/null; done; shift 3; exec "$@"'
_UNSHARE = ("--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")
_MARK = "OKD_GITOPS_RUN"
# Seconds that a program has to end by itself, after a signal or when nobody asks it any more.
_GRACE = 3.0
# How unshare of util-linux 2.38 ends, with code 1, when the kernel has killed what it ran: at a limit of
# processor time, or for want of memory.
_KILLED = "unshare: sigprocmask unblock failed: Invalid argument"


@dataclass(frozen=True, slots=True)
class Completed:
    """The result of a program: its exit code (negative or above 128: a signal) and both outputs."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output without the last line feed."""
        return self.out.decode("utf-8", "surrogateescape").removesuffix("\n")


@dataclass(frozen=True, slots=True)
class Started:
    """A program that runs; `end` must be called, however it went."""

    process: subprocess.Popen[bytes]
    mark: str

    def write(self, data: bytes) -> None:
        """Write to its standard input, which `start` has connected; raises OSError when it has ended."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def read(self, at_most: int, seconds: float) -> bytes:
        """Return what it wrote to its standard output, as soon as there is something.

        There is none when it has ended, or when it wrote nothing for some seconds.
        """
        assert self.process.stdout is not None
        written = select.poll()
        written.register(self.process.stdout, select.POLLIN)
        is_there = written.poll(max(0.0, seconds) * 1000)
        return os.read(self.process.stdout.fileno(), at_most) if is_there else b""

    def end(self) -> None:
        """End the program and whatever it started."""
        if self.process.stdin is not None:
            # It ends by itself when nobody asks any more, and what it used is then counted as ours.
            self.process.stdin.close()
            _watch(self.process.pid, (), time.monotonic() + _GRACE)

        # It is not reaped yet, so its number still is its own and that of its group.
        _kill(self.process.pid)
        self.process.wait()
        _end_strays(self.mark)

        if self.process.stdout is not None:
            self.process.stdout.close()


def run(
    arguments: Sequence[str], *, cwd: Path, timeout: float, environment: Mapping[str, str] | None = None
) -> Completed:
    """Run `arguments` in `cwd` and wait at most `timeout` seconds.

    Each process gets a second more of processor time, so that who reaches both limits is told of the first.
    The program sees only ENVIRONMENT plus
    `environment`. Raises ToolError when it cannot start, takes too long, or writes more than 256 MiB. However
    it ends, whatever it started ends with it.
    """
    name = Path(arguments[0]).name

    # Files, not pipes: output of any size costs no memory until it is known to be within bounds.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = _start(arguments, cwd, str(int(timeout) + 1), environment, subprocess.DEVNULL, out, err)
        process = started.process

        try:
            fault = _watch(process.pid, (out, err), time.monotonic() + timeout)
        finally:
            started.end()

        if fault:
            raise ToolError(
                f"{name} {fault.format(seconds=timeout)}", f"run it by hand: {' '.join(arguments)}"
            )

        out.seek(0)
        err.seek(0)
        words = err.read(1 << 20).decode("utf-8", "replace")
        code = -signal.SIGKILL if _KILLED in words.splitlines() else process.returncode
        return Completed(code, out.read(), words)


def start(arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None) -> Started:
    """Start a program that is asked over its standard input, and answers on its standard output, within the
    limits that `run` sets, but that of time. What it says on standard error is dropped.

    Raises ToolError when it cannot start.
    """
    pipe = subprocess.PIPE
    return _start(arguments, cwd, "unlimited", environment, pipe, pipe, subprocess.DEVNULL)


def _start(
    arguments: Sequence[str],
    cwd: Path,
    seconds: str,
    environment: Mapping[str, str] | None,
    stdin: int,
    out: int | BinaryIO,
    err: int | BinaryIO,
) -> Started:
    mark = secrets.token_hex(16)
    limits = (seconds, str(MAX_MEMORY >> 10), str((MAX_OUTPUT >> 9) + 1))
    command = ["/bin/sh", "-c", _LIMITS, "sh", *limits, *isolation(), *arguments]

    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**ENVIRONMENT, **(environment or {}), _MARK: mark},
            bufsize=0,
            stdin=stdin,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    except OSError as error:
        name = Path(arguments[0]).name
        raise ToolError(
            f"{name} cannot be started: {error.strerror}", "make check builds the tools"
        ) from None

    return Started(process, mark)


def run_in_view(arguments: Sequence[str], *, cwd: Path, quiet: bool) -> int:
    """Run a program of our own with this environment, and return its exit code.

    What it says goes to standard error as it says it; `quiet` leaves out all but its errors. However this run
    ends, whatever the program started ends with it.
    """
    process = subprocess.Popen(
        arguments,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if quiet else 2,
        # A group of its own: a signal that ends this run is passed on to all of it.
        process_group=0,
    )

    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    finally:
        # After a signal it clears up first. Not reaped yet, its number still is that of its group.
        _wait(process.pid, time.monotonic() + _GRACE)
        _kill(process.pid)
        process.wait()

    return process.returncode


def run_as_person(arguments: Sequence[str], *, cwd: Path, timeout: float) -> Completed:
    """Run a program with this environment and the network: one that acts for the person who runs this.

    Raises ToolError when it cannot start, or takes more than `timeout` seconds.
    """
    name = Path(arguments[0]).name

    try:
        done = subprocess.run(
            arguments, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
    except OSError as error:
        raise ToolError(f"{name} cannot be started: {error.strerror}", f"look at {arguments[0]}") from None
    except subprocess.TimeoutExpired:
        raise ToolError(
            f"{name} took more than {timeout:.0f} s and was stopped", "run the same again"
        ) from None

    return Completed(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


@cache
def isolation() -> tuple[str, ...]:
    """Return the words before a command that take the network from it and end all that it starts.

    There are none where the system does not allow it.
    """
    for program in ("/usr/bin/unshare", "/bin/unshare"):
        try:
            attempt = subprocess.run(
                [program, *_UNSHARE, "/bin/sh", "-c", ":"],
                env=ENVIRONMENT,
                capture_output=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if attempt.returncode == 0:
            return (program, *_UNSHARE)

    return ()


def _wait(pid: int, end: float) -> None:
    """Wait until a process has ended, without reaping it, or until a time."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < end:
        time.sleep(0.02)


def _watch(pid: int, outputs: tuple[BinaryIO, ...], end: float) -> str:
    """Wait until a process has ended, without reaping it, or return why it must be stopped before."""
    pause = 0.001
    while True:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if any(os.fstat(output.fileno()).st_size > MAX_OUTPUT for output in outputs):
            return f"wrote more than {MAX_OUTPUT >> 20} MiB and was stopped"
        if ended:
            return ""
        if time.monotonic() > end:
            return "took more than {seconds:.0f} s and was stopped"

        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _end_strays(mark: str) -> None:
    """End what left the process group, by the mark in the environment that it has from its parent."""
    # The namespace of processes has ended them already.
    if isolation():
        return

    wanted = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue
