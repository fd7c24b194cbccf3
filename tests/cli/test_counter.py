"""How far a check is: one line on a terminal that is gone at its end, and nothing anywhere else."""

import sys
from io import StringIO

import click
import pytest

from okd_gitops.cli.main import cli
from okd_gitops.cli.output import counter


class Terminal(StringIO):
    """A stream that says that it is a terminal, or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def shown(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, quiet: bool = False) -> str:
    """Return what is written while three overlays are built."""
    stream = Terminal(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    count = counter(click.Context(cli, obj={"quiet": quiet}))

    for done in (1, 2, 3):
        count(done, 3)

    return stream.getvalue()


def test_a_terminal_has_one_line_which_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, is_terminal=True)

    assert text == "\r  1 of 3\r  2 of 3\r        \r"


@pytest.mark.parametrize(("is_terminal", "quiet"), [(False, False), (True, True)])
def test_a_pipe_and_a_quiet_run_have_none(
    monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, quiet: bool
) -> None:
    assert shown(monkeypatch, is_terminal=is_terminal, quiet=quiet) == ""
