"""Let two names exchange their files, so that what a write displaced can be looked at and put back."""

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path

from okd_gitops.tree import digest

_AT_FDCWD, _NOREPLACE, _EXCHANGE = -100, 1, 2
# What a kernel or a file system says that does not know renameat2(2).
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
_ATTEMPTS = 5
# No digest: something other than a regular file.
NOT_A_FILE = "not a file"


def swap(one: Path, other: Path) -> None:
    """Exchange the files of two names; a name that is absent gets the other's.

    Nothing is overwritten. Raises OSError.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _swap(one, other)
        except (FileExistsError, FileNotFoundError):
            # One of them came or went in between.
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


def look(path: Path) -> str | None:
    """Return the digest of a file, None for an absent one, and NOT_A_FILE for anything else.

    Folders, links and devices are not opened.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return NOT_A_FILE
    return digest(path.read_bytes())


def torn(path: Path) -> bool:
    """Whether a file is empty or holds only zeros: a power loss leaves it so before it is on the disk."""
    return look(path) not in (None, NOT_A_FILE) and not path.read_bytes().strip(b"\0")


def _swap(one: Path, other: Path) -> None:
    if not os.path.lexists(one):
        return _rename(other, one, _NOREPLACE)
    if not os.path.lexists(other):
        return _rename(one, other, _NOREPLACE)
    return _rename(one, other, _EXCHANGE)


@cache
def _renameat2() -> Callable[..., int] | None:
    """Return renameat2(2), None where the C library has none.

    It is looked up once: each look makes a class, which nothing but a collection of garbage takes away.
    """
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def _rename(one: Path, other: Path, flag: int) -> None:
    call = _renameat2()
    code = errno.ENOSYS
    if call is not None:
        if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), flag) == 0:
            return
        code = ctypes.get_errno()

    if code not in _UNKNOWN:
        raise OSError(code, os.strerror(code), str(one), None, str(other))
    if flag == _EXCHANGE:
        kept = one.with_name(f"{one.name}.kept")
        shutil.copy2(other, kept)
        one.replace(other)
        kept.rename(one)
    else:
        one.rename(other)
