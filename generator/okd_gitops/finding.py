"""A finding: what is wrong, where, why, and what to do next.

Findings are values. Whoever finds something returns it; the command that asked prints all of them at once, sorted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from okd_gitops.errors import OkdGitopsError


class Severity(StrEnum):
    """How much a finding weighs: errors fail a check, warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Location:
    """A place in a file: 1-based line and column (0: the whole file), and the text of that line."""

    file: str
    line: int = 0
    column: int = 0
    length: int = 1
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. `object` names a Kubernetes object as `Kind namespace/name`; `clusters` are those it concerns."""

    code: str
    location: Location
    reason: str
    remedy: str = ""
    object: str = ""
    clusters: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        return asdict(self)


class FindingsError(OkdGitopsError):
    """The run stops because of findings; all that were found travel with it."""

    exit_code = 2

    def __init__(self, findings: Sequence[Finding], exit_code: int = 2) -> None:
        super().__init__(f"{len(findings)} findings")
        self.findings = tuple(findings)
        self.exit_code = exit_code


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by place, then code, and drop exact repeats."""
    return sorted(set(findings), key=lambda f: (f.severity, f.location, f.code, f.object, f.reason))


def nearest(wrong: str, names: Iterable[str]) -> str:
    """Return a sentence with the nearest valid name, or with all of them when there are few, or nothing."""
    valid = sorted(set(names))
    close = get_close_matches(wrong, valid, n=1, cutoff=0.5)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"valid: {', '.join(valid)}" if 0 < len(valid) <= 12 else ""


def as_text(finding: Finding) -> str:
    """Return a finding as lines for people: code and reason, place, source line with a caret, remedy.

    Control characters of the input never reach the terminal: they are shown as `?`.
    """
    place = finding.location
    lines = [f"{finding.severity} {finding.code}: {finding.reason}", f"  {place}"]
    if finding.object:
        lines[-1] += f"  ({finding.object})"
    if place.line and place.text:
        # Long lines are cut around the caret: a minified file must not fill the screen.
        start = max(0, place.column - 80)
        shown = place.text[start : start + 110]
        margin = f"  {place.line} | "
        caret = min(max(1, place.length), max(1, len(shown) - (place.column - 1 - start)))
        lines += [margin + shown, " " * (len(margin) + place.column - 1 - start) + "^" * caret]
    if finding.clusters:
        named = ", ".join(finding.clusters[:6]) + (f" and {len(finding.clusters) - 6} more" if len(finding.clusters) > 6 else "")
        lines.append(f"  clusters: {named}")
    if finding.remedy:
        lines.append(f"  fix: {finding.remedy}")
    return "\n".join(map(printable, lines))


def printable(line: str) -> str:
    """Return a line of text from anywhere as a terminal may have it: no control characters."""
    return "".join(c if c.isprintable() else "?" for c in line)
