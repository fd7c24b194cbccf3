"""What the file system records of files: that none has changed is told by it alone (decision 0023)."""

import errno
import os
import stat
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

# What the file system records of a file: its mode, device, inode and size, and when its content and when
# anything of it was changed, in nanoseconds. Whoever edits a file can set the first time back, but not the
# second. As bytes, because a repository has thousands.
FileStatus = bytes
_FIELDS = attrgetter("st_mode", "st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
_STATUS = struct.Struct("<4Q2q")
STATUS_BYTES = _STATUS.size
_MODE, _SIZE, _CHANGED = 0, 3, 5
# A file that is edited twice within one tick of its file system's clock, 2 s on the coarsest, may look the
# same after both. So what changed this many seconds ago, or after now, is read and not looked up.
_SETTLED = 3.0


class Listing(NamedTuple):
    """The status of a folder, and the names of the files and of the folders in it."""

    status: FileStatus
    files: list[str]
    folders: list[str]


def status_at(root: Path, path: str) -> FileStatus | None:
    """Return the status of a file below `root`; None where it cannot be told."""
    try:
        return _lstat(f"{root}/{path}", None)
    except OSError:
        return None


def status_in(result: os.stat_result) -> FileStatus:
    """Return a status from what a call of the system has returned.

    Raises OSError for one with a number of more than 64 bits.
    """
    try:
        return _STATUS.pack(*_FIELDS(result))
    except struct.error:
        raise OSError(errno.EOVERFLOW, "a time or a number of a file is too large") from None


def kinds_of(statuses: Iterable[FileStatus]) -> set[int]:
    """Return the kinds of files, such as `stat.S_IFREG`: no symlink, pipe or device."""
    return {stat.S_IFMT(mode) for mode in {_of(status, _MODE) for status in statuses}}


def size_of(status: FileStatus) -> int:
    """Return the size of a file."""
    return _of(status, _SIZE)


@dataclass(frozen=True, slots=True)
class Walk:
    """The status of every file below some folders, by path, and the folders among them; `began` is when that
    was asked, in seconds.

    `listings` has each folder that was looked at, also those at the top.
    """

    files: Mapping[str, FileStatus]
    folders: frozenset[str]
    began: float = field(compare=False)
    listings: Mapping[str, Listing] = field(compare=False)

    def digest(self) -> str:
        """Return a hash of it."""
        lines = sorted(f"{path}\0{status.hex()}" for path, status in self.files.items())
        folders = sorted(self.folders)
        return sha256("\0".join((*lines, "", *folders)).encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def all_settled(self) -> bool:
        """Whether that holds for each file."""
        return all(map(self.has_settled, self.files.values()))

    def has_settled(self, status: FileStatus) -> bool:
        """Whether a file would show another status after an edit, and a folder after another one came."""
        return _has_settled(status, self.began)


def walk(
    root: Path,
    *folders: str,
    names: tuple[str, ...] = ("",),
    listings: Mapping[str, Listing] | None = None,
) -> Walk | None:
    """Return the status of every file below `folders` whose name ends with one of `names`, without reading
    one; None where a folder cannot be read.

    `listings` are those of settled folders in an earlier walk: to list one that did not change costs more
    than to ask for the status of all that is in it.
    """
    began = time.time()
    try:
        # A path from here is looked up in half the time of one from the top of the file system.
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None

    try:
        return _walked(root, top, folders, names, listings or {}, began)
    except OSError:
        return None
    finally:
        os.close(top)


def _walked(
    root: Path,
    top: int,
    folders: Sequence[str],
    names: tuple[str, ...],
    known: Mapping[str, Listing],
    began: float,
) -> Walk:
    """Walk below `root`, which is open as `top`; raises OSError."""
    files: dict[str, FileStatus] = {}
    listed: dict[str, Listing] = {}
    pending: list[str] = []

    for path in folders:
        with suppress(FileNotFoundError):
            status = _lstat(path, top)

            if stat.S_ISDIR(_of(status, _MODE)):
                pending.append(path)
            else:
                files[path] = status

    tops = frozenset(pending)
    while pending:
        folder = pending.pop()
        # Before it is listed: what comes meanwhile gives it another status.
        status = _lstat(folder, top)
        listing = known.get(folder)
        if listing is None or listing.status != status or not _has_settled(status, began):
            listing = _listed(f"{root}/{folder}", status, names)

        listed[folder] = listing
        pending += [f"{folder}/{name}" for name in listing.folders]
        for name in listing.files:
            path = f"{folder}/{name}"
            files[path] = _lstat(path, top)

    return Walk(files, frozenset(listed) - tops, began, listed)


def _listed(folder: str, status: FileStatus, names: tuple[str, ...]) -> Listing:
    """List a folder of that status; raises OSError."""
    listing = Listing(status, [], [])
    if not stat.S_ISDIR(_of(status, _MODE)):
        raise NotADirectoryError(folder)

    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                listing.folders.append(entry.name)
            elif entry.name.endswith(names):
                listing.files.append(entry.name)

    return listing


def _has_settled(status: FileStatus, began: float) -> bool:
    return _of(status, _CHANGED) < (began - _SETTLED) * 1e9


def _of(status: FileStatus, field_number: int) -> int:
    number: int = _STATUS.unpack(status)[field_number]
    return number


def _lstat(path: str, folder: int | None) -> FileStatus:
    return status_in(os.lstat(path, dir_fd=folder))
