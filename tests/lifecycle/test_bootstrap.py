"""bootstrap: the commands that bring a hub up, in order, and which of them run without a person.

The hub is a function that takes a command and answers as kubectl does; a stand-in program shows what arrives.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from click.testing import CliRunner, Result

from conftest import ROOT, commit
from okd_gitops.cli.main import cli
from okd_gitops.errors import RemoteError, UsageError
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.bootstrap import ARGO_CD, as_line, bootstrap, carry_out
from okd_gitops.lifecycle.found_hub import Command, FoundHub, look_at_hub
from okd_gitops.lifecycle.init import init
from okd_gitops.system.process import Completed

# The ID of moc-hub in the committed fleet, whose hub is OKD.
ID = next(
    line.split()[1]
    for line in (ROOT / "clusters/moc-hub.yaml").read_text().splitlines()
    if line.startswith("clusterID:")
)


class Hub:
    """A cluster that has some objects and kinds, and remembers what it was asked to change.

    `there` are words of commands that ask for an object, with what is printed where it is there.
    """

    def __init__(self, there: Mapping[str, str] = MappingProxyType({}), *, kinds: bool = True) -> None:
        self.kinds = kinds
        self.there = {
            "config view": "https://api.moc-hub.massopen.cloud:6443",
            "clusterversion version": ID,
            "clusterversions.config": "customresourcedefinition/clusterversions.config.openshift.io",
            "get nodes": "aws://1 aws://2",
            **there,
        }
        self.changed: list[str] = []

    def __call__(self, command: Command) -> Completed:
        line = " ".join(command)

        match command[1]:
            case "get" | "config":
                answers = (text for words, text in self.there.items() if words in line)
                return Completed(0, next(answers, "").encode(), "")
            case "wait":
                missing = Completed(1, b"", "E1129 15:47 memcache.go\nError (NotFound): no crd")
                return Completed(0, b"", "") if self.kinds else missing

        self.changed.append(" ".join(command[1:3]))
        return Completed(0, b"", "")


# What a kind cluster answers, where the committed fleet's hub is one of OKD.
OF_KIND = {
    "config view": "https://127.0.0.1:40001",
    "clusterversions.config": "",
    "get nodes": "kind://docker/hub/hub-control-plane",
}


@pytest.fixture(scope="module")
def kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new fleet, whose hub is a kind cluster."""
    root = tmp_path_factory.mktemp("kind")
    init(root, repository="https://git.massopen.cloud/okd/fleet.git")

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
    hub = Hub({"get namespace": "namespace/argocd", "argocd-operator": "subscription/argocd-operator"})
    carry_out(bootstrap(ROOT), hub, nothing)

    assert hub.changed == ["apply --server-side"] * 2


@pytest.mark.parametrize(
    ("image", "applied"),
    [("", 2), ("argocd:v3.3.9", 2), (f"argocd:{ARGO_CD}", 1), ("argocd:v3.10.0", 1), ("argocd@sha256:0", 1)],
)
def test_an_argo_cd_that_is_not_older_stays(image: str, applied: int, kind: Path) -> None:
    hub = Hub({"get namespace": "namespace/argocd", "deployment argocd-server": image})
    carry_out(bootstrap(kind), hub, nothing)

    assert hub.changed == ["apply --server-side"] * applied


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


def look(root: Path, hub: Hub) -> FoundHub:
    result = bootstrap(root)

    return look_at_hub(result.hub, result.repository, hub)


@pytest.mark.parametrize("identity", ["", "00000000-0000-4000-8000-000000000000"])
def test_another_cluster_is_left_alone(identity: str) -> None:
    with pytest.raises(UsageError, match="is not moc-hub"):
        look(ROOT, Hub({"clusterversion version": identity}))


@pytest.mark.parametrize(
    "answers", [{"clusterversions.config": "crd"}, {"get nodes": "aws://1"}, {"get nodes": ""}]
)
def test_a_kind_hub_is_a_cluster_that_kind_made(answers: dict[str, str], kind: Path) -> None:
    with pytest.raises(UsageError, match=r"https://127\.0\.0\.1:40001 is not hub"):
        look(kind, Hub({**OF_KIND, **answers}))

    assert look(kind, Hub(OF_KIND)).words("kind-hub") == "kind-hub is https://127.0.0.1:40001: no Argo CD"


def test_a_hub_that_does_not_answer_is_no_matter_of_steps(kind: Path) -> None:
    class Stopped(Hub):
        def __call__(self, command: Command) -> Completed:
            return super().__call__(command) if command[1] == "config" else Completed(1, b"", "refused")

    with pytest.raises(RemoteError) as caught:
        look(kind, Stopped(OF_KIND))

    assert "until kubectl get nodes answers" in caught.value.remedy


def test_a_context_that_is_none_is_told_as_such(kind: Path) -> None:
    with pytest.raises(UsageError, match="no cluster by this context") as caught:
        look(kind, Hub({**OF_KIND, "config view": ""}))

    assert "get-contexts" in caught.value.remedy


@pytest.mark.parametrize(
    ("repository", "is_ours"),
    [
        ("https://git.massopen.cloud/okd/fleet.git", True),
        ("ssh://git@git.massopen.cloud/okd/fleet", True),
        ("https://git.massopen.cloud/other/fleet.git", False),
    ],
)
def test_the_hub_of_another_fleet_is_left_alone(repository: str, is_ours: bool, kind: Path) -> None:
    there = {
        "crd applications.argoproj.io": "crd",
        "repoURL": repository,
        "deployment argocd-server": "quay.io/argoproj/argocd:v3.6.1",
        "applications.argoproj.io --namespace": "application/a\napplication/fleet",
    }
    hub = Hub({**OF_KIND, **there})

    if is_ours:
        words = look(kind, hub).words("kind-hub")
        assert words.endswith(": Argo CD v3.6.1 with 2 Applications, also the root of this fleet")
    else:
        with pytest.raises(UsageError, match="is the hub of another fleet"):
            look(kind, hub)


def test_a_hub_on_kind_gets_the_pinned_argo_cd_that_the_documents_name(kind: Path) -> None:
    install = next(line for line in lines(kind) if "install.yaml" in line)
    url = install.split()[-1]

    assert f"/{ARGO_CD}/" in url
    for text in ("README.md", "generator/okd_gitops/catalog/features/argocd/feature.yaml"):
        assert url in (ROOT / text).read_text()
    assert not any("cluster add" in line for line in lines(kind))


def test_a_fleet_that_is_not_generated_brings_nothing_up(tmp_path: Path) -> None:
    init(tmp_path, repository="https://git.massopen.cloud/okd/fleet.git")
    (tmp_path / "argocd/fleet/appproject.yaml").unlink()

    with pytest.raises(UsageError, match=r"argocd/fleet/appproject\.yaml is not there"):
        bootstrap(tmp_path)


PROGRAM = """#!/bin/sh
printf '%s\\n' "$*" >>{folder}/asked
case "$*" in
*"config view"*) echo https://127.0.0.1:40001 ;;
*"get nodes"*) echo kind://docker/hub/hub-control-plane ;;
esac
"""


@pytest.fixture
def clone(kind: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed clone of the new fleet, and a kubectl that answers as a kind cluster does."""
    root = shutil.copytree(kind, tmp_path / "clone")
    commit(root)
    (program := tmp_path / "kubectl").write_text(PROGRAM.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return root


def apply(root: Path, *options: str, context: str = "kind-hub") -> Result:
    words = ["--quiet", "--root", str(root), "bootstrap", "--apply", "--context", context, *options]

    return CliRunner().invoke(cli, words)


def test_each_command_reaches_kubectl_with_the_context_and_without_a_shell(clone: Path) -> None:
    done = apply(clone, "--yes", "-o", "json", context="a b;c")

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["hub"], told["applied"]) == ("hub", True)
    asked = (clone.parent / "asked").read_text().splitlines()
    assert all(line.startswith("--context a b;c ") for line in asked)
    assert asked[-1].endswith("--filename argocd/fleet/application.yaml")


def test_without_an_answer_nothing_is_changed(clone: Path) -> None:
    done = apply(clone)

    assert isinstance(done.exception, UsageError)
    assert "kind-hub is https://127.0.0.1:40001: no Argo CD" in done.exception.reason
    assert "--yes" in done.exception.remedy
    assert "apply" not in (clone.parent / "asked").read_text()


def _placeholder(root: Path) -> None:
    file = root / "fleet.yaml"
    file.write_text(file.read_text().replace("massopen.cloud/okd", "github.com/EXAMPLE"))
    generate(root)
    commit(root)


def _stale(root: Path) -> None:
    (root / "argocd/hub/application.yaml").unlink()
    commit(root)


def _not_committed(root: Path) -> None:
    file = root / "clusters/hub.yaml"
    file.write_text(f"{file.read_text()}# a word\n")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(_placeholder, "placeholder-value"), (_stale, "out-of-date"), (_not_committed, "not committed")],
)
def test_what_argo_cd_would_not_read_or_not_find_is_not_applied(
    spoil: Callable[[Path], None], told: str, clone: Path
) -> None:
    spoil(clone)
    error = apply(clone, "--yes").exception

    assert isinstance(error, FindingsError | UsageError)
    names = [finding.name for finding in error.findings] if isinstance(error, FindingsError) else []
    assert told in " ".join([*names, error.reason])
    assert not (clone.parent / "asked").exists()


@pytest.mark.parametrize("options", [["--apply"], ["--context", "x"]])
def test_nothing_runs_without_both_options(options: list[str], kind: Path) -> None:
    done = CliRunner().invoke(cli, ["--root", str(kind), "bootstrap", *options])

    assert isinstance(done.exception, UsageError)
