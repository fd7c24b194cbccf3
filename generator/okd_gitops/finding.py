"""A finding: what is wrong, where, why, and what to do next.

Findings are values. `Findings` collects them while work goes on and raises all of them together; the command
that asked prints them sorted.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, Protocol

from okd_gitops.errors import OkdGitopsError, UsageError, first_code
from okd_gitops.explanation import explanation_of, explanations
from okd_gitops.redaction import redacted


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
    """One thing that is wrong.

    `object` names a Kubernetes object as `Kind namespace/name`; `clusters` are those it concerns.
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
        place = self.location
        # dataclasses.asdict copies each value, and a fleet may have a warning for each cluster.
        return {
            "name": self.name,
            "location": {
                "file": place.file,
                "line": place.line,
                "column": place.column,
                "length": place.length,
                "text": redacted(place.text),
            },
            "reason": redacted(self.reason),
            "remedy": self.remedy,
            "object": self.object,
            "clusters": self.clusters,
            "severity": self.severity,
        }


def finding_from(kept: Mapping[str, Any]) -> Finding:
    """Return a finding that was written as JSON, by `Finding.as_json` or field by field."""
    return Finding(
        **{
            **kept,
            "location": Location(**kept["location"]),
            "clusters": tuple(kept["clusters"]),
            "severity": Severity(kept["severity"]),
        }
    )


class FindingsError(OkdGitopsError):
    """The run stops because of findings; all that were found travel with it."""

    exit_code = 2

    def __init__(self, findings: Sequence[Finding], exit_code: int = 2) -> None:
        super().__init__(f"{len(findings)} findings")
        self.findings = tuple(findings)
        self.exit_code = exit_code


class Document(Protocol):
    """A document that knows the place of each of its values, such as `manifests.read.Document`."""

    def at(self, path: Iterable[str | int], *, key: bool = False) -> Location:
        """Return the place of the value (or key) at a path."""


class Findings:
    """The findings of one piece of work, collected while it goes on.

    Every place is one of three: a Location, the name of a file (a string), or a path of keys and indices in
    the document of this collection (a list or tuple).
    """

    def __init__(self, document: Document | None = None) -> None:
        self.document = document
        self._collected: list[Finding] = []

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._collected)

    def __len__(self) -> int:
        return len(self._collected)

    def of(self, document: Document) -> "Findings":
        """Return this collection for another document: what is added to either is in both."""
        other = Findings(document)
        other._collected = self._collected
        return other

    def at(self, path: Sequence[str | int], *, key: bool = False) -> Location:
        """Return the place of a path in the document, or of its key."""
        assert self.document is not None, "a path needs a document"
        return self.document.at(path, key=key)

    def add(
        self,
        name: str,
        place: Location | str | Sequence[str | int],
        reason: str,
        remedy: str | None = None,
        *,
        key: bool = False,
        of_object: str = "",
        clusters: Iterable[str] = (),
        severity: Severity | None = None,
    ) -> None:
        """Add one finding; `key` places it at the key of a path, and the rest is as `finding_of` takes it."""
        if not isinstance(place, Location | str):
            place = self.at(place, key=key)

        finding = finding_of(
            name, place, reason, remedy, of_object=of_object, clusters=clusters, severity=severity
        )
        self._collected.append(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add findings that something else has made."""
        self._collected.extend(findings)

    def collecting(self, *, at: Callable[[], Location] | None = None) -> "_Collecting":
        """Return a context that ends at a FindingsError and takes over its findings, with their place
        changed to what `at` returns where it is given.
        """
        return _Collecting(self, at)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Those that do not fail a check."""
        return tuple(finding for finding in self if finding.severity == Severity.WARNING)

    @property
    def has_errors(self) -> bool:
        """Whether one of them fails a check."""
        return any(finding.severity == Severity.ERROR for finding in self)

    def raise_errors(self, *, exit_code: int = 2) -> None:
        """Raise FindingsError with everything collected, in order, if there is an error among it."""
        if self.has_errors:
            raise FindingsError(ordered(self), exit_code)


class _Collecting:
    # A class, because mypy takes for granted that a generator's context swallows nothing.
    def __init__(self, findings: Findings, place: Callable[[], Location] | None) -> None:
        self.findings, self.place = findings, place

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if not isinstance(error, FindingsError):
            return False

        taken = error.findings
        if self.place is not None:
            place = self.place()
            taken = tuple(replace(finding, location=place) for finding in taken)

        self.findings.extend(taken)
        return True


def finding_of(
    name: str,
    place: Location | str,
    reason: str,
    remedy: str | None = None,
    *,
    of_object: str = "",
    clusters: Iterable[str] = (),
    severity: Severity | None = None,
) -> Finding:
    """Return one finding at a Location, or about a whole file.

    Without a severity or a remedy it has those that findings.yaml gives to its name; raises KeyError for a
    name that is not there.
    """
    explanation = explanation_of(name)
    location = Location(file=place) if isinstance(place, str) else place

    return Finding(
        name=name,
        location=location,
        reason=reason,
        remedy=explanation.remedy if remedy is None else remedy,
        object=of_object,
        clusters=tuple(clusters),
        severity=severity or Severity(explanation.severity or Severity.ERROR),
    )


def refused(
    name: str, place: Location | str, reason: str, remedy: str | None = None, *, exit_code: int = 2
) -> FindingsError:
    """Return the error for work that one finding stops, to be raised; the rest as in `finding_of`."""
    return FindingsError([finding_of(name, place, reason, remedy)], exit_code)


def exit_code_of(findings: Iterable[Finding]) -> int:
    """Return the exit code of a check: of its errors, the code that takes precedence; 0 without errors."""
    errors = [finding for finding in findings if finding.severity == Severity.ERROR]
    return first_code({explanation_of(error.name).exit_code for error in errors})


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by place, then name and everything else, and drop exact repeats."""
    return sorted(
        set(findings),
        key=lambda f: (f.severity, *_order(f.location), f.name, f.object, f.reason, f.clusters, f.remedy),
    )


def _order(place: Location) -> tuple[str | int, ...]:
    # A thousand places are sorted in a third of the time by what they hold.
    return place.file, place.line, place.column, place.length, place.text


def nearest(wrong: str, names: Iterable[str]) -> str:
    """Return a sentence with the nearest valid name, or with all of them when there are few, or nothing."""
    valid = sorted(set(names))
    close = get_close_matches(wrong, valid, n=1, cutoff=0.5)

    if close:
        return f'did you mean "{close[0]}"?'

    return f"valid: {', '.join(valid)}" if 0 < len(valid) <= 12 else ""


def matching_names(patterns: Iterable[str], names: Collection[str], *, kind: str) -> set[str]:
    """Return the names that match at least one pattern.

    Raises UsageError for a pattern that matches nothing; `kind` is what the names are names of.
    """
    matched: set[str] = set()

    for pattern in patterns:
        names_of_pattern = {name for name in names if fnmatchcase(name, pattern)}

        if not names_of_pattern:
            raise UsageError(f'no {kind} matches "{pattern}"', nearest(pattern, names))

        matched |= names_of_pattern

    return matched


def chosen_findings(
    findings: Iterable[Finding], select: Sequence[str], ignore: Sequence[str]
) -> tuple[Finding, ...]:
    """Return the findings whose names match one of `select`, or all without any, and none of `ignore`.

    Raises UsageError for a pattern that matches no finding that there is.
    """
    names = explanations()
    chosen = matching_names(select, names, kind="finding") if select else set(names)
    left_out = matching_names(ignore, names, kind="finding")

    return tuple(finding for finding in findings if finding.name in chosen - left_out)
