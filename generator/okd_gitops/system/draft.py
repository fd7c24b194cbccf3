"""A commit in the making: its files in a folder of their own, and the commit that they become.

Neither the work tree nor the index of the clone is read or written, and nothing is checked out: blobs are
written as they are, so no filter and no hook of the repository has a part in it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import BusyError, UsageError
from okd_gitops.redaction import plain
from okd_gitops.system.disk import MAX_GENERATED, read_file
from okd_gitops.system.files_on_disk import lend, may_be_read
from okd_gitops.system.git import Clone, opened
from okd_gitops.system.git_objects import contents, entries
from okd_gitops.system.make_commit import make_commit
from okd_gitops.system.store import make_repository
from okd_gitops.tree import Tree, digest

_NAME = "okd-gitops-draft-"
_LOCK = "lock"
_LINK, _MODULE, _PROGRAM = "120000", "160000", "100755"


@dataclass(slots=True)
class Draft:
    """The files of a commit below the root of the repository, in `folder`, but for those that are late.

    `tip` is the last commit that was made of them, `files` what the first one has, and `links` those of them
    that are symlinks. `beside` is a folder for what else the run leaves until the draft ends.
    """

    clone: Clone
    folder: Path
    head: Path
    tip: str
    modes: dict[str, str]
    files: Tree
    links: set[str]
    beside: Path

    def files_in(self, *names: str) -> Tree | None:
        """Return what the first commit has of these names at the top, and in these folders; None when one of
        them must not be read.

        Then `disk.read_tree` tells which, and why.
        """
        files = self.files.at_top(names)
        return files if _may_be_read(files, self.links) else None

    def write_late(self) -> None:
        """Write all files that are late; raises BusyError on a full disk."""
        for path in self.files:
            lend(self.files, path)

    def commit(self, paths: Iterable[str], message: str) -> str:
        """Make a commit of `paths` as they are in the folder, upon `tip`, and return its hash.

        The identity is that of the clone's user. Raises UsageError when git knows none.
        """
        files = {path: _content(self.folder, path) for path in sorted(paths)}
        self.tip = make_commit(self.clone, self.tip, files, message, modes=self.modes)
        self.head.write_text(f"{self.tip}\n")
        return self.tip


@dataclass(slots=True)
class Late:
    """A file of a commit that is written to the folder of a draft when a program is told to read it."""

    folder: Path
    path: str
    data: bytes
    known: str = ""

    def read(self) -> bytes:
        """Return the content."""
        return self.data

    def digest(self) -> str:
        """Return the SHA-256 of the content."""
        self.known = self.known or digest(self.data)
        return self.known

    def lend(self) -> None:
        """Write the file, unless it is there; raises BusyError on a full disk."""
        if not (self.folder / self.path).exists():
            _write(self.folder, {self.path: self.data}, set())


@contextmanager
def drafted(root: Path, sha: str, late: Collection[str] = ()) -> Iterator[Draft]:
    """Write the files of a commit to a folder of its own for as long as the block runs.

    Those in the folders `late` at the top are written when a program is told to read them, if all of them may
    be read. What killed runs left is removed. Raises UsageError for a commit whose paths no file system can
    hold.
    """
    clone = opened(root)
    _remove_abandoned()

    with _own_folder() as folder:
        modes, files = _files_of_commit(clone, sha)
        links = {path for path, mode in modes.items() if mode == _LINK}
        head = _repository_of_draft(folder / "work/.git", clone, sha)
        work = folder / "work" / clone.prefix
        work.mkdir(parents=True, exist_ok=True)
        _refuse_paths_elsewhere(files)
        later = Tree(files).at_top(late)
        if not _may_be_read(later, links):
            later = Tree()
        _write(work, {path: data for path, data in files.items() if path not in later}, links)

        programs = {path: mode for path, mode in modes.items() if mode == _PROGRAM}
        tree = Tree({**files, **{path: Late(work, path, files[path]) for path in later}})
        yield Draft(clone, work, head, sha, programs, tree, links, folder / "beside")


def _files_of_commit(clone: Clone, sha: str) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the mode and the content of each path of a commit, without submodules."""
    modes: dict[str, str] = {}
    blobs: dict[str, str] = {}
    for path, (mode, blob) in entries(clone, sha).items():
        if mode != _MODULE:
            modes[path], blobs[path] = mode, blob

    contents_of = contents(clone.root, set(blobs.values()))
    return modes, {path: contents_of[blob] for path, blob in blobs.items()}


def _repository_of_draft(folder: Path, clone: Clone, sha: str) -> Path:
    """Make a repository of our own whose HEAD is the commit, and return the file of that HEAD.

    What looks at the folder of the draft finds this one.
    """
    make_repository(folder, clone, bare=False)

    alternates = folder / "objects/info/alternates"
    alternates.parent.mkdir(parents=True)
    alternates.write_text(f"{clone.objects}\n")

    head = folder / "HEAD"
    head.write_text(f"{sha}\n")
    return head


def _content(folder: Path, path: str) -> bytes | None:
    return read_file(folder, path, max_file=MAX_GENERATED) if os.path.lexists(folder / path) else None


def _may_be_read(files: Tree, links: Collection[str]) -> bool:
    sizes = {path: len(files[path]) for path in files}
    return sizes.keys().isdisjoint(links) and may_be_read(sizes)


def _refuse_paths_elsewhere(paths: Iterable[str]) -> None:
    for path in paths:
        if {"", ".", "..", ".git"} & set(path.split("/")):
            raise UsageError(
                f"the commit has a path that leads elsewhere: {plain(path)}", "remove it from the branch"
            )


def _write(folder: Path, files: Mapping[str, bytes], links: Collection[str]) -> None:
    """Write regular files, and then the links, so that no file is written through a link.

    Raises BusyError where that fails.
    """
    try:
        _write_each(folder, files, links)
    except OSError as error:
        reason = f"the commit cannot be written to {folder}: {error.strerror}"
        raise BusyError(reason, "free some space there, or set TMPDIR") from None


def _write_each(folder: Path, files: Mapping[str, bytes], links: Collection[str]) -> None:
    for path in sorted(files, key=lambda path: path in links):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in links:
            target.symlink_to(os.fsdecode(files[path]))
        else:
            with target.open("xb") as file:
                file.write(files[path])


@contextmanager
def _own_folder() -> Iterator[Path]:
    """Make a folder that is locked for as long as this run lives; it gets its name when the lock is held."""
    with ExitStack() as cleanup:
        unlocked = Path(tempfile.mkdtemp(prefix="okd-gitops-new-"))
        cleanup.callback(shutil.rmtree, unlocked, ignore_errors=True)
        lock = cleanup.enter_context((unlocked / _LOCK).open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = unlocked.with_name(f"{_NAME}{unlocked.name.removeprefix('okd-gitops-new-')}")
        unlocked.rename(folder)
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _remove_abandoned() -> None:
    """Remove the folders of runs that were killed: the kernel freed their locks.

    Those of runs that live, and of other users, stay.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_NAME}*"):
        with suppress(OSError):
            status = folder.lstat()
            if status.st_uid != os.getuid() or folder.is_symlink():
                continue
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
