"""Read YAML with the place of each value, and within limits.

The files come from anywhere, so the work is bounded before anything is built, and what two YAML readers
understand differently is refused: duplicate keys, aliases, tags, merge keys, `yes`/`on`, octal numbers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from okd_gitops.finding import Finding, FindingsError, Location, refused
from okd_gitops.manifests.bounds import WRITTEN, Bounds, first_excess
from okd_gitops.manifests.decode import character_place, decode
from okd_gitops.manifests.loader import STANDARD, Loader
from okd_gitops.manifests.placed import Builder, Places, location
from okd_gitops.manifests.placed import Path as Path
from okd_gitops.manifests.placed import Span as Span
from okd_gitops.manifests.sound_values import SoundValues, UnsureError
from okd_gitops.redaction import masked_line
from okd_gitops.tree import Unread, content_of, digest_of

# The first mark of a conflict, as git writes it.
_CONFLICT = "<<<<<<< "
# What a file with secret values has in it: a Secret, a generator of one, or something of the kind.
_SECRET = re.compile(b"secret", re.IGNORECASE)
_NULL = f"{STANDARD}null"


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value, and where it is written.

    The places of its parts take several times the memory of its file, and few are ever asked for: they are
    found by reading the file once more. `source` is its content, or what reads it again where that need not
    stay in memory. `number` counts its documents, empty ones left out.
    """

    file: str
    source: bytes | Unread = field(repr=False)
    value: Any
    bounds: Bounds = field(default=WRITTEN, repr=False)
    number: int = field(default=0, repr=False)
    has_dates: bool = field(default=False, repr=False)
    # The places, where they are not those in `data`.
    moved: Places | None = field(default=None, repr=False)

    @property
    def data(self) -> bytes:
        """The content of the file."""
        return content_of(self.source)

    @property
    def digest(self) -> str:
        """The SHA-256 of the file in hexadecimal, which is not read where that is known."""
        return digest_of(self.source)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the file, without their ends."""
        return tuple(_text(self.file, self.data, self.bounds).split("\n"))

    @property
    def marks(self) -> Mapping[Path, Span]:
        """The places of values by their paths."""
        return self._places.marks

    @property
    def keys(self) -> Mapping[Path, Span]:
        """The places of keys by the paths of their values."""
        return self._places.keys

    @property
    def dates(self) -> frozenset[Path]:
        """The paths of dates without quotes."""
        return self._places.dates if self.has_dates else frozenset()

    @property
    def _places(self) -> Places:
        return self.moved or _read_again(self.data, self.bounds).places[self.number]

    def at(self, path: Iterable[str | int], *, key: bool = False) -> Location:
        """Return the place of the value (or key) at `path`, or of the nearest thing around it that exists."""
        places = self._places
        existing = tuple(path)
        while existing and existing not in places.marks:
            existing = existing[:-1]

        spans = places.keys if key and existing in places.keys else places.marks
        lines = _read_again(self.data, self.bounds).lines
        return location(self.file, lines, spans.get(existing, (0, 0, 1)))


def read_all(
    file: str, data: bytes, *, bounds: Bounds = WRITTEN, source: bytes | Unread = b""
) -> list[Document]:
    """Read every document of a YAML file; `source` reads it again, so that its bytes need not be kept.

    Raises FindingsError with the place for text that is too large, not UTF-8, not YAML, or not plain data. Of
    a file of others that may hold secrets no value is in it: a log is none of their places.
    """
    try:
        return _read_all(file, data, bounds, source or data)
    except FindingsError as error:
        if bounds.strict or not _SECRET.search(data):
            raise

        masked = [_masked(finding) for finding in error.findings]
        raise FindingsError(masked, error.exit_code) from None


def _masked(finding: Finding) -> Finding:
    """Return a finding without the value at its place, which is also in what is said of words and tags."""
    place = replace(finding.location, text=masked_line(finding.location.text), length=1)
    if finding.name != "ambiguous-yaml":
        return replace(finding, location=place)

    reason = "YAML readers disagree about what this key, value or tag means"
    return replace(finding, location=place, reason=reason, remedy="write it plainly, and a text in quotes")


def _read_all(file: str, data: bytes, bounds: Bounds, source: bytes | Unread) -> list[Document]:
    text = _text(file, data, bounds)

    try:
        excess = first_excess(text, bounds)
        if excess:
            place = location(file, text.split("\n"), (excess.line, excess.column, 1))
            raise refused(excess.name, place, excess.reason, excess.remedy)

        nodes = _nodes(text)
    except yaml.reader.ReaderError as error:
        place = character_place(file, text, error.position)
        reason = f"the file contains a character that YAML does not allow: {error.reason}"
        raise refused("not-yaml", place, reason, "remove it") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, text.split("\n"), error) from None

    # Who reads a file again holds on to thousands.
    shares = not isinstance(source, bytes)
    values = _values(nodes, text, bounds, shares=shares) or _placed(file, nodes, text, bounds)
    return [
        Document(file, source, value, bounds, number, has_dates)
        for number, (value, has_dates) in enumerate(values)
    ]


def _text(file: str, data: bytes, bounds: Bounds) -> str:
    return decode(file, data, max_bytes=bounds.max_bytes, strict=bounds.strict)


def _nodes(text: str) -> list[yaml.Node]:
    return [node for node in yaml.compose_all(text, Loader) if not _is_empty(node)]


def _values(nodes: Iterable[yaml.Node], text: str, bounds: Bounds, *, shares: bool) -> list[tuple[Any, bool]]:
    """Return the values, and whether they have dates; none where something in them may have to be refused."""
    # A value with an anchor may contain itself.
    if bounds.aliases and "&" in text:
        return []

    values = []
    try:
        for node in nodes:
            sound = SoundValues(exact=bounds.exact, shares=shares)
            values.append((sound.build(node), sound.has_dates))
    except UnsureError:
        return []

    return values


def _placed(file: str, nodes: Iterable[yaml.Node], text: str, bounds: Bounds) -> list[tuple[Any, bool]]:
    """Return the values, and whether they have dates; raises FindingsError."""
    builder = Builder(file, text.split("\n"), bounds)
    values = map(builder.document, nodes)

    return [(value, bool(places.dates)) for value, places in values]


class _ReadAgain(NamedTuple):
    """The lines of a file, and the places in each of its documents."""

    lines: tuple[str, ...]
    places: tuple[Places, ...]


@lru_cache(maxsize=64)
def _read_again(data: bytes, bounds: Bounds) -> _ReadAgain:
    """Read a file that has been read without a fault."""
    text = _text("", data, bounds)
    lines = tuple(text.split("\n"))
    builder = Builder("", lines, bounds)

    return _ReadAgain(lines, tuple(builder.document(node)[1] for node in _nodes(text)))


def read(file: str, data: bytes, *, bounds: Bounds = WRITTEN) -> Document:
    """Read a file that holds exactly one document; raises FindingsError like `read_all`."""
    documents = read_all(file, data, bounds=bounds)
    if len(documents) == 1:
        return documents[0]

    reason = f"the file contains {len(documents)} documents" if documents else "the file is empty"
    raise refused("not-yaml", file, f"{reason}; it must contain one", "write one YAML document")


def _is_empty(node: yaml.Node | None) -> bool:
    """Whether there is nothing at all between two separators of documents."""
    if node is None:
        return True

    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL and not node.value


def _syntax_error(file: str, lines: Sequence[str], error: yaml.MarkedYAMLError) -> FindingsError:
    conflict = next((number for number, line in enumerate(lines) if line.startswith(_CONFLICT)), None)

    if conflict is not None:
        place = location(file, lines, (conflict, 0, len(lines[conflict])))
        reason = "a merge conflict: the lines from here to >>>>>>> are of two branches"
        remedy = "keep the lines that are right and remove the marks; okd-gitops generate says what is next"
        return refused("merge-conflict", place, reason, remedy)

    mark = error.problem_mark or error.context_mark
    place = _syntax(file, lines, mark.line, mark.column) if mark else Location(file=file)

    if "\t" in place.text[: place.column]:
        remedy = "indent with spaces, not tabs"
    else:
        remedy = "look at the indentation, colons and quotes of this line and the one before"

    return refused("not-yaml", place, f"not YAML: {error.problem or error.context}", remedy)


def _syntax(file: str, lines: Sequence[str], line: int, column: int) -> Location:
    """Return where text stops being YAML; what is missing at the end of the file is missing behind its last
    words.
    """
    if not "".join(lines[line:]).strip():
        line = min(line, len(lines) - 1)
        while line > 0 and not lines[line].strip():
            line -= 1
        column = len(lines[line].rstrip())

    return location(file, lines, (line, column, 1))
