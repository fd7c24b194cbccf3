"""Which clusters of a repository follow a release stream, with all that their upgrades depend on."""

from okd_gitops.fleet.upgrades import duration
from okd_gitops.generate.load import Repository
from okd_gitops.generate.plan import ClusterPlan
from okd_gitops.manifests.objects import at
from okd_gitops.manifests.read import FOREIGN, read_all
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.refusals import Follower

# Feature sets other than these turn Upgradeable to False for good (openshift/api config/v1 types_feature.go).
_UPGRADEABLE = (None, "", "Default", "OKD")


def followers(repository: Repository) -> list[Follower]:
    """Return the clusters whose file names a stream, by name."""
    return [
        _follower(planned)
        for planned in repository.plan.clusters
        if planned.cluster.spec.release and planned.cluster.spec.release.stream
    ]


def _follower(planned: ClusterPlan) -> Follower:
    spec = planned.cluster.spec
    release, upgrades = spec.release, spec.upgrades
    assert release is not None
    assert release.stream is not None
    return Follower(
        name=planned.cluster.name,
        purpose=str(spec.purpose),
        guarded=planned.purpose.guarded,
        wave=planned.wave,
        soak=duration(planned.purpose.soak),
        stream=release.stream,
        version=Version.parse(release.version),
        image=release.image,
        channel=release.channel,
        takes=frozenset(planned.purpose.takes),
        acks=frozenset(release.acks),
        accept_risks=frozenset(upgrades.accept_risks),
        hold=upgrades.hold or "",
        window=upgrades.window,
        held=_held(planned),
        kubernetes=spec.kubernetes or "",
    )


def _held(planned: ClusterPlan) -> str:
    """Return why the cluster refuses minor and major updates, as far as its extras in git tell."""
    extras = planned.cluster.extras
    for path in extras:
        for document in (
            read_all(path, extras[path], bounds=FOREIGN) if path.endswith((".yaml", ".yml")) else ()
        ):
            kind = at(document.value, "kind")
            if kind == "FeatureGate" and at(document.value, "spec", "featureSet") not in _UPGRADEABLE:
                return f"the feature set {at(document.value, 'spec', 'featureSet')} in {path}"
            if kind == "ClusterVersion" and at(document.value, "spec", "overrides"):
                return f"the overrides in {path}"
    return ""
