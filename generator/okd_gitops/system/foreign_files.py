"""Read a repository that others wrote: what can be read, what cannot and why, and its symlinks.

A symlink is followed while it stays inside the repository. Nothing outside is read, and no file stops the
reading of the others.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from okd_gitops.finding import FindingsError
from okd_gitops.system.disk import MAX_GENERATED, read_file

# What Git and package managers put beside the files of a repository.
_NOT_OURS = frozenset({".git", ".hg", ".svn", "node_modules", ".venv"})
_REMOTE = re.compile(r"^\s*url\s*=\s*(\S+)\s*$", re.MULTILINE)
_MAX_LINKS = 40


@dataclass(frozen=True, slots=True)
class ForeignFiles(Mapping[str, bytes]):
    """The files of a repository by path; iterates over real paths alone, and finds them under aliases too.

    `links` are symlinks with the real path of what they lead to; `unread` are files with the reason.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    # Those of them that are regular files, and larger than a check reads.
    too_large: set[str] = field(default_factory=set)
    # The addresses under which the clone knows other copies of itself.
    remotes: tuple[str, ...] = ()

    def __getitem__(self, path: str) -> bytes:
        return self.files[self.resolve(path)]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.files))

    def __len__(self) -> int:
        return len(self.files)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self.resolve(path) in self.files

    def resolve(self, path: str) -> str:
        """Return the real path of a file or folder."""
        if not self.links:
            return path

        for _ in range(_MAX_LINKS):
            link = next((link for link in self.links if f"{path}/".startswith(f"{link}/")), None)
            if link is None:
                break
            path = f"{self.links[link]}{path[len(link) :]}".strip("/")

        return path


def read_repository(root: Path) -> ForeignFiles:
    """Return every file below `root`, except those of Git itself."""
    found = ForeignFiles(remotes=remotes_of(root))
    pending = [""]

    while pending:
        folder = pending.pop()
        try:
            names = sorted(entry.name for entry in (root / folder).iterdir())
        except OSError as error:
            found.unread[folder] = f"it cannot be read: {error.strerror}"
            continue

        for name in names:
            if name in _NOT_OURS:
                continue

            path = f"{folder}/{name}" if folder else name
            if _is_folder(root, path, found):
                pending.append(path)

    return found


def _is_folder(root: Path, path: str, found: ForeignFiles) -> bool:
    """Note a file or a symlink; whether it is a folder to go into."""
    try:
        status = os.lstat(root / path)
        mode = status.st_mode
        if stat.S_ISLNK(mode):
            _note_link(root, path, found)
        elif stat.S_ISDIR(mode):
            return True
        elif stat.S_ISREG(mode) and status.st_size > MAX_GENERATED:
            most = f"files of at most {MAX_GENERATED >> 20} MiB are read"
            found.too_large.add(path)
            found.unread[path] = f"it is too large ({status.st_size / (1 << 20):.0f} MiB): {most}"
        else:
            found.files[path] = read_file(root, path, max_file=MAX_GENERATED)
    except FindingsError as error:
        found.unread[path] = error.findings[0].reason
    except OSError as error:
        found.unread[path] = f"it cannot be read: {error.strerror}"

    return False


def _note_link(root: Path, path: str, found: ForeignFiles) -> None:
    real_root = os.path.realpath(root)
    # Strict: a link to nothing, or a circle of them, raises OSError.
    target = os.path.realpath(root / path, strict=True)
    relative = os.path.relpath(target, real_root)

    if relative == ".." or relative.startswith("../"):
        found.unread[path] = "it is a symlink that leads out of the repository"
    elif relative == "." or f"{path}/".startswith(f"{relative}/"):
        found.unread[path] = "it is a symlink to a folder that it lies in"
    elif set(relative.split("/")) & _NOT_OURS:
        found.unread[path] = "it is a symlink to a file that is not of the repository"
    else:
        found.links[path] = relative


def remotes_of(root: Path) -> tuple[str, ...]:
    """Return the addresses in the configuration of a clone, read as text."""
    try:
        text = read_file(root, ".git/config").decode("utf-8", "replace")
    except FindingsError:
        return ()

    return tuple(_REMOTE.findall(text))
