"""What the file system records of files: that none has changed is told by it alone (decision 0023)."""

import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

# A file that is edited twice within one tick of its file system's clock, 2 s on the coarsest, may look the
# same after both. So what changed this many seconds ago, or after now, is read and not looked up.
_SETTLED = 3.0


class FileStatus(NamedTuple):
    """What the file system records of a file: whoever edits one can set its mtime back, but not its ctime."""

    line: str
    mode: int
    size: int
    # In seconds.
    changed: float

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> "FileStatus":
        """Return the status of the file of a path, below whatever root."""
        mode, inode, device, _, _, _, size, _, _, _ = status
        changed = status.st_ctime_ns
        line = f"{path}\0{mode} {device} {inode} {size} {status.st_mtime_ns} {changed}"
        return cls(line, mode, size, changed / 1e9)

    @property
    def is_regular(self) -> bool:
        """Whether it is a file: no symlink, pipe or device."""
        return stat.S_ISREG(self.mode)


def status_at(root: Path, path: str) -> FileStatus | None:
    """Return the status of a file below `root`; None where it cannot be told."""
    try:
        return FileStatus.of(path, os.lstat(root / path))
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Walk:
    """The status of every file below some folders, by path, and the folders among them; `began` is when that
    was asked, in seconds.
    """

    files: Mapping[str, FileStatus]
    folders: frozenset[str]
    began: float = field(compare=False)

    def digest(self) -> str:
        """Return a hash of it."""
        lines = sorted(status.line for status in self.files.values())
        folders = sorted(self.folders)
        return sha256("\0".join((*lines, "", *folders)).encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def all_settled(self) -> bool:
        """Whether that holds for each file."""
        return all(self.has_settled(status) for status in self.files.values())

    def has_settled(self, status: FileStatus) -> bool:
        """Whether a file would show another status after an edit."""
        return status.changed < self.began - _SETTLED


def walk(root: Path, *folders: str, names: tuple[str, ...] = ("",)) -> Walk | None:
    """Return the status of every file below `folders` whose name ends with one of `names`, without reading
    one; None where a folder cannot be read.
    """
    began = time.time()
    files: dict[str, FileStatus] = {}
    folders_found: set[str] = set()
    pending: list[str] = []

    try:
        for path in folders:
            with suppress(FileNotFoundError):
                status = os.lstat(root / path)

                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)
                else:
                    files[path] = FileStatus.of(path, status)

        while pending:
            folder = pending.pop()

            with os.scandir(f"{root}/{folder}") as listed:
                for entry in listed:
                    path = f"{folder}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                        folders_found.add(path)
                    elif entry.name.endswith(names):
                        files[path] = FileStatus.of(path, entry.stat(follow_symlinks=False))
    except OSError:
        return None

    return Walk(files, frozenset(folders_found), began)
