"""A baseline: the findings that a repository had when its people adopted the check. Only new ones count."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from okd_gitops.check.same_finding import Key, key_of
from okd_gitops.errors import UsageError
from okd_gitops.finding import Finding, FindingsError, Severity
from okd_gitops.system.disk import MAX_GENERATED, read_file, write_whole

_VERSION = 1
_FIELDS = frozenset(Key._fields)


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Write findings as a baseline: the same bytes for the same findings; raises UsageError."""
    entries = [key._asdict() for key in sorted(map(key_of, findings))]
    text = json.dumps({"version": _VERSION, "findings": entries}, indent=2, ensure_ascii=False) + "\n"

    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another file") from None


def read_baseline(path: Path) -> Counter[Key]:
    """Return how often a baseline has each finding; raises UsageError for a file of another form."""
    try:
        data = read_file(path.parent, path.name, max_file=MAX_GENERATED)
        return Counter(_keys(json.loads(data)))
    except FindingsError as error:
        reason = error.findings[0].reason
    except (ValueError, RecursionError):
        reason = "it is not JSON as --write-baseline writes it"

    raise UsageError(f"{path} is no baseline: {reason}", f"okd-gitops check FOLDER --write-baseline {path}")


def known_findings(
    findings: Iterable[Finding], baseline: Counter[Key]
) -> tuple[tuple[Finding, ...], tuple[Key, ...]]:
    """Return the findings that the baseline has, and what of it is gone."""
    left = baseline.copy()
    known: list[Finding] = []
    for finding in findings:
        key = key_of(finding)
        # Each entry excuses one finding: a second one of the same form is new.
        if left[key] > 0:
            known.append(finding)
        left[key] -= 1

    return tuple(known), tuple(sorted((+left).elements()))


def _keys(body: Any) -> list[Key]:
    """Return the entries of a baseline; raises ValueError for another form."""
    entries = body.get("findings") if isinstance(body, dict) and body.get("version") == _VERSION else None
    if not isinstance(entries, list):
        raise ValueError

    return [_key(entry) for entry in entries]


def _key(entry: Any) -> Key:
    is_entry = isinstance(entry, dict) and entry.keys() == _FIELDS
    if not is_entry or not all(isinstance(value, str) for value in entry.values()):
        raise ValueError

    return Key(**{**entry, "severity": Severity(entry["severity"])})
