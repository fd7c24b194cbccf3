"""bootstrap: the commands that bring a hub up, in order, and which of them run without a person.

The hub is a function that takes a command and answers as kubectl does; a stand-in program shows what arrives.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from conftest import ROOT
from okd_gitops.cli.main import cli
from okd_gitops.errors import RemoteError, UsageError
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.bootstrap import ARGO_CD, Command, as_line, bootstrap, carry_out
from okd_gitops.lifecycle.init import init
from okd_gitops.system.process import Completed

# The ID of moc-hub in the committed fleet, whose hub is OKD.
ID = next(
    line.split()[1]
    for line in (ROOT / "clusters/moc-hub.yaml").read_text().splitlines()
    if line.startswith("clusterID:")
)


class Hub:
    """A cluster that has some namespaces and kinds, and remembers what it was asked to change."""

    def __init__(self, identity: str = ID, *, argo_cd: bool = False, kinds: bool = True) -> None:
        self.identity, self.argo_cd, self.kinds = identity, argo_cd, kinds
        self.changed: list[str] = []

    def __call__(self, command: Command) -> Completed:
        match command[1:3]:
            case ("get", "clusterversion"):
                return Completed(0, self.identity.encode(), "")
            case ("get", "namespace"):
                return Completed(0, b"namespace/argocd\n" if self.argo_cd else b"", "")
            case ("wait", _):
                return (
                    Completed(0, b"", "")
                    if self.kinds
                    else Completed(1, b"", "E1129 15:47 memcache.go\nError (NotFound): no crd")
                )

        self.changed.append(" ".join(command[1:3]))
        return Completed(0, b"", "")


@pytest.fixture(scope="module")
def kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new fleet, whose hub is a kind cluster."""
    root = tmp_path_factory.mktemp("kind")
    init(root)
    generate(root)

    return root


def nothing(_text: str) -> None:
    """Say nothing."""


def lines(root: Path) -> Iterator[str]:
    return (as_line(command) for step in bootstrap(root).steps for command in step.commands)


def test_what_needs_no_person_runs_in_order_and_the_rest_is_left() -> None:
    left = carry_out(bootstrap(ROOT), hub := Hub(), nothing)

    assert hub.changed == ["create namespace", *["apply --server-side"] * 3]
    assert [step.commands[0][0] for step in left] == ["kubectl", "argocd", "argocd", "okd-gitops"]
    assert all(step.by_hand for step in left)


def test_what_is_there_is_not_made_again() -> None:
    carry_out(bootstrap(ROOT), hub := Hub(argo_cd=True), nothing)

    assert hub.changed == ["apply --server-side"] * 3


def test_it_stops_where_a_person_must_approve_first() -> None:
    hub = Hub(kinds=False)

    with pytest.raises(RemoteError, match=r"ended with 1: Error \(NotFound\): no crd$") as caught:
        carry_out(bootstrap(ROOT), hub, nothing)

    assert hub.changed == ["create namespace", "apply --server-side"]
    assert "by hand" in caught.value.remedy


def test_an_operator_of_another_catalog_is_not_asked_for_with_the_wrong_one(tmp_path: Path) -> None:
    for name in ("clusters", "bases/argocd", "argocd/fleet"):
        shutil.copytree(ROOT / name, tmp_path / name)

    shutil.copy(ROOT / "fleet.yaml", tmp_path)
    file = tmp_path / "clusters/moc-hub.yaml"
    file.write_text(file.read_text().replace("features:\n", "features:\n  argocd: {catalog: mine}\n"))
    carry_out(bootstrap(tmp_path), hub := Hub(), nothing)

    assert hub.changed == ["create namespace", *["apply --server-side"] * 2]
    assert any("with catalog as the hub's file" in step.title for step in bootstrap(tmp_path).steps)


@pytest.mark.parametrize("identity", ["", "00000000-0000-4000-8000-000000000000"])
def test_another_cluster_is_left_alone(identity: str) -> None:
    hub = Hub(identity)

    with pytest.raises(UsageError, match="is not moc-hub"):
        carry_out(bootstrap(ROOT), hub, nothing)

    assert hub.changed == []


def test_a_hub_on_kind_gets_the_pinned_argo_cd_that_the_documents_name(kind: Path) -> None:
    install = next(line for line in lines(kind) if "install.yaml" in line)
    url = install.split()[-1]

    assert f"/{ARGO_CD}/" in url
    for text in ("README.md", "generator/okd_gitops/catalog/features/argocd/feature.yaml"):
        assert url in (ROOT / text).read_text()
    assert not any("cluster add" in line for line in lines(kind))


def test_a_fleet_that_is_not_generated_brings_nothing_up(tmp_path: Path) -> None:
    init(tmp_path)

    with pytest.raises(UsageError, match=r"argocd/fleet/appproject\.yaml is not there"):
        bootstrap(tmp_path)


def test_each_command_reaches_kubectl_with_the_context_and_without_a_shell(
    kind: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program := tmp_path / "kubectl").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{tmp_path}/asked\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    arguments = ["--quiet", "--root", str(kind), "bootstrap", "--apply", "--context", "a b;c", "-o", "json"]
    done = CliRunner().invoke(cli, arguments)

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["hub"], told["applied"]) == ("hub", True)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert all(line.startswith("--context a b;c ") for line in asked)
    assert asked[-1].endswith("--filename argocd/fleet/application.yaml")


@pytest.mark.parametrize("options", [["--apply"], ["--context", "x"]])
def test_nothing_runs_without_both_options(options: list[str], kind: Path) -> None:
    done = CliRunner().invoke(cli, ["--root", str(kind), "bootstrap", *options])

    assert isinstance(done.exception, UsageError)
