"""Foreign text made fit to be shown: no secret of a URL, and nothing that moves a terminal's cursor."""

import re

# `git@` is the name that every forge gives to ssh, and no secret.
_USER = re.compile(r"(?<=://)(?!git@)[^/\s@'\"]+@")
_QUERY = re.compile(r"(?P<url>[a-z][a-z0-9+.-]*://[^\s?#'\"]+)\?[^\s'\"]+", re.IGNORECASE)
# The sign that makes a line of a log a command: `::error::` in front, `##[` and `##vso[` anywhere.
_LOG_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#(?:(?i:vso))?\[)")
# A key of YAML with all that is in front of it: what follows may be a secret.
_KEY = re.compile(r"(\s*(?:- )*[\"']?[A-Za-z0-9_./-]+[\"']?:)(?=\s|$)")
_CONTROL = re.compile(r"[^\S\n]+|[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def redacted(text: str) -> str:
    """Return `text` without the user, the password and the query string of each URL in it."""
    return _QUERY.sub(r"\g<url>?***", _USER.sub("***@", text))


def masked_line(line: str) -> str:
    """Return a line of YAML without its value: `key: ***`."""
    key = _KEY.match(line)
    if not key:
        return "***" if line.strip() else ""

    value = line[key.end() :].strip()
    # The sign of a text of several lines is no value.
    return line if value in ("", "|", "|-", "|+", ">", ">-", ">+") else f"{key[1]} ***"


def plain(text: str, limit: int = 400) -> str:
    """Return the end of foreign text, redacted and without control characters but line feeds."""
    return redacted(_CONTROL.sub(" ", text)).strip()[-limit:]


def printable(line: str) -> str:
    """Return a line of foreign text as a terminal or a CI's log may have it.

    It holds no control character but tabs, nothing that turns text around, and no command to the machine that
    shows the log: GitHub reads those at `::` in front of a line and at `##[`, Azure at `##vso[`. Each sign
    that is replaced becomes one `?`, so that columns stay.
    """
    # Nearly every line is, and to look at each of its characters here takes twenty times as long.
    shown = line if line.isprintable() else "".join(c if c.isprintable() or c == "\t" else "?" for c in line)
    return _LOG_COMMAND.sub(lambda sign: f"{sign[1] or ''}?", shown)


def one_line(text: str, longest: int) -> str:
    """Return foreign text as one line of words, cut with a sign where it is longer than `longest`."""
    spaced = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(spaced.split())

    return line if len(line) <= longest else f"{line[: longest - 1]}…"
