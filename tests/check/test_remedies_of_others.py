"""Nobody who checks a repository of their own is sent to files and commands of a fleet."""

from pathlib import Path

import pytest

from okd_gitops.check.remedies_of_others import OF_A_FLEET, for_others
from okd_gitops.explanation import explanations
from okd_gitops.finding import finding_of
from theirs import CONFIG, judged

ELSEWHERE = {name: each.elsewhere for name, each in explanations().items() if each.elsewhere}
REPOSITORIES = {
    "a build that fails": {"kustomization.yaml": b"resources: [a.yaml]\nresuorces: []\n", "a.yaml": CONFIG},
    "a kind that is misspelled": {
        "kustomization.yaml": b"resources: [a.yaml]\n",
        "a.yaml": CONFIG.replace(b"kind: ConfigMap", b"kind: ConfgMap"),
    },
    "two branches in conflict": {
        "kustomization.yaml": b"resources: [a.yaml]\n",
        "a.yaml": CONFIG + b"<<<<<<< HEAD\na: b\n=======\na: c\n>>>>>>> b\n",
    },
    "a Task that is nowhere": {
        "kustomization.yaml": b"resources: [a.yaml]\n",
        "a.yaml": b"""apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run, namespace: shop}
spec: {taskRef: {name: none}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
""",
    },
}


@pytest.mark.parametrize("name", REPOSITORIES)
def test_remedies_fit_a_repository_of_others(tmp_path: Path, name: str) -> None:
    found = judged(tmp_path, REPOSITORIES[name]).findings

    assert found
    assert [each.remedy for each in found if OF_A_FLEET.search(each.remedy) or not each.remedy] == []


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_a_remedy_for_elsewhere_names_nothing_of_a_fleet(name: str) -> None:
    assert not OF_A_FLEET.search(ELSEWHERE[name])
    changed = for_others(finding_of(name, "a.yaml", "wrong", "run okd-gitops generate"))
    assert changed.remedy.lower() == ELSEWHERE[name].removesuffix(".").lower()


def test_a_remedy_that_fits_stays() -> None:
    finding = finding_of("dangling-reference", "a.yaml", "wrong", 'did you mean "web"?')
    assert for_others(finding) is finding
