"""Edit YAML as text: some scalars, or the items of one list. Everything else stays as it was typed.

Nothing here decides what an edit means. The caller reads the result again and compares it with what it meant,
so text that is written in a way that these functions do not foresee is refused and never changed wrongly.
`set_values` changes cluster files by the places that the reader knows; this edits objects of the catalog, in
any style that YAML has.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from okd_gitops.manifests.loader import Loader
from okd_gitops.manifests.write import dump

# A comma, and the comment that belongs to the scalar in front of it.
_COMMENT = re.compile(r"(,?)[ \t]*#[^\n]*")


class EditError(ValueError):
    """The text is written in a way that cannot be edited in place; the message says which."""


def replace_scalars(text: str, choose: Callable[[str], str | None]) -> str:
    """Put what `choose` returns in the place of each scalar for which it is not None.

    `new  # comment` brings its comment. A comment behind the old value is removed: it belonged to that (the
    readable tag of a digest). Raises EditError.
    """
    # From the end, so that the places of the nodes before stay right.
    for node in reversed(list(_scalars(_compose(text)))):
        new = None if node.style in ("|", ">") else choose(node.value)

        if new is not None:
            text = _with_scalar(text, node, new)

    return text


def _with_scalar(text: str, node: yaml.ScalarNode, new: str) -> str:
    value, _, new_comment = new.partition("  #")
    start, end = node.start_mark.index, node.end_mark.index
    quote, comma = node.style or "", ""

    old_comment = _COMMENT.match(text, end)
    if old_comment:
        comma, end = old_comment[1], old_comment.end()

    # In a flow collection more may follow on the line, which a comment would swallow.
    ends_line = old_comment or text[end : end + 1] in ("\n", "")
    tail = f"  #{new_comment}" if new_comment and ends_line else ""

    return f"{text[:start]}{quote}{value}{quote}{comma}{tail}{text[end:]}"


def rewrite_list(
    text: str, path: Sequence[str], old: Sequence[Any], new: Sequence[tuple[int | None, dict[str, Any]]]
) -> str:
    """Write the items of the block list at `path` anew: each is an item of `old` by its index, or (None) one
    that is not there yet.

    An item that was there keeps its text and the comments above it; fields of it that differ from `old` are
    lists of words. Without items the whole field is removed. Raises EditError when the list is written in
    brackets, and for a document without it.
    """
    key, sequence = _entry(_compose(text), path)
    if not isinstance(sequence, yaml.SequenceNode) or sequence.flow_style:
        raise EditError(f"{'.'.join(path)} is not written as a list with a dash for each item")

    lines = text.splitlines(keepends=True)
    column = sequence.start_mark.column
    starts = [_above(lines, _dash(lines, item.start_mark.line, column), column) for item in sequence.value]
    end = _end(lines, sequence, starts[-1])

    if not new:
        first = _above(lines, key.start_mark.line, key.start_mark.column)
        return "".join([*lines[:first], *lines[end:]])

    ends = [*starts[1:], end]
    old_items = ["".join(lines[start:stop]) for start, stop in zip(starts, ends, strict=True)]
    new_items = []

    for index, value in new:
        if index is None:
            new_items.append(_indented(dump([value]), column))
        else:
            new_items.append(_with_changes(old_items[index], old[index], value))

    # The last line of a file may end without a line feed; when something follows, it needs one.
    ended = [item if item.endswith("\n") else f"{item}\n" for item in new_items[:-1]]
    return "".join([*lines[: starts[0]], *ended, new_items[-1], *lines[end:]])


def _compose(text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader)
    except yaml.YAMLError:
        # A reader passes over a document without a value; an editor must not.
        raise EditError("the file is not one document") from None

    if node is None:
        raise EditError("the file is empty")

    return node


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
        return

    # A mapping has pairs of key and value, a sequence has items.
    for item in node.value:
        yield from _scalars(item[1] if isinstance(node, yaml.MappingNode) else item)


def _entry(node: yaml.Node, path: Sequence[str]) -> tuple[yaml.Node, yaml.Node]:
    """Return the nodes of the key and the value at a path of map keys."""
    key = node

    for name in path:
        fields = _fields(node) if isinstance(node, yaml.MappingNode) else {}
        if name not in fields:
            raise EditError(f"there is no {'.'.join(path)}")
        key, node = fields[name]

    return key, node


def _fields(node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Return the pairs of key and value by the text of the key."""
    return {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _dash(lines: Sequence[str], line: int, column: int) -> int:
    """Return the line of the dash of an item whose content begins at `line`."""
    while line > 0 and not re.match(rf" {{{column}}}-\s", lines[line]):
        line -= 1

    return line


def _above(lines: Sequence[str], line: int, column: int) -> int:
    """Return the first of the comment lines directly above a line; deeper ones could end a script."""
    while line > 0 and re.match(rf" {{{column}}}#", lines[line - 1]):
        line -= 1

    return line


def _end(lines: Sequence[str], sequence: yaml.SequenceNode, last_start: int) -> int:
    """Return the line behind the last item; blank lines, and comments on what follows, are outside."""
    column, end_mark = sequence.start_mark.column, sequence.end_mark
    end = end_mark.line + (1 if end_mark.column > column else 0)

    while end > last_start and (not lines[end - 1].strip() or re.match(rf" {{0,{column}}}#", lines[end - 1])):
        end -= 1

    return end


def _indented(text: str, column: int) -> str:
    lines = text.removesuffix("\n").split("\n")
    return "".join(f"{' ' * column}{line}\n" if line else "\n" for line in lines)


def _with_changes(item: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return the text of an item with each field that differs from `old`."""
    for name, value in new.items():
        if value != old.get(name):
            item = _with_words(item, name, value)

    return item


def _with_words(text: str, name: str, words: Sequence[str]) -> str:
    """Set a field of the one item in `text` to a list of words, in the place of the old value or behind the
    item's name.
    """
    item = _compose(text).value[0]
    fields = _fields(item)
    written = f"[{', '.join(dump(word).strip() for word in words)}]"

    if name in fields:
        key, value = fields[name]
        start = text.index(":", key.end_mark.index) + 1
        is_block = isinstance(value, yaml.SequenceNode) and not value.flow_style and value.value
        last = value.value[-1] if is_block else value
        return f"{text[:start]} {written}{text[max(start, last.end_mark.index) :]}"

    key, value = fields["name"]
    end = value.end_mark.index

    if item.flow_style:
        return f"{text[:end]}, {name}: {written}{text[end:]}"

    line_feed = text.find("\n", end)
    end = len(text) if line_feed < 0 else line_feed
    return f"{text[:end]}\n{' ' * key.start_mark.column}{name}: {written}{text[end:]}"
