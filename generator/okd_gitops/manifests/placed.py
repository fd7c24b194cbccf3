"""Build the values of YAML with the place of each, and find all values that must not be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from okd_gitops.finding import Findings, Location
from okd_gitops.manifests import words
from okd_gitops.manifests.bounds import MAX_DEPTH, Bounds

Path = tuple[str | int, ...]
# Line and column, both from 0, and length.
Span = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Places:
    """The places of values and of keys by their paths in a document; `dates` are dates without quotes."""

    marks: Mapping[Path, Span]
    keys: Mapping[Path, Span]
    dates: frozenset[Path] = frozenset()


def location(file: str, lines: Sequence[str], span: Span) -> Location:
    """Return a place in a file of these lines."""
    line, column, length = span
    text = _line(lines, line)
    return Location(file=file, line=line + 1, column=column + 1, length=max(1, length), text=text)


def _line(lines: Sequence[str], line: int) -> str:
    """Return a line without its end; YAML knows more ends of lines than the one that is counted here."""
    return lines[line].rstrip("\r") if line < len(lines) else ""


class Builder:
    """Builds the documents of one file, and finds all values in them that must not be read."""

    def __init__(self, file: str, lines: Sequence[str], bounds: Bounds) -> None:
        self.file, self.lines, self.bounds, self.exact = file, lines, bounds, bounds.exact

    def document(self, node: yaml.Node) -> tuple[Any, Places]:
        """Return the value of one document, and its places; raises FindingsError."""
        self.marks: dict[Path, Span] = {}
        self.keys: dict[Path, Span] = {}
        self.dates: set[Path] = set()
        self.findings = Findings()
        self.built = self.merges = 0

        value = self.build(node, ())
        self.findings.raise_errors()
        return value, Places(self.marks, self.keys, frozenset(self.dates))

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
        word = words.read(node.value, node.tag)
        if not word.is_sure:
            self.disagree(node)
        if word.is_date:
            self.dates.add(path)

        return word.value

    def disagree(self, node: yaml.ScalarNode) -> None:
        text = node.value[:40]
        remedy = f'write "{text}" in quotes, or true, false, a decimal'
        self.refuse("ambiguous-yaml", node, f"YAML readers disagree about what {text} means", remedy)

    def refuse(self, name: str, node: yaml.Node, reason: str, remedy: str) -> None:
        self.findings.add(name, location(self.file, self.lines, _span(node)), reason, remedy)


def _span(node: yaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    return start.line, start.column, end.column - start.column if end.line == start.line else 1
