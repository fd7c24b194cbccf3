"""Build a folder aside and put it in place whole, one set-up at a time.

A run that is killed leaves what was there before it.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from failure import SetupError

PARTIAL = "partial-"


@contextmanager
def only_one(cache: Path) -> Iterator[None]:
    """Wait until no other set-up works in this cache, and remove what killed ones left.

    Raises SetupError where nothing can be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(cache / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SetupError.of(error) from None
    try:
        _lock(descriptor)
        for left in cache.glob(f"{PARTIAL}*"):
            _put_back(left)
            remove(left)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def aside(cache: Path, name: str) -> Iterator[Path]:
    """Yield an empty folder that becomes `cache`/`name` when the block ends well, and is removed else."""
    partial = Path(tempfile.mkdtemp(dir=cache, prefix=f"{PARTIAL}{name}-"))
    partial.chmod(0o755)
    try:
        made = partial / name
        made.mkdir()
        yield made
        target = cache / name
        if target.exists():
            target.rename(partial / "before")
        made.rename(target)
    finally:
        remove(partial)


def _put_back(partial: Path) -> None:
    """Put back the folder that a killed run had taken away without putting the new one in its place."""
    name = partial.name.removeprefix(PARTIAL).rpartition("-")[0]
    before, target = partial / "before", partial.parent / name
    if before.is_dir() and not target.exists():
        before.rename(target)


def remove(path: Path) -> None:
    """Remove a folder, also one with read-only folders in it, as Go's module cache has them."""
    for folder, _, _ in os.walk(path):
        with suppress(OSError):
            Path(folder).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise SetupError.of(error) from None
        print("waiting for another make, which sets up the same .cache", flush=True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
