"""The rules of upgrades, loosened: a release of a later change is judged by the rules of that day, so the
change that loosens them must say so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from okd_gitops.check.change.change import ClusterChange
from okd_gitops.finding import Finding, finding_of
from okd_gitops.fleet.load import Fleet
from okd_gitops.times import parse_duration

# What a value asks for or permits, as things that compare.
_Items = Callable[[Any], set[Any]]


def _one(value: object) -> set[str]:
    return {"set"} if value else set()


def _entries(value: Sequence[Any]) -> set[str]:
    return {str(entry) for entry in value}


def _acks(value: Mapping[str, Sequence[str]]) -> set[str]:
    return {f"{line} {ack}" for line, acks in value.items() for ack in acks}


def _pairs(value: Mapping[str, str]) -> set[str]:
    return {f"{old} {new}" for old, new in value.items()}


# What a release must pass: a demand that is gone loosens. The text of a freeze or a hold may change.
_DEMANDS: Mapping[str, _Items] = {
    "freeze": _one,
    "acks": _acks,
    "blocked": _entries,
    "barriers": _entries,
    "hold": _one,
    "trials": lambda trials: {(entry.stream, suite) for entry in trials for suite in ("", entry.conformance)},
    "window": lambda window: window.closed_minutes if window else set(),
}
# What lets a release pass: a permission that is new loosens.
_PERMISSIONS: Mapping[str, _Items] = {"majors": _pairs, "accept_risks": _entries, "accept": _entries}


def loosened_rules(base: Fleet, now: Fleet, changes: Sequence[ClusterChange]) -> list[Finding]:
    """Return a warning for each rule of fleet.yaml and of a cluster file that asks for less than before."""
    findings = []

    for field in _loosened(base.spec, now.spec):
        reason = f"{field} asks for less than before, of every later release"
        findings.append(finding_of("rules-loosened", now.document.at((field,), key=True), reason))

    if base.spec.releases and now.spec.releases:
        for field in _loosened(base.spec.releases, now.spec.releases):
            place = now.document.at(("releases", field), key=True)
            reason = f"releases.{field} asks for less than before, of every later release"
            findings.append(finding_of("rules-loosened", place, reason))

    for change in changes:
        if change.old is None or change.new is None:
            continue

        for field in _loosened(change.old.spec.upgrades, change.new.spec.upgrades):
            place = change.new.document.at(("upgrades", field), key=True)
            reason = f"{change.name}: upgrades.{field} asks for less than before, of every later release"
            findings.append(finding_of("rules-loosened", place, reason, clusters=(change.name,)))

    return findings


def _loosened(old: Any, new: Any) -> Iterator[str]:
    """Yield the names, as they are written, of the fields that ask for less than before."""
    for field, written in type(new).model_fields.items():
        if _is_looser(field, getattr(old, field), getattr(new, field)):
            yield written.alias or field


def _is_looser(field: str, old: Any, new: Any) -> bool:
    if field in _DEMANDS:
        return bool(_DEMANDS[field](old) - _DEMANDS[field](new))

    if field in _PERMISSIONS:
        return bool(_PERMISSIONS[field](new) - _PERMISSIONS[field](old))

    return field == "minimum_age" and parse_duration(new) < parse_duration(old)
