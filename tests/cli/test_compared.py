"""docs/compared.md: each command that it names to show a feature exists, with the options that it names."""

import re

import click
import pytest

from conftest import ROOT
from okd_gitops.cli.main import cli

TEXT = (ROOT / "docs/compared.md").read_text()
# A row with its last cell, which is what is here.
OURS = [line.rsplit("|", 2)[1].strip() for line in TEXT.splitlines() if line.startswith("| ")]
NAMED = sorted(
    {
        span.removeprefix("okd-gitops ")
        for cell in OURS
        for span in re.findall("`([^`]+)`", cell)
        if span.removeprefix("okd-gitops ").split()[0] in cli.commands
    }
)


@pytest.mark.parametrize("named", NAMED)
def test_a_named_command_has_the_named_options(named: str) -> None:
    command: click.Command = cli
    words = named.split()

    while words and isinstance(command, click.Group):
        command = command.commands[words.pop(0)]

    options = {option for parameter in command.params for option in parameter.opts}
    assert [word for word in words if word.startswith("-") and word not in options] == []


def test_it_has_every_row_and_each_yes_or_partly_says_how() -> None:
    answers = [
        cell for cell in OURS if cell.split(":")[0] in ("yes", "partly", "no") or cell.startswith("no;")
    ]

    assert len(answers) == 40 + 15
    assert [cell for cell in answers if cell.startswith(("yes", "partly")) and ":" not in cell] == []
    assert len(NAMED) > 20
