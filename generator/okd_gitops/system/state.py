"""The folder `.okd-gitops` of a repository: what runs leave for each other, and the lock that one holds."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from okd_gitops.errors import BusyError
from okd_gitops.system.places import WriteError

STATE = ".okd-gitops"
JOURNAL = "journal.json"
STAGE = "stage"


@contextlib.contextmanager
def locked(root: Path, deadline: float, clock: Callable[[], float]) -> Iterator[None]:
    """Hold the lock of a repository; the kernel frees it when the process dies.

    Raises BusyError when another run has it until the deadline, WriteError when it cannot be written.
    """
    descriptor = _open_lock(root / STATE)

    with os.fdopen(descriptor, "r+", errors="replace") as lock:
        while not _is_taken(lock.fileno()):
            if clock() >= deadline:
                holder = lock.read(20).strip() or "?"
                reason = f"another run (process {holder}) is writing here"
                raise BusyError(reason, "wait for it, then run again")
            time.sleep(0.05)

        with contextlib.suppress(OSError):
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield


def write_synced(path: Path, data: bytes) -> None:
    """Write a file, which must not be a link, and wait until it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_lock(state: Path) -> int:
    try:
        if state.is_symlink():
            raise BusyError(f"{STATE} is a symlink: it could lead out of the repository", f"remove {STATE}")

        state.mkdir(exist_ok=True)
        if not (state / ".gitignore").exists():
            write_synced(state / ".gitignore", b"*\n")

        return os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        reason = f"{STATE} cannot be written: {error.strerror}"
        raise WriteError(reason, "look at its permissions and the free space") from None


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        reason = f"{STATE} cannot be locked: {error.strerror}"
        raise WriteError(reason, "use a file system that has locks") from None
    return True
