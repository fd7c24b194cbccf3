"""The multi-arch gate: the report that completes a set of single-architecture builds starts one composition.

Pure: the state of a set and the time arrive as values, a decision leaves as one.
`docs/decisions/0006-gate-exactly-once.md` has the reasons.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from pydantic import Field

from okd_gitops.gate.report import Arch, Built, Report, Value

# How often a build may be repeated within one set, each time with another digest.
MAX_REPEATS = 16
# How long the report that completed a set may be repeated: longer than its sender tries, shorter than anybody
# prunes runs.
REPLAY = timedelta(hours=1)
# GOARCH, as in manifests and nodes, to what `uname -m` prints, as in tags, where the two differ.
_MACHINES = {"386": "i686", "amd64": "x86_64", "arm64": "aarch64", "loong64": "loongarch64"}


class Code(IntEnum):
    """The gRPC codes that Tekton's InterceptorResponse carries (google.golang.org/grpc/codes)."""

    OK = 0
    INVALID_ARGUMENT = 3
    ALREADY_EXISTS = 6
    FAILED_PRECONDITION = 9


class BuildSet(Value):
    """The reports of one key and one image so far.

    `arches` are the architectures that were expected when the first report came.
    """

    key: str
    version: str
    stream: str
    commit: str
    image: str
    arches: tuple[Arch, ...] = Field(strict=False)
    opened: datetime = Field(strict=False)
    deadline: datetime = Field(strict=False)
    # The newest of each architecture, and those that a newer one replaced.
    built: tuple[Built, ...] = Field((), strict=False)
    replaced: tuple[Built, ...] = Field((), strict=False)
    # The report that completed the set, and when; then nothing changes any more.
    winner: Built | None = None
    composed: datetime | None = Field(None, strict=False)
    # When a sweep told that the set expired.
    notified: datetime | None = Field(None, strict=False)

    @property
    def name(self) -> str:
        """Return the set's name, a part of the names of its ConfigMap and of its PipelineRun."""
        return set_name(self.key, self.image)

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the architectures that have not reported."""
        reported = {built.arch for built in self.built}
        return tuple(arch for arch in self.arches if arch not in reported)

    def expired(self, now: datetime) -> bool:
        """Whether the set is incomplete and its time is over."""
        return self.composed is None and now >= self.deadline

    def decided(self) -> datetime | None:
        """Return when nothing about the set was left to do, or None."""
        return self.composed or self.notified


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the gate is configured with.

    `arches` are GOARCH names, `expire` is the life of an incomplete set, and `registry` is where images must
    be (empty: anywhere).
    """

    arches: tuple[str, ...]
    expire: timedelta
    registry: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a report.

    `state` is the set to keep, the same as before when nothing changed; `first` marks the one opening.
    """

    proceed: bool
    code: Code
    message: str
    state: BuildSet | None
    first: bool = False

    @property
    def extensions(self) -> dict[str, Any]:
        """Return what the TriggerBinding reads, only when the gate opens."""
        if not self.proceed or self.state is None:
            return {}

        build_set = self.state
        images = [
            {"arch": built.arch, "machine": machine(built.arch), "image": f"{build_set.image}@{built.digest}"}
            for built in build_set.built
        ]
        return {
            "set": build_set.name,
            "key": build_set.key,
            "version": build_set.version,
            "release-stream": build_set.stream,
            "source-commit": build_set.commit,
            "repository": build_set.image,
            "images": images,
            # The same in one line: a TriggerTemplate takes texts, and this one has nothing to escape.
            "sources": " ".join("{arch}={machine}={image}".format_map(image) for image in images),
        }


def set_name(key: str, image: str) -> str:
    """Return the name of the set of a key and an image: the same report always leads to the same names."""
    return hashlib.sha256(f"{key}\n{image}".encode()).hexdigest()[:32]


def machine(arch: str) -> str:
    """Return what `uname -m` prints on a machine of a GOARCH."""
    return _MACHINES.get(arch, arch)


def decide(state: BuildSet | None, report: Report, expected: Expectation, now: datetime) -> Decision:
    """Return the decision on a report, and the state after it.

    The opening counts only for who gets that state written.
    """
    if expected.registry and not f"{report.image}/".startswith(f"{expected.registry}/"):
        return _closed(state, Code.INVALID_ARGUMENT, f"the image is not in {expected.registry}")

    build_set = state or _open(report, expected, now)
    built = report.built
    if built.arch not in build_set.arches:
        arches = ", ".join(build_set.arches)
        return _closed(state, Code.INVALID_ARGUMENT, f"{built.arch} is not one of {arches}")

    if build_set.composed:
        return _again(build_set, built, build_set.composed, now)

    if build_set.expired(now):
        deadline, missing = f"{build_set.deadline:%Y-%m-%d %H:%M}", ", ".join(build_set.missing)
        message = f"the set expired on {deadline} UTC without {missing}"
        return _closed(state, Code.FAILED_PRECONDITION, message)

    if built in build_set.replaced:
        message = "a newer build of this architecture replaced this one"
        return _closed(state, Code.ALREADY_EXISTS, message)
    if built in build_set.built:
        return _closed(state, Code.FAILED_PRECONDITION, _waiting(build_set))

    return _add(build_set, built, state, now)


def _add(build_set: BuildSet, built: Built, state: BuildSet | None, now: datetime) -> Decision:
    """Decide on a new build: it replaces an older one of its architecture, and may complete the set."""
    older = tuple(other for other in build_set.built if other.arch == built.arch)
    if older and len(build_set.replaced) >= MAX_REPEATS:
        message = f"the set was built anew {MAX_REPEATS} times: begin one with another date"
        return _closed(state, Code.FAILED_PRECONDITION, message)

    others = [other for other in build_set.built if other not in older]
    builds = sorted([*others, built], key=lambda one_build: build_set.arches.index(one_build.arch))
    after = build_set.model_copy(update={"built": tuple(builds), "replaced": (*build_set.replaced, *older)})
    if after.missing:
        return _closed(after, Code.FAILED_PRECONDITION, _waiting(after))

    complete = after.model_copy(update={"winner": built, "composed": now})
    message = f"complete: {', '.join(complete.arches)}"
    return Decision(proceed=True, code=Code.OK, message=message, state=complete, first=True)


def _closed(state: BuildSet | None, code: Code, message: str) -> Decision:
    return Decision(proceed=False, code=code, message=message, state=state)


def overdue(states: Sequence[BuildSet], now: datetime) -> tuple[BuildSet, ...]:
    """Return the sets that expired incomplete and that nobody was told of, the oldest first."""
    unreported = [build_set for build_set in states if build_set.expired(now) and not build_set.notified]

    return tuple(sorted(unreported, key=lambda build_set: (build_set.deadline, build_set.name)))


def _open(report: Report, expected: Expectation, now: datetime) -> BuildSet:
    return BuildSet(
        key=report.key,
        version=report.version,
        stream=report.stream,
        commit=report.commit,
        image=report.image,
        arches=expected.arches,
        opened=now,
        deadline=now + expected.expire,
    )


def _again(build_set: BuildSet, built: Built, composed: datetime, now: datetime) -> Decision:
    """Decide on a report after the completion.

    Only the one that completed the set is answered as before: the answer may have been lost.
    """
    if built == build_set.winner and now < composed + REPLAY:
        return Decision(proceed=True, code=Code.OK, message="complete, repeated", state=build_set)
    if built in build_set.built or built in build_set.replaced:
        return _closed(build_set, Code.ALREADY_EXISTS, "the set is complete and was composed")

    message = "the set was composed without this build: begin one with another date"
    return _closed(build_set, Code.FAILED_PRECONDITION, message)


def _waiting(build_set: BuildSet) -> str:
    return f"waiting for {', '.join(build_set.missing)} until {build_set.deadline:%Y-%m-%d %H:%M} UTC"
