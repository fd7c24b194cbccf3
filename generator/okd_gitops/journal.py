"""Write a set of changes so that it lands all or nothing, whatever kills the run.

The new files are staged beside the repository's own, then a journal that lists every step is put in place with one rename. From that moment
the change counts as made: a run that finds a journal finishes it. Before that moment nothing of the repository was touched.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from okd_gitops.errors import BusyError, UsageError

STATE = ".okd-gitops"
_JOURNAL = "journal.json"
_STAGE = "stage"


class WriteError(BusyError):
    """The disk refused a write."""


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the repository's lock; the kernel frees it when the process dies. Raises UsageError when another run has it."""
    state = root / STATE
    try:
        if state.is_symlink():
            raise UsageError(f"{STATE} is a symlink: it could lead out of the repository", f"remove {STATE}")
        state.mkdir(exist_ok=True)
        if not (state / ".gitignore").exists():
            _write(state / ".gitignore", b"*\n")
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WriteError(f"{STATE} cannot be written: {error.strerror}", "look at its permissions and the free space") from None
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another run (process {lock.read().strip() or '?'}) is writing here", "wait for it, then run again") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def pending(root: Path) -> bool:
    """Whether an interrupted run left changes to finish."""
    return (root / STATE / _JOURNAL).exists()


def recover(root: Path) -> bool:
    """Finish what an interrupted run had decided, or forget what it had not. Call it under the lock; says whether anything was finished."""
    journal = root / STATE / _JOURNAL
    finish = journal.exists()
    if finish:
        try:
            _apply(root, **json.loads(journal.read_text("utf-8")))
        except OSError as error:
            raise WriteError(f"the interrupted change cannot be finished: {error}", "free some space or mend permissions, then run again") from None
    shutil.rmtree(root / STATE / _STAGE, ignore_errors=True)
    return finish


def publish(root: Path, put: Mapping[str, bytes], delete: Sequence[str]) -> None:
    """Write `put` and delete `delete` below `root`, all or nothing. Call it under the lock, after `recover`.

    Raises UsageError, before anything is written, when a path leads through a symlink; WriteError when the disk refuses.
    """
    if not put and not delete:
        return
    for path in (*put, *delete):
        _inside(root, path)
    state, stage = root / STATE, root / STATE / _STAGE
    try:
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir()
        steps = {path: str(number) for number, path in enumerate(put)}
        for path, name in steps.items():
            (stage / name).write_bytes(put[path])
        # One sync for all of them: a thousand files synced one by one take longer than everything else together.
        os.sync()
        _write(state / f"{_JOURNAL}.new", json.dumps({"put": steps, "delete": list(delete)}).encode())
    except OSError as error:
        shutil.rmtree(stage, ignore_errors=True)
        raise WriteError(f"nothing was written: {error}", "free some space or mend permissions, then run again") from None
    try:
        (state / f"{_JOURNAL}.new").replace(state / _JOURNAL)
        _sync(state)
        _apply(root, steps, delete)
    except OSError as error:
        raise WriteError(f"the write was interrupted: {error}", "run the same command again: it finishes what is left") from None
    shutil.rmtree(stage, ignore_errors=True)


def _apply(root: Path, put: Mapping[str, str], delete: Sequence[str]) -> None:
    touched = set()
    for path, name in put.items():
        staged, target = root / STATE / _STAGE / name, root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # A step that was done before the interruption has no staged file any more.
        with contextlib.suppress(FileNotFoundError):
            staged.replace(target)
        touched.add(target.parent)
    for path in delete:
        (root / path).unlink(missing_ok=True)
        folder = (root / path).parent
        with contextlib.suppress(OSError):
            while folder != root:
                folder.rmdir()
                folder = folder.parent
    for folder in touched:
        if folder.is_dir():
            _sync(folder)
    (root / STATE / _JOURNAL).unlink()


def _inside(root: Path, path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "" in parts:
        raise UsageError(f"{path} is not a path inside the repository", "report this")
    for length in range(1, len(parts) + 1):
        part = root.joinpath(*parts[:length])
        if part.is_symlink():
            raise UsageError(f"{'/'.join(parts[:length])} is a symlink: it could lead out of the repository", "remove it, then run again")


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
