"""What a source answers: the claims of one source about releases, and the findings about its answer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, Location, Severity
from okd_gitops.releases.version import Version

AWAY, FORM, ENTRY, NO_PHASE, NAMES, NO_DIGEST, TWO_DIGESTS = (
    "source-away",
    "malformed-answer",
    "incomplete-entries",
    "phase-missing",
    "foreign-version-names",
    "digest-unknown",
    "two-digests",
)
NOT_ACCEPTED, PREVIEW, NOTHING, PAGES, PHASES = (
    "not-accepted",
    "preview-as-release",
    "no-releases",
    "too-many-pages",
    "phases-differ",
)
ACCEPTED = "Accepted"
# The phases after which a release is not to be used. A person withdraws one in the file of releases.
WITHDRAWN = ("Rejected", "Failed", "Withdrawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one source claims of one version. `image` is a digest, else empty; `prerelease` is None where a
    source has no such flag.
    """

    version: Version
    source: str
    stream: str = ""
    phase: str = ""
    image: str = ""
    published: datetime | None = None
    prerelease: bool | None = None
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything that one source says. `complete` is False when a part is not known; `stream` is the one
    that was asked for, if any.
    """

    source: str
    releases: tuple[Claim, ...] = ()
    findings: tuple[Finding, ...] = ()
    complete: bool = True
    stream: str = ""


def version_of(text: object) -> Version | None:
    """Return the version that a name is, or None for any other name, such as prose like 4.19.0-scos.0."""
    try:
        return Version.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None


def dated(version: Version) -> datetime | None:
    """Return when a dated build was made, in UTC, as its name says."""
    match = (
        re.search(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{6}", version.text)
        if version.rank in ("dated", "nightly")
        else None
    )
    try:
        return datetime.strptime(match[0], "%Y-%m-%d-%H%M%S").replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


def names(source: str, wrong: Iterable[str]) -> list[Finding]:
    """Return one finding for all names of a source that are not versions."""
    return folded(NAMES, wrong, "not versions of OKD:", explanation_of(NAMES).remedy, source)


def no_phase(source: str, versions: Iterable[str]) -> list[Finding]:
    """Return one finding for all releases whose phase is missing."""
    return folded(NO_PHASE, versions, "no phase has", "wait until the tests of the release are done", source)


def nothing(source: str) -> Finding:
    """Return the finding for a source that answers with an empty list, or null, as Go writes one."""
    remedy = "look at the name of the stream or repository"
    return Finding(
        name=NOTHING,
        location=Location(file=source),
        reason="there are no releases",
        remedy=remedy,
        severity=Severity.WARNING,
    )


def folded(
    finding_name: str, about: Iterable[str], what: str, remedy: str, place: str = "releases"
) -> list[Finding]:
    """Return one warning for many names: a source lists hundreds."""
    known = sorted(set(about))
    shown = ", ".join(f"{name:.80}" for name in known[:3]) + (", …" if len(known) > 3 else "")
    reason = f"{what} {shown} ({len(known)})" if len(known) > 1 else f"{what} {shown}"
    return (
        [
            Finding(
                name=finding_name,
                location=Location(file=place),
                reason=reason,
                remedy=remedy,
                severity=Severity.WARNING,
            )
        ]
        if known
        else []
    )
