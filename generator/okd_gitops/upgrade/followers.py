"""The clusters of a fleet that follow a release stream, with everything that their upgrades depend on."""

from okd_gitops.fleet.cluster import Cluster, Release
from okd_gitops.fleet.load import Fleet
from okd_gitops.manifests.objects import at
from okd_gitops.manifests.read import FOREIGN, read_all
from okd_gitops.releases.version import Version
from okd_gitops.times import parse_duration
from okd_gitops.upgrade.question import Follower

# Feature sets other than these turn Upgradeable to False for good (openshift/api config/v1 types_feature.go).
_UPGRADEABLE = (None, "", "Default", "OKD")


def followers(fleet: Fleet) -> list[Follower]:
    """Return the clusters whose file names a stream, by name."""
    return [
        _follower(cluster, cluster.spec.release, cluster.spec.release.stream)
        for cluster in fleet.clusters
        if cluster.spec.release and cluster.spec.release.stream
    ]


def _follower(cluster: Cluster, release: Release, stream: str) -> Follower:
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
        hold=upgrades.hold or "",
        window=upgrades.window,
        held=_held(cluster),
        kubernetes=cluster.spec.kubernetes or "",
    )


def _held(cluster: Cluster) -> str:
    """Return why the cluster refuses minor and major updates, as far as its extras in git tell."""
    for path in cluster.extras:
        if not path.endswith((".yaml", ".yml")):
            continue

        for document in read_all(path, cluster.extras[path], bounds=FOREIGN):
            reason = _hold_of(document.value)

            if reason:
                return f"{reason} in {path}"

    return ""


def _hold_of(value: object) -> str:
    """Return what in an object holds minor and major updates back, or nothing."""
    kind = at(value, "kind")
    feature_set = at(value, "spec", "featureSet")

    if kind == "FeatureGate" and feature_set not in _UPGRADEABLE:
        return f"the feature set {feature_set}"

    if kind == "ClusterVersion" and at(value, "spec", "overrides"):
        return "the overrides"

    return ""
