"""YAML as text: read it with places and limits, write it in one style.

Reading is for files from anywhere, so it bounds the work before it builds anything and refuses what two YAML readers understand
differently: duplicate keys, aliases, tags, merge keys, `yes`/`on`, octal numbers.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from okd_gitops.finding import Finding, FindingsError, Location

MAX_BYTES = 1 << 20
MAX_NODES = 100_000
MAX_DEPTH = 60
# Kept together with the C loader: the pure Python one is ten times slower.
Loader = yaml.CSafeLoader
Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
_AMBIGUOUS = re.compile(r"(?i:y|n|yes|no|on|off)|0[0-7]+|0[xob][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9]*)?|[-+]?[0-9]+_[0-9_]*")
_NULL = "tag:yaml.org,2002:null"
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value, and where in which file each part of it stands."""

    file: str
    lines: tuple[str, ...]
    value: Any
    marks: dict[Path, tuple[int, int, int]] = field(repr=False)
    keys: dict[Path, tuple[int, int, int]] = field(repr=False)

    def at(self, path: Iterable[str | int], *, key: bool = False) -> Location:
        """Return the place of the value (or key) at `path`, or of the nearest thing around it that exists."""
        wanted = tuple(path)
        while wanted and wanted not in self.marks:
            wanted = wanted[:-1]
        line, column, length = (self.keys if key and wanted in self.keys else self.marks).get(wanted, (0, 0, 1))
        text = self.lines[line] if line < len(self.lines) else ""
        return Location(file=self.file, line=line + 1, column=column + 1, length=max(1, length), text=text)


def read_all(file: str, data: bytes, *, max_bytes: int = MAX_BYTES) -> list[Document]:
    """Read every document of a YAML file.

    Raises FindingsError (GI001-GI005) with the place for text that is too large, not UTF-8, not YAML, or not plain data.
    """
    if len(data) > max_bytes:
        raise _refused("GI001", Location(file=file), f"{len(data):,} bytes are more than the {max_bytes:,} that are read", "split the file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = Location(file=file, line=line, column=error.start - data.rfind(b"\n", 0, error.start))
        raise _refused("GI001", place, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8") from None
    lines = tuple(text.split("\n"))
    try:
        _bound(file, lines, text)
        nodes = list(yaml.compose_all(text, Loader))
    except yaml.reader.ReaderError as error:
        place = Location(file=file, line=text.count("\n", 0, error.position) + 1, column=1)
        raise _refused("GI002", place, f"the file holds a character that YAML does not allow: {error.reason}", "remove it") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        place = Location(file=file, line=line + 1, column=column + 1, text=lines[line] if line < len(lines) else "")
        tab = "\t" in place.text
        remedy = "indent with spaces, not tabs" if tab else "look at the indentation, colons and quotes of this line and the one before"
        raise _refused("GI002", place, f"not YAML: {error.problem or error.context}", remedy) from None
    # Between two separators there may be nothing at all.
    filled = (node for node in nodes if node is not None and not (isinstance(node, yaml.ScalarNode) and node.tag == _NULL and not node.value))
    return [_Builder(file, lines).document(node) for node in filled]


def read(file: str, data: bytes, *, max_bytes: int = MAX_BYTES) -> Document:
    """Read a file that holds exactly one document; raises FindingsError like `read_all`."""
    documents = read_all(file, data, max_bytes=max_bytes)
    if len(documents) != 1:
        reason = "the file is empty" if not documents else f"the file holds {len(documents)} documents"
        raise _refused("GI002", Location(file=file), f"{reason}; one is expected", "write one YAML document")
    return documents[0]


def _refused(code: str, place: Location, reason: str, remedy: str) -> FindingsError:
    return FindingsError([Finding(code=code, location=place, reason=reason, remedy=remedy)])


def _bound(file: str, lines: tuple[str, ...], text: str) -> None:
    """Count before building: the composer recurses, and an alias bomb is small as text."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            continue
        if depth > MAX_DEPTH or count > MAX_NODES or getattr(event, "anchor", None):
            line, column = (event.start_mark.line, event.start_mark.column) if event.start_mark else (0, 0)
            place = Location(file=file, line=line + 1, column=column + 1, text=lines[line])
            if depth > MAX_DEPTH or count > MAX_NODES:
                what = f"nested deeper than {MAX_DEPTH}" if depth > MAX_DEPTH else f"more than {MAX_NODES:,} values"
                raise _refused("GI004", place, f"the document is {what}", "split the file")
            raise _refused("GI004", place, "anchors and aliases (& and *) are not read", "write the value out")


class _Builder:
    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.file, self.lines = file, lines
        self.marks: dict[Path, tuple[int, int, int]] = {}
        self.keys: dict[Path, tuple[int, int, int]] = {}
        self.findings: list[Finding] = []

    def document(self, node: yaml.Node) -> Document:
        value = self.build(node, ())
        if self.findings:
            raise FindingsError(self.findings)
        return Document(self.file, self.lines, value, self.marks, self.keys)

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.marks[path] = _span(node)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self.refuse("GI005", node, f"the tag {node.tag} is not read", "remove the tag")
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key == "<<":
                self.refuse("GI005", key_node, "a key is a plain string here", "write the keys out; merge keys are not read")
                continue
            if key in result:
                self.refuse("GI003", key_node, f'the key "{key}" is there twice', "keep one of them")
                continue
            self.keys[*path, key] = _span(key_node)
            result[key] = self.build(value_node, (*path, key))
        return result

    def scalar(self, node: yaml.ScalarNode) -> Any:
        text = node.value
        if node.style or (node.tag == "tag:yaml.org,2002:str" and not _AMBIGUOUS.fullmatch(text)):
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _AMBIGUOUS.fullmatch(text):
            self.refuse("GI005", node, f"YAML readers disagree about what {text} means", f'write "{text}" in quotes, or true, false, a decimal')
            return text
        if _INT.fullmatch(text) and len(text) < 20:
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if node.tag in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value", "tag:yaml.org,2002:float"):
            return text
        self.refuse("GI005", node, f"the tag {node.tag} is not read", "remove the tag")
        return text

    def refuse(self, code: str, node: yaml.Node, reason: str, remedy: str) -> None:
        line, column, length = _span(node)
        place = Location(file=self.file, line=line + 1, column=column + 1, length=length, text=self.lines[line])
        self.findings.append(Finding(code=code, location=place, reason=reason, remedy=remedy))


def _span(node: yaml.Node) -> tuple[int, int, int]:
    start, end = node.start_mark, node.end_mark
    return start.line, start.column, end.column - start.column if end.line == start.line else 1


_PLAIN = re.compile(r"[A-Za-z0-9_/.$][A-Za-z0-9_/.$@+=-]*(?:[ :;,(][A-Za-z0-9_/.$@+=()-]+)*")
# Whatever is made of these alone might be a number, a date or a time to some reader.
_NUMBERLIKE = re.compile(r"[0-9a-fA-FxXoO_.:+-]*|\.(?i:inf|nan)|=")


def _text(value: str) -> str:
    """Write a string plain when every YAML 1.1 and 1.2 reader reads the same string back, quoted otherwise."""
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
    return [indent + ("{}" if isinstance(value, dict) else "[]" if isinstance(value, list | tuple) else scalar_text(value))]


def _entry(head: str, item: object, list_indent: str, map_indent: str) -> list[str]:
    if isinstance(item, dict) and item:
        return [head, *_lines(item, map_indent)]
    if isinstance(item, list | tuple) and item:
        return [head, *_lines(item, list_indent)]
    if isinstance(item, str) and "\n" in item and re.fullmatch(r"[\x20-\x7e\n]*", item) and item[0] not in " \n" and " \n" not in item:
        body, keep = (item[:-1], "|") if item.endswith("\n") else (item, "|-")
        if not body.endswith("\n"):
            return [f"{head} {keep}", *(map_indent + line if line else "" for line in body.split("\n"))]
    return [f"{head} {_lines(item, '')[0]}"]


def dump(value: object) -> str:
    """Write plain data as YAML: block style, keys in the order given, lists not indented, one line feed at the end."""
    return "\n".join(_lines(value, "")) + "\n"
