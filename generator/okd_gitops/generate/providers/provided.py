"""The objects on the hub that make a cluster, by its provider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.providers import Hive, HyperShift, ProviderName
from okd_gitops.generate.providers import hive, hypershift
from okd_gitops.generate.providers.provision import Provision
from okd_gitops.manifests.objects import Object


@dataclass(frozen=True, slots=True)
class _Maker:
    """What makes the objects of a provider, and the fields of them that its controllers fill in."""

    objects: Callable[[Provision, Any], list[Object]]
    filled_in: Sequence[dict[str, Any]]


# What providers write to the hub, by group and kind: without a namespace, and in that of the cluster.
CLUSTER_KINDS = (("", "Namespace"), ("hive.openshift.io", "ClusterImageSet"))
NAMESPACED_KINDS = (
    ("agent-install.openshift.io", "InfraEnv"),
    ("external-secrets.io", "ExternalSecret"),
    ("hive.openshift.io", "ClusterDeployment"),
    ("hive.openshift.io", "MachinePool"),
    ("hive.openshift.io", "SyncSet"),
    ("hypershift.openshift.io", "HostedCluster"),
    ("hypershift.openshift.io", "NodePool"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
)
_MAKERS = {
    ProviderName.HIVE_OPENSTACK: _Maker(hive.openstack_objects, hive.FILLED_IN),
    ProviderName.HIVE_FAKE: _Maker(hive.fake_objects, hive.FILLED_IN),
    ProviderName.HYPERSHIFT_AGENT: _Maker(hypershift.hypershift_objects, hypershift.FILLED_IN),
}


def provided_objects(cluster: Cluster, settings: Hive | HyperShift, fleet: FleetSpec) -> tuple[Object, ...]:
    """Return what the hub gets for a cluster of a fleet, in the order in which it is written."""
    assert cluster.spec.provider
    provision = Provision.of(cluster, fleet)

    return tuple(_MAKERS[cluster.spec.provider].objects(provision, settings))


def filled_in(provider: ProviderName) -> list[dict[str, Any]]:
    """Return the fields that a provider's controllers own, as `ignoreDifferences` of an Application."""
    return [dict(ignored) for ignored in _MAKERS[provider].filled_in]


def filled_in_by_all() -> list[dict[str, Any]]:
    """Return the fields that the controllers of any provider own: those of their own kinds."""
    by_kind = {entry["kind"]: entry for provider in ProviderName for entry in filled_in(provider)}

    return list(by_kind.values())
