"""Objects are found inside other objects, wherever somebody applies them."""

import pytest
import yaml

from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId

INNER = "{apiVersion: config.openshift.io/v1, kind: ClusterVersion, metadata: {name: version}, spec: {}}"
# The types of open-cluster-management-io (governance-policy-propagator and config-policy-controller, api/v1;
# api, work/v1), of openshift/hive, apis/hive/v1, and of openshift/api, template/v1.
POLICY = """
apiVersion: policy.open-cluster-management.io/v1
kind: Policy
metadata: {name: p}
spec:
  policy-templates:
  - objectDefinition:
      apiVersion: policy.open-cluster-management.io/v1
      kind: ConfigurationPolicy
      metadata: {name: c}
      spec:
        object-templates:
        - complianceType: COMPLIANCE
          objectDefinition: INNER
"""
WRAPPERS = {
    "list": "{apiVersion: v1, kind: List, items: [INNER]}",
    "work": (
        "{apiVersion: work.open-cluster-management.io/v1, kind: ManifestWork, metadata: {name: w}, "
        "spec: {workload: {manifests: [INNER]}}}"
    ),
    "sync-set": (
        "{apiVersion: hive.openshift.io/v1, kind: SelectorSyncSet, metadata: {name: s}, "
        "spec: {resources: [INNER]}}"
    ),
    "template": (
        "{apiVersion: template.openshift.io/v1, kind: Template, metadata: {name: t}, objects: [INNER]}"
    ),
}


def cluster_versions(text: str) -> list[tuple[tuple[str | int, ...], bool]]:
    value: Object = yaml.safe_load(text.replace("INNER", INNER))
    return [
        (nested.path, nested.is_part)
        for nested in objects_within(value)
        if ObjectId.of(nested.value).kind == "ClusterVersion"
    ]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_an_object_in_a_wrapper_is_whole(wrapper: str) -> None:
    ((path, is_part),) = cluster_versions(WRAPPERS[wrapper])
    assert path
    assert not is_part


@pytest.mark.parametrize(("compliance", "is_part"), [("musthave", True), ("mustonlyhave", False)])
def test_a_policy_applies_a_part_or_the_whole(compliance: str, is_part: bool) -> None:
    ((path, part),) = cluster_versions(POLICY.replace("COMPLIANCE", compliance))
    assert path[-3:] == ("object-templates", 0, "objectDefinition")
    assert part is is_part


def test_what_must_not_exist_a_reference_and_a_status_are_no_objects() -> None:
    reference = "{apiVersion: config.openshift.io/v1, kind: ClusterVersion, name: version}"
    assert cluster_versions(POLICY.replace("COMPLIANCE", "mustnothave")) == []
    assert cluster_versions(WRAPPERS["list"].replace("INNER", reference)) == []
    assert cluster_versions("{apiVersion: v1, kind: X, metadata: {name: x}, status: {last: INNER}}") == []


def test_a_policy_in_a_work_is_searched_too() -> None:
    policy = yaml.safe_dump(yaml.safe_load(POLICY), default_flow_style=True, width=10_000).strip()
    text = WRAPPERS["work"].replace("INNER", policy.replace("COMPLIANCE", "musthave"))
    ((path, _),) = cluster_versions(text)
    assert path[:3] == ("spec", "workload", "manifests")
