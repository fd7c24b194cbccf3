"""The multi-arch gate: the report that completes a set of single-architecture builds starts one composition.

Pure: the state of a set and the time arrive as values, a decision leaves as one.
`docs/decisions/0006-gate-exactly-once.md` has the reasons.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

# How often a build may be repeated within one set, each time with another digest.
MAX_REPEATS = 16
# How long the report that completed a set may be repeated: longer than its sender tries, shorter than anybody
# prunes runs.
REPLAY = timedelta(hours=1)
# GOARCH is what manifests and nodes say; tags say what `uname -m` prints. Where the two agree there is no
# entry.
_MACHINES = {"386": "i686", "amd64": "x86_64", "arm64": "aarch64", "loong64": "loongarch64"}
_COMMIT = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"

Arch = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{3,12}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Version = Annotated[
    str,
    StringConstraints(
        pattern=r"^[1-9][0-9]{0,2}(\.[0-9]{1,4}){1,2}(-[a-z0-9]+([.-][a-z0-9]+)*)?$", max_length=48
    ),
]
Stream = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=48)]
# A repository with its registry, without tag or digest.
Image = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]{2,5})?(/[a-z0-9]+([._-]{1,2}[a-z0-9]+)*){1,6}$",
        max_length=200,
    ),
]
RunName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


class Code(IntEnum):
    """The gRPC codes that Tekton's InterceptorResponse carries (google.golang.org/grpc/codes)."""

    OK = 0
    INVALID_ARGUMENT = 3
    ALREADY_EXISTS = 6
    FAILED_PRECONDITION = 9


class Value(BaseModel):
    """The base of what is read from outside: nothing is coerced, unknown or changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Report(Value):
    """What one build of one architecture says after its push."""

    key: Annotated[str, Field(max_length=200)]
    version: Version
    stream: Stream = Field(alias="release-stream")
    commit: Annotated[str, StringConstraints(pattern=f"^{_COMMIT}$")] = Field(alias="source-commit")
    arch: Arch
    image: Image
    digest: Digest
    run: RunName = Field(alias="pipelineRun")

    @model_validator(mode="after")
    def _own_key(self) -> "Report":
        stem = f"{self.version}-{self.stream}-{self.commit}"
        if self.stream == "latest" or not re.fullmatch(
            re.escape(stem) + r"(-[0-9]{8}(\.[0-9]{1,4})?)?", self.key
        ):
            raise ValueError(
                "key is VERSION-STREAM-COMMIT or VERSION-STREAM-COMMIT-YYYYMMDD of the same report, "
                "never latest"
            )
        return self

    @property
    def built(self) -> "Built":
        """Return what identifies the report within its set: a repetition of it is equal."""
        return Built(arch=self.arch, digest=self.digest, run=self.run)


class Built(Value):
    """One image of one architecture, by the run that pushed it."""

    arch: Arch
    digest: Digest
    run: RunName


class BuildSet(Value):
    """The reports of one key and one image so far. `arches` are those that were expected when the first
    one came.
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
    """What the gate is configured with: GOARCH names, the life of an incomplete set, and where images must
    be (empty: anywhere).
    """

    arches: tuple[str, ...]
    expire: timedelta
    registry: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a report. `state` is the set to keep, the one that was given when nothing changed;
    `first` marks the one opening.
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
        held = self.state
        images = [
            {"arch": each.arch, "machine": machine(each.arch), "image": f"{held.image}@{each.digest}"}
            for each in held.built
        ]
        return {
            "set": held.name,
            "key": held.key,
            "version": held.version,
            "release-stream": held.stream,
            "source-commit": held.commit,
            "repository": held.image,
            "images": images,
            # The same in one line: a TriggerTemplate takes texts, and this one has nothing to escape.
            "sources": " ".join(f"{each['arch']}={each['machine']}={each['image']}" for each in images),
        }


def set_name(key: str, image: str) -> str:
    """Return the name of the set of a key and an image: the same report always leads to the same names."""
    return hashlib.sha256(f"{key}\n{image}".encode()).hexdigest()[:32]


def machine(arch: str) -> str:
    """Return what `uname -m` prints on a machine of a GOARCH."""
    return _MACHINES.get(arch, arch)


def read_report(body: str) -> tuple[Report | None, str]:
    """Return the report of a request's body, or the reasons why it is none. Values are not repeated: they
    may be anything.
    """
    try:
        return Report.model_validate_json(body), ""
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
    named = [f"{'.'.join(map(str, fault['loc'])) or 'report'}: {fault['msg']}"[:200] for fault in faults[:8]]
    return None, "; ".join(named)


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
    builds = sorted([*others, built], key=lambda each: build_set.arches.index(each.arch))
    after = build_set.model_copy(update={"built": tuple(builds), "replaced": (*build_set.replaced, *older)})
    if after.missing:
        return _closed(after, Code.FAILED_PRECONDITION, _waiting(after))

    complete = after.model_copy(update={"winner": built, "composed": now})
    message = f"complete: {', '.join(complete.arches)}"
    return Decision(proceed=True, code=Code.OK, message=message, state=complete, first=True)


def _closed(state: BuildSet | None, code: Code, message: str) -> Decision:
    return Decision(proceed=False, code=code, message=message, state=state)


def overdue(states: Sequence[BuildSet], now: datetime) -> tuple[BuildSet, ...]:
    """Return the sets that expired incomplete and that nobody has told of."""
    return tuple(
        sorted(
            (each for each in states if each.expired(now) and not each.notified),
            key=lambda each: (each.deadline, each.name),
        )
    )


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


def _again(held: BuildSet, built: Built, composed: datetime, now: datetime) -> Decision:
    """Decide on a report after the completion. Only the one that completed the set is answered as before:
    the answer may have been lost.
    """
    if built == held.winner and now < composed + REPLAY:
        return Decision(proceed=True, code=Code.OK, message="complete, repeated", state=held)
    if built in held.built or built in held.replaced:
        return Decision(
            proceed=False,
            code=Code.ALREADY_EXISTS,
            message="the set is complete and was composed",
            state=held,
        )
    message = "the set was composed without this build: begin one with another date"
    return Decision(proceed=False, code=Code.FAILED_PRECONDITION, message=message, state=held)


def _waiting(held: BuildSet) -> str:
    return f"waiting for {', '.join(held.missing)} until {held.deadline:%Y-%m-%d %H:%M} UTC"
