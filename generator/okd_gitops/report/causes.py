"""Findings by their cause: what several places and clusters have in common is told once, the worst first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from okd_gitops.errors import PRECEDENCE
from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, Location, Severity, ordered
from okd_gitops.report.finding_text import as_text


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause with all findings that it has, in order of their places."""

    severity: Severity
    name: str
    reason: str
    findings: Sequence[Finding]

    @property
    def clusters(self) -> tuple[str, ...]:
        """Every cluster that it concerns."""
        return tuple(sorted({cluster for finding in self.findings for cluster in finding.clusters}))

    def as_text(self, where: str = "clusters") -> str:
        """Return it as printable lines: its first place is shown, the others are named."""
        first, *others = self.findings
        if not others:
            return as_text(first, where=where)

        places = dict.fromkeys(finding.location for finding in others)
        also = [place for place in places if place != first.location]
        return as_text(replace(first, reason=self.reason, clusters=self.clusters), also, where=where)

    def as_json(self) -> dict[str, object]:
        """Return the form that `--output json` prints beside the findings themselves."""
        places: dict[Location, None] = dict.fromkeys(finding.location for finding in self.findings)
        return {
            "name": self.name,
            "severity": self.severity,
            "reason": replace(self.findings[0], reason=self.reason).as_json()["reason"],
            "places": [str(place) for place in places],
            "clusters": self.clusters,
        }


def causes(findings: Iterable[Finding]) -> list[Cause]:
    """Return findings by cause: errors first, then by the precedence of exit codes, then what is frequent."""
    groups: dict[tuple[Severity, str, str], list[Finding]] = {}
    for finding in ordered(findings):
        groups.setdefault((finding.severity, finding.name, common_reason(finding)), []).append(finding)

    return sorted((Cause(*key, group) for key, group in groups.items()), key=_rank)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order of their causes."""
    return tuple(finding for cause in causes(findings) for finding in cause.findings)


def common_reason(finding: Finding) -> str:
    """Return the reason without the cluster in front of it, so that other clusters have the same one."""
    if len(finding.clusters) != 1:
        return finding.reason

    cluster = finding.clusters[0]
    return finding.reason.removeprefix(f"{cluster}, ").removeprefix(f"{cluster}: ")


def _rank(cause: Cause) -> tuple[Severity, int, int]:
    """Return what decides; causes that are alike stay in the order of their places."""
    code = explanation_of(cause.name).exit_code
    return cause.severity, PRECEDENCE.index(code), -len(cause.findings)
