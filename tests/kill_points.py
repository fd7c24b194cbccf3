"""Kill the program, or a git that it started, at a system call that changes the disk, and judge what the
next run makes of it.

strace kills from outside, before the n-th call of a kind, so nothing in the product knows of it. A point is
(who, call, n): `okd-gitops` is the program alone, whose children live on as they do after `kill -9`; `git` is
each child that gets that far, while the program goes on.
"""

import re
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from programs import program
from release_controller import Controller, serving
from small_fleet import VERSION, Place, committed, edited, generated

OLD, NEW = VERSION, "4.21.0-okd-scos.1"
CALLS = (
    *("write", "pwrite64", "ftruncate", "fsync", "fdatasync", "sync", "openat", "flock"),
    *(
        "rename",
        "renameat",
        "renameat2",
        "link",
        "linkat",
        "symlink",
        "unlink",
        "unlinkat",
        "mkdir",
        "mkdirat",
        "rmdir",
    ),
)
_ENTRY = re.compile(r"(?P<pid>[0-9]+) +(?P<call>[a-z0-9]+)\((?P<arguments>.*)")
# Lock files of git have names that can be foreseen.
_LOCKING = re.compile(
    r"^[0-9]+ +(?P<call>rename|unlink|openat|link)\("
    r'(?:AT_FDCWD[^,]*, )?"(?P<path>[^"]+/[A-Za-z_.-]+[.]lock)"',
    re.MULTILINE,
)
_LOCK = re.compile(r"(?:/|[.]git/)[^\s'\":]+[.]lock")
# Of kills while the program went on: it says that git, the disk or a remote failed it. Never 70, and never
# that the input is wrong.
_ENDINGS = {0, 4, 6, 7, 8}


@dataclass(frozen=True, slots=True)
class Point:
    """Where to kill: before the n-th `call` of the program, or of a git."""

    command: str
    who: str
    call: str
    n: int
    # Only calls that name this file count; {folder} stands for where the fleet is.
    path: str = ""

    def strace(self, folder: Path) -> list[str]:
        """Return what starts a program that is killed at this point."""
        alone = ["-b", "execve"] if self.who == "okd-gitops" else []
        path = ["-P", self.path.replace("{folder}", str(folder))] if self.path else []
        return [
            *_STRACE,
            *alone,
            *path,
            "-o",
            str(folder / "killed.log"),
            "-e",
            f"trace={self.call}",
            "-e",
            f"inject={self.call}:signal=KILL:when={self.n}",
        ]

    def __str__(self) -> str:
        return ":".join([self.command, self.who, self.call, str(self.n), *([self.path] if self.path else [])])


_STRACE = ["strace", "-f", "-qq"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a point: where the killed run had got to, whether a lock had to be removed, and what is
    wrong.
    """

    point: Point
    ended: str
    locked: bool = False
    # The program did not get there: git's steps depend on times.
    missed: bool = False
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command, where it runs, and other commands that may come between the kill and the next run of the
    same.
    """

    arguments: list[str]
    make: Callable[[Path, Controller], Place]
    between: tuple[list[str], ...] = ([],)


SCENARIOS = {
    "generate": Scenario(["generate"], edited, ([], ["generate", "--check"], ["commit", "--dry-run"])),
    "commit": Scenario(["commit"], generated, ([], ["generate"])),
    "record": Scenario(["release", "record", "--push", "--at", "2026-11-21T12:00:00Z"], committed),
    "update": Scenario(["release", "update", "--push"], committed),
}


@dataclass(slots=True)
class Trial:
    """A scenario that was run once undisturbed: its two legal states, and every point at which it can be
    killed.
    """

    name: str
    scenario: Scenario
    template: Place
    before: dict[str, object] = field(default_factory=dict)
    after: dict[str, object] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)

    def prepare(self, folder: Path) -> None:
        """Run it undisturbed, and count its calls."""
        self.before = self.template.state()
        for who in ("okd-gitops", "git"):
            place, log = self.template.copy(folder / "undisturbed"), folder / "calls.log"
            alone = ["-b", "execve"] if who == "okd-gitops" else []
            # With a filter in the kernel only these calls stop; strace 6.1 does not kill with it.
            calls = [
                *_STRACE,
                *(alone or ["--seccomp-bpf"]),
                "-y",
                "-s",
                "256",
                "-o",
                str(log),
                "-e",
                f"trace=execve,{','.join(CALLS)}",
            ]
            done = place.run(self.scenario.arguments, calls)
            assert done.returncode == 0, f"{self.name}: {done.stdout}{done.stderr}"
            assert not place.left(), place.left()
            self.after = place.state()
            text = log.read_text(errors="replace")
            self.points += [Point(self.name, who, call, n) for call, n in _reached(text, who, place.folder)]
        named = {
            (match["call"], match["path"].replace(str(place.folder), "{folder}")): None
            for match in _LOCKING.finditer(text)
        }
        self.points += [Point(self.name, "git", call, 1, path) for call, path in named]

    def kill(self, point: Point, place: Path) -> Outcome:
        """Kill at a point, run the same command again, and compare."""
        here = self.template.copy(place)
        killed = here.run(self.scenario.arguments, point.strace(here.folder))
        faults = (
            _accused(killed)
            if killed.returncode == -signal.SIGKILL or killed.returncode in _ENDINGS
            else [_said("killed run", killed)]
        )
        missed = "killed by SIGKILL" not in (here.folder / "killed.log").read_text(errors="replace")
        now = here.state()
        ended = next(
            (name for name, state in (("before", self.before), ("after", self.after)) if now == state),
            "between",
        )
        faults += [
            f"{name} is neither before nor after"
            for name in ("people", "here", "remote")
            if now[name] not in (self.before[name], self.after[name])
        ]
        faults += here.broken()
        between = self.scenario.between[point.n % len(self.scenario.between)]
        if between:
            other = here.run(between)
            faults += _accused(other) + (
                [_said(" ".join(between), other)] if other.returncode in (70, -signal.SIGKILL) else []
            )
        again = here.run(self.scenario.arguments)
        locked = False
        # A git may have held several locks.
        while again.returncode == 7 and self._unlocked(here, again.stderr):
            locked, again = True, here.run(self.scenario.arguments)
        faults += _accused(again) + ([_said("next run", again)] if again.returncode else [])
        end = here.state()
        faults += [
            f"after the next run {name} differs from an undisturbed one"
            for name in end
            if end[name] != self.after[name]
        ]
        # A lock that a killed git left is for a person to remove; the next git that needs it is refused, and
        # then it is named.
        faults += [
            f"left over: {name}"
            for name in here.left()
            if point.who == "okd-gitops" or not name.endswith(".lock")
        ]
        return Outcome(point, ended, locked, missed, tuple(faults))

    def _unlocked(self, place: Place, said: str) -> bool:
        """Remove the locks that a refusal names, as it says."""
        named = {path for name in _LOCK.findall(said) if (path := place.root / name).exists()}
        for path in named:
            path.unlink()
        return bool(named)


def _reached(log: str, who: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Yield each (call, n) that is first reached where something on disk changes, by the program (its
    threads), or by a child of it.
    """
    entries = [match for match in map(_ENTRY.match, log.splitlines()) if match]
    started = {match["pid"] for match in entries if match["call"] == "execve"} - {entries[0]["pid"]}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seen = set[tuple[str, int]]()
    for match in entries:
        call = match["call"]
        counts[match["pid"]][call] += 1
        point = call, counts[match["pid"]][call]
        if point in seen or call == "execve":
            continue
        seen.add(point)
        if _changes(call, match["arguments"], folder) and (who == "okd-gitops" or match["pid"] in started):
            yield point


def _changes(call: str, arguments: str, folder: Path) -> bool:
    if call in ("write", "pwrite64"):
        return f"<{folder}/" in arguments.partition(",")[0]
    return call != "openat" or "O_CREAT" in arguments


def _accused(done: subprocess.CompletedProcess[str]) -> list[str]:
    said = done.stdout + done.stderr
    return (
        [f"it accuses a person: {said[-600:]}"] if "edited-by-hand" in said or "this is a bug" in said else []
    )


def _said(what: str, done: subprocess.CompletedProcess[str]) -> str:
    return f"{what} ends with {done.returncode}: {(done.stdout + done.stderr).strip()[-600:]}"


@contextmanager
def trials(folder: Path, names: list[str]) -> Iterator[list[Trial]]:
    """Prepare scenarios, with a release controller on loopback for as long as the block runs."""
    program("strace")
    with serving() as controller:
        controller.publish(OLD)
        controller.publish(NEW, before=(OLD,))
        made = []
        for name in names:
            trial = Trial(name, SCENARIOS[name], SCENARIOS[name].make(folder / name, controller))
            trial.prepare(folder)
            made.append(trial)
        yield made


def spread(points: list[Point], most: int) -> list[Point]:
    """Return at most `most` of the points, evenly spread."""
    return [points[index * len(points) // most] for index in range(most)] if len(points) > most else points


def kill_all(folder: Path, made: list[Trial], chosen: list[Point], workers: int = 2) -> Iterator[Outcome]:
    """Kill at each chosen point, and yield what came of it."""
    by_name = {trial.name: trial for trial in made}
    free = SimpleQueue[Path]()
    for number in range(workers):
        free.put(folder / f"worker{number}")

    def one(point: Point) -> Outcome:
        place = free.get()
        try:
            return by_name[point.command].kill(point, place)
        finally:
            free.put(place)

    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(one, chosen)
