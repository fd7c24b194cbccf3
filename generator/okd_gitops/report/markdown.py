"""Foreign text as Markdown that stays text on every forge, and blocks that are kept or left out whole.

Texts from elsewhere (graph, clusters' files, diffs) are shown as code or escaped: they never become markup, a
mention, a reference that closes an issue, a link, or one of GitLab's quick actions, which are lines that
begin with a slash.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from okd_gitops.redaction import one_line, printable

_SPECIAL = re.compile(r"[\\`*_\[\]|~$]")
# What forges link or act on after Markdown is done, so that a backslash would not stop it: a word joiner
# after the sign does.
_ACTIVE = re.compile(
    r"[@#!%](?=\w)|:(?=//)|(?i:\bwww)(?=\.)|(?i:\bGH)(?=-\d)|^(?=[#+=/-]|\d{1,9}[.)](?:\s|$))"
)
# Words between single ticks, URLs and images. GitLab takes code between dollar signs for mathematics.
_CODE = re.compile(
    r"(?<![`$])`(?P<words>[^`]+)`(?![`$])"
    r"|(?<![`$])\b(?:https?|ssh)://[^\s`$]*[^\s`$.,;:!?)'\"\]](?![`$])"
    r"|(?<![`$])\b[\w./:-]+@sha256:[0-9a-f]{64}\b(?![`$])"
)
_LINK = re.compile(
    r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/%+,:;=-]*)?"
    r"(\?[A-Za-z0-9._~/%+,:;=&-]*)?(#[A-Za-z0-9._~/%+,:;=&-]*)?"
)
_SECRET = re.compile(r"(?i)token|secret|signature|password|credential|api_?key")
_LONGEST_ADDRESS = 600


@dataclass(slots=True)
class Block:
    """A part of a text whose entries are kept or left out whole.

    It takes at most `share` of the room that is left.
    """

    what: str
    head: str
    entries: Sequence[str]
    tail: str = ""
    share: float = 1.0
    kept: list[str] = field(default_factory=list)

    def fill(self, room: int) -> int:
        """Keep what fits and return the room that is left."""
        budget = int(room * self.share)

        for entry in self.entries:
            entry_size = size(entry)

            if entry_size <= budget:
                self.kept.append(entry)
                budget -= entry_size
                room -= entry_size

        return room

    def frame(self) -> int:
        """Return how many bytes it takes without entries, with a note of those left out."""
        return size(self.head + self.tail) + size(self.what) + 100 if self.entries else 0

    def text(self) -> str:
        """Return it with a count of what was left out, and nothing when it never had an entry."""
        if not self.entries:
            return ""

        missing = len(self.entries) - len(self.kept)
        note = f"\n{missing} more {self.what} left out here: the text would be too long for the forge.\n"

        return f"{self.head}{''.join(self.kept)}{self.tail}{note if missing else ''}\n"


def assemble(parts: Sequence[str | Block], limit: int, *, order: Sequence[Block]) -> str:
    """Return the parts as one text of at most `limit` bytes; blocks are filled in the given order."""
    fixed = sum(size(part) if isinstance(part, str) else part.frame() for part in parts)
    room = limit - fixed

    for block in order:
        room = block.fill(room)

    return "".join(part if isinstance(part, str) else part.text() for part in parts)


def code(text: str, longest: int = 120) -> str:
    """Return foreign text as a code span in one line: nothing in it is markup, a mention or a link, and no
    table cell ends in it.
    """
    shown = printable(one_line(text, longest)).replace("|", "¦").replace("\\", "⧵")
    fence_ticks = "`" * (1 + _longest_run_of_ticks(shown))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""

    return f"{fence_ticks}{space}{shown}{space}{fence_ticks}" if shown else "(none)"


def prose(text: str, longest: int = 1000) -> str:
    """Return foreign text as one line of words without any effect: no markup, HTML, mention, reference or
    link.
    """
    return _without_effect(one_line(text, longest))


def _without_effect(line: str) -> str:
    inactive = _ACTIVE.sub(lambda match: f"{match[0]}\u2060", line)

    return _SPECIAL.sub(lambda match: f"\\{match[0]}", escape(inactive, quote=False))


def sentence(text: str, longest: int = 1000) -> str:
    """Return text like `prose`, but words in backticks, and addresses, which people copy, as code."""
    shown = one_line(text, longest)
    parts = []
    end = 0

    for match in _CODE.finditer(shown):
        parts += [_without_effect(shown[end : match.start()]), code(match["words"] or match[0], longest)]
        end = match.end()

    return "".join([*parts, _without_effect(shown[end:])])


def link(text: str, url: str) -> str:
    """Return a link; an address that is not plain https, or that might hold a secret, is not shown at all."""
    shown = prose(text, 120)

    if len(url) < _LONGEST_ADDRESS and _LINK.fullmatch(url) and not _SECRET.search(url):
        return f"[{shown}](<{url}>)"

    return f"{shown} (its address is not shown)"


def fence(text: str) -> str:
    """Return a code fence that nothing in the text can close."""
    return "`" * max(3, 1 + _longest_run_of_ticks(text))


def table_row(cells: Iterable[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |\n"


def printable_lines(text: str) -> str:
    """Return text of several lines without control characters: those that turn text around would show a
    reviewer another diff.
    """
    lines = text.replace("\r\n", "\n").split("\n")

    return "\n".join(map(printable, lines)).strip("\n")


def plural(word: str, things: Sequence[object]) -> str:
    """Return a word for one thing or for several."""
    return word if len(things) == 1 else f"{word}s"


def size(text: str) -> int:
    """Return the bytes of a text; forges count characters, which are never more."""
    return len(text.encode())


def _longest_run_of_ticks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def names_list(names: Iterable[str], most: int = 12) -> str:
    """Return names as code in one line, sorted; more than `most` are counted."""
    in_order = sorted(names)
    more = f" and {len(in_order) - most} more" if len(in_order) > most else ""

    return ", ".join(code(name, 60) for name in in_order[:most]) + more or "no cluster"
