"""Write plain data as YAML text, in one style that every YAML 1.1 and 1.2 reader reads back the same."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from okd_gitops.manifests.words import AMBIGUOUS, CONSTANTS

# A bracket is part of a word from the second one on. That it stands in one place only keeps the time linear:
# as a separator too it would double with each bracket.
_PLAIN = re.compile(
    r"[A-Za-z0-9_/.$][A-Za-z0-9_/.$@+=-]*"
    r"(?:[ :;,(][A-Za-z0-9_/.$@+=()-]+(?:[ :;,][A-Za-z0-9_/.$@+=()-]+)*)?"
)
# A word of these signs alone could be a number, a date or a time to some reader.
_NUMBERLIKE = re.compile(r"[0-9a-fA-FtTxXoOzZ_.:+ -]*|\.(?i:inf|nan)|=")
_LONGEST_PLAIN = 400
_ASCII_LINES = re.compile(r"[\x20-\x7e\n]*")
_INDENT = "  "


def dump(value: object) -> str:
    """Return plain data as YAML: block style, keys in the order given, lists not indented, one line feed at
    the end. Raises TypeError for what is not YAML data.
    """
    return "\n".join(_lines(value, "")) + "\n"


def scalar_text(value: object) -> str:
    """Return one value as every YAML reader reads it back; raises TypeError for what is not YAML data."""
    if isinstance(value, str):
        return _string_text(value)

    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]

    if isinstance(value, int | float):
        return repr(value)

    raise TypeError(f"{type(value).__name__} is not YAML data")


@lru_cache(maxsize=16_384)
def _string_text(value: str) -> str:
    """Return a string plain when every reader reads the same string back, and quoted otherwise."""
    if _is_plain(value):
        return value

    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)


def _is_plain(value: str) -> bool:
    if len(value) >= _LONGEST_PLAIN or value in CONSTANTS or AMBIGUOUS.fullmatch(value):
        return False

    return bool(_PLAIN.fullmatch(value)) and (value[0].isalpha() or not _NUMBERLIKE.fullmatch(value))


def _lines(value: object, indent: str) -> list[str]:
    """Return a value as lines, each of which begins with `indent`."""
    if isinstance(value, dict) and value:
        return _map_lines(value, indent)

    if isinstance(value, list | tuple) and value:
        return _list_lines(value, indent)

    return [f"{indent}{_one_word(value)}"]


def _map_lines(value: Mapping[str, object], indent: str) -> list[str]:
    lines = []

    for key, item in value.items():
        head = f"{indent}{_string_text(key)}:"

        if isinstance(item, dict) and item:
            lines += [head, *_map_lines(item, indent + _INDENT)]
        elif isinstance(item, list | tuple) and item:
            lines += [head, *_list_lines(item, indent)]
        else:
            lines += _scalar_lines(head, item, indent + _INDENT)

    return lines


def _list_lines(value: Sequence[object], indent: str) -> list[str]:
    lines = []

    for item in value:
        if isinstance(item, dict | list | tuple) and item:
            first, *others = _lines(item, indent + _INDENT)
            lines += [f"{indent}- {first.lstrip(' ')}", *others]
        else:
            lines += _scalar_lines(f"{indent}-", item, indent + _INDENT)

    return lines


def _scalar_lines(head: str, item: object, indent: str) -> list[str]:
    """Return what stands behind a key or a dash: one word, or a block whose lines begin with `indent`."""
    if not isinstance(item, str) or not _is_block(item):
        return [f"{head} {_one_word(item)}"]

    mark = "|" if item.endswith("\n") else "|-"
    lines = item.removesuffix("\n").split("\n")
    return [f"{head} {mark}", *(f"{indent}{line}" if line else "" for line in lines)]


def _is_block(text: str) -> bool:
    """Whether text has several lines, and a block scalar keeps each of them as it is."""
    if "\n" not in text or not _ASCII_LINES.fullmatch(text):
        return False

    return text[0] not in " \n" and " \n" not in text and not text.endswith("\n\n")


def _one_word(value: object) -> str:
    if isinstance(value, dict):
        return "{}"

    return "[]" if isinstance(value, list | tuple) else scalar_text(value)
