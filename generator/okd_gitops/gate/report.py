"""What one build of one architecture reports to the gate, and how a report is read."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

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
        stem = re.escape(f"{self.version}-{self.stream}-{self.commit}")
        is_own_key = re.fullmatch(stem + r"(-[0-9]{8}(\.[0-9]{1,4})?)?", self.key)
        if self.stream == "latest" or not is_own_key:
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


def read_report(body: str) -> tuple[Report | None, str]:
    """Return the report in a request's body, or the reasons why there is none.

    The reasons do not repeat values of the request, which may be anything.
    """
    try:
        return Report.model_validate_json(body), ""
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)

    reasons = []
    for fault in faults[:8]:
        field = ".".join(map(str, fault["loc"])) or "report"
        reasons.append(f"{field}: {fault['msg']}"[:200])
    return None, "; ".join(reasons)
