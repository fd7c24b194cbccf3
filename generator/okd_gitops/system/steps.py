"""The steps of a change that lands all or nothing: each exchanges a staged file with the one in its place.

A step looks at what it displaced. The hashes tell what this tool wrote from what a person or a power loss
left, so that nothing is guessed.
"""

import contextlib
import posixpath
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.system import swap
from okd_gitops.system.state import JOURNAL, STAGE, STATE, sync
from okd_gitops.system.swap import NOT_A_FILE, look
from okd_gitops.tree import manifest_hashes

WRITTEN = "written.sha256"


@dataclass(frozen=True, slots=True)
class Step:
    """A change of one file: its hash before and after (None: absent), and its number in the stage."""

    path: str
    old: str | None
    new: str | None
    staged: int

    def staged_file(self, root: Path) -> Path:
        """Return where the new content waits, and then the displaced one."""
        return root / STATE / STAGE / str(self.staged)


class ChangedError(Exception):
    """What was displaced is not what was expected."""


def exchange(root: Path, step: Step, expected: str | None) -> None:
    """Put a staged file in its place, or take one away.

    Raises ChangedError, with all as before, when what it displaces has another hash than `expected`.
    """
    staged, target = step.staged_file(root), root / step.path
    if step.new is None and look(target) is None:
        return

    target.parent.mkdir(parents=True, exist_ok=True)
    swap.swap(staged, target)

    if look(staged) != expected:
        swap.swap(staged, target)
        raise ChangedError(step.path)

    if step.new is None:
        prune(root, target.parent)


def take_back(root: Path, step: Step) -> None:
    """Undo a step that was made, unless its file changed since."""
    staged, target = step.staged_file(root), root / step.path
    if look(target) != step.new:
        return

    target.parent.mkdir(parents=True, exist_ok=True)
    swap.swap(staged, target)

    if step.old is None:
        prune(root, target.parent)


def finish(root: Path, steps: Sequence[Step]) -> None:
    """Wait until what was done is on the disk, remember it, and forget the journal."""
    for folder in _folders_of(root, steps):
        if folder.is_dir():
            sync(folder)

    _remember(root, {step.path: look(root / step.path) for step in steps})
    (root / STATE / JOURNAL).unlink()
    sync(root / STATE)
    clear(root / STATE)


def written(root: Path) -> dict[str, str]:
    """Return path to hash of what was last written here: a record that no commit has and no merge changes."""
    try:
        return manifest_hashes((root / STATE / WRITTEN).read_bytes()) or {}
    except OSError:
        return {}


def prune(root: Path, folder: Path) -> None:
    """Remove a folder and those above it, as far as they are empty."""
    with contextlib.suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def clear(state: Path) -> None:
    """Remove the stage, and a journal that was not yet put in place."""
    shutil.rmtree(state / STAGE, ignore_errors=True)
    with contextlib.suppress(OSError):
        (state / f"{JOURNAL}.new").unlink()


def named(paths: Sequence[str]) -> str:
    """Return the first paths of a list, for a message."""
    rest = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + rest


def _folders_of(root: Path, steps: Iterable[Step]) -> set[Path]:
    """Return the folders, up to the root, in which steps changed an entry."""
    folders = {""}

    for step in steps:
        folder = posixpath.dirname(step.path)
        while folder not in folders:
            folders.add(folder)
            folder = posixpath.dirname(folder)

    return {root / folder for folder in folders}


def _remember(root: Path, hashes: Mapping[str, str | None]) -> None:
    all_hashes = {**written(root), **hashes}
    new_file = root / STATE / f"{WRITTEN}.new"

    with new_file.open("wb") as file:
        file.writelines(
            f"{value}  {path}\n".encode()
            for path, value in sorted(all_hashes.items())
            if value is not None and value != NOT_A_FILE
        )

    new_file.replace(root / STATE / WRITTEN)
