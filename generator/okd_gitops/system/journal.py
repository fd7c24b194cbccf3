"""Write a set of changes so that it lands all or nothing, whatever kills the run and whoever edits
meanwhile.

The new files are staged beside the repository's own, then a journal that lists every step is put in place
with one rename. From that moment the change counts as made: the next run that saves anything finishes it
first. Before that moment nothing of the repository was touched.

A step exchanges a staged file with the one in its place and then looks at what it displaced. The hashes in
the journal tell what this tool wrote from what a person or a power loss left, so that nothing is guessed.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from okd_gitops.errors import BusyError, UsageError
from okd_gitops.system.places import WriteError, may_write, refuse_obstacles
from okd_gitops.system.swap import NOT_A_FILE, look, swap, torn
from okd_gitops.tree import MANIFEST, digest, manifest_hashes

STATE = ".okd-gitops"
_FORMAT = 2
_JOURNAL = "journal.json"
_STAGE = "stage"
_WRITTEN = "written.sha256"
_MAX_JOURNAL = 64 << 20
# So many files are synced one by one; syncing all of the machine waits for what others write.
_FEW = 100
_AGAIN = "free some space or mend permissions, then run again"
_LOOK = f"look at {STATE}/{_JOURNAL}, remove it, then run okd-gitops generate"


class Save(Protocol):
    """Write files and delete others, all or nothing."""

    def __call__(
        self,
        put: Mapping[str, bytes],
        delete: Iterable[str] = (),
        *,
        before: Mapping[str, bytes] | None = None,
    ) -> None:
        """Write `put` and delete `delete`; `before` is what the decision rests on: a path that it does not
        hold must be absent.

        Nothing is changed when it raises: BusyError when a file is another one by now, lies behind a mount
        point, or the disk refuses; UsageError when a link or a folder is in its way.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Step:
    """A change of one file: its hash before and after (None: absent), and the number of its place in the
    stage.
    """

    path: str
    old: str | None
    new: str | None
    staged: int


class _ChangedError(Exception):
    """What was displaced is not what was expected."""


@contextlib.contextmanager
def saving(root: Path, *, wait: float = 10, clock: Callable[[], float] = time.monotonic) -> Iterator[Save]:
    """Hold the repository's lock, finish what an interrupted run had decided, and give what writes.

    `wait` is how many seconds another run may take. Raises BusyError when it takes longer, or when the
    interrupted change cannot be finished without a person.
    """
    with _locked(root, clock() + wait, clock):
        _recover(root)

        def save(
            put: Mapping[str, bytes], delete: Iterable[str] = (), *, before: Mapping[str, bytes] | None = None
        ) -> None:
            _publish(root, _steps(put, delete, before or {}), put)

        yield save


def refuse_pending(root: Path) -> None:
    """Raise BusyError when an interrupted run left changes to finish: what is on disk is neither before
    nor after.
    """
    if pending(root):
        _read(root)
        raise BusyError("a run was interrupted while it wrote", "okd-gitops generate finishes it")


def pending(root: Path) -> bool:
    """Whether an interrupted run left changes to finish."""
    return os.path.lexists(root / STATE / _JOURNAL)


def written(root: Path) -> dict[str, str]:
    """Return path to hash of what was last written here: a record that no commit carries and no merge
    changes.
    """
    try:
        return manifest_hashes((root / STATE / _WRITTEN).read_bytes()) or {}
    except OSError:
        return {}


@contextlib.contextmanager
def _locked(root: Path, deadline: float, clock: Callable[[], float]) -> Iterator[None]:
    """Hold the lock; the kernel frees it when the process dies."""
    state = root / STATE
    try:
        if state.is_symlink():
            raise BusyError(f"{STATE} is a symlink: it could lead out of the repository", f"remove {STATE}")
        state.mkdir(exist_ok=True)
        if not (state / ".gitignore").exists():
            _write(state / ".gitignore", b"*\n")
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WriteError(
            f"{STATE} cannot be written: {error.strerror}", "look at its permissions and the free space"
        ) from None

    with os.fdopen(descriptor, "r+", errors="replace") as lock:
        while not _taken(lock.fileno()):
            if clock() >= deadline:
                holder = lock.read(20).strip() or "?"
                raise BusyError(
                    f"another run (process {holder}) is writing here", "wait for it, then run again"
                )
            time.sleep(0.05)
        with contextlib.suppress(OSError):
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise WriteError(
            f"{STATE} cannot be locked: {error.strerror}", "use a file system that has locks"
        ) from None
    return True


def _steps(put: Mapping[str, bytes], delete: Iterable[str], before: Mapping[str, bytes]) -> list[_Step]:
    # The lists of what is ours come last: until then each file is the one that the old list or the new
    # decision names.
    order = sorted(put, key=lambda path: path.endswith(f"/{MANIFEST}"))
    wanted = [*((path, digest(put[path])) for path in order), *((path, None) for path in delete)]
    old = {path: digest(before[path]) for path, _ in wanted if path in before}
    return [_Step(path, old.get(path), new, number) for number, (path, new) in enumerate(wanted)]


def _publish(root: Path, steps: list[_Step], put: Mapping[str, bytes]) -> None:
    if not steps:
        return
    state = root / STATE
    try:
        refuse_obstacles(root, STATE, [step.path for step in steps])
        changed = [step.path for step in steps if look(root / step.path) != step.old]
        if changed:
            raise _changed(changed)
        _stage(state, steps, put)
        _write(
            state / f"{_JOURNAL}.new",
            json.dumps({"format": _FORMAT, "steps": [asdict(step) for step in steps]}).encode(),
        )
    except OSError as error:
        _clear(state)
        raise WriteError(f"nothing was written: {error}", _AGAIN) from None

    try:
        (state / f"{_JOURNAL}.new").replace(state / _JOURNAL)
        _sync(state)
        _apply(root, steps)
        _finish(root, steps)
    except OSError as error:
        raise WriteError(
            f"the write was interrupted: {error}", "run the same command again: it finishes what is left"
        ) from None


def _stage(state: Path, steps: Iterable[_Step], put: Mapping[str, bytes]) -> None:
    _clear(state)
    (state / _STAGE).mkdir()
    for step in steps:
        if step.new is not None:
            staged = state / _STAGE / str(step.staged)
            staged.write_bytes(put[step.path])
            if len(put) <= _FEW:
                _sync(staged)
    if len(put) > _FEW:
        # One sync for all of them: a thousand files synced one by one take longer than everything else
        # together.
        os.sync()


def _apply(root: Path, steps: Iterable[_Step]) -> None:
    """Make all steps; when one cannot be made, take back those that were."""
    made: list[_Step] = []
    try:
        for step in steps:
            _exchange(root, step, step.old)
            made.append(step)
    except (_ChangedError, OSError) as error:
        _prune(root, (root / step.path).parent)
        for step in reversed(made):
            _take_back(root, step)
        (root / STATE / _JOURNAL).unlink()
        _clear(root / STATE)
        if isinstance(error, OSError):
            raise WriteError(f"nothing was written: {error}", _AGAIN) from None
        raise _changed([str(error)]) from None


def _exchange(root: Path, step: _Step, expected: str | None) -> None:
    """Put a staged file in its place (or take one away); raises _ChangedError, with all as before, when
    what it displaces is another one.
    """
    staged, target = root / STATE / _STAGE / str(step.staged), root / step.path
    if step.new is None and look(target) is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    swap(staged, target)
    if look(staged) != expected:
        swap(staged, target)
        raise _ChangedError(step.path)
    if step.new is None:
        _prune(root, target.parent)


def _take_back(root: Path, step: _Step) -> None:
    staged, target = root / STATE / _STAGE / str(step.staged), root / step.path
    if look(target) != step.new:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    swap(staged, target)
    if step.old is None:
        _prune(root, target.parent)


def _finish(root: Path, steps: Iterable[_Step]) -> None:
    """Let what was done be on the disk, remember it, and forget the journal."""
    parents = {
        parent for step in steps for parent in (root / step.path).parents if parent.is_relative_to(root)
    }
    for folder in parents:
        if folder.is_dir():
            _sync(folder)
    _remember(root, {step.path: look(root / step.path) for step in steps})
    (root / STATE / _JOURNAL).unlink()
    _sync(root / STATE)
    _clear(root / STATE)


def _remember(root: Path, hashes: Mapping[str, str | None]) -> None:
    kept = {
        path: value for path, value in {**written(root), **hashes}.items() if value not in (None, NOT_A_FILE)
    }
    text = "".join(f"{value}  {path}\n" for path, value in sorted(kept.items()))
    (root / STATE / f"{_WRITTEN}.new").write_bytes(text.encode())
    (root / STATE / f"{_WRITTEN}.new").replace(root / STATE / _WRITTEN)


def _recover(root: Path) -> None:
    """Finish what an interrupted run had decided, or forget what it had not."""
    if pending(root):
        steps = _read(root)
        try:
            _resume(root, steps)
            _finish(root, steps)
        except OSError as error:
            raise WriteError(f"the interrupted change cannot be finished: {error}", _AGAIN) from None
        except UsageError as error:
            raise BusyError(f"the interrupted change cannot be finished: {error.reason}", _LOOK) from None
        except _ChangedError as error:
            raise _foreign([str(error)]) from None
    _clear(root / STATE)


def _resume(root: Path, steps: Iterable[_Step]) -> None:
    """Make the steps that are left, after a look at all of them. What a power loss took is left out: the
    next generation writes it.
    """
    states = [
        (step, look(root / step.path), look(root / STATE / _STAGE / str(step.staged))) for step in steps
    ]
    refuse_obstacles(root, STATE, [step.path for step, now, _ in states if now != step.new])
    foreign = [
        step.path for step, now, _ in states if now not in (step.old, step.new) and not torn(root / step.path)
    ]
    for step, now, staged in states:
        displaced = root / STATE / _STAGE / str(step.staged)
        if now == step.new and staged not in (None, step.old, step.new) and not torn(displaced):
            # The run was killed after it had displaced an edit and before it looked at it.
            swap(displaced, root / step.path)
            foreign.append(step.path)
    if foreign:
        raise _foreign(foreign)

    left = [(step, now, staged) for step, now, staged in states if now != step.new]
    strange = [step.path for step, _, staged in left if staged != step.new and not _lost(root, step)]
    if strange:
        raise BusyError(
            f"the journal of an interrupted run does not fit what it staged for {_named(strange)}", _LOOK
        )
    for step, now, staged in left:
        if staged == step.new:
            _exchange(root, step, now)
        elif torn(root / step.path):
            (root / step.path).unlink()
            if staged == step.old is not None:
                swap(root / STATE / _STAGE / str(step.staged), root / step.path)


def _lost(root: Path, step: _Step) -> bool:
    """Whether the new content is gone: its staged file, or what became of it in its place."""
    staged = root / STATE / _STAGE / str(step.staged)
    displaced = look(staged) == step.old and torn(root / step.path)
    return step.new is not None and (displaced or look(staged) is None or torn(staged))


def _read(root: Path) -> list[_Step]:
    """Read the journal as what anybody may have written; raises BusyError."""
    try:
        descriptor = os.open(
            root / STATE / _JOURNAL, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
        with os.fdopen(descriptor, "rb") as file:
            value = json.loads(file.read(_MAX_JOURNAL))
    except (OSError, ValueError, RecursionError):
        raise BusyError("the journal of an interrupted run cannot be read", _LOOK) from None
    if isinstance(value, dict) and type(value.get("format")) is int and value["format"] > _FORMAT:
        raise BusyError(
            "a newer okd-gitops was interrupted while it wrote", "run that version's okd-gitops generate"
        )
    rows = value.get("steps") if isinstance(value, dict) and value.get("format") == _FORMAT else None
    if not isinstance(rows, list) or not all(map(_is_step, rows)):
        raise BusyError("the journal of an interrupted run is not one that okd-gitops writes", _LOOK)
    steps = [_Step(**row) for row in rows]
    if len({step.path for step in steps}) < len(steps) or len({step.staged for step in steps}) < len(steps):
        raise BusyError("the journal of an interrupted run names a file twice", _LOOK)
    for step in steps:
        if not may_write(step.path):
            raise BusyError(
                f'the journal of an interrupted run names "{step.path[:200]}", which okd-gitops never writes',
                _LOOK,
            )
    return steps


def _is_step(row: Any) -> bool:
    if not isinstance(row, dict) or row.keys() != {"path", "old", "new", "staged"}:
        return False
    hashes = all(
        row[key] is None or (isinstance(row[key], str) and len(row[key]) == 64) for key in ("old", "new")
    )
    return hashes and isinstance(row["path"], str) and type(row["staged"]) is int and row["staged"] >= 0


def _changed(paths: list[str]) -> BusyError:
    return BusyError(
        f"{_named(paths)} changed while running; nothing was written", "run the same command again"
    )


def _foreign(paths: list[str]) -> BusyError:
    remedy = f"keep what you need of it, remove {STATE}/{_JOURNAL}, then run okd-gitops generate"
    return BusyError(f"a run was interrupted while it wrote, and {_named(paths)} changed since", remedy)


def _named(paths: list[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _prune(root: Path, folder: Path) -> None:
    """Remove a folder and those above it, as far as they are empty."""
    with contextlib.suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def _clear(state: Path) -> None:
    shutil.rmtree(state / _STAGE, ignore_errors=True)
    with contextlib.suppress(OSError):
        (state / f"{_JOURNAL}.new").unlink()


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
