"""Build many folders with kustomize's own packages, one after another in a process for each core."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.system.asked import Asked
from okd_gitops.system.tools import ONE_CORE


@dataclass(frozen=True, slots=True)
class InTurn:
    """The program kustomize-in-turn, and the folders that it may build."""

    program: Path
    folders: frozenset[str]


@contextmanager
def building(
    in_turn: InTurn | None, root: Path, *, workers: int, timeout: float
) -> Iterator[Callable[[str], bytes | None]]:
    """Give a function that builds a folder below `root`, for `workers` threads at once.

    It returns None for a folder that kustomize must build: one that is not among those of `in_turn`, or one
    that does not build, takes more than `timeout` seconds, or ends the program.
    """
    allowed = in_turn.folders if in_turn else frozenset[str]()
    arguments = [str(in_turn.program)] if in_turn else []
    programs = [Asked(arguments, cwd=root, environment=ONE_CORE) for _ in range(workers)]
    # There is one for each thread. The last one that was used is the next one: a few folders start a few.
    idle = deque(programs)

    def build(folder: str) -> bytes | None:
        if folder not in allowed:
            return None

        program = idle.pop()
        try:
            answer = program.ask(f"./{folder}".encode("utf-8", "surrogateescape"), timeout=timeout)
        finally:
            idle.append(program)

        return answer[1] if answer and answer[0] == "built" else None

    try:
        yield build
    finally:
        for program in programs:
            program.end()
