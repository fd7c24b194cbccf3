"""Read YAML with the place of each value, and within limits.

The files come from anywhere, so the work is bounded before anything is built, and what two YAML readers
understand differently is refused: duplicate keys, aliases, tags, merge keys, `yes`/`on`, octal numbers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from okd_gitops.finding import Finding, Findings, FindingsError, Location, refused
from okd_gitops.manifests import words
from okd_gitops.manifests.bounds import MAX_DEPTH, WRITTEN, Bounds, Loader, first_excess
from okd_gitops.manifests.decode import character_place, decode
from okd_gitops.redaction import masked_line

Path = tuple[str | int, ...]
# Line and column, both from 0, and length.
Span = tuple[int, int, int]

# The first mark of a conflict, as git writes it.
_CONFLICT = "<<<<<<< "
# What a file with secret values has in it: a Secret, a generator of one, or something of the kind.
_SECRET = re.compile(b"secret", re.IGNORECASE)
_STANDARD = "tag:yaml.org,2002:"
_NULL, _STR = f"{_STANDARD}null", f"{_STANDARD}str"
# Text to us and to YAML 1.2, a date and an odd relic to YAML 1.1.
_TIME, _RELIC = f"{_STANDARD}timestamp", f"{_STANDARD}value"


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value, and the place of each part of it.

    `marks` and `keys` are the places of values and of keys by their paths; `dates` are dates without quotes.
    """

    file: str
    lines: tuple[str, ...]
    value: Any
    marks: Mapping[Path, Span] = field(repr=False)
    keys: Mapping[Path, Span] = field(repr=False)
    dates: frozenset[Path] = field(default=frozenset(), repr=False)

    def at(self, path: Iterable[str | int], *, key: bool = False) -> Location:
        """Return the place of the value (or key) at `path`, or of the nearest thing around it that exists."""
        existing = tuple(path)
        while existing and existing not in self.marks:
            existing = existing[:-1]

        spans = self.keys if key and existing in self.keys else self.marks
        return _location(self.file, self.lines, spans.get(existing, (0, 0, 1)))


def read_all(file: str, data: bytes, *, bounds: Bounds = WRITTEN) -> list[Document]:
    """Read every document of a YAML file.

    Raises FindingsError with the place for text that is too large, not UTF-8, not YAML, or not plain data. Of
    a file of others that may hold secrets no value is in it: a log is none of their places.
    """
    try:
        return _read_all(file, data, bounds)
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


def _read_all(file: str, data: bytes, bounds: Bounds) -> list[Document]:
    text = decode(file, data, max_bytes=bounds.max_bytes, strict=bounds.strict)
    lines = tuple(text.split("\n"))

    try:
        excess = first_excess(text, bounds)
        if excess:
            place = _location(file, lines, (excess.line, excess.column, 1))
            raise refused(excess.name, place, excess.reason, excess.remedy)

        nodes = list(yaml.compose_all(text, Loader))
    except yaml.reader.ReaderError as error:
        place = character_place(file, text, error.position)
        reason = f"the file contains a character that YAML does not allow: {error.reason}"
        raise refused("not-yaml", place, reason, "remove it") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, lines, error) from None

    builder = _Builder(file, lines, bounds)
    return [builder.document(node) for node in nodes if not _is_empty(node)]


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


def _location(file: str, lines: tuple[str, ...], span: Span) -> Location:
    line, column, length = span
    text = _line(lines, line)
    return Location(file=file, line=line + 1, column=column + 1, length=max(1, length), text=text)


def _line(lines: tuple[str, ...], line: int) -> str:
    """Return a line without its end; YAML knows more ends of lines than the one that is counted here."""
    return lines[line].rstrip("\r") if line < len(lines) else ""


def _syntax_error(file: str, lines: tuple[str, ...], error: yaml.MarkedYAMLError) -> FindingsError:
    conflict = next((number for number, line in enumerate(lines) if line.startswith(_CONFLICT)), None)

    if conflict is not None:
        place = _location(file, lines, (conflict, 0, len(lines[conflict])))
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


def _syntax(file: str, lines: tuple[str, ...], line: int, column: int) -> Location:
    """Return where text stops being YAML; what is missing at the end of the file is missing behind its last
    words.
    """
    if not "".join(lines[line:]).strip():
        line = min(line, len(lines) - 1)
        while line > 0 and not lines[line].strip():
            line -= 1
        column = len(lines[line].rstrip())

    return _location(file, lines, (line, column, 1))


class _Builder:
    """Builds the documents of one file, and finds all values in them that must not be read."""

    def __init__(self, file: str, lines: tuple[str, ...], bounds: Bounds) -> None:
        self.file, self.lines, self.bounds, self.exact = file, lines, bounds, bounds.exact

    def document(self, node: yaml.Node) -> Document:
        """Return one document; raises FindingsError."""
        self.marks: dict[Path, Span] = {}
        self.keys: dict[Path, Span] = {}
        self.dates: set[Path] = set()
        self.findings = Findings()
        self.built = self.merges = 0

        value = self.build(node, ())
        self.findings.raise_errors()
        return Document(self.file, self.lines, value, self.marks, self.keys, frozenset(self.dates))

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.marks[path] = _span(node)

        if self.bounds.aliases:
            self.count(node, path)

        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)

        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]

        return self.mapping(node, path)

    def count(self, node: yaml.Node, path: Path) -> None:
        """Refuse what aliases make of a small text: a bomb, or something that contains itself."""
        self.built += 1

        if self.built > self.bounds.max_nodes or len(path) + self.merges > MAX_DEPTH:
            self.refuse("document-too-complex", node, "its aliases expand to too much", "write it out")
            self.findings.raise_errors()

    def mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}

        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None

            if key == "<<" and self.bounds.aliases and not key_node.style:
                for part in value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]:
                    # What is merged has the path of what it is merged into, also into itself.
                    self.merges += 1
                    inner = self.build(part, path)
                    self.merges -= 1
                    merged = {**(inner if isinstance(inner, dict) else {}), **merged}
                continue

            if key is None or key == "<<":
                remedy = "write the keys out; merge keys are not allowed"
                self.refuse("ambiguous-yaml", key_node, "a key must be a plain string", remedy)
                continue

            if key in result:
                first, second = self.keys[*path, key][0] + 1, key_node.start_mark.line + 1
                reason = f'the key "{key}" occurs twice, in line {first} and in line {second}'
                self.refuse("duplicate-key", key_node, reason, "keep one of them")
                continue

            self.keys[*path, key] = _span(key_node)
            result[key] = self.build(value_node, (*path, key))

        return {**merged, **result} if merged else result

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = node.value
        ambiguous = bool(words.AMBIGUOUS.fullmatch(text))

        if node.style or (ambiguous and not self.exact):
            return text

        if ambiguous:
            self.disagree(node)
            return text

        return self.plain(node, path)

    def plain(self, node: yaml.ScalarNode, path: Path) -> Any:
        """Return what a word without quotes means."""
        text = node.value

        if node.tag == _STR and not words.NUMBER.fullmatch(text):
            return text

        if text in words.CONSTANTS:
            return words.CONSTANTS[text]

        number = words.number(text, number_in_1_1=node.tag != _STR)
        if number is not None:
            return number

        if node.tag not in (_TIME, _RELIC):
            self.disagree(node)
        elif words.DATE.fullmatch(text):
            self.dates.add(path)

        return text

    def disagree(self, node: yaml.ScalarNode) -> None:
        text = node.value[:40]
        remedy = f'write "{text}" in quotes, or true, false, a decimal'
        self.refuse("ambiguous-yaml", node, f"YAML readers disagree about what {text} means", remedy)

    def refuse(self, name: str, node: yaml.Node, reason: str, remedy: str) -> None:
        self.findings.add(name, _location(self.file, self.lines, _span(node)), reason, remedy)


def _span(node: yaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    return start.line, start.column, end.column - start.column if end.line == start.line else 1
