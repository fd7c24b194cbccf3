"""How much of a YAML text is read, which is counted before anything is built of it.

The composer recurses, and an alias bomb is small as text.
"""

import re
from dataclasses import dataclass

import yaml

from okd_gitops.manifests.loader import STANDARD, STR, Loader

MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a file is read.

    `strict` refuses what nobody types on purpose: a byte order mark, odd line ends, control characters, tags.
    Unless `exact`, a value that readers disagree about is kept as its text: another program decides what it
    means. With `aliases`, anchors, merge keys and tags are read as kustomize reads them.
    """

    max_bytes: int
    max_nodes: int
    strict: bool = False
    exact: bool = True
    aliases: bool = False


# Files that people write, and files from elsewhere: a CRD of a controller, a rendered manifest.
WRITTEN = Bounds(256 << 10, 20_000, strict=True)
FOREIGN = Bounds(8 << 20, 100_000)
# What kustomize reads, and what is searched here only for what it must not do.
PASSED_ON = Bounds(16 << 20, 100_000, exact=False)
# The same in a repository that others wrote, where our own rules for YAML do not hold.
OTHERS = Bounds(16 << 20, 400_000, exact=False, aliases=True)
# What begins an anchor, an alias ("*" in quotes is none) or a tag; ends of lines that only YAML knows, and
# marks that take no column.
_UNUSUAL = re.compile("[&*][0-9A-Za-z_-]|[!\r\x85\u2028\u2029\ufeff]")
# What stands before the first word of a line.
_LEADING = re.compile(r"^[ \t\-?:]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Excess:
    """What must not be built of a text: the finding, why, the remedy, and where, line and column from 0."""

    name: str
    reason: str
    remedy: str
    line: int
    column: int


def first_excess(text: str, bounds: Bounds) -> Excess | None:
    """Return the first value of a text that is not within bounds, if one is not.

    Raises yaml.YAMLError for text that is not YAML, unless it is so short that nothing is counted.
    """
    return None if is_surely_within(text, bounds) else _count(text, bounds)


def is_surely_within(text: str, bounds: Bounds) -> bool:
    """Whether a text is within bounds, however it is read: to count values takes a third of the reading."""
    return (
        not _UNUSUAL.search(text)
        and most_values(text) <= bounds.max_nodes
        and greatest_depth(text) <= MAX_DEPTH
    )


def most_values(text: str) -> int:
    """Return how many values a text has at most: three a character (":" is a map of nothing to nothing)."""
    return 3 * (len(text) + 1)


def greatest_depth(text: str) -> int:
    """Return how deeply maps and lists of a text without unusual characters can be nested.

    One begins in a column behind that of what it is in, or is a list in a map; else it has a bracket, and
    maybe a map in it.
    """
    columns = max(map(len, _LEADING.findall(text)))
    return 2 * (columns + 1) + 2 * text.count("[") + text.count("{")


def _count(text: str, bounds: Bounds) -> Excess | None:
    depth = nodes = 0

    for event in yaml.parse(text, Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if not isinstance(event, yaml.NodeEvent):
            continue

        nodes += 1
        depth += isinstance(event, yaml.CollectionStartEvent)
        refusal = _refusal(event, depth, nodes, bounds)

        if refusal:
            mark = event.start_mark
            return Excess(*refusal, *((mark.line, mark.column) if mark else (0, 0)))

    return None


def _refusal(event: yaml.NodeEvent, depth: int, nodes: int, bounds: Bounds) -> tuple[str, str, str] | None:
    """Return the name, the reason and the remedy when a value must not be built."""
    if depth > MAX_DEPTH:
        return "document-too-complex", f"the document is nested deeper than {MAX_DEPTH}", "split the file"

    if nodes > bounds.max_nodes:
        reason = f"the document has more than {bounds.max_nodes:,} values"
        return "document-too-complex", reason, "split the file"

    if bounds.aliases:
        return None

    if event.anchor:
        reason = "anchors and aliases (& and *) are not allowed"
        return "document-too-complex", reason, "write the value out"

    tag = getattr(event, "tag", None)
    if tag and (bounds.strict or tag != STR):
        return "ambiguous-yaml", f"the tag {_tag(tag)} is not allowed", "remove the tag"

    return None


def _tag(tag: str) -> str:
    """Return a tag as people write it."""
    return f"!!{tag.removeprefix(STANDARD)}" if tag.startswith(STANDARD) else tag
