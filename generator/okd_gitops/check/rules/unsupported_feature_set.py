"""The rule unsupported-feature-set; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items

_UPDATABLE = (None, "", "Default", "OKD")
# openshift/api config/v1/types_cluster_version.go; the validations of ClusterVersion and of the installer.
_NEEDS = {"marketplace": "OperatorLifecycleManager", "baremetal": "MachineAPI"}


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the FeatureGate of clusters that are not ephemeral, and at the capabilities of every
    ClusterVersion.
    """
    for value in overlay.objects:
        identity = ObjectId.of(value)
        chosen = at(value, "spec", "featureSet")
        if (
            identity.group_kind == "FeatureGate.config.openshift.io"
            and overlay.purpose not in ("", "ephemeral")
            and chosen not in _UPDATABLE
        ):
            reason = f"the feature set {chosen} ends the updates of this {overlay.purpose} cluster"
            yield Fault(reason=reason, remedy="remove it; try it on an ephemeral cluster", object=identity)
        if identity.group_kind == "ClusterVersion.config.openshift.io":
            yield from _capabilities(value, identity)


def _capabilities(value: Object, identity: ObjectId) -> Iterator[Fault]:
    asked = items(value, "spec", "capabilities", "additionalEnabledCapabilities")
    # The other sets hold what they need.
    if at(value, "spec", "capabilities", "baselineCapabilitySet") != "None":
        return
    for name, needed in _NEEDS.items():
        if name in asked and needed not in asked:
            yield Fault(
                reason=f"the capability {name} needs {needed}", remedy=f"add {needed}", object=identity
            )
