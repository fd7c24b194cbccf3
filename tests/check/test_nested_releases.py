"""A ClusterVersion inside another object is judged where it is written, and what is not checked is said."""

from pathlib import Path

import pytest

from conftest import Run

POLICY = """\
apiVersion: policy.open-cluster-management.io/v1
kind: Policy
metadata: {name: upgrade, namespace: policies}
spec:
  disabled: false
  policy-templates:
  - objectDefinition:
      apiVersion: policy.open-cluster-management.io/v1
      kind: ConfigurationPolicy
      metadata: {name: upgrade}
      spec:
        object-templates:
        - complianceType: musthave
          objectDefinition:
            apiVersion: config.openshift.io/v1
            kind: ClusterVersion
            metadata: {name: version}
            spec:
              channel: CHANNEL
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [policy.yaml]\n")
    return folder


def test_a_finding_points_into_the_policy(folder: Path, okd_gitops: Run) -> None:
    (folder / "policy.yaml").write_text(POLICY.replace("CHANNEL", "4-scos-stable"))
    result = okd_gitops("check", str(folder))

    assert result.returncode == 1
    assert "error stream-as-channel: the ClusterVersion version in it: " in result.stderr
    assert "  policy.yaml:19:24  (Policy policies/upgrade)" in result.stderr


def test_a_policy_without_a_schema_is_counted_and_is_no_finding(folder: Path, okd_gitops: Run) -> None:
    (folder / "policy.yaml").write_text(POLICY.replace("CHANNEL", "stable-scos-4"))
    result = okd_gitops("check", str(folder))

    assert result.returncode == 0, result.stderr
    assert "without a schema, so their fields were not judged: Policy (1)" in result.stdout
    assert "1 without schema, 0 errors, 0 warnings" in result.stdout


def test_a_kind_that_may_be_misspelled_is_an_error(folder: Path, okd_gitops: Run) -> None:
    misspelled = POLICY.replace("CHANNEL", "stable-scos-4").replace("kind: Policy", "kind: Polcy")
    (folder / "policy.yaml").write_text(misspelled)
    result = okd_gitops("check", str(folder))

    assert result.returncode == 1
    assert "error no-schema: no schema for policy.open-cluster-management.io/v1 Polcy" in result.stderr
