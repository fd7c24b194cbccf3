"""Which paths are written, and which links, folders, mount points and permissions prevent a write."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from okd_gitops.errors import BusyError, UsageError

# All that any command writes.
_FOLDERS = ("argocd", "bases", "overlays", "clusters", "schemas")
_FILES = ("fleet.yaml", ".gitattributes")
# What `init` writes for a forge, and nothing writes again.
_FILES_OF_FORGES = (
    *("Makefile", "README.md", "FIRST-STEPS.md", "requirements.txt"),
    *(".gitignore", ".pre-commit-config.yaml"),
    *(".github/CODEOWNERS", ".github/workflows/check.yaml", ".github/workflows/comment.yaml"),
    *(".gitlab/CODEOWNERS", ".gitlab-ci.yml"),
)
_WHEEL = re.compile(r"tool/okd_gitops-[0-9A-Za-z.+-]+\.whl")


class WriteError(BusyError):
    """The disk refuses a write."""


def may_write(path: str) -> bool:
    """Whether a path is one that some command writes; it may come from anybody."""
    parts = path.split("/")
    if not path.isprintable() or any(part in ("", ".", "..") for part in parts):
        return False

    if path in (*_FILES, *_FILES_OF_FORGES) or _WHEEL.fullmatch(path):
        return True

    return len(parts) > 1 and parts[0] in _FOLDERS


def refuse_obstacles(root: Path, stage: str, paths: Iterable[str]) -> None:
    """Look at each path below `root` and at the folders above it before anything is written.

    Raises UsageError for a path that is never written, a link, or a folder in a file's place; WriteError for
    a mount point between `stage` (a folder below `root`) and a path, and for a folder that must not be
    written to.
    """
    mounted, home = _mounts(), root.resolve()
    checked = {Path(stage)}
    _refuse_mount(home, Path(stage), mounted)

    for path in paths:
        if not may_write(path):
            raise UsageError(f"{path} is not a path inside the folders that okd-gitops writes", "report this")

        folders = [place for place in reversed(Path(path).parents) if place not in checked]
        checked.update(folders)

        for place in (*folders, Path(path)):
            _refuse_mount(home, place, mounted)
            _refuse_link(root, place)
            if place in checked:
                _refuse_closed_folder(root, place)
            else:
                _refuse_other_than_file(root, place)


def _refuse_mount(home: Path, place: Path, mounted: set[Path]) -> None:
    if place.name and home / place in mounted:
        raise WriteError(
            f"{place} is a mount point: a change there cannot be all or nothing",
            f"umount {place}, then run again",
        )


def _refuse_link(root: Path, place: Path) -> None:
    if place.name and (root / place).is_symlink():
        raise UsageError(
            f"{place} is a symlink: it could lead out of the repository", "remove it, then run again"
        )


def _refuse_other_than_file(root: Path, place: Path) -> None:
    on_disk = root / place
    if on_disk.exists() and not on_disk.is_file():
        raise UsageError(f"{place} is not a file: a file belongs there", f"remove {place}, then run again")


def _refuse_closed_folder(root: Path, place: Path) -> None:
    """Raise unless a folder is absent, or is a folder in which names can be made and removed."""
    on_disk = root / place
    if not on_disk.exists():
        return

    if not on_disk.is_dir():
        raise UsageError(
            f"{place} is not a folder: a folder belongs there", f"remove {place}, then run again"
        )
    if not os.access(on_disk, os.W_OK | os.X_OK):
        name = str(place) if place.name else "the repository"
        raise WriteError(f"{name} is not writable", "look at its permissions, then run again")


def _mounts() -> set[Path]:
    """Return every place at which a file system, a folder or a file is mounted."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return set()

    return {Path(os.fsdecode(_unescaped(line.split(b" ")[4]))) for line in lines}


def _unescaped(name: bytes) -> bytes:
    """Return a name of /proc/self/mountinfo, which escapes spaces and the like as octal numbers."""
    return re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), name)
