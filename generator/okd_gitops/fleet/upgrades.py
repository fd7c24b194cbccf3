"""What people say about upgrades: `releases:` in fleet.yaml, `upgrades:` in a cluster file, and the
durations and windows they use.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from okd_gitops.manifests.model import FileModel
from okd_gitops.releases.fields import Pattern, VersionText, fault
from okd_gitops.releases.trust.keyring import FINGERPRINTS, KeyUse
from okd_gitops.times import DURATION

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Plain http is for a server on this machine, as tests have one.
_REPOSITORY = r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$"
_SERVICE = re.compile(
    r"(https://[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?|http://127\.0\.0\.1:[0-9]{1,5})(/[A-Za-z0-9._~/-]*)?"
)


def _service(value: str) -> str:
    if not _SERVICE.fullmatch(value):
        reason = "this is not the https:// address of a service, without credentials and query"
        raise fault(reason, "write it like https://amd64.origin.releases.ci.openshift.org")
    return value.rstrip("/")


def _day(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise fault(f'"{value}" is not a day', "write it like 2026-12-31") from None


# In minutes.
_WEEK = 7 * 24 * 60
Duration = Annotated[str, Field(pattern=f"^{DURATION}$")]
Line = Annotated[str, Field(pattern=r"^[1-9][0-9]*\.(0|[1-9][0-9]*)$")]
Service = Annotated[str, AfterValidator(_service)]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")]
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


class SigningKey(FileModel):
    """What a pinned key is for, and whether it still signs; what is left out is not limited."""

    repositories: tuple[Annotated[str, Field(pattern=_REPOSITORY)], ...] = Field(
        (), strict=False, description="Repositories whose images it may sign."
    )
    streams: tuple[str, ...] = Field(
        (), strict=False, description="Streams whose releases long-term clusters take with its signature."
    )
    purposes: tuple[str, ...] = Field(
        (), strict=False, description="Purposes of the clusters that it may sign for."
    )
    retired: Annotated[date, BeforeValidator(_day)] | None = Field(
        None, description="Its last day, if its owner retired it in good order: what it signed stays good."
    )
    compromised: str = Field(
        "", description="Why somebody else may have it: then none of its signatures is good."
    )

    def use(self, fingerprint: str) -> KeyUse:
        """Return this as the check of signatures takes it; a retired key is good until its last day ends."""
        last_day = datetime.combine(self.retired, time(), UTC) if self.retired else None

        return KeyUse(
            fingerprint=fingerprint,
            repositories=frozenset(self.repositories),
            streams=frozenset(self.streams),
            purposes=frozenset(self.purposes),
            retired=last_day + timedelta(days=1) if last_day else None,
            compromised=self.compromised,
        )


class Signatures(FileModel):
    """Where signatures of release images are, and which keys count."""

    store: Service = Field(
        examples=[
            "https://storage.googleapis.com/openshift-ci-release/releases/signatures/openshift/release"
        ],
        description="Signatures are at STORE/sha256=<hex>/signature-<n>.",
    )
    keys: tuple[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")], ...
    ] = Field(
        (),
        strict=False,
        description="Files of public keys in this repository; without any, the key of OpenShift's CI counts.",
    )
    fingerprints: tuple[Fingerprint, ...] = Field(
        (),
        strict=False,
        description="Accepted fingerprints; a key with another fingerprint is ignored.",
    )
    uses: dict[Fingerprint, SigningKey] = Field(
        {}, description="What an accepted key is for, by its fingerprint; the default is everything."
    )

    @property
    def pinned(self) -> list[KeyUse]:
        """The accepted keys, with what they are for."""
        anything = SigningKey()

        return [
            self.uses.get(fingerprint, anything).use(fingerprint)
            for fingerprint in self.fingerprints or sorted(FINGERPRINTS)
        ]

    @model_validator(mode="after")
    def _uses_are_of_accepted_keys(self) -> "Signatures":
        accepted = set(self.fingerprints) or FINGERPRINTS

        for fingerprint in self.uses.keys() - accepted:
            reason = f"{fingerprint} is no accepted fingerprint, so nothing is signed with it"
            raise fault(reason, "correct it, or add it to fingerprints", field="uses")

        return self


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
