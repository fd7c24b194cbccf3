"""A check with what is kept says what a check without it says, for fleets of combined features."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from bench import own_cache
from everything import NOT_HERE
from examples import example
from kustomizations import CONFIGMAP, write
from minimal import PLACES
from okd_gitops.check.check import check
from okd_gitops.check.foreign import check_foreign
from okd_gitops.check.outcome import Report
from okd_gitops.errors import ToolError
from okd_gitops.generate.generate import generate
from okd_gitops.render import kustomize
from okd_gitops.system.asked import Asked
from okd_gitops.system.kept import EXACT
from okd_gitops.system.process import Completed
from rendered import FLEET, OKD, own_cluster

# With what they require, these are about twice as many features.
_MOST = 5


def combined(environment: str, random: Random) -> dict[str, Any]:
    """Return a random choice of the features of an environment, with those that they require."""
    names = sorted({name for name, place, _ in PLACES if place == environment} - NOT_HERE)
    chosen: dict[str, Any] = {}

    for name in random.sample(names, random.randint(1, _MOST)):
        chosen |= example(name, environment)

    return chosen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A fleet in which clusters of every environment have features in many combinations."""
    root = tmp_path / "fleet"
    (root / "clusters").mkdir(parents=True)
    (root / "fleet.yaml").write_text(FLEET)
    (root / "clusters/hub.yaml").write_text(f"purpose: hub\n{OKD}")

    for number, environment in enumerate(["okd", "kubernetes", "kind", "okd"]):
        name = f"{environment}-{number}"
        given = combined(environment, Random(number))
        # What has the clusterID, which is edited below.
        given |= example("okd-version", environment) if environment == "okd" else {}
        chosen = yaml.safe_dump({"features": given})
        own = own_cluster(name, environment)
        text = f"purpose: ephemeral\nexpires: 2026-12-31\n{own}{chosen}"
        (root / f"clusters/{name}.yaml").write_text(text)

    generate(root)
    return root


# A repository that others wrote: two overlays of one base, a plain folder, and one that cannot be built.
FOREIGN = {
    "base/kustomization.yaml": b"resources: [web.yaml]\n",
    "base/web.yaml": CONFIGMAP.encode(),
    "one/kustomization.yaml": b"resources: [../base]\nnamePrefix: one-\n",
    "two/kustomization.yaml": b"# the second\nresources: [../base]\nnamePrefix: two-\n",
    "broken/kustomization.yaml": b"resources: [../base]\npatches: [{patch: '[{op: remove, path: /x}]'}]\n",
    "remote/kustomization.yaml": b"resources: [https://git.example.org/base]\n",
    "plain/web.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, b: 1, a: 1}\n",
    "argocd/plain.yaml": b"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: plain, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example.org/shop.git, path: plain}
  destination: {name: in-cluster, namespace: shop}
""",
}


def test_a_repository_of_others_has_the_same_report_with_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, cache = write(tmp_path / "others", FOREIGN), own_cache(tmp_path)

    def report() -> Report:
        found = check_foreign(root, cache, kubernetes="1.35", today=date(2026, 11, 28), say=lambda _: None)
        return replace(found, seconds={})

    cold = report()
    assert {finding.name for finding in cold.findings} >= {"kustomize-build-failed", "schema-violation"}
    assert len(list((cache / "kept/rendered").iterdir())) == 2
    assert report() == cold

    (root / "base/web.yaml").write_text(CONFIGMAP.replace("b}", "b: {}}"))
    edited = report()
    assert edited != cold

    monkeypatch.setenv(EXACT, "1")
    assert report() == edited


def test_reports_are_the_same_with_all_some_and_nothing_kept(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ones from one process for many overlays, the others from a kustomize for each: the same bytes."""
    cache = own_cache(tmp_path)
    built: list[str] = []
    outputs: dict[str, dict[str, bytes]] = {"alone": {}, "in turn": {}}
    build, ask = kustomize._build, Asked.ask

    def alone(root: Path, folder: str, binary: Path) -> Completed | ToolError:
        built.append(folder)
        done = build(root, folder, binary)
        assert isinstance(done, Completed)
        outputs["alone"][folder] = done.out
        return done

    def in_turn(program: Asked, question: bytes, *, timeout: float) -> tuple[str, bytes] | None:
        folder = question.decode().removeprefix("./")
        built.append(folder)
        answer = ask(program, question, timeout=timeout)
        assert answer
        outputs["in turn"][folder] = answer[1]
        return answer

    monkeypatch.setattr(kustomize, "_build", alone)
    monkeypatch.setattr(Asked, "ask", in_turn)

    def report() -> Report:
        built.clear()
        found = check(root, cache, today=date(2026, 11, 28), say=lambda _: None)
        return replace(found, seconds={})

    cold = report()
    assert len(built) == cold.overlays - 1
    assert cold.documents > cold.distinct > 100
    assert report() == cold
    assert built == []

    file = root / "clusters/okd-0.yaml"
    other = "clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a70002"
    file.write_text(re.sub(r"(?m)^clusterID: .*", other, file.read_text()))
    generate(root)
    edited = report()
    assert set(built) == {"overlays/okd-0"}

    monkeypatch.setenv(EXACT, "1")
    assert report() == edited
    assert len(built) == edited.overlays - 1
    assert outputs["alone"] == outputs["in turn"]
    assert len(outputs["alone"]) == len(built)
