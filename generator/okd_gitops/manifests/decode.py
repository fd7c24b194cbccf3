"""The bytes of a file as text, or the place of the byte that is not text."""

import re

from okd_gitops.finding import FindingsError, Location, refused

# What editors do not show, or take for an end of line where YAML does not (or the other way round).
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)")


def decode(file: str, data: bytes, *, max_bytes: int, strict: bool) -> str:
    """Return a file as text without a byte order mark.

    Raises FindingsError when it is too large, for the first byte that is not UTF-8, and, if `strict`, for the
    first character that no editor shows.
    """
    if len(data) > max_bytes:
        reason = f"{len(data):,} bytes are more than the limit of {max_bytes:,}"
        raise refused("unreadable-file", file, reason, "split the file")

    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        place = character_place(file, before + data[error.start :].decode("utf-8", "replace"), len(before))
        reason = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8"
        raise refused("unreadable-file", place, reason, "save the file as UTF-8") from None

    unseen = _UNSEEN.search(text) if strict else None
    if unseen:
        raise _unseen_character(file, text, unseen.start())

    # Readers pass over the mark, and count the characters of its line from behind it.
    return text.removeprefix("\ufeff")


def _unseen_character(file: str, text: str, index: int) -> FindingsError:
    code = ord(text[index])
    name = "a byte order mark" if code == 0xFEFF else f"the control character U+{code:04X}"
    reason = f"byte {len(text[:index].encode())} begins {name}, which YAML does not allow here"
    remedy = "remove it; save the file as UTF-8 without a byte order mark"
    return refused("not-yaml", character_place(file, text, index), reason, remedy)


def character_place(file: str, text: str, index: int) -> Location:
    """Return the place of a character of the text."""
    start = text.rfind("\n", 0, index) + 1
    line = text[start:].split("\n", 1)[0].rstrip("\r")
    return Location(file=file, line=text.count("\n", 0, index) + 1, column=index - start + 1, text=line)
