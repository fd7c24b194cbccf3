"""The rule unsupported-feature-set: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.releases.cluster_version import CLUSTER_VERSION

_UPDATABLE = (None, "", "Default", "OKD")
# openshift/api config/v1/types_cluster_version.go; the validations of ClusterVersion and of the installer.
_DEPENDENCIES = {"marketplace": "OperatorLifecycleManager", "baremetal": "MachineAPI"}


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at FeatureGates of clusters that are not ephemeral, and at capabilities of ClusterVersions."""
    for value in overlay.objects:
        group_kind = ObjectId.of(value).group_kind

        if group_kind == "FeatureGate.config.openshift.io" and overlay.purpose not in ("", "ephemeral"):
            yield from _feature_set(value, overlay.purpose)
        if group_kind == CLUSTER_VERSION:
            yield from _capabilities(value)


def _feature_set(value: Object, purpose: str) -> Iterator[Fault]:
    feature_set = at(value, "spec", "featureSet")
    if feature_set not in _UPDATABLE:
        yield Fault(
            reason=f"the feature set {feature_set} ends the updates of this {purpose} cluster",
            remedy="remove it; try it on an ephemeral cluster",
            object=ObjectId.of(value),
        )


def _capabilities(value: Object) -> Iterator[Fault]:
    capabilities = at(value, "spec", "capabilities")
    # Every other set contains what its capabilities depend on.
    if at(capabilities, "baselineCapabilitySet") != "None":
        return

    enabled = items(capabilities, "additionalEnabledCapabilities")
    for capability, dependency in _DEPENDENCIES.items():
        if capability in enabled and dependency not in enabled:
            yield Fault(
                reason=f"the capability {capability} requires {dependency}",
                remedy=f"add {dependency}",
                object=ObjectId.of(value),
            )
