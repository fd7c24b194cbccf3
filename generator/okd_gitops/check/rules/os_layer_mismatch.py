"""The rule os-layer-mismatch; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.releases.version import image_fault

BUILT_ON = "okd-gitops.io/built-on"
_ROLE = "machineconfiguration.openshift.io/role"
_KINDS = ("MachineConfig", "MachineOSConfig")
_GROUP = "machineconfiguration.openshift.io"
# openshift/api machineconfiguration/v1/types_machineosconfig.go
_LONGEST = 4096


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the MachineConfigs with an image and the MachineOSConfigs beside the release that the
    cluster is to run.
    """
    named = {
        kind: [value for value in overlay.objects if ObjectId.of(value).group_kind == f"{kind}.{_GROUP}"]
        for kind in _KINDS
    }
    images = [value for value in named["MachineConfig"] if at(value, "spec", "osImageURL")]
    versions = [
        value
        for value in overlay.objects
        if ObjectId.of(value).group_kind == "ClusterVersion.config.openshift.io"
    ]
    release = next(
        (image for value in versions if (image := at(value, "spec", "desiredUpdate", "image"))), None
    )
    for value in images:
        yield from _image(value, release, ours=bool(overlay.environment))
    pools = {str(at(value, "metadata", "labels", _ROLE)) for value in images}
    for value in named["MachineOSConfig"]:
        yield from _build(value, pools)


def _image(value: Object, release: object, *, ours: bool) -> Iterator[Fault]:
    identity, built_on = ObjectId.of(value), at(value, "metadata", "annotations", BUILT_ON)
    if reason := image_fault(str(at(value, "spec", "osImageURL"))):
        yield Fault(reason=f"osImageURL: {reason}", remedy="write name@sha256:…", object=identity)
    if not built_on:
        if ours:
            remedy = f"add the annotation {BUILT_ON} with the release image"
            yield Fault(
                reason="it does not say on which release its image was built", remedy=remedy, object=identity
            )
    elif release and built_on != release:
        reason = f"its image was built on {built_on}, the cluster is to run {release}"
        yield Fault(
            reason=reason,
            remedy="rebuild it on that release; change image and built-on in the same commit",
            object=identity,
        )


def _build(value: Object, pools: set[str]) -> Iterator[Fault]:
    identity, pool = ObjectId.of(value), str(at(value, "spec", "machineConfigPool", "name"))
    if pool in pools:
        reason = f"the pool {pool} has an image by osImageURL too"
        yield Fault(reason=reason, remedy="keep the image or the build", object=identity)
    if identity.name != pool:
        reason = f"a MachineOSConfig has the name of its pool, {pool}"
        yield Fault(reason=reason, remedy=f"call it {pool}", object=identity)
    for file in items(value, "spec", "containerFile"):
        content = str(at(file, "content"))
        if len(content) > _LONGEST:
            reason = f"its Containerfile has {len(content)} characters, {_LONGEST} is the most"
            yield Fault(
                reason=reason, remedy="build it elsewhere and give its digest as an image", object=identity
            )
        if not content.rstrip().endswith("ostree container commit"):
            reason = "its Containerfile does not end in 'ostree container commit'"
            yield Fault(reason=reason, remedy="end the last RUN with it", object=identity)
