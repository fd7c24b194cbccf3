"""The rule build-without-registry: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import cluster_versions
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items, strings

# The object that configures the registry, and the name of the registry in the cluster.
_REGISTRY = "Config.imageregistry.operator.openshift.io"
_HOST = "image-registry.openshift-image-registry.svc"


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at what needs the image registry of the cluster, if the overlay switches the registry off."""
    reasons = [*_removed(overlay), *_without_capability(overlay)]
    if not reasons:
        return

    for value in overlay.objects:
        need = _need(value)
        if need:
            yield Fault(
                reason=f"{need}, and {reasons[0]}",
                remedy="switch the registry on (managementState: Managed, with storage), or use another one",
                object=ObjectId.of(value),
            )


def _removed(overlay: Overlay) -> Iterator[str]:
    for value in overlay.of(_REGISTRY):
        if at(value, "spec", "managementState") == "Removed":
            yield "the cluster's image registry is Removed"


def _without_capability(overlay: Overlay) -> Iterator[str]:
    """Yield a reason where a ClusterVersion enables capabilities one by one, and not the registry's."""
    for _, nested in cluster_versions(overlay.objects):
        capabilities = at(nested.value, "spec", "capabilities")
        enabled = items(capabilities, "additionalEnabledCapabilities")

        if at(capabilities, "baselineCapabilitySet") == "None" and "ImageRegistry" not in enabled:
            yield "the capability ImageRegistry is not enabled"


def _need(value: Object) -> str:
    """Return for what an object needs the registry; empty if it does not."""
    identity, output = ObjectId.of(value), at(value, "spec", "output", "to")
    is_build = identity.group_kind == "BuildConfig.build.openshift.io" and isinstance(output, dict)

    # Without a kind it is an ImageStreamTag.
    if is_build and at(output, "kind") != "DockerImage":
        return f"the build writes into the ImageStreamTag {at(output, 'name')}"

    names_registry = any(_HOST in text for _, text in strings(at(value, "spec")))
    return f"it names {_HOST}" if names_registry else ""
