"""Every help text is read in a hurry: its first line is short, complete, and never cut off."""

from collections.abc import Iterator

import click
import pytest

from okd_gitops.cli.commands import COMMANDS as LISTED
from okd_gitops.cli.main import cli

LONGEST = 55
# The narrowest terminal for which nothing may be cut off.
COLUMNS = 80


def commands(command: click.Command, name: str = "okd-gitops") -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all commands below it, with their full names."""
    yield name, command

    if isinstance(command, click.Group):
        for below, inner in command.commands.items():
            yield from commands(inner, f"{name} {below}")


COMMANDS = dict(commands(cli))
OPTIONS = {
    f"{name} {option.opts[0]}": option
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option)
}


def first_sentence(text: str) -> str:
    """Return a help text up to its first full stop that ends a sentence."""
    return f"{text.partition('. ')[0].removesuffix('.')}."


def test_the_tree_holds_every_command() -> None:
    assert len(COMMANDS) > 20
    assert {"okd-gitops release plan", "okd-gitops serve gate", "okd-gitops import"} <= COMMANDS.keys()


def test_the_list_has_the_first_line_of_each_command() -> None:
    first_lines = {name: (command.help or "").splitlines()[0] for name, command in cli.commands.items()}
    assert {name: first_line for name, (_, first_line) in LISTED.items()} == first_lines
    assert all(command.name == name for name, command in cli.commands.items())
    assert list(LISTED) == sorted(LISTED)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_begins_with_one_short_sentence(name: str) -> None:
    text = COMMANDS[name].help
    assert text
    first_line = text.splitlines()[0]
    assert first_line == first_sentence(first_line)
    assert len(first_line) <= LONGEST
    assert first_line[0].isupper()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_begins_with_one_short_sentence(name: str) -> None:
    text = OPTIONS[name].help
    assert text, "an option without a help text"
    assert text.endswith(".")
    assert len(first_sentence(text)) <= LONGEST
    assert text[0].isupper()


@pytest.mark.parametrize(
    "name", [name for name, command in COMMANDS.items() if isinstance(command, click.Group)]
)
def test_the_list_of_commands_is_never_cut_off(name: str) -> None:
    group = COMMANDS[name]
    assert isinstance(group, click.Group)
    context = click.Context(group, info_name=name, terminal_width=COLUMNS, **cli.context_settings)
    listed = context.get_help().partition("Commands:\n")[2]
    assert "..." not in listed

    for command in group.commands.values():
        assert command.help
        assert command.help.splitlines()[0].removesuffix(".") in listed
