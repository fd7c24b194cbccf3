"""What judges a repository: the Go tools, and the schemas made with them; and what only tests run.

Go's own caches are removed when all is built.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import schemas
from aside import remove
from binaries import JUDGES, OF_TESTS, Binaries


class Step(NamedTuple):
    """A folder of the cache, whether what is in it is right, and how it is built."""

    name: str
    verified: Callable[[Path], bool]
    build: Callable[[Path], None]


def _step(binaries: Binaries) -> Step:
    return Step(binaries.name, binaries.verified, binaries.build)


STEPS = (_step(JUDGES), Step("schemas", schemas.verified, schemas.build))
STEPS_OF_TESTS = (*STEPS, _step(OF_TESTS))
# Go's caches are large: 1.6 GB. They stay where a build was stopped, so that the next one goes on from there,
# and are removed after a whole one.
FOR_BUILDING = ("go", "go-packaged")


def set_up(cache: Path, steps: tuple[Step, ...] = STEPS) -> None:
    """Build what is not there, was changed, or is out of date; raises SetupError."""
    for step in steps:
        if not step.verified(cache / step.name):
            step.build(cache)
    for name in FOR_BUILDING:
        if (cache / name).exists():
            remove(cache / name)
