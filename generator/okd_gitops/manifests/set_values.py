"""Change single values of a file that people wrote: comments, order and quotes stay.

The values are known by their paths, in small files of plain data, so the places that the reader keeps are
enough. The result is read again and counts only when it holds what was wanted. `edit_nodes` edits objects of
the catalog, in any style that YAML has.
"""

import copy
from collections.abc import Mapping, Sequence
from contextlib import suppress

from okd_gitops.finding import FindingsError
from okd_gitops.manifests.edit_nodes import EditError
from okd_gitops.manifests.read import Document, Path, read
from okd_gitops.manifests.write import scalar_text


def assign(document: Document, values: Mapping[Path, str | bool]) -> bytes:
    """Return the file with new scalars at `values`; a key that is not there yet goes to the end of its
    mapping, which must exist.

    Raises EditError when the file is written in a way that cannot be changed in place.
    """
    lines, wanted = list(document.lines), copy.deepcopy(document.value)

    # From the end, so that the places before stay right.
    for path in sorted(values, key=lambda path: document.marks.get(path, (0, 0, 0)), reverse=True):
        _put(wanted, path, values[path])

        if path in document.marks:
            _replace_scalar(document, lines, path, scalar_text(values[path]))
        else:
            _append(document, lines, path[:-1], f"{path[-1]}: {scalar_text(values[path])}")

    return _proven(document, lines, wanted)


def extend(document: Document, path: Path, items: Sequence[str]) -> bytes:
    """Return the file with `items` added to the list at `path`, which is made when it is not there; raises
    EditError like `assign`.
    """
    lines, wanted = list(document.lines), copy.deepcopy(document.value)
    old_items = _list_at(wanted, path)
    new_texts = [scalar_text(item) for item in items]
    _put(wanted, path, [*old_items, *items])

    if old_items:
        _extend_list(document, lines, (*path, len(old_items) - 1), new_texts)
    elif path in document.marks:
        raise EditError(f"{path[-1]} is an empty list")
    else:
        _append(document, lines, path[:-1], f"{path[-1]}: [{', '.join(new_texts)}]")

    return _proven(document, lines, wanted)


def _replace_scalar(document: Document, lines: list[str], path: Path, new: str) -> None:
    number, column, length = document.marks[path]

    # A key that ends the file without a value has its place behind the last line.
    if not length or number >= len(lines):
        raise EditError(f"{path[-1]} has no value")

    line = lines[number]
    old_quote = line[column] if line[column] in "'\"" else ""

    # The quotes that were there stay, unless the value needs others.
    if old_quote and new[:1] != '"':
        new = f"{old_quote}{new}{old_quote}"

    lines[number] = line[:column] + new + line[column + length :]


def _extend_list(document: Document, lines: list[str], last: Path, new_texts: Sequence[str]) -> None:
    """Write items behind the one at the path `last`, in the style of the list."""
    number, column, length = document.marks[last]
    if number >= len(lines):
        raise EditError(f"the last entry of {last[-2]} has no value")

    before, end = lines[number][:column], column + length

    if before.strip() == "-":
        _insert(lines, number + 1, [f"{before}{text}" for text in new_texts])
    else:
        added = "".join(f", {text}" for text in new_texts)
        lines[number] = lines[number][:end] + added + lines[number][end:]


def _append(document: Document, lines: list[str], parent: Path, entry: str) -> None:
    """Write a key and its value behind the last line of the mapping at `parent`."""
    spans = [span for path, span in document.keys.items() if path[:-1] == parent]
    if not spans:
        raise EditError(f"{'.'.join(map(str, parent))} has no keys")

    first_line, column, _ = min(spans)
    if lines[first_line][:column].strip():
        raise EditError(f"{'.'.join(map(str, parent))} is written on one line")

    # Behind the last line of anything below the mapping; comments that follow belong to what comes next.
    last = max(line for path, (line, _, _) in document.marks.items() if path[: len(parent)] == parent)
    _insert(lines, last + 1, [" " * column + entry])


def _insert(lines: list[str], number: int, new: Sequence[str]) -> None:
    """Put lines in before that of `number`, which end like the rest of the file; a last line without an end
    stays without one.
    """
    end = "\r" if lines[0].endswith("\r") else ""
    added = [f"{line}{end}" for line in new]

    if number == len(lines) and lines[-1]:
        lines[-1] += end
        added[-1] = new[-1]

    lines[number:number] = added


def _proven(document: Document, lines: list[str], wanted: object) -> bytes:
    data = "\n".join(lines).encode()

    with suppress(FindingsError):
        if read(document.file, data).value == wanted:
            return data

    raise EditError("the file is written in a way that cannot be changed in place")


def _list_at(value: object, path: Path) -> list[str]:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None

    return value if isinstance(value, list) else []


def _put(value: dict[str, object], path: Path, new: object) -> None:
    for step in path[:-1]:
        inner = value[str(step)]
        assert isinstance(inner, dict)
        value = inner

    value[str(path[-1])] = new
