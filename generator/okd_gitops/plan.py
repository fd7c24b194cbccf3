"""From cluster files and the catalog to a Plan: which bases each cluster gets, and what is patched in them.

Everything that needs more than one file to judge is judged here: unknown features, missing requirements, parameters that nothing takes,
clusters without a hub. All findings are collected before anything is rendered.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import Any

from okd_gitops.cluster import Cluster, Fleet, Purpose
from okd_gitops.externalsecret import external_secrets, limited, needs
from okd_gitops.extras import Extras, read_extras
from okd_gitops.feature import Catalog, Each, Feature, Ignored, Parameter, valid_key
from okd_gitops.finding import Finding, FindingsError, nearest, ordered
from okd_gitops.objects import Object, ObjectId
from okd_gitops.patch import Operation, PathError, operations, substitutions
from okd_gitops.purpose import PurposeSpec
from okd_gitops.yamltext import Document


@dataclass(frozen=True, slots=True)
class Patch:
    """The JSON6902 operations on one object."""

    target: ObjectId
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """A part of a feature on a cluster; `key` names the copy when the part is written once for each entry of a list."""

    feature: str
    part: str
    key: str
    patches: tuple[Patch, ...]

    def held(self, feature: Feature) -> list[ObjectId]:
        """Return the objects of this part, each in the namespace that its patches put it in."""
        moved = {patch.target: step["value"] for patch in self.patches for step in patch.operations if step["path"] == "/metadata/namespace"}
        return [replace(each, namespace=moved.get(each, each.namespace)) for each in map(ObjectId.of, feature.objects(self.part))]

    def limited(self, namespaces: Iterable[str]) -> "Placement":
        """Return this placement with its stores of secrets open to `namespaces` alone."""
        return replace(self, patches=tuple(Patch(each.target, (*each.operations, *limited(each.target, namespaces))) for each in self.patches))


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
        findings += step.findings
    hub = by_name.get(fleet.hub)
    if hub is None or hub.spec.purpose != Purpose.HUB:
        reason = f'the hub "{fleet.hub}" has no file clusters/{fleet.hub}.yaml with purpose: hub'
        remedy = nearest(fleet.hub, [name for name, cluster in by_name.items() if cluster.spec.purpose == Purpose.HUB])
        findings.append(Finding(code="GI017", location=fleet_document.at(["hub"]), reason=reason, remedy=remedy))
    if findings:
        raise FindingsError(ordered(findings))
    used = {(placement.feature, placement.part) for cluster in planned for placement in cluster.placements}
    return Plan(fleet, tuple(planned), {pair: catalog.features[pair[0]] for pair in sorted(used)})


class _ClusterStep:
    """The plan of one cluster in the making, with the findings so far."""

    def __init__(self, fleet: Fleet, cluster: Cluster, catalog: Catalog) -> None:
        self.fleet, self.cluster, self.catalog = fleet, cluster, catalog
        self.findings: list[Finding] = []

    def run(self) -> ClusterPlan:
        spec = self.cluster.spec
        purpose = self.catalog.purposes[spec.purpose]
        self.expiry(purpose)
        features = self.features(purpose)
        placements, secrets = self.secrets(features, [placement for feature in features for placement in self.placements(feature)])
        held = [identity for placement in placements for identity in placement.held(self.catalog.features[placement.feature])]
        inhabited = {identity.namespace for identity in held}
        namespaces: dict[str, dict[str, dict[str, str]]] = {}
        for feature in features:
            for name, namespace in feature.spec.namespaces.items():
                # A namespace comes with what lives in it: parts that this environment does not get bring none.
                if name not in inhabited:
                    continue
                merged = namespaces.setdefault(name, {})
                merged["labels"] = {**merged.get("labels", {}), **namespace.labels}
                merged["annotations"] = {**merged.get("annotations", {}), **namespace.annotations}
        extras = self.extras()
        named = {(identity.group, identity.kind, identity.namespace, identity.name) for identity in held}
        ignored = [
            each for feature in features for each in feature.spec.ignore_differences if (each.group, each.kind, each.namespace, each.name) in named
        ]
        made = [ObjectId("", "v1", "Namespace", "", name) for name in namespaces] + [ObjectId.of(value) for value in secrets]
        wave = purpose.wave if spec.wave is None else spec.wave
        owners = spec.owners or self.fleet.owners
        objects = (*made, *held, *extras.objects)
        return ClusterPlan(self.cluster, purpose, owners, wave, placements, namespaces, extras, objects, tuple(ignored), secrets)

    def find(self, code: str, path: Iterable[str | int], reason: str, remedy: str = "", *, key: bool = False) -> None:
        self.findings.append(Finding(code=code, location=self.cluster.document.at(path, key=key), reason=reason, remedy=remedy))

    def expiry(self, purpose: PurposeSpec) -> None:
        spec = self.cluster.spec
        if purpose.expires == "required" and spec.expires is None:
            self.find("GI012", ["purpose"], f"a cluster of purpose {spec.purpose} says when it goes", "add expires: YYYY-MM-DD")
        if purpose.expires == "forbidden" and spec.expires is not None:
            self.find("GI011", ["expires"], f"a cluster of purpose {spec.purpose} does not expire", "remove expires")

    def extras(self) -> Extras:
        extras, findings = read_extras(self.cluster.name, self.cluster.extras)
        self.findings += findings
        return extras

    def features(self, purpose: PurposeSpec) -> list[Feature]:
        spec, known = self.cluster.spec, self.catalog.features
        # A purpose's features are defaults: those that the environment cannot have are left out, asked-for ones are an error.
        names = {name for name in purpose.features if name in known and spec.environment in known[name].spec.environments}
        for name in spec.features:
            if name not in known:
                self.find("GI014", ["features", name], f'unknown feature "{name}"', nearest(name, known), key=True)
            elif spec.environment not in known[name].spec.environments:
                places = ", ".join(known[name].spec.environments)
                self.find("GI015", ["features", name], f'a {spec.environment} cluster cannot have "{name}"', f"it is for: {places}", key=True)
            else:
                names.add(name)
        for name in sorted(names):
            for needed in known[name].spec.requires:
                if needed not in names:
                    self.find("GI015", ["features", name], f'"{name}" needs the feature "{needed}"', f"add {needed}: under features", key=True)
        return [known[name] for name in sorted(names)]

    def placements(self, feature: Feature) -> list[Placement]:
        parts = feature.spec.environments[self.cluster.spec.environment]
        copied = {each.part for each in feature.spec.each.values()}
        given = dict(self.cluster.spec.features.get(feature.name) or {})
        where = ("features", feature.name)
        known = [name for name, parameter in feature.spec.parameters.items() if not parameter.source]
        for name in given.keys() - set(known) - feature.spec.each.keys():
            remedy = nearest(name, [*known, *feature.spec.each])
            self.find("GI014", [*where, name], f'"{feature.name}" has no parameter "{name}"', remedy, key=True)
        plain = [part for part in parts if part not in copied]
        patches = self.patches(feature, plain, feature.spec.parameters, given, where)
        placements = [Placement(feature.name, part, "", patches.get(part, ())) for part in plain]
        if beyond := patches.get(""):
            # A patch of an overlay reaches every object in it, so it may stand with any placement of the feature.
            placements[0] = replace(placements[0], patches=(*placements[0].patches, *beyond))
        for name, each in feature.spec.each.items():
            if each.part in parts:
                if each.optional and name not in given:
                    continue
                placements += self.copies(feature, each, given.get(name), (*where, name))
            elif name in given:
                reason = f'"{name}" has no effect on a {self.cluster.spec.environment} cluster'
                self.find("GI015", [*where, name], reason, "remove it", key=True)
        if parts and copied >= set(parts) and not feature.spec.parameters and not given:
            lists = ", ".join(feature.spec.each)
            self.find("GI016", where, f'"{feature.name}" has nothing to do: it takes {lists}', "give one of them, or remove the feature", key=True)
        return placements

    def secrets(self, features: list[Feature], placements: list[Placement]) -> tuple[tuple[Placement, ...], tuple[Object, ...]]:
        """Return the placements with their secret store limited to the namespaces it is for, and the ExternalSecrets; a store is a feature."""
        given = {feature.name: self.cluster.spec.features.get(feature.name) or {} for feature in features}
        stores = [feature for feature in features if feature.spec.external_secrets]
        if not stores:
            return tuple(placements), ()
        if len(stores) > 1:
            names = " and ".join(feature.name for feature in stores)
            self.find("GI011", ["features", stores[1].name], f"{names} are both stores of secrets", "keep one of them", key=True)
        try:
            found = needs(features, given)
        except ValueError as error:
            self.find("GI018", ["features"], f"catalog: {error}", "repair one of the feature.yaml", key=True)
            return tuple(placements), ()
        narrowed = [
            placement.limited({namespace for namespace, _ in found}) if placement.feature == stores[0].name else placement for placement in placements
        ]
        return tuple(narrowed), external_secrets(stores[0], given[stores[0].name], found)

    def copies(self, feature: Feature, each: Each, entries: Any, where: tuple[str | int, ...]) -> list[Placement]:
        """Place a part once for each entry of its list."""
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.find("GI011", where, f"{where[-1]} is a list with at least one entry: {each.summary}", f"add - {each.key}: …")
            return []
        self.needs(each, entries, where)
        placements: list[Placement] = []
        for index, given in enumerate(entries):
            place = (*where, index)
            key = str(given.get(each.key, ""))
            for name in given.keys() - each.fields.keys():
                self.find("GI014", [*place, name], f'an entry of {where[-1]} has no "{name}"', nearest(name, each.fields), key=True)
            if fault := valid_key(key) and each.fields[each.key].fault(given.get(each.key)):
                self.find("GI011", [*place, each.key], f"{each.key}: {fault}", each.summary)
            elif key in {placement.key for placement in placements}:
                self.find("GI003", [*place, each.key], f"{key} is there twice", "keep one of them")
            elif not valid_key(key):
                self.find("GI013", [*place, each.key], f'"{key}" cannot be part of a name', "use lower-case letters, digits, dots and dashes")
            else:
                patches = self.patches(feature, [each.part], each.fields, each.entry(given), place).get(each.part, ())
                placements.append(Placement(feature.name, each.part, key, _renamed(feature, each, key, patches)))
        return placements

    def needs(self, each: Each, entries: list[dict[str, Any]], where: tuple[str | int, ...]) -> None:
        """Refuse entries that name others which are not there, or that need each other in a circle."""
        keys = [str(entry.get(each.key)) for entry in entries]
        for name in (name for name, parameter in each.fields.items() if parameter.type == "entries"):
            named = [[str(other) for other in entry[name]] if isinstance(entry.get(name), list) else [] for entry in entries]
            for index, others in enumerate(named):
                for other in (other for other in others if other not in keys):
                    self.find("GI014", [*where, index, name], f'{name}: no entry of {where[-1]} is called "{other}"', nearest(other, keys))
            try:
                TopologicalSorter(dict(zip(keys, named, strict=True))).prepare()
            except CycleError as error:
                circle = " needs ".join(reversed(error.args[1]))
                self.find("GI011", [*where, keys.index(error.args[1][0]), name], f"{name} go in a circle: {circle}", "take one of them out")

    def patches(
        self, feature: Feature, parts: Iterable[str], parameters: Mapping[str, Parameter], given: Mapping[str, Any], where: tuple[str | int, ...]
    ) -> dict[str, tuple[Patch, ...]]:
        """Return the patches of each part that the values ask for; those of objects of required features are under an empty name."""
        objects = {part: {f"{value['kind']}/{value['metadata']['name']}": value for value in feature.objects(part)} for part in parts}
        if objects and parameters is feature.spec.parameters:
            objects[""] = self.required(feature)
        found: dict[str, dict[ObjectId, list[Operation]]] = {}
        asked: list[tuple[str, str, Callable[[Object], list[Operation]]]] = []
        texts: dict[tuple[str, str, str], dict[str, str]] = {}
        for name, parameter in parameters.items():
            targets = [(part, each) for each in parameter.sets for part in objects if each.object in objects[part]]
            if not targets and parameter.sets:
                if name in given and not parameter.source and "features" in where and len(where) == 2:
                    reason = f'"{name}" has no effect on a {self.cluster.spec.environment} cluster'
                    self.find("GI015", [*where, name], reason, "remove it", key=True)
                continue
            value = self.value(name, parameter, given, where)
            if value is None:
                continue
            for part, target in targets:
                if target.text:
                    # Several values may share one string, which is written once.
                    texts.setdefault((part, target.object, target.path), {})[target.text] = str(value)
                else:
                    asked.append((part, target.object, partial(operations, path=target.path, new=value)))
        asked += [(part, name, partial(substitutions, path=path, texts=values)) for (part, name, path), values in texts.items()]
        for part, name, steps in asked:
            value_object = objects[part][name]
            try:
                found.setdefault(part, {}).setdefault(ObjectId.of(value_object), []).extend(steps(value_object))
            except PathError as error:
                remedy = "repair its feature.yaml, or what catalog/ puts in the place of the object"
                self.find("GI018", where, f"catalog feature {feature.name}, {name}: {error}", remedy, key=True)
        return {part: tuple(Patch(target, tuple(steps)) for target, steps in sorted(by_target.items()) if steps) for part, by_target in found.items()}

    def required(self, feature: Feature) -> dict[str, Object]:
        """Return the objects of the features that a feature requires, without those that are copied for each entry of a list."""
        found: dict[str, Object] = {}
        for needed in (self.catalog.features[name] for name in feature.spec.requires if name in self.catalog.features):
            parts = needed.spec.environments.get(self.cluster.spec.environment, ())
            for part in set(parts) - {each.part for each in needed.spec.each.values()}:
                found |= {f"{value['kind']}/{value['metadata']['name']}": value for value in needed.objects(part)}
        return found

    def value(self, name: str, parameter: Parameter, given: Mapping[str, Any], where: tuple[str | int, ...]) -> Any:
        value = self.fact(parameter.source) if parameter.source else given.get(name, parameter.default)
        if value is None or value == ():
            if not parameter.optional:
                source = parameter.source
                path, what = (tuple(source.split(".")[:-1]), source) if source else (where, name)
                self.find("GI016", path, f'"{what}" is missing: {parameter.summary}', f"add {what.rsplit('.', 1)[-1]}: …", key=True)
            return None
        if fault := parameter.fault(value):
            self.find("GI011", [*where, name], f"{name}: {fault}", parameter.summary)
            return None
        if parameter.type == "entries":
            return " ".join(value)
        if parameter.type == "text":
            # kustomize trims the text of a patch: at its end a line feed would go, elsewhere it would stay.
            return value.rstrip("\n")
        return dict.fromkeys(value, "true") if parameter.type == "set" else list(value) if parameter.type == "list" else value

    def fact(self, source: str) -> Any:
        """Look a value up in the cluster file, or (`fleet.…`) in fleet.yaml."""
        spec = self.cluster.spec
        facts: dict[str, Any] = {"name": self.cluster.name, "clusterID": spec.cluster_id, "purpose": str(spec.purpose)}
        facts |= {f"fleet.{name}": value for name, value in self.fleet}
        if spec.release:
            facts |= {f"release.{name}": value for name, value in spec.release}
            facts["release.upstream"] = spec.release.upstream or self.fleet.upstream
        return facts.get(source)


def _renamed(feature: Feature, each: Each, key: str, patches: tuple[Patch, ...]) -> tuple[Patch, ...]:
    """Name every object of a copied part by the key."""
    asked = {patch.target: patch.operations for patch in patches}
    targets = sorted(ObjectId.of(value) for value in feature.objects(each.part))
    names = {target: key if each.names == "key" else f"{target.name}-{key}" for target in targets}
    return tuple(Patch(target, ({"op": "replace", "path": "/metadata/name", "value": names[target]}, *asked.get(target, ()))) for target in targets)
