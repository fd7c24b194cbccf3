"""Comments that let a finding pass for a time: `# okd-gitops: ignore NAME until DATE because REASON`.

Such a comment is on the line of the finding or on the line before. One without an end or a reason would
stay for ever, so it is a finding itself, and hides nothing.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from okd_gitops.check.ledger import ENDINGS
from okd_gitops.explanation import explanations
from okd_gitops.finding import Finding, Location, finding_of, nearest

_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*okd-gitops:\s*ignore\b(.*)$")
_FORM = re.compile(r"\s+(?P<name>[a-z0-9-]+)\s+until\s+(?P<until>\d{4}-\d{2}-\d{2})\s+because\s+\S.*")
_MARK = b"okd-gitops:"
# They judge comments, so no comment may hide them.
OF_COMMENTS = ("incomplete-ignore", "expired-ignore", "unused-ignore")


@dataclass(frozen=True, slots=True)
class Ignore:
    """A whole comment: the finding that it names and the last day on which it holds."""

    place: Location
    name: str
    until: date

    def hides(self, finding: Finding) -> bool:
        """Whether it is about a finding: one about a whole file stands for the first line of it."""
        first = self.place.line
        is_near = max(1, finding.location.line) in (first, first + 1)
        return finding.name == self.name and finding.location.file == self.place.file and is_near


def without_ignored(
    findings: Iterable[Finding], files: Mapping[str, bytes], judged: Collection[str], today: date
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that count, with those about comments, and the findings that comments hide.

    `judged` are the files of which everything was found: only there a comment can be unused.
    """
    ignores, faults = _read(files)
    expired = [ignore for ignore in ignores if ignore.until < today]
    standing = [ignore for ignore in ignores if ignore.until >= today]

    counted: list[Finding] = []
    hidden: list[Finding] = []
    used: set[Ignore] = set()
    for finding in findings:
        hiding = {ignore for ignore in standing if ignore.hides(finding)}
        used |= hiding
        (hidden if hiding else counted).append(finding)

    unused = [ignore for ignore in standing if ignore not in used and ignore.place.file in judged]
    faults += [
        finding_of("expired-ignore", ignore.place, f"it ended on {ignore.until}") for ignore in expired
    ]
    faults += [finding_of("unused-ignore", ignore.place, _no_use(ignore, counted)) for ignore in unused]
    return [*counted, *faults], hidden


def _no_use(ignore: Ignore, findings: Iterable[Finding]) -> str:
    """Return that a comment hides nothing, and on which line of its file a finding of its name is."""
    places = [finding.location for finding in findings if finding.name == ignore.name]
    lines = [place.line for place in places if place.file == ignore.place.file]
    nearest_line = min(lines, key=lambda line: abs(line - ignore.place.line), default=None)
    where = "" if nearest_line is None else f"; the nearest one is on line {max(1, nearest_line)}"

    return f"there is no {ignore.name} on this line or the next one{where}"


def _read(files: Mapping[str, bytes]) -> tuple[list[Ignore], list[Finding]]:
    """Return the comments of all YAML files that are whole, and a finding for each that is not."""
    ignores: list[Ignore] = []
    faults: list[Finding] = []
    for path, data in files.items():
        if not path.endswith(ENDINGS) or _MARK not in data:
            continue

        for place, words in _comments(path, data):
            read = _ignore(place, words)
            if isinstance(read, Ignore):
                ignores.append(read)
            else:
                faults.append(finding_of("incomplete-ignore", place, read))

    return ignores, faults


def _comments(path: str, data: bytes) -> Iterator[tuple[Location, str]]:
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        text = line.rstrip("\r")
        found = _COMMENT.search(text)
        if found:
            start, end = found.span()
            place = Location(file=path, line=number, column=start + 1, length=end - start, text=text)
            yield place, found[1]


def _ignore(place: Location, words: str) -> Ignore | str:
    """Return what a comment says, or what it lacks."""
    form = _FORM.fullmatch(words.rstrip())
    if not form:
        return "it must be `ignore NAME until YYYY-MM-DD because REASON`"

    name = form["name"]
    if name not in explanations() or name in OF_COMMENTS:
        return f'no comment can hide a finding "{name}"; {nearest(name, explanations())}'.rstrip("; ")

    try:
        return Ignore(place, name, date.fromisoformat(form["until"]))
    except ValueError:
        return f"there is no day {form['until']}"
