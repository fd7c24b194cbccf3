"""Clusters that a provider makes, and a hub that nobody has told to register and to end them."""

from collections.abc import Collection, Iterator

from okd_gitops.finding import Finding, finding_of
from okd_gitops.fleet.cluster import Cluster

_FEATURE = "cluster-register"


def unregistered_clusters(clusters: Collection[Cluster], hub: str) -> Iterator[Finding]:
    """Yield a finding for each cluster of a provider, if the hub is in this fleet and registers none.

    Of a hub that belongs to another fleet, nothing is known here.
    """
    registers = [_FEATURE in cluster.spec.features for cluster in clusters if cluster.name == hub]

    if registers != [False]:
        return

    for cluster in clusters:
        if cluster.spec.provider:
            place = cluster.document.at(("provider",))
            reason = f"{hub} does not have the feature {_FEATURE}: Argo CD will not know {cluster.name}"
            yield finding_of("cluster-nobody-registers", place, reason, clusters=[cluster.name])
