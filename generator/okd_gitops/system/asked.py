"""A program that answers one question after another, and is started again when it did not."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from okd_gitops.errors import ToolError
from okd_gitops.system.process import MAX_OUTPUT, Started, start

# As much as a pipe holds on Linux.
_PART = 1 << 16
# A word, a space and a number of bytes.
_LONGEST_HEAD = 64


class _NoAnswerError(Exception):
    """The program died, took too long, or wrote what is no answer."""


@dataclass(slots=True)
class Asked:
    """A program of our own that is asked over its standard input; `end` must be called, however it went.

    A question is its length in bytes, a line feed, and the question. An answer is a word, a space, its length
    in bytes, a line feed, and the answer.
    """

    arguments: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    _started: Started | None = None
    _unread: bytearray = field(default_factory=bytearray)

    def ask(self, question: bytes, *, timeout: float) -> tuple[str, bytes] | None:
        """Return the word and the bytes of an answer; None when there was none within `timeout` seconds.

        Then the program has ended, and the next question starts it again.
        """
        try:
            return self._answer(question, time.monotonic() + timeout)
        except (OSError, ToolError, _NoAnswerError):
            self.end()
            return None

    def end(self) -> None:
        """End the program and whatever it started."""
        started, self._started = self._started, None
        self._unread.clear()

        if started:
            started.end()

    def _answer(self, question: bytes, end: float) -> tuple[str, bytes]:
        if self._started is None:
            self._started = start(self.arguments, cwd=self.cwd, environment=self.environment)

        self._started.write(b"%d\n%b" % (len(question), question))
        while b"\n" not in self._unread:
            if len(self._unread) > _LONGEST_HEAD:
                raise _NoAnswerError
            self._read_more(self._started, end)

        head = self._take(self._unread.index(b"\n") + 1)
        word, _, length = head.decode("ascii", "replace").strip().partition(" ")
        if not length.isdigit() or int(length) > MAX_OUTPUT:
            raise _NoAnswerError

        while len(self._unread) < int(length):
            self._read_more(self._started, end)

        answer = self._take(int(length))
        if self._unread:
            # What nobody has asked for would be taken for the next answer.
            raise _NoAnswerError
        return word, answer

    def _read_more(self, started: Started, end: float) -> None:
        part = started.read(_PART, end - time.monotonic())
        if not part:
            raise _NoAnswerError
        self._unread += part

    def _take(self, length: int) -> bytes:
        taken = bytes(self._unread[:length])
        del self._unread[:length]
        return taken
