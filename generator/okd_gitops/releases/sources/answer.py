"""What a source answers: its claims about releases, and the findings about its answer."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from okd_gitops.finding import Finding, finding_of
from okd_gitops.releases.json_answer import listed
from okd_gitops.releases.version import Version

AWAY, ENTRY, NO_PHASE, NAMES, NOTHING, PAGES = (
    "source-away",
    "incomplete-entries",
    "phase-missing",
    "foreign-version-names",
    "no-releases",
    "too-many-pages",
)
ACCEPTED = "Accepted"
# The phases after which a release must not be used. A person withdraws one in the file of releases.
REJECTED, FAILED, WITHDRAWN = "Rejected", "Failed", "Withdrawn"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one source claims of one version.

    `image` is by digest, or empty; `prerelease` is None where a source has no such flag. `notes` is the
    beginning of what its author wrote about it, `reason` why people withdrew it.
    """

    version: Version
    source: str
    stream: str = ""
    phase: str = ""
    image: str = ""
    published: datetime | None = None
    prerelease: bool | None = None
    url: str = ""
    notes: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything that one source answers.

    `complete` is False when a part is not known; `stream` is the one that was asked for, if any.
    """

    source: str
    releases: tuple[Claim, ...] = ()
    findings: tuple[Finding, ...] = ()
    complete: bool = True
    stream: str = ""


def version_of(text: object) -> Version | None:
    """Return the version that a name is, or None for any other name, such as prose like 4.19.0-scos.0."""
    if not isinstance(text, str):
        return None

    try:
        return Version.parse(text)
    except ValueError:
        return None


def dated(version: Version) -> datetime | None:
    """Return when a dated build was made, in UTC, as its name says; None for any other version."""
    date = _DATE.search(version.text)
    if date is None or version.rank not in ("dated", "nightly"):
        return None

    try:
        return datetime.strptime(date[0], "%Y-%m-%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def unused(place: str, wrong: Collection[str], faults: Iterable[str] = ()) -> list[Finding]:
    """Return findings for the entries that are not used: names that are not versions, and other faults.

    An empty name stands for an entry without a name.
    """
    nameless = ["an entry without a name"] if "" in wrong else []
    named = [name for name in wrong if name]

    return [
        *listed(NAMES, place, named, "not versions of OKD:"),
        *listed(ENTRY, place, [*nameless, *faults], "left out:"),
    ]


def no_phase(place: str, claims: Iterable[Claim]) -> list[Finding]:
    """Return one finding for all releases whose phase is missing."""
    without_phase = [claim.version.text for claim in claims if not claim.phase]
    return listed(NO_PHASE, place, without_phase, "no phase has")


def nothing(place: str) -> Finding:
    """Return the finding for a source that answers with an empty list, or null, as Go writes one."""
    return finding_of(NOTHING, place, "there are no releases")
