"""cluster expire: remove every ephemeral cluster whose last day has passed."""

from dataclasses import replace
from datetime import datetime

from okd_gitops.finding import Finding, finding_of
from okd_gitops.fleet.cluster import Cluster, Purpose
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.generate import Edit
from okd_gitops.lifecycle.committed import Committed
from okd_gitops.lifecycle.remove_cluster import Removal, remove_clusters
from okd_gitops.times import end_of_day


def expired_clusters(fleet: Fleet, now: datetime) -> list[Cluster]:
    """Return the ephemeral clusters whose last day (UTC) has passed; no other purpose has an end."""
    return [
        cluster
        for cluster in fleet.clusters
        if cluster.spec.purpose == Purpose.EPHEMERAL
        and cluster.spec.expires
        and end_of_day(cluster.spec.expires) <= now
    ]


def expire_clusters(fleet: Fleet, committed: Committed, now: datetime) -> Removal:
    """Return the removal of the expired clusters; a file that HEAD has for another cluster stays.

    Such a file was edited or its name was used anew, and a person has not committed that yet.
    """
    expired = expired_clusters(fleet, now)
    replaced = [finding for cluster in expired for finding in _replaced(cluster, committed)]
    certain = [cluster for cluster in expired if not committed.other_identity(cluster)]

    # Nothing is generated for the sake of nothing: what else differs is not this command's.
    removal = remove_clusters(fleet, certain) if certain else Removal(Edit(fleet=None))

    return replace(removal, findings=(*replaced, *removal.findings))


def _replaced(cluster: Cluster, committed: Committed) -> list[Finding]:
    return [
        finding_of(
            "expired-cluster-replaced",
            cluster.document.at((key,)),
            f"{cluster.name} has expired, and in HEAD it has another {key}: it stays",
            clusters=(cluster.name,),
        )
        for key in committed.other_identity(cluster)
    ]
