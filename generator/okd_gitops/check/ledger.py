"""The account of a check: which file was judged and by which root, and why another one was not."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from okd_gitops.check.roots import Source
from okd_gitops.manifests.graph import NAMES

ENDINGS = (".yaml", ".yml")
# At the start of a line: what every object has.
_OBJECT = re.compile(rb"^apiVersion:.*$", re.MULTILINE), re.compile(rb"^kind:.*$", re.MULTILINE)
_NO_ROOT = "nothing deploys it"
# Reasons for which no object was missed.
_NO_LOSS = ("settings of another program", "not an object of Kubernetes")
# So many blocked roots of one cause are named.
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Blocked:
    """A root that could not be judged, with the files that it reaches, and the cause."""

    folder: str
    cause: str
    files: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every YAML file is in one of the two: judged, with its roots, or not judged, with the reason.

    `kinds` are the kinds without a schema, with how many objects there are of each.
    """

    judged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unjudged: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    sources: tuple[Source, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every object of the repository was judged, and every source that is this repository."""
        return not (
            self.blocked or self.kinds or any(reason not in _NO_LOSS for reason in self.unjudged.values())
        )

    @property
    def unread_sources(self) -> list[Source]:
        """The sources of Applications and of Flux that have no root here."""
        return [source for source in self.sources if source.root is None]

    def as_json(self) -> dict[str, object]:
        """Return the form that `--output json` prints."""
        return {
            "complete": self.is_complete,
            "files": len(self.judged) + len(self.unjudged),
            "judged": {path: list(roots) for path, roots in sorted(self.judged.items())},
            "notJudged": dict(sorted(self.unjudged.items())),
            "roots": list(self.roots),
            "blocked": [{"root": each.folder, "cause": each.cause} for each in self.blocked],
            "sources": [
                {
                    "owner": source.owner,
                    "place": source.place,
                    "root": source.root.folder if source.root else None,
                    "reason": source.reason,
                }
                for source in self.sources
            ],
            "kindsWithoutSchema": dict(sorted(self.kinds.items())),
        }

    def lines(self) -> Iterator[str]:
        """Yield what a person reads of it at the end of a check."""
        causes: dict[str, list[str]] = {}
        for blocked in self.blocked:
            causes.setdefault(blocked.cause, []).append(blocked.folder)
        for cause, roots in causes.items():
            more = f" and {len(roots) - _SHOWN} more" if len(roots) > _SHOWN else ""
            yield f"not judged: {', '.join(roots[:_SHOWN])}{more}: {cause}"

        for reason, count in sorted(Counter(source.reason for source in self.unread_sources).items()):
            yield f"not judged: {_counted(count, 'source')} of Applications or of Flux: {reason}"

        if self.kinds:
            named = ", ".join(f"{kind} ({count})" for kind, count in sorted(self.kinds.items()))
            yield f"without a schema, so their fields were not judged: {named}"

        # The roots are named above.
        reasons = Counter(
            "blocked" if reason.startswith("blocked: ") else reason for reason in self.unjudged.values()
        )
        told = "".join(f", {count}: {reason}" for reason, count in sorted(reasons.items()))
        whole = _counted(len(self.judged) + len(self.unjudged), "YAML file")
        yield f"{whole}: {len(self.judged)} judged by {_counted(len(self.roots), 'root')}{told}"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def keep_account(
    files: Mapping[str, bytes],
    unread: Mapping[str, str],
    reached: Iterable[tuple[str, Iterable[str]]],
    blocked: Iterable[Blocked],
    sources: Iterable[Source],
    kinds: Mapping[str, int],
) -> Ledger:
    """Return the account of a repository; `reached` are the roots that were judged, with their files."""
    judged: dict[str, list[str]] = {}
    roots: list[str] = []
    for root, paths in reached:
        roots.append(root)
        for path in paths:
            if path.endswith(ENDINGS):
                judged.setdefault(path, []).append(root)

    listed = list(sources)
    uncovered = [path for path in files if path.endswith(ENDINGS) and path not in judged]
    blocked = [*blocked, *_covered(listed, uncovered)]
    causes: dict[str, str] = {}
    for each in blocked:
        for path in each.files:
            causes.setdefault(path, f"blocked: {each.folder} could not be judged")

    charts = {posixpath.dirname(path) for path in files if posixpath.basename(path) == "Chart.yaml"}
    unjudged = {
        path: causes.get(path) or _reason(path, files[path], charts)
        for path in files
        if path.endswith(ENDINGS) and path not in judged
    }
    unjudged |= {path: reason for path, reason in unread.items() if path.endswith(ENDINGS)}

    return Ledger(
        judged={path: tuple(found) for path, found in judged.items() if path in files},
        unjudged=unjudged,
        roots=tuple(roots),
        blocked=tuple(blocked),
        sources=tuple(listed),
        kinds=kinds,
    )


def _covered(sources: Iterable[Source], unjudged: Iterable[str]) -> Iterator[Blocked]:
    """Yield what is deployed as a source says, and could not be rendered or is not known whole."""
    paths = list(unjudged)
    for source in sources:
        if source.covers:
            below = frozenset(path for path in paths if _is_below(path, source.covers))
            if below:
                yield Blocked(source.covers, f"{source.reason} ({source.owner})", below)


def _is_below(path: str, covers: str) -> bool:
    """Whether a file lies below a folder, or below one that a glob finds."""
    parts, wanted = path.split("/"), [] if covers == "." else covers.split("/")
    return len(parts) > len(wanted) and all(map(fnmatchcase, parts, wanted))


def _reason(path: str, data: bytes, charts: set[str]) -> str:
    """Return why nothing judged a file that no root reaches."""
    if path.startswith(".") or "/." in path:
        return _NO_LOSS[0]
    if any(path.startswith(f"{chart}/" if chart else "") for chart in charts):
        return "part of a chart: helm is not run"
    if posixpath.basename(path) in NAMES:
        return _NO_ROOT
    return _NO_ROOT if all(form.search(data) for form in _OBJECT) else _NO_LOSS[1]
