"""A Tree: the files of some folders, path to bytes; those on disk are read when somebody asks for them."""

import difflib
import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from okd_gitops import __version__

# The list of what the tool wrote into a folder, in the format of `sha256sum -c`, which passes over the first
# line: the version that wrote it.
MANIFEST = "generated.sha256"
_WRITTEN_BY = "# written by okd-gitops "
_FIRST_LINE = re.compile(rb"# written by okd-gitops (?P<version>[0-9]{1,9}(\.[0-9A-Za-z+-]{1,40}){0,5})\n")
# The folder of an overlay with what the hub gets for the sake of the cluster.
PROVIDER = "provider"
# How deep the owned folders of a generated folder lie.
_DEPTHS = {"argocd": 2, "bases": 3, "overlays": 2}


class Unread(Protocol):
    """A file whose content is read when somebody asks for it."""

    def read(self) -> bytes:
        """Return the content."""

    def digest(self) -> str:
        """Return the SHA-256 of the content in hexadecimal, without reading it where that is known."""

    def lend(self) -> None:
        """Note that a program is told to read the file for itself."""


# Equal are two with the same paths and contents, as with every Mapping.
@dataclass(frozen=True, slots=True, eq=False)
class Tree(Mapping[str, bytes]):
    """Immutable files by POSIX path relative to one root; iterates in sorted order."""

    files: Mapping[str, bytes | Unread] = field(default_factory=dict)

    def __getitem__(self, path: str) -> bytes:
        return content_of(self.files[path])

    def __contains__(self, path: object) -> bool:
        return path in self.files

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.files))

    def __len__(self) -> int:
        return len(self.files)

    def below(self, folder: str) -> "Tree":
        """Return the files below `folder`, with paths relative to it."""
        start = f"{folder}/"
        return Tree({path[len(start) :]: data for path, data in self.files.items() if path.startswith(start)})

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file in hexadecimal."""
        return digest_of(self.files[path])

    def where(self, is_wanted: Callable[[str], bool]) -> "Tree":
        """Return the files whose path is wanted."""
        return Tree({path: content for path, content in self.files.items() if is_wanted(path)})

    def at_top(self, names: Collection[str]) -> "Tree":
        """Return the files of these names at the top, and in the folders of these names."""
        return self.where(lambda path: path.partition("/")[0] in names)

    def by_folder(self) -> "dict[str, Tree]":
        """Return the files below each folder at the top, with paths relative to it."""
        folders: dict[str, dict[str, bytes | Unread]] = {}
        for path, content in self.files.items():
            folder, _, below = path.partition("/")
            if below:
                folders.setdefault(folder, {})[below] = content

        return {folder: Tree(files) for folder, files in folders.items()}


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def content_of(file: bytes | Unread) -> bytes:
    """Return the content of a file, which is read if need be."""
    return file if isinstance(file, bytes) else file.read()


def digest_of(content: bytes | Unread) -> str:
    """Return the SHA-256 of a file in hexadecimal, which is not read where that is known."""
    return digest(content) if isinstance(content, bytes) else content.digest()


def digest_in(files: Mapping[str, bytes], path: str) -> str:
    """Return the SHA-256 of one of some files in hexadecimal, without reading it where that is known."""
    return files.digest(path) if isinstance(files, Tree) else digest(files[path])


def source_in(files: Mapping[str, bytes], path: str) -> bytes | Unread:
    """Return one of some files, not read where that can wait."""
    return files.files[path] if isinstance(files, Tree) else files[path]


def owned_folder(path: str) -> str:
    """Return the folder that owns a generated path: `argocd/NAME`, `overlays/NAME` or `bases/FEATURE/PART`.

    Each has a manifest of its own, so that two changes that add different things never edit the same one.
    """
    parts = path.split("/")
    depth = _DEPTHS.get(parts[0], 2)
    return "/".join(parts[:-1][:depth])


def with_manifests(files: Mapping[str, bytes]) -> Tree:
    """Return the tree of `files` with a manifest of hashes in each owned folder."""
    lines: dict[str, list[str]] = {}

    for path in sorted(files):
        folder = owned_folder(path)
        lines.setdefault(folder, []).append(f"{digest(files[path])}  {path.removeprefix(f'{folder}/')}\n")

    first = f"{_WRITTEN_BY}{__version__}\n"
    manifests = {
        f"{folder}/{MANIFEST}": (first + "".join(hashes)).encode() for folder, hashes in lines.items()
    }
    return Tree({**files, **manifests})


def manifest_hashes(data: bytes) -> dict[str, str] | None:
    """Return path to hash from a manifest's text, or None when it is not one (a merge conflict, an edit)."""
    hashes = {}

    for line in without_version(data).decode("utf-8", "replace").splitlines():
        value, separator, path = line.partition("  ")
        if len(value) != 64 or not separator or not path:
            return None
        hashes[path] = value

    return hashes


def written_by(data: bytes) -> str:
    """Return the version of okd-gitops that a manifest names; empty when it names none."""
    first = _FIRST_LINE.match(data)

    return first["version"].decode() if first else ""


def without_version(data: bytes) -> bytes:
    """Return a manifest without the line that names who wrote it; a line of another form stays."""
    first = _FIRST_LINE.match(data)

    return data[first.end() :] if first else data


def is_same_list(old: bytes | None, new: bytes | None) -> bool:
    """Whether two manifests list the same: a folder names the version that last changed it, not each one."""
    return old is not None and new is not None and without_version(old) == without_version(new)


def unified_diff(path: str, old: bytes, new: bytes, *, old_name: str = "", new_name: str = "") -> str:
    """Return a unified diff of one file as text; an absent side is empty."""
    old_lines = old.decode("utf-8", "replace").splitlines(keepends=True)
    new_lines = new.decode("utf-8", "replace").splitlines(keepends=True)
    lines = difflib.unified_diff(old_lines, new_lines, old_name or f"a/{path}", new_name or f"b/{path}", n=3)

    no_end = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else f"{line}{no_end}" for line in lines)
