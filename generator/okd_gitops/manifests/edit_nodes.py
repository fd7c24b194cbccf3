"""Edit YAML as text: some scalars, or the items of one list. Everything else stays as it was typed,
comments too.

Nothing here decides what an edit means. Who edits reads the result again and compares it with what was meant:
text that is written in a way that these functions do not foresee is then refused and never bent. `inplace`
sets values of cluster files by their paths, which needs no nodes.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import yaml

from okd_gitops.manifests.read import Loader
from okd_gitops.manifests.write import dump

# What may stand between a scalar and the comment that speaks of it.
_COMMENT = re.compile(r"(,?)[ \t]*#[^\n]*")


class SpliceError(ValueError):
    """The text is written in a way that cannot be edited in place; the message says which."""


def swapped(text: str, choose: Callable[[str], str | None]) -> str:
    """Put what `choose` returns in the place of each scalar for which it returns something; `new  # comment` brings its comment.

    A comment behind the old value goes: it spoke of that (the readable tag of a digest).
    """
    for node in reversed(list(_scalars(_compose(text)))):
        new = None if node.style in ("|", ">") else choose(node.value)
        if new is None:
            continue
        value, _, comment = new.partition("  #")
        start, end = node.start_mark.index, node.end_mark.index
        quote = node.style or ""
        behind = _COMMENT.match(text, end)
        if behind:
            comma, end = behind[1], behind.end()
        else:
            comma = ""
        # In a flow collection more may follow on the line, which a comment would swallow.
        tail = f"  #{comment}" if comment and (behind or text[end : end + 1] in ("\n", "")) else ""
        text = f"{text[:start]}{quote}{value}{quote}{comma}{tail}{text[end:]}"
    return text


def relisted(
    text: str, path: Sequence[str], old: Sequence[Any], new: Sequence[tuple[int | None, dict[str, Any]]]
) -> str:
    """Write the items of the block list at `path` anew: each is an item of `old` by its place, or (None)
    one that is written here.

    An item that was there keeps its text and the comments above it; fields of it that differ from `old` are
    lists of words. Without items the whole field goes. Raises SpliceError when the list is written in braces
    or brackets, and for a document without it.
    """
    key, sequence = _entry(_compose(text), path)
    if not isinstance(sequence, yaml.SequenceNode) or sequence.flow_style:
        raise SpliceError(f"{'.'.join(path)} is not written as a list with a dash for each item")
    lines = text.splitlines(keepends=True)
    column = sequence.start_mark.column
    starts = [_above(lines, _dash(lines, item.start_mark.line, column), column) for item in sequence.value]
    end = sequence.end_mark.line + (1 if sequence.end_mark.column > column else 0)
    while end > starts[-1] and _outside(lines[end - 1], column):
        end -= 1
    if not new:
        return "".join([*lines[: _above(lines, key.start_mark.line, key.start_mark.column)], *lines[end:]])
    chunks = ["".join(lines[start:stop]) for start, stop in zip(starts, [*starts[1:], end], strict=True)]
    written: list[str] = []
    for index, value in new:
        if index is None:
            chunk = "".join(
                f"{' ' * column}{line}\n" if line else "\n" for line in dump([value])[:-1].split("\n")
            )
        else:
            chunk = chunks[index]
            for name in value:
                if value[name] != old[index].get(name):
                    chunk = _with_words(chunk, name, value[name])
        # The last line of a file may end without a line feed; it is the last no more when something follows.
        written.append(chunk if chunk.endswith("\n") or len(written) == len(new) - 1 else f"{chunk}\n")
    return "".join([*lines[: starts[0]], *written, *lines[end:]])


def _compose(text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader)
    except yaml.YAMLError:
        # A reader passes over a document without a value; an editor must not.
        raise SpliceError("the file is not one document") from None
    if node is None:
        raise SpliceError("the file is empty")
    return node


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _scalars(value)


def _entry(node: yaml.Node, path: Sequence[str]) -> tuple[yaml.Node, yaml.Node]:
    """Return the nodes of the key and the value at a path of map keys."""
    key = node
    for name in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next(((each, value) for each, value in pairs if each.value == name), None)
        if found is None:
            raise SpliceError(f"there is no {'.'.join(path)}")
        key, node = found
    return key, node


def _dash(lines: Sequence[str], line: int, column: int) -> int:
    """Return the line of the dash of an item whose content begins at `line`."""
    while line > 0 and not re.match(rf" {{{column}}}-\s", lines[line]):
        line -= 1
    return line


def _above(lines: Sequence[str], line: int, column: int) -> int:
    """Return the first of the comment lines directly above a line; deeper ones could be the end of
    somebody's script.
    """
    while line > 0 and re.match(rf" {{{column}}}#", lines[line - 1]):
        line -= 1
    return line


def _outside(line: str, column: int) -> bool:
    """Whether a line behind the last item is no part of it: blank, or a comment on what follows."""
    return not line.strip() or bool(re.match(rf" {{0,{column}}}#", line))


def _with_words(chunk: str, name: str, words: Sequence[str]) -> str:
    """Set a field of the one item in `chunk` to a list of words, in the place of the old value or behind
    the item's name.
    """
    item = _compose(chunk).value[0]
    written = f"[{', '.join(dump(word).strip() for word in words)}]"
    fields = {key.value: (key, value) for key, value in item.value}
    if name in fields:
        key, value = fields[name]
        start = chunk.index(":", key.end_mark.index) + 1
        block = isinstance(value, yaml.SequenceNode) and not value.flow_style and value.value
        last = value.value[-1] if block else value
        return f"{chunk[:start]} {written}{chunk[max(start, last.end_mark.index) :]}"
    key, value = fields["name"]
    if item.flow_style:
        return f"{chunk[: value.end_mark.index]}, {name}: {written}{chunk[value.end_mark.index :]}"
    end = chunk.find("\n", value.end_mark.index)
    end = len(chunk) if end < 0 else end
    return f"{chunk[:end]}\n{' ' * key.start_mark.column}{name}: {written}{chunk[end:]}"
