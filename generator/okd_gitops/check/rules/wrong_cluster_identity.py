"""The rule wrong-cluster-identity; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.cluster_version import is_cluster_id
from okd_gitops.releases.version import Version


def check_object(value: Object) -> Iterator[Fault]:
    """Look at ClusterVersions."""
    identity = ObjectId.of(value)
    if identity.group_kind != "ClusterVersion.config.openshift.io":
        return
    if identity.name != "version":
        yield Fault(
            reason=f'a ClusterVersion is called "version", not "{identity.name}"',
            remedy="rename it",
            object=identity,
        )
    cluster_id = at(value, "spec", "clusterID")
    if cluster_id is not None and not is_cluster_id(str(cluster_id)):
        remedy = "oc get clusterversion version -o jsonpath={.spec.clusterID}"
        yield Fault(
            reason=f'clusterID "{cluster_id}" is not a UUID of version 4', remedy=remedy, object=identity
        )
    if not at(value, "spec", "upstream") and _is_okd(value):
        remedy = "set upstream to the graph of OKD's release controller"
        yield Fault(
            reason="an OKD cluster without upstream asks OpenShift's update graph",
            remedy=remedy,
            object=identity,
        )


def _is_okd(value: Object) -> bool:
    # OpenShift's own clusters rightly leave upstream out; a channel of OKD is enough to tell, because a
    # version may be missing.
    if "scos" in str(at(value, "spec", "channel")):
        return True
    try:
        Version.parse(str(at(value, "spec", "desiredUpdate", "version")))
    except ValueError:
        return False
    return True
