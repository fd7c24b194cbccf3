"""The files of a repository, each read when somebody asks for it; the hashes of those that did not change are
known from an earlier run.

A file is read only while it is the one that was found: another inode, size or time, or another content than
was hashed, ends the run.
"""

import errno
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from okd_gitops.errors import BusyError
from okd_gitops.finding import FindingsError, Location
from okd_gitops.system.disk import MAX_FILE, MAX_GENERATED, ROOTS, UNWRITABLE, read_file, unreadable
from okd_gitops.system.file_status import FileStatus, Walk, kinds_of, size_of, status_at, status_in
from okd_gitops.tree import Tree, Unread, digest, digest_of

# Many files are read twice, soon after one another.
_IN_MEMORY = 256
_GENERATED = tuple(f"{root}/" for root in ROOTS)


@dataclass(slots=True)
class OnDisk:
    """A file below `root` as it was found, which is read when somebody asks for it.

    `is_lent` is whether a program was told to read it for itself.
    """

    root: str
    path: str
    status: FileStatus
    known: str = ""
    is_lent: bool = False

    def read(self) -> bytes:
        """Return the content; raises BusyError when the file is not the one that was found."""
        data = _content(self.root, self.path, self.status)
        if data is None or (self.known and digest(data) != self.known):
            raise BusyError(f"{self.path} changed while running", "run the same command again")

        return data

    def digest(self) -> str:
        """Return the SHA-256 of the content; raises BusyError like `read`."""
        if not self.known:
            self.known = digest(self.read())

        return self.known

    def lend(self) -> None:
        """Note that a program may have read another content than was found."""
        self.is_lent = True


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """A file below `root` that was read once, is read again when somebody asks for it, and must be the same.

    So files need not stay in memory where no status decides anything.
    """

    root: Path
    path: str
    known: str

    def read(self) -> bytes:
        """Return the content; raises BusyError when it is another one than before."""
        try:
            data = read_file(self.root, self.path, max_file=MAX_GENERATED)
        except FindingsError:
            data = b""
        if digest(data) != self.known:
            raise BusyError(f"{self.path} changed while running", "run the same command again")

        return data

    def digest(self) -> str:
        """Return the SHA-256 of the content."""
        return self.known

    def lend(self) -> None:
        """Do nothing: the file is where it was read."""


def let_go(root: Path, files: Tree) -> Tree:
    """Return files that were read below `root`, each of which is read again when somebody asks for it."""
    return Tree({path: ReadAgain(root, path, digest(data)) for path, data in files.items()})


def files_of(root: Path, found: Walk, digests: Mapping[str, str] = MappingProxyType({})) -> Tree | None:
    """Return the files of a repository as they were found; None when one of them must not be read.

    Then `disk.read_tree` tells which, and why. `digests` has the SHA-256 of those that are known.
    """
    is_regular = kinds_of(found.files.values()) <= {stat.S_IFREG}
    if not is_regular or not may_be_read({path: size_of(status) for path, status in found.files.items()}):
        return None

    top = str(root)
    return Tree(
        {path: OnDisk(top, path, status, digests.get(path, "")) for path, status in found.files.items()}
    )


def lend(files: Mapping[str, bytes], path: str) -> None:
    """Note that a program is told to read a file for itself."""
    content = files.files.get(path) if isinstance(files, Tree) else None
    if content is not None and not isinstance(content, bytes):
        content.lend()


def lend_below(files: Mapping[str, bytes], paths: Collection[str]) -> None:
    """Note that somebody is told to read some files, and all in some folders, for himself."""
    folders = tuple(f"{path}/" for path in paths)
    for path in files:
        if path in paths or path.startswith(folders):
            lend(files, path)


def lent_as_found(root: Path, files: Tree) -> bool:
    """Whether all files that programs read for themselves are still as they were found."""
    lent = [path for path, content in files.files.items() if isinstance(content, OnDisk) and content.is_lent]
    return all(is_as_found(root, files, path) for path in lent)


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


def different(old: Tree, new: Tree) -> frozenset[str]:
    """Return the paths that one of two trees lacks, or that have another content in it."""
    paths = old.files.keys() | new.files.keys()
    return frozenset(path for path in paths if not is_same_file(old.files.get(path), new.files.get(path)))


def may_be_read(sizes: Mapping[str, int]) -> bool:
    """Whether none of some files is too large, and none has a name that cannot be written."""
    names = "".join(sizes)
    if not names.isprintable() and UNWRITABLE.search(names):
        return False

    large = {path: size for path, size in sizes.items() if size > MAX_FILE}
    return all(path.startswith(_GENERATED) and size <= MAX_GENERATED for path, size in large.items())


@lru_cache(maxsize=_IN_MEMORY)
def _content(root: str, path: str, status: FileStatus) -> bytes | None:
    """Return the content of a file of that status, None when it has another one.

    Raises FindingsError for one that the user may not read.
    """
    try:
        descriptor = os.open(f"{root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            before = status_in(os.fstat(descriptor))
            data = file.read(size_of(before) + 1)
            after = status_in(os.fstat(descriptor))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise unreadable(Location(file=path), error) from None

    return data if before == after == status and len(data) == size_of(status) else None
