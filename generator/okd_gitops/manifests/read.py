"""YAML as text: read it with places and limits, write it in one style.

Reading is for files from anywhere, so it bounds the work before it builds anything and refuses what two YAML
readers understand differently: duplicate keys, aliases, tags, merge keys, `yes`/`on`, octal numbers.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from okd_gitops.finding import Finding, FindingsError, Location

MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a file is read; `strict` refuses what nobody types on purpose: a byte order mark, odd
    line ends, control characters, tags.

    Unless `exact`, a value that readers disagree about is its text: only another program will say what it
    means.
    """

    max_bytes: int
    max_nodes: int
    strict: bool = False
    exact: bool = True


# Files that people write, and files from elsewhere: a CRD of a controller, a manifest that somebody rendered.
WRITTEN = Bounds(256 << 10, 20_000, strict=True)
FOREIGN = Bounds(8 << 20, 100_000)
# What kustomize reads, and we look through only for what it may not do.
PASSED_ON = Bounds(16 << 20, 100_000, exact=False)
# Kept together with the C loader: the pure Python one is ten times slower.
Loader = yaml.CSafeLoader
Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
_AMBIGUOUS = re.compile(
    r"(?i:y|n|yes|no|on|off)|[-+]?0[0-7]+|[-+]?0[xob][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9]*)?|[-+]?[0-9]+_[0-9_]*"
)
# What editors do not show, or take for an end of line where YAML does not (or the other way round).
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STANDARD = "tag:yaml.org,2002:"
_NULL, _STR = f"{_STANDARD}null", f"{_STANDARD}str"
# Text to us and to YAML 1.2, a date and an odd relic to YAML 1.1.
_TIME, _RELIC = f"{_STANDARD}timestamp", f"{_STANDARD}value"
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value, and where in which file each part of it stands; `dates` are those
    without quotes.
    """

    file: str
    lines: tuple[str, ...]
    value: Any
    marks: dict[Path, tuple[int, int, int]] = field(repr=False)
    keys: dict[Path, tuple[int, int, int]] = field(repr=False)
    dates: frozenset[Path] = field(default=frozenset(), repr=False)

    def at(self, path: Iterable[str | int], *, key: bool = False) -> Location:
        """Return the place of the value (or key) at `path`, or of the nearest thing around it that exists."""
        wanted = tuple(path)
        while wanted and wanted not in self.marks:
            wanted = wanted[:-1]
        line, column, length = (self.keys if key and wanted in self.keys else self.marks).get(
            wanted, (0, 0, 1)
        )
        text = _line(self.lines, line)
        return Location(file=self.file, line=line + 1, column=column + 1, length=max(1, length), text=text)


def read_all(file: str, data: bytes, *, bounds: Bounds = WRITTEN) -> list[Document]:
    """Read every document of a YAML file.

    Raises FindingsError with the place for text that is too large, not UTF-8, not YAML, or not plain data.
    """
    text = _decoded(file, data, bounds)
    lines = tuple(text.split("\n"))
    try:
        _bound(file, lines, text, bounds)
        nodes = list(yaml.compose_all(text, Loader))
    except yaml.reader.ReaderError as error:
        place = _character(file, text, error.position)
        raise _refused(
            "not-yaml",
            place,
            f"the file holds a character that YAML does not allow: {error.reason}",
            "remove it",
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _syntax(file, lines, mark.line, mark.column) if mark else Location(file=file)
        indented = "\t" in place.text[: place.column]
        remedy = (
            "indent with spaces, not tabs"
            if indented
            else "look at the indentation, colons and quotes of this line and the one before"
        )
        raise _refused("not-yaml", place, f"not YAML: {error.problem or error.context}", remedy) from None

    # Between two separators there may be nothing at all.
    filled = (
        node
        for node in nodes
        if node is not None
        and not (isinstance(node, yaml.ScalarNode) and node.tag == _NULL and not node.value)
    )
    return [_Builder(file, lines, exact=bounds.exact).document(node) for node in filled]


def read(file: str, data: bytes, *, bounds: Bounds = WRITTEN) -> Document:
    """Read a file that holds exactly one document; raises FindingsError like `read_all`."""
    documents = read_all(file, data, bounds=bounds)
    if len(documents) != 1:
        reason = "the file is empty" if not documents else f"the file holds {len(documents)} documents"
        raise _refused(
            "not-yaml", Location(file=file), f"{reason}; one is expected", "write one YAML document"
        )
    return documents[0]


def _refused(name: str, place: Location, reason: str, remedy: str) -> FindingsError:
    return FindingsError([Finding(name=name, location=place, reason=reason, remedy=remedy)])


def _decoded(file: str, data: bytes, bounds: Bounds) -> str:
    """Return the file as text; raises FindingsError when it is too large or not text, with the byte where
    it is not.
    """
    if len(data) > bounds.max_bytes:
        reason = f"{len(data):,} bytes are more than the {bounds.max_bytes:,} that are read"
        raise _refused("unreadable-file", Location(file=file), reason, "split the file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        place = _character(file, before + data[error.start :].decode("utf-8", "replace"), len(before))
        reason = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8"
        raise _refused("unreadable-file", place, reason, "save the file as UTF-8") from None

    unseen = _UNSEEN.search(text) if bounds.strict else None
    if unseen:
        character = ord(unseen[0])
        name = "a byte order mark" if character == 0xFEFF else f"the control character U+{character:04X}"
        reason = f"byte {len(text[: unseen.start()].encode())} begins {name}, which YAML does not allow here"
        raise _refused(
            "not-yaml",
            _character(file, text, unseen.start()),
            reason,
            "remove it; save the file as UTF-8 without a byte order mark",
        )

    # Readers pass over the mark, and count the characters of its line from behind it.
    return text.removeprefix("\ufeff")


def _character(file: str, text: str, index: int) -> Location:
    """Return the place of a character of the text."""
    start = text.rfind("\n", 0, index) + 1
    line = text[start:].split("\n", 1)[0].rstrip("\r")
    return Location(file=file, line=text.count("\n", 0, index) + 1, column=index - start + 1, text=line)


def _line(lines: tuple[str, ...], line: int) -> str:
    """Return a line without its end. YAML knows more ends of lines than the one that lines are counted by
    here.
    """
    return lines[line].rstrip("\r") if line < len(lines) else ""


def _syntax(file: str, lines: tuple[str, ...], line: int, column: int) -> Location:
    """Return where text stops being YAML: what is missing at the end of the file is missing behind its
    last words.
    """
    if not "".join(lines[line:]).strip():
        line = min(line, len(lines) - 1)
        while line > 0 and not lines[line].strip():
            line -= 1
        column = len(lines[line].rstrip())
    return Location(file=file, line=line + 1, column=column + 1, text=_line(lines, line))


def _bound(file: str, lines: tuple[str, ...], text: str, bounds: Bounds) -> None:
    """Count before building: the composer recurses, and an alias bomb is small as text."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if not isinstance(event, yaml.NodeEvent):
            continue
        nodes += 1
        depth += isinstance(event, yaml.CollectionStartEvent)
        if refusal := _refusal(event, depth, nodes, bounds):
            line, column = (event.start_mark.line, event.start_mark.column) if event.start_mark else (0, 0)
            place = Location(file=file, line=line + 1, column=column + 1, text=_line(lines, line))
            raise _refused(refusal[0], place, *refusal[1:])


def _refusal(event: yaml.NodeEvent, depth: int, nodes: int, bounds: Bounds) -> tuple[str, str, str] | None:
    """Return the name, the reason and the remedy when a value must not be built."""
    if depth > MAX_DEPTH:
        return "document-too-complex", f"the document is nested deeper than {MAX_DEPTH}", "split the file"
    if nodes > bounds.max_nodes:
        return (
            "document-too-complex",
            f"the document has more than {bounds.max_nodes:,} values",
            "split the file",
        )
    if event.anchor:
        return (
            "document-too-complex",
            "anchors and aliases (& and *) are not used here",
            "write the value out",
        )
    tag = getattr(event, "tag", None)
    if tag and (bounds.strict or tag != _STR):
        return "ambiguous-yaml", f"the tag {_tag(tag)} is not used here", "remove the tag"
    return None


def _tag(tag: str) -> str:
    """Return a tag as people write it."""
    return f"!!{tag.removeprefix(_STANDARD)}" if tag.startswith(_STANDARD) else tag


class _Builder:
    def __init__(self, file: str, lines: tuple[str, ...], *, exact: bool) -> None:
        self.file, self.lines, self.exact = file, lines, exact
        self.marks: dict[Path, tuple[int, int, int]] = {}
        self.keys: dict[Path, tuple[int, int, int]] = {}
        self.dates: set[Path] = set()
        self.findings: list[Finding] = []

    def document(self, node: yaml.Node) -> Document:
        value = self.build(node, ())
        if self.findings:
            raise FindingsError(self.findings)
        return Document(self.file, self.lines, value, self.marks, self.keys, frozenset(self.dates))

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.marks[path] = _span(node)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key == "<<":
                self.refuse(
                    "ambiguous-yaml",
                    key_node,
                    "a key is a plain string here",
                    "write the keys out; merge keys are not read",
                )
                continue
            if key in result:
                first, second = self.keys[*path, key][0] + 1, key_node.start_mark.line + 1
                reason = f'the key "{key}" is there twice, in line {first} and in line {second}'
                self.refuse("duplicate-key", key_node, reason, "keep one of them")
                continue
            self.keys[*path, key] = _span(key_node)
            result[key] = self.build(value_node, (*path, key))
        return result

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = node.value
        if not self.exact and _AMBIGUOUS.fullmatch(text):
            return text
        number = _FLOAT.fullmatch(text) and not _AMBIGUOUS.fullmatch(text)
        if node.style or (node.tag == _STR and not number and not _AMBIGUOUS.fullmatch(text)):
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.fullmatch(text) and len(text) < 20:
            return int(text)
        # 1e3 and 08 are numbers to YAML 1.2 alone, and more than a double holds is one to none.
        if number and node.tag != _STR and math.isfinite(float(text)):
            return float(text)
        if node.tag in (_TIME, _RELIC):
            if _DATE.fullmatch(text):
                self.dates.add(path)
            return text
        remedy = f'write "{text[:40]}" in quotes, or true, false, a decimal'
        self.refuse("ambiguous-yaml", node, f"YAML readers disagree about what {text[:40]} means", remedy)
        return text

    def refuse(self, name: str, node: yaml.Node, reason: str, remedy: str) -> None:
        line, column, length = _span(node)
        place = Location(
            file=self.file, line=line + 1, column=column + 1, length=length, text=_line(self.lines, line)
        )
        self.findings.append(Finding(name=name, location=place, reason=reason, remedy=remedy))


def _span(node: yaml.Node) -> tuple[int, int, int]:
    start, end = node.start_mark, node.end_mark
    return start.line, start.column, end.column - start.column if end.line == start.line else 1


# A bracket is part of a word from the second one on. That it stands in one place only keeps the time linear:
# as a separator too it would double with each bracket.
_PLAIN = re.compile(
    r"[A-Za-z0-9_/.$][A-Za-z0-9_/.$@+=-]*(?:[ :;,(][A-Za-z0-9_/.$@+=()-]+(?:[ :;,][A-Za-z0-9_/.$@+=()-]+)*)?"
)
# Whatever is made of these alone might be a number, a date or a time to some reader.
_NUMBERLIKE = re.compile(r"[0-9a-fA-FxXoO_.:+-]*|\.(?i:inf|nan)|=")


def _text(value: str) -> str:
    """Write a string plain when every YAML 1.1 and 1.2 reader reads the same string back, quoted
    otherwise.
    """
    word = _PLAIN.fullmatch(value) and value not in _CONSTANTS and not _AMBIGUOUS.fullmatch(value)
    if word and (value[0].isalpha() or not _NUMBERLIKE.fullmatch(value)) and len(value) < 400:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)


def scalar_text(value: object) -> str:
    """Return one value as every YAML reader reads it back; raises TypeError for what is not YAML data."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(value)
    raise TypeError(f"{type(value).__name__} is not YAML data")


def _lines(value: object, indent: str) -> list[str]:
    if isinstance(value, dict) and value:
        result = []
        for key, item in value.items():
            result += _entry(f"{indent}{_text(key)}:", item, indent, indent + "  ")
        return result
    if isinstance(value, list | tuple) and value:
        result = []
        for item in value:
            if isinstance(item, dict | list | tuple) and item:
                nested = _lines(item, indent + "  ")
                result += [f"{indent}- {nested[0].lstrip(' ')}", *nested[1:]]
            else:
                result += _entry(f"{indent}-", item, indent, indent + "  ")
        return result
    return [
        indent
        + (
            "{}"
            if isinstance(value, dict)
            else "[]"
            if isinstance(value, list | tuple)
            else scalar_text(value)
        )
    ]


def _entry(head: str, item: object, list_indent: str, map_indent: str) -> list[str]:
    if isinstance(item, dict) and item:
        return [head, *_lines(item, map_indent)]
    if isinstance(item, list | tuple) and item:
        return [head, *_lines(item, list_indent)]
    if (
        isinstance(item, str)
        and "\n" in item
        and re.fullmatch(r"[\x20-\x7e\n]*", item)
        and item[0] not in " \n"
        and " \n" not in item
    ):
        body, keep = (item[:-1], "|") if item.endswith("\n") else (item, "|-")
        if not body.endswith("\n"):
            return [f"{head} {keep}", *(map_indent + line if line else "" for line in body.split("\n"))]
    return [f"{head} {_lines(item, '')[0]}"]


def dump(value: object) -> str:
    """Write plain data as YAML: block style, keys in the order given, lists not indented, one line feed at
    the end.
    """
    return "\n".join(_lines(value, "")) + "\n"
