"""explain: a cluster's values and features, and remedies that name only commands and options that exist."""

import json
import re
from pathlib import Path

import click
import pytest

from conftest import ROOT, Run
from okd_gitops.cli.main import cli
from okd_gitops.explanation import Explanation, explanation_of, explanations

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

    # A command remembers the first names of its help, which the reference shows.
    parent = click.Context(cli, **cli.context_settings)
    with command.make_context(command.name, list(words), parent, resilient_parsing=True) as context:
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


def test_one_entry_is_read_as_the_whole_file_is() -> None:
    assert {name: explanation_of(name) for name in explanations()} == explanations()
    for unknown in ("no-such-name", "title", "", ".*"):
        with pytest.raises(KeyError):
            explanation_of(unknown)


def test_many_remedies_name_a_command() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("explanation", explanations().values(), ids=lambda explanation: explanation.name)
def test_a_rule_is_an_obligation_and_every_text_is_whole_sentences(explanation: Explanation) -> None:
    # A decision and a fault of a signature are facts; everything else is a rule.
    if explanation.area not in ("upgrade", "signature") and explanation.name != "not-accepted":
        assert "must" in explanation.title

    for text in (explanation.title, explanation.why, explanation.remedy):
        assert text.endswith(".")


def test_a_value_is_explained_in_json_with_the_lines_of_each_step(okd_gitops: Run) -> None:
    done = okd_gitops("explain", "moc-cd", "ClusterVersion/version", "spec.channel", "--output", "json")
    told = json.loads(done.stdout)
    files = [step["location"]["file"] for step in told["steps"] if step["location"]]

    assert (told["kind"], told["cluster"], told["value"]) == ("Origin", "moc-cd", "stable-scos-4")
    assert files[-1] == "clusters/moc-cd.yaml"
    assert files[-2].startswith("bases/okd-version/")
    assert told["outOfDate"] == []


def test_a_value_is_explained_for_people_who_learn_of_a_file_that_differs(
    repo: Path, okd_gitops: Run
) -> None:
    file = "overlays/moc-cd/kustomization.yaml"
    (repo / file).write_text("kind: Kustomization\n")
    done = okd_gitops("explain", "moc-cd", "ClusterVersion/version", "spec.clusterID")

    assert re.search(
        r"^  patch  overlays/moc-cd/kustomization.yaml:[0-9]+\n +path: /spec/clusterID$", done.stdout, re.M
    )
    assert re.search(r"^  cause  clusters/moc-cd.yaml:[0-9]+\n +clusterID: ", done.stdout, re.M)
    assert done.stdout.endswith(f"note: {file} is not what is shown here; run okd-gitops generate\n")


def test_the_name_of_a_cluster_wins_over_that_of_a_feature(repo: Path, okd_gitops: Run) -> None:
    laptop = repo / "clusters/laptop.yaml"
    (repo / "clusters/tekton.yaml").write_bytes(laptop.read_bytes())
    done = okd_gitops("explain", "tekton")

    assert done.returncode == 0, done.stderr
    assert "okd-gitops explain tekton KIND/NAME" in done.stdout


@pytest.mark.parametrize("asked", [(), ("Application/bare",), ("spec.channel",)])
def test_a_cluster_without_features_has_nothing_to_explain(
    asked: tuple[str, ...], repo: Path, okd_gitops: Run
) -> None:
    (repo / "clusters/bare.yaml").write_text("purpose: test\nenvironment: kind\nkubernetes: '1.35'\n")
    done = okd_gitops("explain", "bare", *asked)

    assert done.returncode == (2 if asked else 0)
    assert "clusters/bare.yaml" in (done.stderr if asked else done.stdout)
    assert "Traceback" not in done.stderr


def test_a_wrong_cluster_is_told_with_the_nearest(okd_gitops: Run) -> None:
    done = okd_gitops("explain", "moc-dc", "ClusterVersion/version")

    assert done.returncode == 2
    assert 'did you mean "moc-cd"?' in done.stderr
