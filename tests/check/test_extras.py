"""Extras of a long-term cluster cannot change what it runs: what is rendered is compared with the plan.

C16 is a row of the table of failures that the tool must survive.
"""

import subprocess
from pathlib import Path

import pytest

from conftest import CACHE, Run
from okd_gitops.system.tools import tool

PATCH = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- target: {kind: ClusterVersion}
  patch: |-
"""
FEATURE_GATE = """\
apiVersion: config.openshift.io/v1
kind: FeatureGate
metadata: {name: cluster}
spec: {featureSet: TechPreviewNoUpgrade}
"""
IMAGE = f"registry.ci.openshift.org/origin/release-scos@sha256:{'a' * 64}"


def patch(*operations: str) -> str:
    return PATCH + "".join(f"    - {operation}\n" for operation in operations)


def write_extras(repo: Path, **files: str) -> None:
    folder = repo / "clusters/moc-cd"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


@pytest.mark.parametrize(
    ("kustomization", "names"),
    [
        (
            patch("{op: add, path: /spec/desiredUpdate/force, value: true}"),
            {"extras-change-release", "forced-update"},
        ),
        (
            patch(
                "{op: add, path: /spec/overrides, value: "
                "[{kind: Deployment, group: apps, name: a, namespace: a, unmanaged: true}]}"
            ),
            {"extras-change-release", "forced-update"},
        ),
        (
            patch("{op: remove, path: /spec/upstream}"),
            {"extras-change-release", "wrong-cluster-identity"},
        ),
        (
            patch("{op: replace, path: /spec/upstream, value: 'https://graph.example.org/graph'}"),
            {"extras-change-release"},
        ),
    ],
    ids=["force", "overrides", "upstream-removed", "other-upstream"],
)
def test_c16_no_extra_changes_the_release_of_a_long_term_cluster(
    repo: Path, okd_gitops: Run, kustomization: str, names: set[str]
) -> None:
    write_extras(repo, kustomization=kustomization)
    assert okd_gitops("generate").returncode == 0

    result = okd_gitops("check")
    assert result.returncode == 1
    for name in names:
        assert f"error {name}: " in result.stderr
    assert "clusters/moc-cd/kustomization.yaml:3:1" in result.stderr


def test_c16_a_release_that_extras_write_gives_way_to_that_of_the_cluster_file(
    repo: Path, okd_gitops: Run
) -> None:
    image = patch(f"{{op: replace, path: /spec/desiredUpdate/image, value: '{IMAGE}'}}")
    write_extras(repo, kustomization=image)
    assert okd_gitops("generate").returncode == 0

    # The patches of the cluster file come after the component.
    built = subprocess.run(
        [str(tool(CACHE, "kustomize")), "build", "overlays/moc-cd"], cwd=repo, capture_output=True, check=True
    )
    assert IMAGE.encode() not in built.stdout
    assert okd_gitops("check").returncode == 0


def test_c16_a_feature_set_that_blocks_updates_is_refused_and_other_extras_pass(
    repo: Path, okd_gitops: Run
) -> None:
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: motd, namespace: openshift-config}\n"
    write_extras(repo, kustomization="resources: [settings.yaml]\n", settings=settings)
    assert okd_gitops("generate").returncode == 0
    passed = okd_gitops("check")
    assert passed.returncode == 0, passed.stderr

    (repo / "clusters/moc-cd/settings.yaml").write_text(FEATURE_GATE)
    assert okd_gitops("generate").returncode == 0
    refused = okd_gitops("check")
    assert refused.returncode == 1
    assert "error unsupported-feature-set: the feature set TechPreviewNoUpgrade" in refused.stderr
