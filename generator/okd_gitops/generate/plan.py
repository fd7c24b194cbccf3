"""From cluster files and the catalog to a Plan: which features each cluster gets, with all that comes with
them.

Everything that needs more than one file to judge is judged here: unknown features, missing requirements,
parameters that nothing takes, clusters without a hub. All findings are collected before anything is rendered.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from okd_gitops.errors import UsageError
from okd_gitops.finding import Findings, nearest
from okd_gitops.fleet.cluster import Cluster, Purpose
from okd_gitops.fleet.extras import Extras, read_extras
from okd_gitops.fleet.feature import Catalog, Feature, Ignored, NamespaceSpec
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import Fleet
from okd_gitops.fleet.providers import name_too_long
from okd_gitops.fleet.purpose import PurposeSpec
from okd_gitops.generate.chosen_features import chosen_features
from okd_gitops.generate.external_secrets import StoredSecrets
from okd_gitops.generate.placement import Placement, Placing, SharedPlacements
from okd_gitops.generate.secret_needs import NeededSecret, SecretConflictError, secret_needs
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.scopes import Scopes, defined_scopes


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """Everything that is rendered for one cluster."""

    cluster: Cluster
    placements: tuple[Placement, ...]
    namespaces: Mapping[str, NamespaceSpec]
    extras: Extras
    objects: tuple[ObjectId, ...] = field(repr=False)
    # Fields of those objects that other controllers own.
    ignored: tuple[Ignored, ...] = ()
    external_secrets: tuple[Object, ...] = ()
    # What the features need, and the store that provides it.
    needed_secrets: tuple[NeededSecret, ...] = ()
    stored_secrets: StoredSecrets | None = None
    # What the CRDs among those objects define.
    scopes: Scopes = field(default_factory=dict, repr=False)
    # What the hub gets, so that the cluster's provider makes it.
    provided: tuple[Object, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Brief:
    """What a check asks of a cluster's plan: its parts of features, and whether the hub gets something."""

    cluster: Cluster
    parts: tuple[tuple[str, str], ...]
    is_provided: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The fleet, cluster by cluster, and the parts that are used.

    `briefs` are of every cluster; `clusters` only of those of which nothing was known before.
    """

    fleet: FleetSpec
    clusters: tuple[ClusterPlan, ...]
    parts: Mapping[tuple[str, str], Feature]
    briefs: tuple[Brief, ...] = ()


def plan(fleet: Fleet, known: Mapping[str, Brief] = MappingProxyType({})) -> Plan:
    """Decide what each cluster gets, but for those that are `known`, by name.

    Raises FindingsError with every fault of every cluster file.
    """
    findings = Findings(fleet.document)
    shared: SharedPlacements = {}
    planned = {
        cluster.name: _ClusterStep(
            fleet.spec, cluster, fleet.catalog, findings.of(cluster.document), shared
        ).run()
        for cluster in fleet.clusters
        if cluster.name not in known
    }

    if fleet.spec.unattended:
        _refuse_strangers(fleet, findings)
    else:
        _refuse_missing_hub(fleet, findings)

    findings.raise_errors()

    briefs = [known.get(each.name) or _brief(planned[each.name]) for each in fleet.clusters]
    used = {part for brief in briefs for part in brief.parts}
    parts = {(feature, part): fleet.catalog.features[feature] for feature, part in sorted(used)}

    return Plan(fleet.spec, tuple(planned.values()), parts, tuple(briefs))


def plan_of(fleet: Fleet, name: str) -> Plan:
    """Plan one cluster, beside the fleet's hub: what a cluster gets depends on no other one.

    Raises FindingsError with every fault of their files, and UsageError with the nearest name.
    """
    names = [cluster.name for cluster in fleet.clusters]
    if name not in names:
        raise UsageError(f'the fleet has no cluster "{name}"', nearest(name, names))

    asked = tuple(cluster for cluster in fleet.clusters if cluster.name in (name, fleet.spec.hub))
    return plan(replace(fleet, clusters=asked))


def _brief(planned: ClusterPlan) -> Brief:
    parts = dict.fromkeys((placement.feature, placement.part) for placement in planned.placements)
    return Brief(planned.cluster, tuple(parts), is_provided=bool(planned.provided))


def _refuse_missing_hub(fleet: Fleet, findings: Findings) -> None:
    """Add a finding unless the fleet's hub is one of its clusters, and of that purpose."""
    name = fleet.spec.hub
    hubs = [cluster.name for cluster in fleet.clusters if cluster.spec.purpose == Purpose.HUB]

    if name not in hubs:
        reason = f'the hub "{name}" has no file clusters/{name}.yaml with purpose: hub'
        findings.add("empty-fleet", ["hub"], reason, nearest(name, hubs))


def _refuse_strangers(fleet: Fleet, findings: Findings) -> None:
    """Add a finding for each cluster that must not come and go without a review.

    The hub is a cluster of another repository.
    """
    for cluster in fleet.clusters:
        if cluster.spec.provider is None:
            reason = "fleet.yaml says unattended: true, so only clusters of a provider may be here"
            remedy = "write provider:, or move the file to the fleet's own repository"
            findings.of(cluster.document).add("attended-cluster", ["purpose"], reason, remedy)

    if fleet.spec.unattended_repository:
        reason = "clusters without a review are in this repository already"
        findings.add("invalid-value", ["unattendedRepository"], reason, "remove it, or unattended")


class _ClusterStep:
    """The plan of one cluster in the making; what is wrong goes to `findings`."""

    def __init__(
        self,
        fleet: FleetSpec,
        cluster: Cluster,
        catalog: Catalog,
        findings: Findings,
        shared: SharedPlacements,
    ) -> None:
        self.fleet, self.cluster, self.catalog = fleet, cluster, catalog
        self.findings, self.shared = findings, shared

    def run(self) -> ClusterPlan:
        purpose = self.cluster.purpose
        self._judge_expiry(purpose)
        provided = self._provided(purpose)
        features = chosen_features(self.cluster, self.catalog.features, self.findings)
        extras = read_extras(self.cluster.name, self.cluster.extras, self.findings)

        needed_secrets = self._needed_secrets(features)
        secrets = self._stored(features, needed_secrets)
        placing = Placing(self.fleet, self.cluster, self.catalog, secrets, self.findings, self.shared)
        placements = [placement for feature in features for placement in placing.placements(feature)]

        external_secrets = secrets.objects() if secrets else ()
        placed = _placed(placements)
        namespaces = _namespaces(features, placements, {identity.namespace for identity in placed})
        objects = [
            *(ObjectId("", "v1", "Namespace", "", name) for name in namespaces),
            *map(ObjectId.of, external_secrets),
            *placed,
            *extras.objects,
        ]

        return ClusterPlan(
            cluster=self.cluster,
            placements=tuple(placements),
            namespaces=namespaces,
            extras=extras,
            objects=tuple(objects),
            ignored=_ignored(features, placed),
            external_secrets=external_secrets,
            needed_secrets=needed_secrets,
            stored_secrets=secrets,
            scopes={**self._defined(placements), **extras.scopes},
            provided=provided,
        )

    def _provided(self, purpose: PurposeSpec) -> tuple[Object, ...]:
        """Return the objects on the hub that make the cluster; none without a provider."""
        provider = self.cluster.spec.provider

        if provider is None:
            return ()

        settings = self.fleet.providers.of(provider)

        if settings is None:
            reason = f"fleet.yaml has no settings of {provider}"
            remedy = f"add providers: with {provider}: to fleet.yaml (docs/ephemeral.md has an example)"
            self.findings.add("missing-value", ["provider"], reason, remedy)
            return ()

        if purpose.expires != "required" or self.cluster.spec.expires is None:
            reason = f"{provider} makes clusters that expire, and this one has no end"
            self.findings.add("invalid-value", ["provider"], reason, "write purpose: ephemeral, and expires:")
            return ()

        too_long = name_too_long(provider, self.cluster.name)

        if too_long:
            self.findings.add("invalid-value", ["provider"], too_long, "choose a shorter name")
            return ()

        from okd_gitops.generate.providers.provided import provided_objects

        return provided_objects(self.cluster, settings, self.fleet)

    def _defined(self, placements: Sequence[Placement]) -> Scopes:
        """Return the scopes of the kinds that the CRDs in placements define."""
        parts = {(placement.feature, placement.part) for placement in placements}
        known = self.catalog.features
        return defined_scopes(value for feature, part in parts for value in known[feature].objects(part))

    def _judge_expiry(self, purpose: PurposeSpec) -> None:
        spec = self.cluster.spec
        if purpose.expires == "required" and spec.expires is None:
            reason = f"a cluster of purpose {spec.purpose} expires and needs `expires:`"
            self.findings.add("missing-value", ["purpose"], reason, "add expires: YYYY-MM-DD")
        if purpose.expires == "forbidden" and spec.expires is not None:
            reason = f"a cluster of purpose {spec.purpose} must not expire"
            self.findings.add("invalid-value", ["expires"], reason, "remove expires")

    def _needed_secrets(self, features: Sequence[Feature]) -> tuple[NeededSecret, ...]:
        spec = self.cluster.spec
        values = {name: given or {} for name, given in spec.features.items()}
        try:
            return secret_needs(features, values, spec.environment)
        except SecretConflictError as error:
            remedy = "repair one of the two feature.yaml files"
            self.findings.add("broken-feature", ["features"], f"catalog: {error}", remedy, key=True)
            return ()

    def _stored(self, features: Sequence[Feature], needed: Sequence[NeededSecret]) -> StoredSecrets | None:
        """Return the store of the cluster's secrets, which is a feature, with what it has to provide."""
        stores = [feature for feature in features if feature.spec.external_secrets]
        if not stores:
            return None

        if len(stores) > 1:
            reason = f"{' and '.join(feature.name for feature in stores)} are both stores of secrets"
            path = ["features", stores[1].name]
            self.findings.add("invalid-value", path, reason, "keep one of them", key=True)

        values = self.cluster.spec.features.get(stores[0].name) or {}
        return StoredSecrets(stores[0], values, needed)


def _placed(placements: Sequence[Placement]) -> list[ObjectId]:
    """Return the objects of placements, each in the namespace that it ends up in."""
    moved_by_others = {
        value.identity: value.placed for placement in placements for value in placement.reached
    }
    return [
        moved_by_others.get(value.identity, value.placed)
        for placement in placements
        for value in placement.objects
    ]


def _namespaces(
    features: Iterable[Feature], placements: Iterable[Placement], inhabited: Collection[str]
) -> dict[str, NamespaceSpec]:
    """Return the namespaces of features, and of entries that have one for themselves, with what all features
    say about each.

    A namespace comes with what lives in it: parts that this environment does not get bring none.
    """
    namespaces: dict[str, NamespaceSpec] = {}
    keys: dict[str, set[str]] = {}
    for placement in placements:
        keys.setdefault(placement.feature, set()).add(placement.key)

    for feature in features:
        for name, spec in _own_namespaces(feature, sorted(keys.get(feature.name, ()))):
            if name in inhabited:
                earlier = namespaces.get(name, NamespaceSpec())
                namespaces[name] = NamespaceSpec(
                    labels={**earlier.labels, **spec.labels},
                    annotations={**earlier.annotations, **spec.annotations},
                )

    return namespaces


def _own_namespaces(feature: Feature, keys: Iterable[str]) -> Iterator[tuple[str, NamespaceSpec]]:
    """Yield the namespaces of a feature and, made like that of a list, those of its entries."""
    for name, spec in feature.spec.namespaces.items():
        yield name, spec
        for each in feature.spec.each.values():
            if each.namespace == name:
                yield from ((each.own_namespace(key), spec) for key in keys if key)


def _ignored(features: Iterable[Feature], placed: Iterable[ObjectId]) -> tuple[Ignored, ...]:
    """Return the fields of placed objects that other controllers own."""
    names = {(identity.group, identity.kind, identity.namespace, identity.name) for identity in placed}
    return tuple(
        ignored
        for feature in features
        for ignored in feature.spec.ignore_differences
        if (ignored.group, ignored.kind, ignored.namespace, ignored.name) in names
    )
