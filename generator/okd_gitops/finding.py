"""A finding: what is wrong, where, why, and what to do next.

Findings are values. Whoever finds something returns it; the command that asked prints all of them at once,
sorted.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any
from unicodedata import category, east_asian_width

from okd_gitops.errors import OkdGitopsError
from okd_gitops.redaction import redacted

# The sign that makes a line of a log a command: `::error::` in front, `##[` and `##vso[` anywhere.
_LOG_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#(?:(?i:vso))?\[)")


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
    """One thing that is wrong. `object` names a Kubernetes object as `Kind namespace/name`; `clusters` are
    those it concerns.
    """

    name: str
    location: Location
    reason: str
    remedy: str = ""
    object: str = ""
    clusters: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        body = asdict(self)
        body["reason"], body["location"]["text"] = redacted(self.reason), redacted(self.location.text)
        return body


class FindingsError(OkdGitopsError):
    """The run stops because of findings; all that were found travel with it."""

    exit_code = 2

    def __init__(self, findings: Sequence[Finding], exit_code: int = 2) -> None:
        super().__init__(f"{len(findings)} findings")
        self.findings = tuple(findings)
        self.exit_code = exit_code


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by place, then name, and drop exact repeats."""
    return sorted(set(findings), key=lambda f: (f.severity, f.location, f.name, f.object, f.reason))


def nearest(wrong: str, names: Iterable[str]) -> str:
    """Return a sentence with the nearest valid name, or with all of them when there are few, or nothing."""
    valid = sorted(set(names))
    close = get_close_matches(wrong, valid, n=1, cutoff=0.5)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"valid: {', '.join(valid)}" if 0 < len(valid) <= 12 else ""


def as_text(finding: Finding) -> str:
    """Return a finding as lines for people: name and reason, place, source line with a caret, remedy. All
    of it is `printable`.
    """
    place = finding.location
    lines = [f"{finding.severity} {finding.name}: {finding.reason}", f"  {place}"]
    if finding.object:
        lines[-1] += f"  ({finding.object})"
    if place.line and place.text:
        lines += _pointed(place)
    if finding.clusters:
        named = ", ".join(finding.clusters[:6]) + (
            f" and {len(finding.clusters) - 6} more" if len(finding.clusters) > 6 else ""
        )
        lines.append(f"  clusters: {named}")
    if finding.remedy:
        lines.append(f"  fix: {finding.remedy}")
    return "\n".join(redacted(printable(line)) for line in lines)


def _pointed(place: Location) -> tuple[str, str]:
    """Return the source line, cut around the caret (a minified file must not fill the screen), and the
    carets below it.
    """
    start = max(0, place.column - 80)
    shown = printable(place.text[start : start + 110].replace("\t", "?"))
    before = shown[: place.column - 1 - start]
    marked = shown[len(before) : len(before) + max(1, place.length)]
    margin = f"  {place.line} | "
    return margin + shown, " " * (len(margin) + _columns(before)) + "^" * max(1, _columns(marked))


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: East Asian signs take two, an accent that is put
    on a letter takes none.
    """
    return sum(0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def printable(line: str) -> str:
    """Return a line of text from anywhere as a terminal or a CI's log may have it.

    It holds no control character but tabs, nothing that turns text around, and no command to the machine that
    shows the log: GitHub reads those at `::` in front of a line and at `##[`, Azure at `##vso[`. Each sign
    that is replaced becomes one `?`, so that columns stay.
    """
    shown = "".join(c if c.isprintable() or c == "\t" else "?" for c in line)
    return _LOG_COMMAND.sub(lambda sign: f"{sign[1] or ''}?", shown)


def one_line(text: str, longest: int) -> str:
    """Return text from anywhere as one line of words: blanks for what is not printable, and cut with a
    sign where it is too long.
    """
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
