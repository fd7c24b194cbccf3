"""Variables that Flux fills after the build, in fields of every type.

Substitution: fluxcd/kustomize-controller v1.6, docs/spec/v1/kustomizations.md, "Post build variable
substitution".
"""

from pathlib import Path

import pytest

from theirs import CONFIG, DEPLOYMENT, SOURCE, application, flux, judged

STATED = ", postBuild: {substitute: {replicas: '3', word: three}}"
OPEN = ", postBuild: {substitute: {word: three}, substituteFrom: [{kind: ConfigMap, name: a}]}"


def reasons(tmp_path: Path, declared: bytes, data: bytes) -> list[str]:
    files = {"flux/a.yaml": declared, "web/a.yaml": data}
    return [finding.reason for finding in judged(tmp_path, files).findings]


def deployment(replicas: str) -> bytes:
    return DEPLOYMENT.replace(b"spec:\n  selector", f"spec:\n  replicas: {replicas}\n  selector".encode())


@pytest.mark.parametrize(
    ("more", "replicas"),
    [
        (STATED, "${replicas}"),
        (STATED, "${other:=2}"),
        (STATED, "${other:-2}"),
        (STATED, "'${replicas}'"),
        (OPEN, "${replicas}"),
        (OPEN, "${replicas:=two}"),
        (OPEN, "1${replicas}"),
    ],
)
def test_a_variable_is_judged_as_what_it_becomes(tmp_path: Path, more: str, replicas: str) -> None:
    assert reasons(tmp_path, flux("a", "./web", more) + SOURCE, deployment(replicas)) == []


@pytest.mark.parametrize(
    ("more", "replicas"),
    [
        (STATED, "${word}"),
        (STATED, "${other:=two}"),
        (OPEN, "${word}"),
        ("", "${replicas}"),
        (STATED, "$${replicas}"),
    ],
)
def test_a_value_of_another_type_is_refused_all_the_same(tmp_path: Path, more: str, replicas: str) -> None:
    found = reasons(tmp_path, flux("a", "./web", more) + SOURCE, deployment(replicas))
    assert found == ["/spec/replicas: got string, want null or integer"]


def test_flux_makes_a_number_of_a_variable_in_quotes(tmp_path: Path) -> None:
    declared = flux("a", "./web", STATED) + SOURCE
    data = CONFIG.replace(b"a: b", b"a: '${replicas}'")
    assert reasons(tmp_path, declared, data) == ["/data/a: got number, want null or string"]

    alone = data.replace(
        b"{name: web,", b"{name: web, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled},"
    )
    assert reasons(tmp_path, declared, alone) == []


def test_whoever_deploys_a_folder_may_fill_it_but_argo_cd_fills_nothing(tmp_path: Path) -> None:
    files = {"web/kustomization.yaml": b"resources: [a.yaml]\n", "web/a.yaml": deployment("${replicas}")}
    assert judged(tmp_path, files).findings == ()
    assert len(judged(tmp_path, {"argocd/a.yaml": application("web")}).findings) == 1
