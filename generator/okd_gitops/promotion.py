"""Promotion: which clusters may move to a release now, which wait, and which must not, each with its reason.

A pure function of the fleet, the release, the evidence and a clock. The answer to missing data is no: a long-term cluster moves when the release
is verified, and every wave before its own runs exactly this image, has passed, and has soaked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from okd_gitops.evidence import Evidence
from okd_gitops.release import Version
from okd_gitops.rollout import Window

# What waiting does not mend although another cluster is its cause.
# Sources may name any day, and no calendar goes beyond the year 9999.
_LAST = datetime(9900, 1, 1, tzinfo=UTC)
_FINAL = ("GM006", "GM008", "GM009")
CODES = {
    "GM001": "The release is lower than what the cluster runs. OKD cannot be downgraded.",
    "GM002": "One version with two digests: the cluster runs another image of this very version.",
    "GM003": "The signature of the release is not verified. An unverified release moves no long-term cluster.",
    "GM004": "A pre-release or nightly moves no long-term cluster.",
    "GM005": "The release was withdrawn.",
    "GM006": "A cluster of an earlier wave failed with this release.",
    "GM007": "This cluster tried this release once already and failed. A release is tried once.",
    "GM008": "Evidence is of another image than the one that is to be rolled out.",
    "GM009": "Evidence is from the future: a clock goes wrong, so no soak can be counted.",
    "GM010": "There is no path to the release.",
    "GM011": "The cluster is held.",
    "GM012": "The fleet is frozen.",
    "GM013": "The release is younger than the fleet asks for.",
    "GM014": "A cluster of an earlier wave has no evidence yet.",
    "GM015": "An earlier wave has not soaked long enough.",
    "GM016": "It is outside the cluster's maintenance window.",
}


class Verdict(StrEnum):
    """What happens to a cluster now."""

    DONE = "done"
    UPGRADE = "upgrade"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A cluster as far as promotion is concerned. `image` is the digest it is to run now, as git says; `guarded` are the long-term ones."""

    name: str
    guarded: bool
    wave: int
    version: Version
    image: str
    hold: str = ""
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The release that is to be rolled out. `verified`: its signature is good for exactly this image."""

    version: Version
    image: str
    published: datetime
    verified: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the fleet asks of every rollout. `soak` is how long a wave runs a release before the next one starts."""

    soak: Mapping[int, timedelta]
    minimum_age: timedelta = timedelta(0)
    frozen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens to one cluster, why, and when it is worth asking again."""

    cluster: str
    wave: int
    verdict: Verdict
    code: str = ""
    reason: str = ""
    until: datetime | None = None


def decide(
    members: Iterable[Member], candidate: Candidate, evidence: Sequence[Evidence], terms: Terms, *, reachable: frozenset[str], now: datetime
) -> list[Decision]:
    """Return a decision for each cluster, by wave and name. `reachable` are the clusters from which a path leads to the release."""
    fleet = sorted(members, key=lambda member: (member.wave, member.name))
    return [_decision(member, fleet, candidate, evidence, terms, reachable, now) for member in fleet]


def _decision(
    member: Member,
    fleet: Sequence[Member],
    candidate: Candidate,
    evidence: Sequence[Evidence],
    terms: Terms,
    reachable: frozenset[str],
    now: datetime,
) -> Decision:
    def answer(verdict: Verdict, code: str = "", detail: str = "", until: datetime | None = None) -> Decision:
        reason = f"{CODES[code]} {detail}".strip() if code else ""
        return Decision(cluster=member.name, wave=member.wave, verdict=verdict, code=code, reason=reason, until=until)

    if member.version == candidate.version and member.image == candidate.image:
        return answer(Verdict.DONE)
    if code := _refusal(member, candidate, evidence, reachable):
        return answer(Verdict.REFUSE, code)
    for earlier in fleet:
        # A held cluster stops itself, not the fleet; that it was held is in git for everyone to see.
        if earlier.wave < member.wave and not earlier.hold:
            code, until = _gate(earlier, candidate, evidence, terms, now)
            if code:
                return answer(Verdict.REFUSE if code in _FINAL else Verdict.WAIT, code, f"({earlier.name})", until)
    return answer(*_timing(member, candidate, terms, now))


def _refusal(member: Member, candidate: Candidate, evidence: Sequence[Evidence], reachable: frozenset[str]) -> str:
    """Return the code of what waiting does not mend, or nothing."""
    if candidate.withdrawn:
        return "GM005"
    if candidate.version < member.version:
        return "GM001"
    if candidate.version == member.version:
        return "GM002"
    if member.guarded and candidate.version.rank != "release":
        return "GM004"
    if member.guarded and not candidate.verified:
        return "GM003"
    if any(item.cluster == member.name and item.version == candidate.version.text for item in evidence):
        return "GM007"
    return "" if member.name in reachable else "GM010"


def _gate(earlier: Member, candidate: Candidate, evidence: Sequence[Evidence], terms: Terms, now: datetime) -> tuple[str, datetime | None]:
    """Return the code of what keeps later waves from starting because of a cluster of an earlier one, and until when."""
    reports = [item for item in evidence if item.cluster == earlier.name and item.version == candidate.version.text]
    if any(not item.passed for item in reports):
        return "GM006", None
    if any(item.image != candidate.image for item in reports):
        return "GM008", None
    if earlier.version > candidate.version:
        # It has gone on to a newer release already: what it says of this one is no longer being made.
        return ("GM014", None) if not reports else _soaked(reports, earlier, terms, now)
    if not reports or earlier.version != candidate.version:
        return "GM014", None
    return _soaked(reports, earlier, terms, now)


def _soaked(reports: Sequence[Evidence], earlier: Member, terms: Terms, now: datetime) -> tuple[str, datetime | None]:
    finished = max(item.finished for item in reports)
    if finished > now:
        return "GM009", None
    soak = terms.soak.get(earlier.wave)
    if soak is None:
        # No soak was agreed for this wave: absence of data is "no".
        return "GM015", None
    return ("GM015", finished + soak) if now < finished + soak else ("", None)


def _timing(member: Member, candidate: Candidate, terms: Terms, now: datetime) -> tuple[Verdict, str, str, datetime | None]:
    """Return whether a cluster that may move moves now."""
    if member.hold:
        return Verdict.WAIT, "GM011", f"({member.hold})", None
    if terms.frozen:
        return Verdict.WAIT, "GM012", f"({terms.frozen})", None
    old_enough = min(candidate.published, _LAST) + terms.minimum_age
    if now < old_enough:
        return Verdict.WAIT, "GM013", "", old_enough
    if member.window and not member.window.contains(now):
        return Verdict.WAIT, "GM016", "", None
    return Verdict.UPGRADE, "", "", None
