"""The objects on the hub that make a cluster, by its provider."""

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.providers import Hive, ProviderName
from okd_gitops.generate.providers.hive import fake_objects, openstack_objects
from okd_gitops.generate.providers.provision import Provision
from okd_gitops.manifests.objects import Object

_OBJECTS = {ProviderName.HIVE_OPENSTACK: openstack_objects, ProviderName.HIVE_FAKE: fake_objects}


def provided_objects(cluster: Cluster, settings: Hive) -> tuple[Object, ...]:
    """Return what the hub gets for a cluster, in the order in which it is written."""
    assert cluster.spec.provider

    return tuple(_OBJECTS[cluster.spec.provider](Provision.of(cluster), settings))
