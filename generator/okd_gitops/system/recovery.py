"""Finish what an interrupted run had decided, as its journal lists it, or refuse to guess."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from okd_gitops.errors import BusyError, UsageError
from okd_gitops.system import swap
from okd_gitops.system.places import WriteError, may_write, refuse_obstacles
from okd_gitops.system.state import JOURNAL, STATE
from okd_gitops.system.steps import ChangedError, Step, clear, exchange, finish, named
from okd_gitops.system.swap import look, torn

FORMAT = 2
RUN_AGAIN = "free some space or correct permissions, then run again"
_MAX_JOURNAL = 64 << 20
_LOOK = f"look at {STATE}/{JOURNAL}, remove it, then run okd-gitops generate"


def pending(root: Path) -> bool:
    """Whether an interrupted run left changes to finish."""
    return os.path.lexists(root / STATE / JOURNAL)


def refuse_pending(root: Path) -> None:
    """Raise BusyError when an interrupted run left changes: the disk is neither as before nor as after."""
    if pending(root):
        _read_journal(root)
        raise BusyError("a run was interrupted while it wrote", "okd-gitops generate finishes it")


def recover(root: Path) -> None:
    """Finish what an interrupted run had decided, or forget what it had not. The lock must be held.

    Raises BusyError when that needs a person.
    """
    if pending(root):
        steps = _read_journal(root)
        try:
            _resume(root, steps)
            finish(root, steps)
        except OSError as error:
            reason = f"the interrupted change cannot be finished: {error}"
            raise WriteError(reason, RUN_AGAIN) from None
        except UsageError as error:
            reason = f"the interrupted change cannot be finished: {error.reason}"
            raise BusyError(reason, _LOOK) from None
        except ChangedError as error:
            raise _edited([str(error)]) from None

    clear(root / STATE)


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far an interrupted step came: the hashes of the file in its place and of the staged one."""

    step: Step
    target: Path
    staged: Path
    hash_in_place: str | None
    hash_in_stage: str | None

    @property
    def is_done(self) -> bool:
        return self.hash_in_place == self.step.new

    @property
    def is_edited(self) -> bool:
        """Whether somebody else changed the file in its place."""
        is_known = self.hash_in_place in (self.step.old, self.step.new)
        return not is_known and not torn(self.target)

    @property
    def has_displaced_edit(self) -> bool:
        """Whether the run was killed after it had displaced an edit and before it looked at it."""
        is_known = self.hash_in_stage in (None, self.step.old, self.step.new)
        return self.is_done and not is_known and not torn(self.staged)

    @property
    def has_lost_content(self) -> bool:
        """Whether the new content is gone: its staged file, or what became of it in its place."""
        if self.step.new is None:
            return False
        if self.hash_in_stage is None or torn(self.staged):
            return True
        return self.hash_in_stage == self.step.old and torn(self.target)


def _progress(root: Path, step: Step) -> _Progress:
    target, staged = root / step.path, step.staged_file(root)
    return _Progress(step, target, staged, look(target), look(staged))


def _resume(root: Path, steps: Sequence[Step]) -> None:
    """Make the steps that are left, after a look at all of them.

    What a power loss took is left out: the next generation writes it.
    """
    progress = [_progress(root, step) for step in steps]
    unfinished = [entry for entry in progress if not entry.is_done]

    refuse_obstacles(root, STATE, [entry.step.path for entry in unfinished])
    _refuse_edits(progress)
    _refuse_misfits(unfinished)

    for entry in unfinished:
        _resume_step(root, entry)


def _refuse_edits(progress: Sequence[_Progress]) -> None:
    edited = [entry.step.path for entry in progress if entry.is_edited]

    for entry in progress:
        if entry.has_displaced_edit:
            swap.swap(entry.staged, entry.target)
            edited.append(entry.step.path)

    if edited:
        raise _edited(edited)


def _refuse_misfits(unfinished: Sequence[_Progress]) -> None:
    misfits = [
        entry.step.path
        for entry in unfinished
        if entry.hash_in_stage != entry.step.new and not entry.has_lost_content
    ]
    if misfits:
        reason = f"the journal of an interrupted run does not fit what it staged for {named(misfits)}"
        raise BusyError(reason, _LOOK)


def _resume_step(root: Path, entry: _Progress) -> None:
    step = entry.step

    if entry.hash_in_stage == step.new:
        exchange(root, step, entry.hash_in_place)
    elif torn(entry.target):
        entry.target.unlink()
        if step.old is not None and entry.hash_in_stage == step.old:
            swap.swap(entry.staged, entry.target)


def _read_journal(root: Path) -> list[Step]:
    """Read the journal as what anybody may have written; raises BusyError."""
    journal = _read_json(root / STATE / JOURNAL)
    rows = _rows(journal)
    steps = [Step(**row) for row in rows]

    paths, numbers = {step.path for step in steps}, {step.staged for step in steps}
    if len(paths) < len(steps) or len(numbers) < len(steps):
        raise BusyError("the journal of an interrupted run names a file twice", _LOOK)

    for step in steps:
        if not may_write(step.path):
            place = f'"{step.path[:200]}", which okd-gitops never writes'
            raise BusyError(f"the journal of an interrupted run names {place}", _LOOK)

    return steps


def _read_json(path: Path) -> Any:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return json.loads(file.read(_MAX_JOURNAL))
    except (OSError, ValueError, RecursionError):
        raise BusyError("the journal of an interrupted run cannot be read", _LOOK) from None


def _rows(journal: Any) -> list[dict[str, Any]]:
    journal_format = journal.get("format") if isinstance(journal, dict) else None
    if type(journal_format) is int and journal_format > FORMAT:
        reason = "a newer okd-gitops was interrupted while it wrote"
        raise BusyError(reason, "run that version's okd-gitops generate")

    rows = journal.get("steps") if journal_format == FORMAT else None
    if not isinstance(rows, list) or not all(map(_is_step, rows)):
        raise BusyError("the journal of an interrupted run is not one that okd-gitops writes", _LOOK)

    return rows


def _is_step(row: Any) -> bool:
    if not isinstance(row, dict) or row.keys() != {"path", "old", "new", "staged"}:
        return False

    is_number = type(row["staged"]) is int and row["staged"] >= 0
    return isinstance(row["path"], str) and is_number and _is_hash(row["old"]) and _is_hash(row["new"])


def _is_hash(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) == 64)


def _edited(paths: Sequence[str]) -> BusyError:
    remedy = f"keep what you need of it, remove {STATE}/{JOURNAL}, then run okd-gitops generate"
    return BusyError(f"a run was interrupted while it wrote, and {named(paths)} changed since", remedy)
