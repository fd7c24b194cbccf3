"""The objects on the hub that make a cluster, by its provider."""

from okd_gitops.fleet.cluster import Cluster, FleetSpec
from okd_gitops.fleet.providers import Hive, ProviderName
from okd_gitops.generate.providers.hive import fake_objects, openstack_objects
from okd_gitops.generate.providers.provision import Provision
from okd_gitops.manifests.objects import Object

# What providers write to the hub, by group and kind: without a namespace, and in that of the cluster.
CLUSTER_KINDS = (("", "Namespace"), ("hive.openshift.io", "ClusterImageSet"))
NAMESPACED_KINDS = (
    ("external-secrets.io", "ExternalSecret"),
    ("hive.openshift.io", "ClusterDeployment"),
    ("hive.openshift.io", "MachinePool"),
    ("hive.openshift.io", "SyncSet"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
)
_OBJECTS = {ProviderName.HIVE_OPENSTACK: openstack_objects, ProviderName.HIVE_FAKE: fake_objects}


def provided_objects(cluster: Cluster, settings: Hive, fleet: FleetSpec) -> tuple[Object, ...]:
    """Return what the hub gets for a cluster of a fleet, in the order in which it is written."""
    assert cluster.spec.provider
    provision = Provision.of(cluster, fleet)

    return tuple(_OBJECTS[cluster.spec.provider](provision, settings))
