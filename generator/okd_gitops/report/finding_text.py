"""A finding as a person reads it in a terminal or in the log of a CI."""

from collections.abc import Sequence
from unicodedata import category, east_asian_width

from okd_gitops.finding import Finding, Location
from okd_gitops.redaction import printable, redacted


def as_text(finding: Finding, also: Sequence[Location] = (), *, where: str = "clusters") -> str:
    """Return a finding as printable lines: name and reason, place, source line with a caret, remedy.

    `also` are other places that have the same cause; `where` says what its clusters are called.
    """
    place = finding.location
    lines = [f"{finding.severity} {finding.name}: {finding.reason}"]
    lines.append(f"  {place}  ({finding.object})" if finding.object else f"  {place}")

    if place.line and place.text:
        lines += _pointed(place)

    for head, names in (("also at", [str(place) for place in also]), (where, finding.clusters)):
        if names:
            more = f" and {len(names) - 6} more" if len(names) > 6 else ""
            lines.append(f"  {head}: {', '.join(names[:6])}{more}")

    if finding.remedy:
        lines.append(f"  fix: {finding.remedy}")

    return "\n".join(redacted(printable(line)) for line in lines)


def _pointed(place: Location) -> tuple[str, str]:
    """Return the source line and the carets below it, cut around them: a minified file must not fill the
    screen.
    """
    start = max(0, place.column - 80)
    shown = printable(place.text[start : start + 110].replace("\t", "?"))
    before = shown[: place.column - 1 - start]
    marked = shown[len(before) : len(before) + max(1, place.length)]

    margin = f"  {place.line} | "
    blanks = " " * (len(margin) + _columns(before))
    return margin + shown, blanks + "^" * max(1, _columns(marked))


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    columns = 0

    for character in text:
        # An accent is put on the letter before it; East Asian signs take two columns.
        if category(character) not in ("Mn", "Me"):
            columns += 2 if east_asian_width(character) in "WF" else 1

    return columns
