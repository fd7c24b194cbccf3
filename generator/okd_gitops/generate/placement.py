"""Where a feature's parts go on a cluster, once or once for each entry of a list, and what the values in
its file patch in them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import Any

from okd_gitops.finding import Finding, nearest
from okd_gitops.fleet.cluster import Cluster, Fleet
from okd_gitops.fleet.feature import Catalog, Each, Feature, Parameter, valid_key
from okd_gitops.generate.external_secrets import limited
from okd_gitops.manifests.json_patch import Operation, PathError, operations, substitutions
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.read import Document


@dataclass(frozen=True, slots=True)
class Patch:
    """The JSON6902 operations on one object."""

    target: ObjectId
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """A part of a feature on a cluster; `key` names the copy when the part is written once for each entry
    of a list.
    """

    feature: str
    part: str
    key: str
    patches: tuple[Patch, ...]

    def held(self, feature: Feature) -> list[ObjectId]:
        """Return the objects of this part, each in the namespace that its patches put it in."""
        moved = {
            patch.target: step["value"]
            for patch in self.patches
            for step in patch.operations
            if step["path"] == "/metadata/namespace"
        }
        return [
            replace(each, namespace=moved.get(each, each.namespace))
            for each in map(ObjectId.of, feature.objects(self.part))
        ]

    def limited(self, namespaces: Iterable[str]) -> "Placement":
        """Return this placement with its stores of secrets open to `namespaces` alone."""
        return replace(
            self,
            patches=tuple(
                Patch(each.target, (*each.operations, *limited(each.target, namespaces)))
                for each in self.patches
            ),
        )


@dataclass(frozen=True, slots=True)
class Faults:
    """The findings so far about one file."""

    document: Document
    findings: list[Finding] = field(default_factory=list)

    def find(
        self, name: str, path: Iterable[str | int], reason: str, remedy: str = "", *, key: bool = False
    ) -> None:
        """Add a finding with its place in the file."""
        self.findings.append(
            Finding(name=name, location=self.document.at(path, key=key), reason=reason, remedy=remedy)
        )


class Placing:
    """The placements of one cluster's features in the making; what is wrong goes to `faults`."""

    def __init__(self, fleet: Fleet, cluster: Cluster, catalog: Catalog, faults: Faults) -> None:
        self.fleet, self.cluster, self.catalog = fleet, cluster, catalog
        self.find = faults.find

    def placements(self, feature: Feature) -> list[Placement]:
        """Return the parts of a feature that the cluster's environment has, each copy of those that belong
        to a list.
        """
        parts = feature.spec.environments[self.cluster.spec.environment]
        copied = {each.part for each in feature.spec.each.values()}
        given = dict(self.cluster.spec.features.get(feature.name) or {})
        where = ("features", feature.name)
        known = [name for name, parameter in feature.spec.parameters.items() if not parameter.source]
        for name in given.keys() - set(known) - feature.spec.each.keys():
            remedy = nearest(name, [*known, *feature.spec.each])
            self.find(
                "not-in-catalog",
                [*where, name],
                f'"{feature.name}" has no parameter "{name}"',
                remedy,
                key=True,
            )
        plain = [part for part in parts if part not in copied]
        patches = self.patches(feature, plain, feature.spec.parameters, given, where)
        placements = [Placement(feature.name, part, "", patches.get(part, ())) for part in plain]
        if beyond := patches.get(""):
            # A patch of an overlay reaches every object in it, so it may stand with any placement of the
            # feature.
            placements[0] = replace(placements[0], patches=(*placements[0].patches, *beyond))
        for name, each in feature.spec.each.items():
            if each.part in parts:
                if each.optional and name not in given:
                    continue
                placements += self.copies(feature, each, given.get(name), (*where, name))
            elif name in given:
                reason = f'"{name}" has no effect on a {self.cluster.spec.environment} cluster'
                self.find("unsuitable-feature", [*where, name], reason, "remove it", key=True)
        if parts and copied >= set(parts) and not feature.spec.parameters and not given:
            lists = ", ".join(feature.spec.each)
            self.find(
                "missing-parameter",
                where,
                f'"{feature.name}" has nothing to do: it takes {lists}',
                "give one of them, or remove the feature",
                key=True,
            )
        return placements

    def copies(
        self, feature: Feature, each: Each, entries: Any, where: tuple[str | int, ...]
    ) -> list[Placement]:
        """Place a part once for each entry of its list."""
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.find(
                "invalid-value",
                where,
                f"{where[-1]} is a list with at least one entry: {each.summary}",
                f"add - {each.key}: …",
            )
            return []
        self.needs(each, entries, where)
        placements: list[Placement] = []
        for index, given in enumerate(entries):
            place = (*where, index)
            key = str(given.get(each.key, ""))
            for name in given.keys() - each.fields.keys():
                self.find(
                    "not-in-catalog",
                    [*place, name],
                    f'an entry of {where[-1]} has no "{name}"',
                    nearest(name, each.fields),
                    key=True,
                )
            if fault := valid_key(key) and each.fields[each.key].fault(given.get(each.key)):
                self.find("invalid-value", [*place, each.key], f"{each.key}: {fault}", each.summary)
            elif key in {placement.key for placement in placements}:
                self.find("duplicate-key", [*place, each.key], f"{key} is there twice", "keep one of them")
            elif not valid_key(key):
                self.find(
                    "invalid-name",
                    [*place, each.key],
                    f'"{key}" cannot be part of a name',
                    "use lower-case letters, digits, dots and dashes",
                )
            else:
                patches = self.patches(feature, [each.part], each.fields, each.entry(given), place).get(
                    each.part, ()
                )
                placements.append(
                    Placement(feature.name, each.part, key, _renamed(feature, each, key, patches))
                )
        return placements

    def needs(self, each: Each, entries: list[dict[str, Any]], where: tuple[str | int, ...]) -> None:
        """Refuse entries that name others which are not there, or that need each other in a circle."""
        keys = [str(entry.get(each.key)) for entry in entries]
        for name in (name for name, parameter in each.fields.items() if parameter.type == "entries"):
            named = [
                [str(other) for other in entry[name]] if isinstance(entry.get(name), list) else []
                for entry in entries
            ]
            for index, others in enumerate(named):
                for other in (other for other in others if other not in keys):
                    self.find(
                        "not-in-catalog",
                        [*where, index, name],
                        f'{name}: no entry of {where[-1]} is called "{other}"',
                        nearest(other, keys),
                    )
            try:
                TopologicalSorter(dict(zip(keys, named, strict=True))).prepare()
            except CycleError as error:
                circle = " needs ".join(reversed(error.args[1]))
                self.find(
                    "invalid-value",
                    [*where, keys.index(error.args[1][0]), name],
                    f"{name} go in a circle: {circle}",
                    "take one of them out",
                )

    def patches(
        self,
        feature: Feature,
        parts: Iterable[str],
        parameters: Mapping[str, Parameter],
        given: Mapping[str, Any],
        where: tuple[str | int, ...],
    ) -> dict[str, tuple[Patch, ...]]:
        """Return the patches of each part that the values ask for; those of objects of required features
        are under an empty name.
        """
        objects = {
            part: {f"{value['kind']}/{value['metadata']['name']}": value for value in feature.objects(part)}
            for part in parts
        }
        if objects and parameters is feature.spec.parameters:
            objects[""] = self.required(feature)
        found: dict[str, dict[ObjectId, list[Operation]]] = {}
        asked: list[tuple[str, str, Callable[[Object], list[Operation]]]] = []
        texts: dict[tuple[str, str, str], dict[str, str]] = {}
        for name, parameter in parameters.items():
            targets = [
                (part, each) for each in parameter.sets for part in objects if each.object in objects[part]
            ]
            if not targets and parameter.sets:
                if name in given and not parameter.source and "features" in where and len(where) == 2:
                    reason = f'"{name}" has no effect on a {self.cluster.spec.environment} cluster'
                    self.find("unsuitable-feature", [*where, name], reason, "remove it", key=True)
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
        asked += [
            (part, name, partial(substitutions, path=path, texts=values))
            for (part, name, path), values in texts.items()
        ]
        for part, name, steps in asked:
            value_object = objects[part][name]
            try:
                found.setdefault(part, {}).setdefault(ObjectId.of(value_object), []).extend(
                    steps(value_object)
                )
            except PathError as error:
                remedy = "repair its feature.yaml, or what catalog/ puts in the place of the object"
                self.find(
                    "broken-feature",
                    where,
                    f"catalog feature {feature.name}, {name}: {error}",
                    remedy,
                    key=True,
                )
        return {
            part: tuple(Patch(target, tuple(steps)) for target, steps in sorted(by_target.items()) if steps)
            for part, by_target in found.items()
        }

    def required(self, feature: Feature) -> dict[str, Object]:
        """Return the objects of the features that a feature requires, without those that are copied for
        each entry of a list.
        """
        found: dict[str, Object] = {}
        for needed in (
            self.catalog.features[name] for name in feature.spec.requires if name in self.catalog.features
        ):
            parts = needed.spec.environments.get(self.cluster.spec.environment, ())
            for part in set(parts) - {each.part for each in needed.spec.each.values()}:
                found |= {
                    f"{value['kind']}/{value['metadata']['name']}": value for value in needed.objects(part)
                }
        return found

    def value(
        self, name: str, parameter: Parameter, given: Mapping[str, Any], where: tuple[str | int, ...]
    ) -> Any:
        value = self.fact(parameter.source) if parameter.source else given.get(name, parameter.default)
        if value is None or value == ():
            if not parameter.optional:
                source = parameter.source
                path, what = (tuple(source.split(".")[:-1]), source) if source else (where, name)
                self.find(
                    "missing-parameter",
                    path,
                    f'"{what}" is missing: {parameter.summary}',
                    f"add {what.rsplit('.', 1)[-1]}: …",
                    key=True,
                )
            return None
        if fault := parameter.fault(value):
            self.find("invalid-value", [*where, name], f"{name}: {fault}", parameter.summary)
            return None
        if parameter.type == "entries":
            return " ".join(value)
        if parameter.type == "text":
            # kustomize trims the text of a patch: at its end a line feed would go, elsewhere it would stay.
            return value.rstrip("\n")
        return (
            dict.fromkeys(value, "true")
            if parameter.type == "set"
            else list(value)
            if parameter.type == "list"
            else value
        )

    def fact(self, source: str) -> Any:
        """Look a value up in the cluster file, or (`fleet.…`) in fleet.yaml."""
        spec = self.cluster.spec
        facts: dict[str, Any] = {
            "name": self.cluster.name,
            "clusterID": spec.cluster_id,
            "purpose": str(spec.purpose),
        }
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
    return tuple(
        Patch(
            target,
            ({"op": "replace", "path": "/metadata/name", "value": names[target]}, *asked.get(target, ())),
        )
        for target in targets
    )
