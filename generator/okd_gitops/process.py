"""Run a program: argument list, scrubbed environment, time and output limits, and no orphan left behind."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import ToolError

MAX_OUTPUT = 256 << 20
_running: set[int] = set()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program left: its exit code and both outputs."""

    code: int
    out: bytes
    err: str


def run(arguments: Sequence[str], *, cwd: Path, timeout: float, environment: Mapping[str, str] | None = None) -> Completed:
    """Run `arguments` in `cwd` and wait at most `timeout` seconds.

    The program sees only a fixed environment plus `environment`. Raises ToolError when it cannot start, takes too long, or writes more than
    256 MiB. Its process group is killed in each of these cases.
    """
    name = Path(arguments[0]).name
    scrubbed = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "TZ": "UTC", **(environment or {})}
    # Files, not pipes: output of any size costs no memory until it is known to be within bounds.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                list(arguments), cwd=cwd, env=scrubbed, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            raise ToolError(f"{name} cannot be started: {error.strerror}", "make check builds the tools") from None
        with _lock:
            _running.add(process.pid)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ToolError(f"{name} took more than {timeout:.0f} s and was stopped", f"run it by hand: {' '.join(arguments)}") from None
        finally:
            if process.poll() is None:
                _kill(process.pid)
                process.wait()
            with _lock:
                _running.discard(process.pid)
        if out.tell() > MAX_OUTPUT or os.fstat(out.fileno()).st_size > MAX_OUTPUT:
            raise ToolError(f"{name} wrote more than {MAX_OUTPUT >> 20} MiB", f"run it by hand: {' '.join(arguments)}")
        out.seek(0)
        err.seek(0)
        return Completed(code, out.read(), err.read(1 << 20).decode("utf-8", "replace"))


def stop_all() -> None:
    """Kill every program that still runs; for an interrupted run."""
    with _lock:
        for pid in _running:
            _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
