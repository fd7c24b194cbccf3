"""The files of a repository, each read when somebody asks for it; the hashes of those that did not change are
known from an earlier run.

A file is read only while it is the one that was found: another inode, size or time, or another content than
was hashed, ends the run.
"""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from okd_gitops.errors import BusyError
from okd_gitops.finding import Location
from okd_gitops.system.disk import MAX_FILE, MAX_GENERATED, ROOTS, UNWRITABLE, unreadable
from okd_gitops.system.file_status import FileStatus, Walk, status_at
from okd_gitops.system.kept import Results
from okd_gitops.tree import Tree, Unread, digest, digest_of

# Files of the bases are read for each overlay, and those of clusters twice.
_IN_MEMORY = 4096
_GENERATED = tuple(f"{root}/" for root in ROOTS)


@dataclass(slots=True)
class OnDisk:
    """A file below `root` as it was found, which is read when somebody asks for it."""

    root: str
    path: str
    status: FileStatus
    known: str = ""

    def read(self) -> bytes:
        """Return the content; raises BusyError when the file is not the one that was found."""
        data = _content(self.root, self.path, self.status.line)
        if data is None or (self.known and digest(data) != self.known):
            raise BusyError(f"{self.path} changed while running", "run the same command again")

        return data

    def digest(self) -> str:
        """Return the SHA-256 of the content; raises BusyError like `read`."""
        if not self.known:
            self.known = digest(self.read())

        return self.known


def files_of(root: Path, found: Walk) -> Tree | None:
    """Return the files of a repository as they were found; None when one of them must not be read.

    Then `disk.read_tree` tells which, and why.
    """
    if not all(_may_be_read(path, status) for path, status in found.files.items()):
        return None

    return Tree({path: OnDisk(str(root), path, status) for path, status in found.files.items()})


def know_digests(files: Tree, found: Walk, folder: Path, place: str) -> None:
    """Let the hash of each file be known: those of an earlier run, kept in `folder`, where nothing changed.

    Raises BusyError when a file changes meanwhile, FindingsError for one that the user may not read.
    """
    results = Results(folder / "files")
    kept = (results.read(place) or b"").decode("utf-8", "surrogateescape").split("\n")
    known = dict(zip(kept[::2], kept[1::2], strict=False))
    settled: list[str] = []

    for path in files:
        file = files.files[path]
        assert isinstance(file, OnDisk)

        if found.has_settled(file.status):
            file.known = known.get(file.status.line, "")
            settled += (file.status.line, file.digest())

    if settled != kept:
        results.keep(place, "\n".join(settled).encode("utf-8", "surrogateescape"))


def is_as_found(root: Path, files: Mapping[str, bytes], path: str) -> bool:
    """Whether a file is still as it was found: a program may have read what somebody wrote later.

    To compare its content is not enough, as somebody may have put that back. Of files that were read at once
    there is nothing else.
    """
    content = files.files[path] if isinstance(files, Tree) else files[path]
    if isinstance(content, OnDisk):
        return status_at(root, path) == content.status

    try:
        return (root / path).read_bytes() == files[path]
    except OSError:
        return False


def is_same_file(one: bytes | Unread | None, other: bytes | Unread | None) -> bool:
    """Whether two files of the same path have the same content; one that did not change is not read."""
    if isinstance(one, OnDisk) and isinstance(other, OnDisk) and one.status == other.status:
        return True
    if one is None or other is None:
        return one is other

    return digest_of(one) == digest_of(other)


def _may_be_read(path: str, status: FileStatus) -> bool:
    limit = MAX_GENERATED if path.startswith(_GENERATED) else MAX_FILE
    return status.is_regular and status.size <= limit and not UNWRITABLE.search(path)


@lru_cache(maxsize=_IN_MEMORY)
def _content(root: str, path: str, line: str) -> bytes | None:
    """Return the content of a file of that status, None when it has another one.

    Raises FindingsError for one that the user may not read.
    """
    try:
        descriptor = os.open(f"{root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            before = FileStatus.of(path, os.fstat(descriptor))
            data = file.read(before.size + 1)
            after = FileStatus.of(path, os.fstat(descriptor))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise unreadable(Location(file=path), error) from None

    return data if before.line == after.line == line and len(data) == before.size else None
