"""Write a set of changes so that it lands all or nothing, whatever kills the run and whoever edits meanwhile.

The new files are staged beside the repository's own, then a journal that lists every step is put in place
with one rename. From that moment the change counts as made: the next run that saves anything finishes it
first. Before that moment nothing of the repository was touched.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from okd_gitops.errors import BusyError
from okd_gitops.system.places import WriteError, refuse_obstacles
from okd_gitops.system.recovery import FORMAT, RUN_AGAIN, recover
from okd_gitops.system.state import JOURNAL, STAGE, STATE, locked, sync, write_synced
from okd_gitops.system.steps import ChangedError, Step, clear, exchange, finish, named, prune, take_back
from okd_gitops.system.swap import look
from okd_gitops.tree import MANIFEST, digest

# So many files are synced one by one; syncing all of the machine waits for what others write.
_FEW = 100


class Save(Protocol):
    """Write files and delete others, all or nothing."""

    def __call__(
        self,
        put: Mapping[str, bytes],
        delete: Iterable[str] = (),
        *,
        before: Mapping[str, bytes] | None = None,
    ) -> None:
        """Write `put` and delete `delete`.

        `before` is what the decision rests on: a path that it does not hold must be absent. Nothing is
        changed when it raises: BusyError when a file changed since, lies behind a mount point, or the disk
        refuses; UsageError when a link or a folder is in its way.
        """
        ...


@contextlib.contextmanager
def saving(root: Path, *, wait: float = 10, clock: Callable[[], float] = time.monotonic) -> Iterator[Save]:
    """Hold the repository's lock, finish what an interrupted run had decided, and give what writes.

    `wait` is how many seconds another run may take. Raises BusyError when it takes longer, or when the
    interrupted change cannot be finished without a person.
    """
    with locked(root, clock() + wait, clock):
        recover(root)

        def save(
            put: Mapping[str, bytes], delete: Iterable[str] = (), *, before: Mapping[str, bytes] | None = None
        ) -> None:
            _publish(root, _steps(put, delete, before or {}), put)

        yield save


def _steps(put: Mapping[str, bytes], delete: Iterable[str], before: Mapping[str, bytes]) -> list[Step]:
    # The lists of what is generated come last: until then each file is the one that the old list or the new
    # decision names.
    put_in_order = sorted(put, key=lambda path: path.endswith(f"/{MANIFEST}"))
    new_hashes: list[tuple[str, str | None]] = [(path, digest(put[path])) for path in put_in_order]
    new_hashes += [(path, None) for path in delete]

    old_hashes = {path: digest(before[path]) for path, _ in new_hashes if path in before}
    return [Step(path, old_hashes.get(path), new, number) for number, (path, new) in enumerate(new_hashes)]


def _publish(root: Path, steps: Sequence[Step], put: Mapping[str, bytes]) -> None:
    if not steps:
        return

    state = root / STATE
    new_journal = state / f"{JOURNAL}.new"
    try:
        refuse_obstacles(root, STATE, [step.path for step in steps])
        _refuse_changed(root, steps)
        _stage(root, steps, put)
        content = {"format": FORMAT, "steps": [asdict(step) for step in steps]}
        write_synced(new_journal, json.dumps(content).encode())
    except OSError as error:
        clear(state)
        raise WriteError(f"nothing was written: {error}", RUN_AGAIN) from None

    try:
        new_journal.replace(state / JOURNAL)
        sync(state)
        _apply(root, steps)
        finish(root, steps)
    except OSError as error:
        remedy = "run the same command again: it finishes what is left"
        raise WriteError(f"the write was interrupted: {error}", remedy) from None


def _refuse_changed(root: Path, steps: Iterable[Step]) -> None:
    changed = [step.path for step in steps if look(root / step.path) != step.old]
    if changed:
        raise _changed(changed)


def _stage(root: Path, steps: Iterable[Step], put: Mapping[str, bytes]) -> None:
    clear(root / STATE)
    (root / STATE / STAGE).mkdir()

    for step in steps:
        if step.new is not None:
            staged = step.staged_file(root)
            staged.write_bytes(put[step.path])
            if len(put) <= _FEW:
                sync(staged)

    if len(put) > _FEW:
        # A thousand files that are synced one by one take longer than everything else together.
        os.sync()


def _apply(root: Path, steps: Iterable[Step]) -> None:
    """Make all steps; when one cannot be made, take back those that were."""
    made: list[Step] = []

    try:
        for step in steps:
            exchange(root, step, step.old)
            made.append(step)
    except (ChangedError, OSError) as error:
        prune(root, (root / step.path).parent)
        for made_step in reversed(made):
            take_back(root, made_step)

        (root / STATE / JOURNAL).unlink()
        clear(root / STATE)

        if isinstance(error, OSError):
            raise WriteError(f"nothing was written: {error}", RUN_AGAIN) from None
        raise _changed([str(error)]) from None


def _changed(paths: Sequence[str]) -> BusyError:
    reason = f"{named(paths)} changed while running; nothing was written"
    return BusyError(reason, "run the same command again")
