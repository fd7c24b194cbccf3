"""Findings as forges show them beside the lines of a change.

GitHub reads commands in the log of a job (docs.github.com, "Workflow commands for GitHub Actions"), GitLab a
report of code quality (docs.gitlab.com, "Code Quality", "Implement a custom tool").
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath

from okd_gitops.finding import Finding, Severity
from okd_gitops.redaction import printable, redacted

# A percent sign comes first, because the others become one.
_ESCAPED = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = {**_ESCAPED, ":": "%3A", ",": "%2C"}
_WEIGHTS = {Severity.ERROR: "major", Severity.WARNING: "minor"}


def below(findings: Iterable[Finding], folder: str) -> Iterator[Finding]:
    """Yield findings with their files as seen from the folder above, in which a CI works."""
    for finding in findings:
        file = str(PurePosixPath(folder, finding.location.file))
        yield replace(finding, location=replace(finding.location, file=file))


def github(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a command for each finding, by which GitHub shows it at its line."""
    for finding in findings:
        place = finding.location
        properties = {"file": place.file, "title": finding.name}
        if place.line:
            properties |= {"line": str(place.line), "col": str(max(1, place.column))}

        named = ",".join(
            f"{key}={_escaped(printable(text), _IN_PROPERTIES)}" for key, text in properties.items()
        )
        yield f"::{finding.severity} {named}::{_escaped(_text(finding), _ESCAPED)}"


def code_quality(findings: Iterable[Finding]) -> str:
    """Return findings as a report of code quality; a finding keeps its fingerprint where its line moves."""
    seen: Counter[tuple[str, ...]] = Counter()
    entries = []
    for finding in findings:
        key = (finding.name, finding.location.file, finding.object, finding.reason)
        seen[key] += 1
        entries.append(
            {
                "description": _text(finding),
                "check_name": finding.name,
                "fingerprint": sha256("\0".join((*key, str(seen[key]))).encode()).hexdigest(),
                "severity": _WEIGHTS[finding.severity],
                "location": {
                    "path": finding.location.file,
                    "lines": {"begin": max(1, finding.location.line)},
                },
            }
        )

    return json.dumps(entries, indent=2) + "\n"


def _text(finding: Finding) -> str:
    remedy = f". Fix: {finding.remedy}" if finding.remedy else ""
    about = f"{finding.object}: " if finding.object else ""
    return redacted(printable(f"{about}{finding.reason}{remedy}"))


def _escaped(text: str, signs: dict[str, str]) -> str:
    for sign, escape in signs.items():
        text = text.replace(sign, escape)
    return text
