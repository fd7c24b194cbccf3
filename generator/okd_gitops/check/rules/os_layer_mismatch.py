"""The rule os-layer-mismatch: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.releases.cluster_version import CLUSTER_VERSION
from okd_gitops.releases.version import image_fault

BUILT_ON = "okd-gitops.io/built-on"
_ROLE = "machineconfiguration.openshift.io/role"
_GROUP = "machineconfiguration.openshift.io"
# openshift/api machineconfiguration/v1/types_machineosconfig.go
_LONGEST = 4096
# Each fault is a reason and a remedy.
_Faults = Iterator[tuple[str, str]]


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at MachineConfigs with an image, and at MachineOSConfigs, beside the cluster's release."""
    machine_configs = _of_kind(overlay, f"MachineConfig.{_GROUP}")
    layers = [value for value in machine_configs if at(value, "spec", "osImageURL")]
    release = _release(overlay)

    for layer in layers:
        for reason, remedy in _layer_faults(layer, release, ours=bool(overlay.environment)):
            yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(layer))

    layered_pools = {str(at(layer, "metadata", "labels", _ROLE)) for layer in layers}
    for build in _of_kind(overlay, f"MachineOSConfig.{_GROUP}"):
        for reason, remedy in [*_pool_faults(build, layered_pools), *_containerfile_faults(build)]:
            yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(build))


def _of_kind(overlay: Overlay, group_kind: str) -> list[Object]:
    return [value for value in overlay.objects if ObjectId.of(value).group_kind == group_kind]


def _release(overlay: Overlay) -> object:
    """Return the release image that the cluster is to run, or None."""
    versions = _of_kind(overlay, CLUSTER_VERSION)
    images = [at(value, "spec", "desiredUpdate", "image") for value in versions]
    return next((image for image in images if image), None)


def _layer_faults(layer: Object, release: object, *, ours: bool) -> _Faults:
    reason = image_fault(str(at(layer, "spec", "osImageURL")))
    if reason:
        yield f"osImageURL: {reason}", "write name@sha256:…"

    built_on = at(layer, "metadata", "annotations", BUILT_ON)
    if not built_on and ours:
        reason = "it does not state on which release its image was built"
        yield reason, f"add the annotation {BUILT_ON} with the release image"

    if built_on and release and built_on != release:
        reason = f"its image was built on {built_on}, but the cluster is to run {release}"
        yield reason, "rebuild it on that release; change image and built-on in the same commit"


def _pool_faults(build: Object, layered_pools: set[str]) -> _Faults:
    pool = str(at(build, "spec", "machineConfigPool", "name"))

    if pool in layered_pools:
        yield f"the pool {pool} also has an image by osImageURL", "keep the image or the build"
    if ObjectId.of(build).name != pool:
        yield f"a MachineOSConfig must have the name of its pool, {pool}", f"name it {pool}"


def _containerfile_faults(build: Object) -> _Faults:
    for file in items(build, "spec", "containerFile"):
        content = str(at(file, "content"))

        if len(content) > _LONGEST:
            reason = f"its Containerfile has {len(content)} characters, but must have at most {_LONGEST}"
            yield reason, "build the image elsewhere and give its digest"
        if not content.rstrip().endswith("ostree container commit"):
            yield "its Containerfile must end in 'ostree container commit'", "end the last RUN with it"
