"""The clusters of a fleet that follow a release stream, with everything that their upgrades depend on."""

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.fleet.release import Release
from okd_gitops.releases.version import Version
from okd_gitops.times import parse_duration
from okd_gitops.upgrade.holds import holds_of
from okd_gitops.upgrade.question import Follower


def followers(fleet: Fleet) -> list[Follower]:
    """Return the clusters whose file names a stream, by name.

    One that a provider makes follows none: it is made for one release, and another one needs another cluster.
    """
    return [
        follower_of(cluster, cluster.spec.release, cluster.spec.release.stream)
        for cluster in fleet.clusters
        if cluster.spec.release and cluster.spec.release.stream and not cluster.spec.provider
    ]


def follower_of(cluster: Cluster, release: Release, stream: str) -> Follower:
    """Return what a cluster's upgrades depend on; an empty `stream` is none."""
    upgrades = cluster.spec.upgrades

    return Follower(
        name=cluster.name,
        purpose=str(cluster.spec.purpose),
        guarded=cluster.purpose.guarded,
        wave=cluster.wave,
        soak=parse_duration(cluster.purpose.soak),
        stream=stream,
        version=Version.parse(release.version),
        image=release.image,
        channel=release.channel,
        takes=frozenset(cluster.purpose.takes),
        acks=frozenset(release.acks),
        accept_risks=frozenset(upgrades.accept_risks),
        accepts=upgrades.accept,
        hold=upgrades.hold or "",
        window=upgrades.window,
        holds=holds_of(cluster),
        kubernetes=cluster.spec.kubernetes or "",
        emergency=cluster.spec.emergency.reason if cluster.spec.emergency else "",
        cluster_id=cluster.spec.cluster_id or "",
    )
