"""What people say about upgrades: `releases:` in fleet.yaml, `upgrades:` in a cluster file, and the
durations and windows they use.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from okd_gitops.fleet.signatures import Service, Signatures
from okd_gitops.manifests.model import FileModel
from okd_gitops.releases.fields import Pattern, VersionText, fault
from okd_gitops.times import DURATION

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# In minutes.
_WEEK = 7 * 24 * 60
Duration = Annotated[str, Field(pattern=f"^{DURATION}$")]
Line = Annotated[str, Field(pattern=r"^[1-9][0-9]*\.(0|[1-9][0-9]*)$")]
Ack = Annotated[str, Field(pattern=r"^ack-[1-9][0-9]*\.[0-9]+-[A-Za-z0-9.-]+$")]


class Window(FileModel):
    """A weekly maintenance window, in UTC."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        description="The day on which it opens."
    )
    start: str = Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        examples=["22:00"],
        description='When it opens, UTC, e.g. "22:00".',
    )
    hours: int = Field(ge=1, le=168, examples=[8], description="How long it stays open.")

    @property
    def closed_minutes(self) -> set[int]:
        """The minutes of a week, from Monday 00:00 UTC, at which it is closed."""
        hour, minute = (int(part) for part in self.start.split(":"))
        opens = (_DAYS.index(self.day) * 24 + hour) * 60 + minute
        open_minutes = {(opens + passed) % _WEEK for passed in range(self.hours * 60)}

        return set(range(_WEEK)) - open_minutes

    @property
    def cron(self) -> str:
        """When it opens, as cron says it; cron's week begins with Sunday."""
        hour, minute = (int(part) for part in self.start.split(":"))
        weekday = (_DAYS.index(self.day) + 1) % len(_DAYS)

        return f"{minute} {hour} * * {weekday}"

    def contains(self, now: datetime) -> bool:
        """Whether `now` (UTC) is inside; a window may reach over midnight and over the end of the week."""
        return self._since_opening(now) < timedelta(hours=self.hours)

    def opens(self, now: datetime) -> datetime:
        """Return when it opens next after `now` (UTC)."""
        minute = now.replace(second=0, microsecond=0)

        return minute - self._since_opening(now) + timedelta(weeks=1)

    def _since_opening(self, now: datetime) -> timedelta:
        """Return how long ago it opened last, in whole minutes."""
        hour, minute = (int(part) for part in self.start.split(":"))
        opening = timedelta(days=_DAYS.index(self.day), hours=hour, minutes=minute)
        time_of_week = timedelta(days=now.weekday(), hours=now.hour, minutes=now.minute)

        return (time_of_week - opening) % timedelta(weeks=1)


class Accepted(FileModel):
    """A refusal that a person accepts for one release, by its name.

    It is about what nobody tested, reported or knows, or about a cluster for tests that failed for a
    reason of its own. What OKD itself refuses, signatures, digests and failures of the fleet's own clusters
    cannot be accepted.
    """

    name: Literal[
        "no-path",
        "evidence-unobtainable",
        "release-untried",
        "release-age-unknown",
        "trial-failed",
        "trial-missing",
    ] = Field(description="The name of the refusal, as the plan shows it.")
    source: VersionText | None = Field(
        None, alias="from", description="With no-path: the release that the missing edge leaves."
    )
    to: VersionText = Field(description="The release for which the refusal is accepted.")
    reason: str = Field(min_length=1, description="Why it is accepted, and by whom.")

    @model_validator(mode="after")
    def _edge_has_two_ends(self) -> "Accepted":
        if self.name == "no-path" and self.source is None:
            reason = "an accepted edge has two ends"
            raise fault(reason, "add from: with the release that the cluster runs", field="name")

        if self.name != "no-path" and self.source is not None:
            reason = f"{self.name} is about one release, not about an edge"
            raise fault(reason, "remove from:", field="from")

        return self


class Upgrades(FileModel):
    """`upgrades:` of a cluster file."""

    hold: str | None = Field(None, min_length=1, description="Why this cluster is not upgraded for now.")
    window: Window | None = Field(None, description="When it may be upgraded; without one, at any time.")
    accept_risks: tuple[str, ...] = Field(
        (),
        strict=False,
        alias="acceptRisks",
        description="Accepted risks of conditional edges, by name.",
    )
    accept: tuple[Accepted, ...] = Field(
        (), strict=False, description="Refusals that are accepted for one release, each with a reason."
    )


class Blocked(FileModel):
    """An edge that must not be taken."""

    source: Pattern = Field(
        alias="from",
        description="Regular expression that is searched in VERSION+ARCHITECTURE of the edge's start.",
    )
    to: str = Field(description="The release that clusters must not upgrade to.")
    name: str = Field("", description="A name for the reason, or the URL of its description.")


class ByHand(FileModel):
    """A barrier: what a person must do on a cluster when it goes from one line into another."""

    source: Line = Field(alias="from", description='The line that the cluster leaves, e.g. "4.19".')
    to: Line = Field(description="The line that the cluster enters.")
    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        description="Its name; a known barrier of that name is replaced.",
    )
    message: str = Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", description="What a person must do, and when.")
    url: str = Field("", pattern=r"^(https://[!-~]+)?$", description="The URL of its description.")


class Releases(FileModel):
    """`releases:` of fleet.yaml: where releases are found, and what every rollout must wait for."""

    controller: Service = Field(
        examples=["https://amd64.origin.releases.ci.openshift.org"],
        description="The release controller: which releases are accepted in which stream.",
    )
    graph: Service | None = Field(None, description="The update graph; the default is the fleet's upstream.")
    channel: str = Field(
        "",
        pattern=r"^[a-z0-9.-]*$",
        description="The channel in requests to the graph; a release controller needs none.",
    )
    github: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)?$",
        examples=["okd-project/okd"],
        description="GitHub repository whose releases are compared.",
    )
    quay: str = Field(
        "",
        pattern=r"^(quay\.io/[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*)?$",
        examples=["quay.io/okd/scos-release"],
        description="Mirror whose tags are compared, e.g. quay.io/okd/scos-release.",
    )
    file: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\.yaml)?$",
        examples=["releases.yaml"],
        description="A file of releases that people keep in this repository.",
    )
    forge: Literal["github", "gitlab", "forgejo"] | None = Field(
        None, description="The kind of forge, if the host name does not show it."
    )
    signatures: Signatures | None = Field(
        None, description="Without it no release is verified, and no long-term cluster is upgraded."
    )
    minimum_age: Duration = Field(
        "0d", alias="minimumAge", examples=["2d"], description="The minimum age of a release, e.g. 12h or 3d."
    )
    freeze: str | None = Field(None, min_length=1, description="Why no cluster is upgraded for now.")
    majors: dict[Line, Line] = Field(
        {},
        examples=[{"4.22": "5.0"}],
        description='From which line a cluster may enter a new major, e.g. {"4.22": "5.0"}.',
    )
    acks: dict[Line, Annotated[tuple[Ack, ...], Field(strict=False)]] = Field(
        {}, description="Acknowledgements that a cluster needs to leave a line."
    )
    blocked: tuple[Blocked, ...] = Field(
        (), strict=False, description="Edges that no cluster may use, even if the graph has them."
    )
    barriers: tuple[ByHand, ...] = Field(
        (),
        strict=False,
        description="Manual work between two lines, beyond the barriers that okd-gitops knows.",
    )
