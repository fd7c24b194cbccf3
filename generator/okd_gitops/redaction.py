"""What another program or a server said, made fit to be shown: no secret of a URL, and nothing that moves
a terminal's cursor.
"""

import re

# `git@` is the name that every forge gives to ssh, and no secret.
_USER = re.compile(r"(?<=://)(?!git@)[^/\s@'\"]+@")
_QUERY = re.compile(r"(?P<url>[a-z][a-z0-9+.-]*://[^\s?#'\"]+)\?[^\s'\"]+", re.IGNORECASE)
_CONTROL = re.compile(r"[^\S\n]+|[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def redacted(text: str) -> str:
    """Return `text` without the user, the password and the query string of each URL in it."""
    return _QUERY.sub(r"\g<url>?***", _USER.sub("***@", text))


def plain(text: str, limit: int = 400) -> str:
    """Return the end of foreign `text`, at most `limit` characters: redacted, with line feeds and no other
    control character.
    """
    return redacted(_CONTROL.sub(" ", text)).strip()[-limit:]
