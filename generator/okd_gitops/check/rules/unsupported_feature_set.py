"""The rule unsupported-feature-set: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import cluster_versions, nested_fault
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.releases.lines import allows_updates

_FEATURE_SET = ("spec", "featureSet")
_CAPABILITIES = ("spec", "capabilities")
# openshift/api config/v1/types_cluster_version.go; the validations of ClusterVersion and of the installer.
_DEPENDENCIES = {"marketplace": "OperatorLifecycleManager", "baremetal": "MachineAPI"}


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at FeatureGates of clusters that are not ephemeral, and at capabilities of ClusterVersions."""
    if overlay.purpose not in ("", "ephemeral"):
        for value in overlay.objects:
            yield from _feature_sets(value, overlay.purpose)

    for value, nested in cluster_versions(overlay.objects):
        for reason, remedy in _missing_dependencies(nested.value):
            yield nested_fault(value, nested, reason, remedy, _CAPABILITIES)


def _feature_sets(value: Object, purpose: str) -> Iterator[Fault]:
    for nested in objects_within(value):
        feature_set = at(nested.value, *_FEATURE_SET)
        is_feature_gate = ObjectId.of(nested.value).group_kind == "FeatureGate.config.openshift.io"

        if is_feature_gate and not allows_updates(feature_set):
            reason = f"the feature set {feature_set} ends the updates of this {purpose} cluster"
            remedy = "remove it; try it on an ephemeral cluster"
            yield nested_fault(value, nested, reason, remedy, _FEATURE_SET)


def _missing_dependencies(version: Object) -> Iterator[tuple[str, str]]:
    capabilities = at(version, *_CAPABILITIES)
    # Every other set contains what its capabilities depend on.
    if at(capabilities, "baselineCapabilitySet") != "None":
        return

    enabled = items(capabilities, "additionalEnabledCapabilities")
    for capability, dependency in _DEPENDENCIES.items():
        if capability in enabled and dependency not in enabled:
            yield f"the capability {capability} requires {dependency}", f"add {dependency}"
