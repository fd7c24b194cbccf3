"""Which features a cluster gets: those of its purpose, and those that its file asks for."""

from collections.abc import Mapping

from okd_gitops.finding import Findings, nearest
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.feature import Feature


def chosen_features(cluster: Cluster, known: Mapping[str, Feature], findings: Findings) -> list[Feature]:
    """Return the features of a cluster among those that are known, by name.

    What is asked for and cannot be had, and what is needed and missing, goes to `findings`.
    """
    # A purpose's features are defaults: one that the cluster cannot have is left out, not refused.
    defaults = cluster.purpose.features
    names = {name for name in defaults if name in known and not _unsuitable(cluster, known[name])}
    names |= {name for name in cluster.spec.features if _is_usable(cluster, name, known, findings)}
    features = [known[name] for name in sorted(names)]

    for feature in features:
        for needed in feature.spec.requires:
            if needed not in names:
                reason = f'"{feature.name}" needs the feature "{needed}"'
                remedy = f"add {needed}: under features"
                findings.add("unsuitable-feature", ["features", feature.name], reason, remedy, key=True)

    return features


def _is_usable(cluster: Cluster, name: str, known: Mapping[str, Feature], findings: Findings) -> bool:
    """Whether a feature that the cluster file names is known and for this cluster."""
    where = ["features", name]

    if name not in known:
        reason = f'unknown feature "{name}"'
        findings.add("not-in-catalog", where, reason, nearest(name, known), key=True)
        return False

    unsuitable = _unsuitable(cluster, known[name])
    if unsuitable:
        reason, remedy = unsuitable
        findings.add("unsuitable-feature", where, reason, remedy, key=True)

    return not unsuitable


def _unsuitable(cluster: Cluster, feature: Feature) -> tuple[str, str] | None:
    """Return why the cluster cannot have a feature, and the remedy."""
    environment, kubernetes = cluster.spec.environment, cluster.kubernetes
    spec = feature.spec

    if environment not in spec.environments:
        return (
            f'a {environment} cluster cannot have "{feature.name}"',
            f"it is for: {', '.join(spec.environments)}",
        )
    if not spec.is_served_by(kubernetes):
        return (
            f'a cluster with Kubernetes {kubernetes} cannot have "{feature.name}"',
            f"it is for Kubernetes {spec.minimum_kubernetes} and later; remove it here",
        )
    return None
