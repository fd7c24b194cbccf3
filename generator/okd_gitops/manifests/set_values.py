"""Change single values of a file that people wrote: comments, order and quotes stay, and the result is
read again before it counts.

What changes is known by its path here, in small files of plain values, so the places of `yamltext` are enough
and the result is proven here. `splice` edits objects of the catalog, in any style that YAML has, by what
stands in them.
"""

import copy
from collections.abc import Mapping, Sequence
from contextlib import suppress

from okd_gitops.finding import FindingsError
from okd_gitops.manifests.read import Document, Path, read
from okd_gitops.manifests.write import scalar_text


def assign(document: Document, values: Mapping[Path, str | bool]) -> bytes:
    """Return the file with new scalars at `values`; a key that is not there yet goes to the end of its
    mapping, which must exist.

    Raises ValueError when the file is written in a way that cannot be changed in place, and nothing is to be
    written then.
    """
    lines, wanted = list(document.lines), copy.deepcopy(document.value)
    for path in sorted(values, key=lambda path: document.marks.get(path, (0, 0, 0)), reverse=True):
        _put(wanted, path, values[path])
        if path in document.marks:
            number, column, length = document.marks[path]
            # A key that ends the file without a value has its place behind the last line.
            if not length or number >= len(lines):
                raise ValueError(f"{path[-1]} has no value")
            line = lines[number]
            quote = line[column] if line[column] in "'\"" else ""
            new = scalar_text(values[path])
            # The quotes that were there, unless the value needs others.
            new = f"{quote}{new}{quote}" if quote and new[:1] != '"' else new
            lines[number] = line[:column] + new + line[column + length :]
        else:
            _append(document, lines, path[:-1], f"{path[-1]}: {scalar_text(values[path])}")
    return _proven(document, lines, wanted)


def extend(document: Document, path: Path, items: Sequence[str]) -> bytes:
    """Return the file with `items` added to the list at `path`, which is made when it is not there; raises
    ValueError like `assign`.
    """
    lines, wanted = list(document.lines), copy.deepcopy(document.value)
    there = _get(wanted, path) or []
    _put(wanted, path, [*there, *items])
    if not there:
        if path in document.marks:
            raise ValueError(f"{path[-1]} is an empty list")
        _append(document, lines, path[:-1], f"{path[-1]}: [{', '.join(scalar_text(item) for item in items)}]")
        return _proven(document, lines, wanted)
    number, column, length = document.marks[*path, len(there) - 1]
    if number >= len(lines):
        raise ValueError(f"the last entry of {path[-1]} has no value")
    before = lines[number][:column]
    if before.strip() == "-":
        _insert(lines, number + 1, [f"{before}{scalar_text(item)}" for item in items])
    else:
        end = column + length
        lines[number] = (
            lines[number][:end] + "".join(f", {scalar_text(item)}" for item in items) + lines[number][end:]
        )
    return _proven(document, lines, wanted)


def _append(document: Document, lines: list[str], parent: Path, entry: str) -> None:
    keys = [path for path in document.keys if path[:-1] == parent]
    if not keys:
        raise ValueError(f"{'.'.join(map(str, parent))} has no keys")
    first = min(keys, key=lambda path: document.keys[path])
    column = document.keys[first][1]
    if lines[document.keys[first][0]][:column].strip():
        raise ValueError(f"{'.'.join(map(str, parent))} is written on one line")
    # Behind the last line of anything below the mapping; comments that follow belong to what comes next.
    last = max(number for path, (number, _, _) in document.marks.items() if path[: len(parent)] == parent)
    _insert(lines, last + 1, [" " * column + entry])


def _insert(lines: list[str], number: int, new: Sequence[str]) -> None:
    """Put lines in before that of `number`, which end like the rest of the file does; a last line without
    an end stays without one.
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
    raise ValueError("the file is written in a way that cannot be changed in place")


def _get(value: object, path: Path) -> list[str] | None:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, list) else None


def _put(value: dict[str, object], path: Path, new: object) -> None:
    for step in path[:-1]:
        inner = value[str(step)]
        assert isinstance(inner, dict)
        value = inner
    value[str(path[-1])] = new
