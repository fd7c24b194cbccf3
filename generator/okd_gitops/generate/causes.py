"""Why a parameter has its value on a cluster: the line of a file, the key of an entry, or a default."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from okd_gitops.finding import Findings, Location
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.feature import Feature
from okd_gitops.fleet.load import Fleet
from okd_gitops.fleet.parameter import Each
from okd_gitops.fleet.tables import rows_of
from okd_gitops.generate.parameters import Cause, ParameterValues
from okd_gitops.generate.plan import ClusterPlan
from okd_gitops.manifests.read import Path

# Where a value stands that is called otherwise in a cluster file or in fleet.yaml.
_SPELLED = {
    "fleet.unattended.repository": "fleet.unattendedRepository.repository",
    "fleet.unattended.revision": "fleet.unattendedRepository.revision",
    "release.signatures": "release.signature",
}


@dataclass(frozen=True, slots=True)
class Given:
    """Where a value comes from, in words, and the line if it is one; `is_set` when a file says it."""

    reason: str
    location: Location | None = None
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class ParameterOnCluster:
    """A parameter, or a list of entries, of a feature on a cluster; without a value it is None."""

    name: str
    value: Any
    given: Given


@dataclass(frozen=True, slots=True)
class FeatureOnCluster:
    """A feature on a cluster with all of its parameters."""

    name: str
    given: Given
    parameters: tuple[ParameterOnCluster, ...]


def features_of(fleet: Fleet, planned: ClusterPlan) -> list[FeatureOnCluster]:
    """Return the features of a cluster, and where each of their parameters has its value from."""
    cluster = planned.cluster
    names = {*cluster.purpose.features, *cluster.spec.features} & fleet.catalog.features.keys()
    placed = {placement.feature for placement in planned.placements}

    return [
        FeatureOnCluster(
            name,
            _given_feature(cluster, name),
            tuple(_parameters(fleet, cluster, fleet.catalog.features[name])),
        )
        for name in sorted(names & placed)
    ]


def given(fleet: Fleet, cluster: Cluster, feature: Feature, cause: Cause) -> Given:
    """Return where a parameter of a feature has its value from."""
    path = (*cause.where, cause.parameter)

    if cause.source:
        return _from_source(fleet, cluster, cause.source)

    if path in cluster.document.marks:
        return Given("the cluster file sets it", cluster.document.at(path, key=True), is_set=True)

    if len(cause.where) > 2:
        return _of_entry(fleet, cluster, feature, cause)

    return _DEFAULT if feature.spec.parameters[cause.parameter].default is not None else _NOTHING


_DEFAULT = Given("the feature's default")
_NOTHING = Given("not set, and without a default")


def _given_feature(cluster: Cluster, name: str) -> Given:
    if name in cluster.spec.features:
        place = cluster.document.at(("features", name), key=True)
        return Given("the cluster file names it", place, is_set=True)

    place = cluster.document.at(("purpose",), key=True)
    return Given(f"the purpose {cluster.spec.purpose} brings it", place)


def _parameters(fleet: Fleet, cluster: Cluster, feature: Feature) -> Iterator[ParameterOnCluster]:
    values = cluster.spec.features.get(feature.name) or {}
    facts = ParameterValues(fleet.spec, cluster, Findings()).facts
    where = ("features", feature.name)

    for name, parameter in feature.spec.parameters.items():
        source = parameter.source or ""
        value = facts.get(source) if source else values.get(name, parameter.default)
        why = given(fleet, cluster, feature, Cause(name, where, source))
        yield ParameterOnCluster(name, value, _NOTHING if value in (None, ()) else why)

    for name in feature.spec.each:
        place = cluster.document.at((*where, name), key=True)
        why = Given("the cluster file sets it", place, is_set=True) if name in values else _NOTHING
        yield ParameterOnCluster(name, values.get(name), why)


def _from_source(fleet: Fleet, cluster: Cluster, source: str) -> Given:
    """Return the line of what `from:` of a parameter names."""
    spelled = _SPELLED.get(source, source)

    if spelled == "name":
        return Given("the name of the cluster file", Location(file=cluster.document.file), is_set=True)

    file, _, rest = spelled.partition(".")
    candidates: list[tuple[Any, Path]] = [(cluster.document, tuple(spelled.split(".")))]

    if file == "fleet":
        candidates = [(fleet.document, tuple(rest.split(".")))]
    elif source == "release.upstream":
        candidates.append((fleet.document, ("upstream",)))
    elif source == "release.force":
        candidates.insert(0, (cluster.document, ("emergency", "force")))

    for document, path in candidates:
        if path in document.marks:
            return Given(f"{'.'.join(map(str, path))} sets it", document.at(path, key=True), is_set=True)

    return Given(f"the default of {spelled}")


def _of_entry(fleet: Fleet, cluster: Cluster, feature: Feature, cause: Cause) -> Given:
    """Return where a field of a list's entry has its value from, which the entry itself does not give."""
    name, index = str(cause.where[2]), cause.where[3]
    each: Each = feature.spec.each[name]
    entry = cluster.spec.features[feature.name][name][index]  # type: ignore[index] # planned, so it is there
    place = cluster.document.at((*cause.where, each.key), key=True)
    key = str(entry[each.key])

    if cause.parameter in each.entry({each.key: key}):
        return Given(f"it follows from {each.key} {key} by the feature", place, is_set=True)

    if cause.parameter in rows_of(fleet.catalog, feature, each).get(key, {}):
        return Given(f"it follows from {each.key} {key} by the table {each.table}", place, is_set=True)

    return _DEFAULT
