"""Which paths are written, and what can be in the way of one: links, folders, mount points and
permissions.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from okd_gitops.errors import BusyError, UsageError

# All that any command writes.
_FOLDERS = ("argocd", "bases", "overlays", "clusters", "evidence", "schemas")
_FILES = ("fleet.yaml", ".gitattributes")


class WriteError(BusyError):
    """The disk refuses a write."""


def may_write(path: str) -> bool:
    """Whether a path is one that some command writes; it may come from anybody."""
    parts = path.split("/")
    if not path.isprintable() or any(part in ("", ".", "..") for part in parts):
        return False
    return path in _FILES or (len(parts) > 1 and parts[0] in _FOLDERS)


def refuse_obstacles(root: Path, stage: str, paths: Iterable[str]) -> None:
    """Look at each path below `root` and at the folders above it before anything is written.

    Raises UsageError for a path that is never written, a link, or a folder in a file's place; WriteError for
    a mount point between `stage` (a folder below `root`) and a path, and for a folder that must not be
    written to.
    """
    mounted, home, seen = _mounts(), root.resolve(), {Path(stage)}
    _refuse_mount(home, Path(stage), mounted)
    for path in paths:
        if not may_write(path):
            raise UsageError(f"{path} is not a path inside the folders that okd-gitops writes", "report this")
        for place in (*reversed(Path(path).parents), Path(path)):
            if place not in seen:
                seen.add(place)
                _refuse_mount(home, place, mounted)
                _refuse_obstacle(root, place, is_file=str(place) == path)


def _refuse_mount(home: Path, place: Path, mounted: set[Path]) -> None:
    if place.name and home / place in mounted:
        raise WriteError(
            f"{place} is a mount point: a change there cannot be all or nothing",
            f"umount {place}, then run again",
        )


def _refuse_obstacle(root: Path, place: Path, *, is_file: bool) -> None:
    on_disk = root / place
    if on_disk.is_symlink() and place.name:
        raise UsageError(
            f"{place} is a symlink: it could lead out of the repository", "remove it, then run again"
        )
    if not on_disk.exists():
        return
    if is_file and not on_disk.is_file():
        raise UsageError(f"{place} is not a file: a file belongs there", f"remove {place}, then run again")
    if not is_file and not on_disk.is_dir():
        raise UsageError(
            f"{place} is not a folder: a folder belongs there", f"remove {place}, then run again"
        )
    if not is_file and not os.access(on_disk, os.W_OK | os.X_OK):
        raise WriteError(
            f"{place if place.name else 'the repository'} is not writable",
            "look at its permissions, then run again",
        )


def _mounts() -> set[Path]:
    """Return every place at which a file system, a folder or a file is mounted."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return set()
    points = (line.split(b" ")[4] for line in lines)
    return {
        Path(os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), point)))
        for point in points
    }
