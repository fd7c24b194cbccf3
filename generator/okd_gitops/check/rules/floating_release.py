"""The rule floating-release; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.version import image_fault

# Where each kind names a release image.
_PLACES = {
    "ClusterVersion.config.openshift.io": ("spec", "desiredUpdate", "image"),
    "ClusterImageSet.hive.openshift.io": ("spec", "releaseImage"),
    "HostedCluster.hypershift.openshift.io": ("spec", "release", "image"),
    "NodePool.hypershift.openshift.io": ("spec", "release", "image"),
}


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the release image of the kinds that have one; a ClusterVersion that asks for no update needs
    none.
    """
    identity = ObjectId.of(value)
    path = _PLACES.get(identity.group_kind)
    if path is None or (identity.kind == "ClusterVersion" and at(value, "spec", "desiredUpdate") is None):
        return
    image = at(value, *path)
    if image is None:
        yield Fault(
            reason=f"{'.'.join(path)} is missing: a version alone can name two images",
            remedy="add the digest",
            object=identity,
        )
    elif reason := image_fault(str(image)):
        yield Fault(
            reason=f"{'.'.join(path)}: {reason}",
            remedy="oc adm release info VERSION prints the digest",
            object=identity,
        )
