"""The remedies of findings name only commands and options that exist."""

import re

import click
import pytest

from conftest import ROOT
from okd_gitops.cli.main import cli
from okd_gitops.explanation import Explanation, explanations

# Programs of others that a remedy may name.
FOREIGN = {"git", "kubectl", "kustomize", "oc", "ostree"}
COMMANDS = [
    (explanation.name, command)
    for explanation in explanations().values()
    for command in re.findall(r"`([a-z-]+ [^`]+)`", f"{explanation.why} {explanation.remedy}")
]


def must_exist(words: list[str]) -> None:
    """Fail unless the words are a command of okd-gitops with all its arguments, and its options exist."""
    command: click.Command = cli

    while isinstance(command, click.Group):
        name = words.pop(0)
        assert name in command.commands, f"{command.name} has no command {name}"
        command = command.commands[name]

    with command.make_context(command.name, list(words), resilient_parsing=True) as context:
        assert context.args == [], f"{command.name} does not take {context.args}"

    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    given = [word for word in words if not word.startswith("-")]
    assert len(given) >= sum(argument.required for argument in arguments), f"{command.name} needs arguments"


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_a_remedy_names_a_command_that_exists(name: str, command: str) -> None:
    program, *words = command.split()

    if program == "okd-gitops":
        must_exist(words)
    elif program == "make":
        assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text()
    else:
        assert program in FOREIGN or program.startswith("--"), f"{name} names the unknown program {program}"


def test_many_remedies_name_a_command() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("explanation", explanations().values(), ids=lambda explanation: explanation.name)
def test_a_rule_is_an_obligation_and_every_text_is_whole_sentences(explanation: Explanation) -> None:
    # A decision and a fault of a signature are facts; everything else is a rule.
    if explanation.area not in ("upgrade", "signature") and explanation.name != "not-accepted":
        assert "must" in explanation.title

    for text in (explanation.title, explanation.why, explanation.remedy):
        assert text.endswith(".")
