"""From cluster files and the catalog to a Plan: which features each cluster gets, with all that comes with
them.

Everything that needs more than one file to judge is judged here: unknown features, missing requirements,
parameters that nothing takes, clusters without a hub. All findings are collected before anything is rendered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from okd_gitops.finding import Finding, FindingsError, nearest, ordered
from okd_gitops.fleet.cluster import Cluster, Fleet, Purpose
from okd_gitops.fleet.extras import Extras, read_extras
from okd_gitops.fleet.feature import Catalog, Feature, Ignored
from okd_gitops.fleet.purpose import PurposeSpec
from okd_gitops.generate.external_secrets import external_secrets, needs
from okd_gitops.generate.placement import Faults, Placement, Placing
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.read import Document


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """Everything that is rendered for one cluster."""

    cluster: Cluster
    purpose: PurposeSpec
    owners: tuple[str, ...]
    wave: int
    placements: tuple[Placement, ...]
    namespaces: Mapping[str, Mapping[str, Mapping[str, str]]]
    extras: Extras
    objects: tuple[ObjectId, ...] = field(repr=False)
    # Fields of those objects that other controllers own.
    ignored: tuple[Ignored, ...] = ()
    external_secrets: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The fleet, cluster by cluster, and the parts that are used."""

    fleet: Fleet
    clusters: tuple[ClusterPlan, ...]
    parts: Mapping[tuple[str, str], Feature]


def plan(fleet: Fleet, fleet_document: Document, clusters: Iterable[Cluster], catalog: Catalog) -> Plan:
    """Decide what each cluster gets; raises FindingsError with every fault of every cluster file."""
    planned, findings = [], []
    by_name = {cluster.name: cluster for cluster in clusters}
    for _, cluster in sorted(by_name.items()):
        step = _ClusterStep(fleet, cluster, catalog)
        planned.append(step.run())
        findings += step.faults.findings
    hub = by_name.get(fleet.hub)
    if hub is None or hub.spec.purpose != Purpose.HUB:
        reason = f'the hub "{fleet.hub}" has no file clusters/{fleet.hub}.yaml with purpose: hub'
        remedy = nearest(
            fleet.hub, [name for name, cluster in by_name.items() if cluster.spec.purpose == Purpose.HUB]
        )
        findings.append(
            Finding(name="empty-fleet", location=fleet_document.at(["hub"]), reason=reason, remedy=remedy)
        )
    if findings:
        raise FindingsError(ordered(findings))
    used = {(placement.feature, placement.part) for cluster in planned for placement in cluster.placements}
    return Plan(fleet, tuple(planned), {pair: catalog.features[pair[0]] for pair in sorted(used)})


class _ClusterStep:
    """The plan of one cluster in the making, with the findings so far."""

    def __init__(self, fleet: Fleet, cluster: Cluster, catalog: Catalog) -> None:
        self.fleet, self.cluster, self.catalog = fleet, cluster, catalog
        self.faults = Faults(cluster.document)
        self.find = self.faults.find

    def run(self) -> ClusterPlan:
        spec = self.cluster.spec
        purpose = self.catalog.purposes[spec.purpose]
        self.expiry(purpose)
        features = self.features(purpose)
        placing = Placing(self.fleet, self.cluster, self.catalog, self.faults)
        placements, secrets = self.secrets(
            features, [placement for feature in features for placement in placing.placements(feature)]
        )
        held = [
            identity
            for placement in placements
            for identity in placement.held(self.catalog.features[placement.feature])
        ]
        inhabited = {identity.namespace for identity in held}
        namespaces: dict[str, dict[str, dict[str, str]]] = {}
        for feature in features:
            for name, namespace in feature.spec.namespaces.items():
                # A namespace comes with what lives in it: parts that this environment does not get bring
                # none.
                if name not in inhabited:
                    continue
                merged = namespaces.setdefault(name, {})
                merged["labels"] = {**merged.get("labels", {}), **namespace.labels}
                merged["annotations"] = {**merged.get("annotations", {}), **namespace.annotations}
        extras = self.extras()
        named = {(identity.group, identity.kind, identity.namespace, identity.name) for identity in held}
        ignored = [
            each
            for feature in features
            for each in feature.spec.ignore_differences
            if (each.group, each.kind, each.namespace, each.name) in named
        ]
        made = [ObjectId("", "v1", "Namespace", "", name) for name in namespaces] + [
            ObjectId.of(value) for value in secrets
        ]
        wave = purpose.wave if spec.wave is None else spec.wave
        owners = spec.owners or self.fleet.owners
        objects = (*made, *held, *extras.objects)
        return ClusterPlan(
            self.cluster,
            purpose,
            owners,
            wave,
            placements,
            namespaces,
            extras,
            objects,
            tuple(ignored),
            secrets,
        )

    def expiry(self, purpose: PurposeSpec) -> None:
        spec = self.cluster.spec
        if purpose.expires == "required" and spec.expires is None:
            self.find(
                "missing-value",
                ["purpose"],
                f"a cluster of purpose {spec.purpose} says when it goes",
                "add expires: YYYY-MM-DD",
            )
        if purpose.expires == "forbidden" and spec.expires is not None:
            self.find(
                "invalid-value",
                ["expires"],
                f"a cluster of purpose {spec.purpose} does not expire",
                "remove expires",
            )

    def extras(self) -> Extras:
        extras, findings = read_extras(self.cluster.name, self.cluster.extras)
        self.faults.findings.extend(findings)
        return extras

    def features(self, purpose: PurposeSpec) -> list[Feature]:
        spec, known = self.cluster.spec, self.catalog.features
        # A purpose's features are defaults: those that the environment cannot have are left out, asked-for
        # ones are an error.
        names = {
            name
            for name in purpose.features
            if name in known and spec.environment in known[name].spec.environments
        }
        for name in spec.features:
            if name not in known:
                self.find(
                    "not-in-catalog",
                    ["features", name],
                    f'unknown feature "{name}"',
                    nearest(name, known),
                    key=True,
                )
            elif spec.environment not in known[name].spec.environments:
                places = ", ".join(known[name].spec.environments)
                self.find(
                    "unsuitable-feature",
                    ["features", name],
                    f'a {spec.environment} cluster cannot have "{name}"',
                    f"it is for: {places}",
                    key=True,
                )
            else:
                names.add(name)
        for name in sorted(names):
            for needed in known[name].spec.requires:
                if needed not in names:
                    self.find(
                        "unsuitable-feature",
                        ["features", name],
                        f'"{name}" needs the feature "{needed}"',
                        f"add {needed}: under features",
                        key=True,
                    )
        return [known[name] for name in sorted(names)]

    def secrets(
        self, features: list[Feature], placements: list[Placement]
    ) -> tuple[tuple[Placement, ...], tuple[Object, ...]]:
        """Return the placements with their secret store limited to the namespaces it is for, and the
        ExternalSecrets; a store is a feature.
        """
        given = {feature.name: self.cluster.spec.features.get(feature.name) or {} for feature in features}
        stores = [feature for feature in features if feature.spec.external_secrets]
        if not stores:
            return tuple(placements), ()
        if len(stores) > 1:
            names = " and ".join(feature.name for feature in stores)
            self.find(
                "invalid-value",
                ["features", stores[1].name],
                f"{names} are both stores of secrets",
                "keep one of them",
                key=True,
            )
        try:
            found = needs(features, given)
        except ValueError as error:
            self.find(
                "broken-feature",
                ["features"],
                f"catalog: {error}",
                "repair one of the feature.yaml",
                key=True,
            )
            return tuple(placements), ()
        narrowed = [
            placement.limited({namespace for namespace, _ in found})
            if placement.feature == stores[0].name
            else placement
            for placement in placements
        ]
        return tuple(narrowed), external_secrets(stores[0], given[stores[0].name], found)
