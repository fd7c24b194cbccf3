"""Where a feature's parts go on a cluster: each once, or once for each entry of a list."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from okd_gitops.finding import Findings, nearest
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.example_lines import list_line, parameter_line
from okd_gitops.fleet.feature import Catalog, Feature
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.parameter import Each, valid_key
from okd_gitops.fleet.tables import Rows, rows_of
from okd_gitops.generate.external_secrets import StoredSecrets
from okd_gitops.generate.parameters import (
    ParameterValues,
    PatchedObject,
    Setting,
    patched_objects,
)
from okd_gitops.manifests.objects import Object, kind_and_name
from okd_gitops.manifests.read import Path


@dataclass(frozen=True, slots=True)
class Placement:
    """A part of a feature on a cluster; `key` names the copy of a part that is written once for each entry.

    `reached` are objects of other features, which this one requires and patches.
    """

    feature: str
    part: str
    key: str
    objects: tuple[PatchedObject, ...]
    reached: tuple[PatchedObject, ...] = ()


# The placements of a feature that clusters of one fleet share, by all that decides them.
SharedPlacements = dict[tuple[str, ...], Sequence[Placement]]


class Placing:
    """The placements of one cluster's features in the making; what is wrong goes to `findings`.

    `shared` are those of the clusters before, and takes in those of this one.
    """

    def __init__(
        self,
        fleet: FleetSpec,
        cluster: Cluster,
        catalog: Catalog,
        secrets: StoredSecrets | None,
        findings: Findings,
        shared: SharedPlacements,
    ) -> None:
        self.cluster, self.catalog, self.secrets = cluster, catalog, secrets
        self.parameters = ParameterValues(fleet, cluster, findings)
        self.findings, self.shared = findings, shared

    def placements(self, feature: Feature) -> Sequence[Placement]:
        """Return the parts of a feature that the cluster's environment has, with every copy."""
        values = dict(self.cluster.spec.features.get(feature.name) or {})

        # A store of secrets depends on what the other features of its cluster need.
        if self.secrets and self.secrets.store is feature:
            return self._placements(feature, values)

        facts = {source: self.parameters.facts.get(source) for source in feature.spec.sources}
        key = (feature.name, str(self.cluster.spec.environment), repr(values), repr(facts))
        faults_before = len(self.findings)

        if key not in self.shared:
            placements = self._placements(feature, values)
            # What is wrong is told of each cluster.
            if len(self.findings) != faults_before:
                return placements
            self.shared[key] = placements

        return self.shared[key]

    def _placements(self, feature: Feature, values: Mapping[str, Any]) -> list[Placement]:
        where = ("features", feature.name)

        self._refuse_unknown(feature, values, where)
        self._refuse_idle(feature, values, where)

        placements = self._plain(feature, values, where)
        for name, each in feature.spec.each.items():
            placements += self._copies(feature, name, each, values, where)
        return placements

    def _plain(self, feature: Feature, values: Mapping[str, Any], where: Path) -> list[Placement]:
        """Place the parts that are written once."""
        parts = self._plain_parts(feature)
        required = self._required(feature) if parts else []
        own = [value for part in parts for value in feature.objects(part)]

        names = {kind_and_name(value) for value in (*own, *required)}
        settings = self.parameters.settings(feature.spec.parameters, values, names, where)

        placements = [
            Placement(feature.name, part, "", self._patched(feature, feature.objects(part), settings, where))
            for part in parts
        ]
        if placements:
            # A patch of an overlay reaches every object in it, so it may stand with any placement.
            patched = self._patched(feature, required, settings, where)
            reached = tuple(value for value in patched if value.operations)
            placements[0] = replace(placements[0], reached=reached)
        return placements

    def _copies(
        self, feature: Feature, name: str, each: Each, values: Mapping[str, Any], where: Path
    ) -> list[Placement]:
        """Place the part of a list once for each entry."""
        if each.part not in self._parts(feature):
            if name in values:
                reason = f'"{name}" has no effect on a {self.cluster.spec.environment} cluster'
                self.findings.add("unsuitable-feature", [*where, name], reason, "remove it", key=True)
            return []
        if each.optional and name not in values:
            return []

        entries = values.get(name)
        are_maps = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        if not entries or not are_maps:
            reason = f"{name} must be a list with at least one entry: {each.summary}"
            self.findings.add("invalid-value", [*where, name], reason, f"write `{list_line(name, each)}`")
            return []

        self._refuse_unknown_needs(each, entries, (*where, name))
        self._refuse_repeated(each, entries, (*where, name))
        rows = rows_of(self.catalog, feature, each)
        copies: dict[str, list[Placement]] = {}
        for index, entry in enumerate(entries):
            place = (*where, name, index)
            self._refuse_unknown_fields(each, entry, place)
            if self._key_is_usable(each, entry, place, copies) and self._has_row(each, entry, place, rows):
                copies[str(entry[each.key])] = self._copy(feature, each, entry, place, rows)
        return [placement for placements in copies.values() for placement in placements]

    def _copy(
        self, feature: Feature, each: Each, entry: Mapping[str, Any], place: Path, rows: Rows
    ) -> list[Placement]:
        """Place the parts of one entry."""
        key = str(entry[each.key])
        parts = [part for part in each.parts_of(entry) if part in self._parts(feature)]
        names = {kind_and_name(value) for part in parts for value in feature.objects(part)}

        row = rows.get(key, {})
        settings = self.parameters.settings(each.fields, {**row, **each.entry(entry)}, names, place)

        placements = []
        for part in parts:
            patched = self._patched(feature, feature.objects(part), settings, place)
            named = tuple(_named_for(value, each, key) for value in patched)
            placements.append(Placement(feature.name, part, key, named))
        return placements

    def _patched(
        self, feature: Feature, objects: Sequence[Object], settings: Sequence[Setting], where: Path
    ) -> tuple[PatchedObject, ...]:
        """Return objects with what `settings` change, and what restricts a store of secrets."""
        if self.secrets and self.secrets.store is feature:
            settings = [*settings, *self.secrets.settings(objects)]

        patched = patched_objects(objects, settings)
        for fault in (fault for value in patched for fault in value.faults):
            remedy = "repair its feature.yaml, or the object in catalog/ that replaces this one"
            reason = f"catalog feature {feature.name}, {fault}"
            self.findings.add("broken-feature", where, reason, remedy, key=True)
        return tuple(patched)

    def _parts(self, feature: Feature) -> tuple[str, ...]:
        """Return the parts of a feature that the cluster's environment has."""
        return feature.spec.environments.get(self.cluster.spec.environment, ())

    def _plain_parts(self, feature: Feature) -> list[str]:
        """Return those parts that belong to no list."""
        return [part for part in self._parts(feature) if part not in feature.spec.copied_parts]

    def _required(self, feature: Feature) -> list[Object]:
        """Return the objects of the features that a feature requires, without those that are copied."""
        required = [
            self.catalog.features[name] for name in feature.spec.requires if name in self.catalog.features
        ]
        return [
            value for other in required for part in self._plain_parts(other) for value in other.objects(part)
        ]

    def _refuse_unknown(self, feature: Feature, values: Mapping[str, Any], where: Path) -> None:
        parameters = [name for name, parameter in feature.spec.parameters.items() if not parameter.source]
        known = [*parameters, *feature.spec.each]
        for name in values.keys() - set(known):
            reason = f'"{feature.name}" has no parameter "{name}"'
            self.findings.add("not-in-catalog", [*where, name], reason, nearest(name, known), key=True)

    def _refuse_idle(self, feature: Feature, values: Mapping[str, Any], where: Path) -> None:
        """Refuse a feature whose parts are all copies, and of whose lists none was given."""
        takes_lists_alone = self._parts(feature) and not self._plain_parts(feature)
        if takes_lists_alone and not feature.spec.parameters and not values:
            lists = ", ".join(feature.spec.each)
            reason = f'"{feature.name}" has nothing to do: it takes {lists}'
            name, each = next(iter(feature.spec.each.items()))
            remedy = f"write `{list_line(name, each)}` below it, or remove the feature"
            self.findings.add("missing-parameter", where, reason, remedy, key=True)

    def _refuse_unknown_fields(self, each: Each, entry: Mapping[str, Any], place: Path) -> None:
        for name in entry.keys() - each.fields.keys():
            reason = f'an entry of {place[-2]} has no "{name}"'
            self.findings.add("not-in-catalog", [*place, name], reason, nearest(name, each.fields), key=True)

    def _key_is_usable(
        self, each: Each, entry: Mapping[str, Any], place: Path, taken: Collection[str]
    ) -> bool:
        """Whether an entry's key can name a copy; what speaks against it is a finding."""
        key = str(entry.get(each.key, ""))
        fault = each.fields[each.key].fault(entry.get(each.key))
        path = [*place, each.key]

        if not valid_key(key):
            line = parameter_line(each.key, each.fields[each.key])
            remedy = f"use lower-case letters, digits, dots and dashes, as in `{line}`"
            self.findings.add("invalid-name", path, f'"{key}" cannot be part of a name', remedy)
        elif fault:
            line = parameter_line(each.key, each.fields[each.key], entry.get(each.key))
            self.findings.add(
                "invalid-value", path, f"{each.key}: {fault}", f"write `{line}`: {each.summary}"
            )
        elif key in taken:
            self.findings.add("duplicate-key", path, f"{key} occurs twice", "keep one of them")
        else:
            return True
        return False

    def _has_row(self, each: Each, entry: Mapping[str, Any], place: Path, rows: Rows) -> bool:
        """Whether the table of a list, if it has one, has a line for an entry; without one is a finding."""
        if not each.table:
            return True

        key = str(entry[each.key])
        if key not in rows:
            reason = f'"{key}" is not in the table {each.table}, which has {", ".join(rows)}'
            remedy = "choose one of them, or add a line to the table (docs/building.md)"
            self.findings.add("not-in-catalog", [*place, each.key], reason, remedy)
        return key in rows

    def _refuse_repeated(self, each: Each, entries: Sequence[Mapping[str, Any]], where: Path) -> None:
        """Refuse entries that share a value which only one of them may have."""
        for field in (field for field, parameter in each.fields.items() if parameter.unique):
            first: dict[str, str] = {}

            for index, entry in enumerate(entries):
                value, key = str(entry.get(field)), str(entry.get(each.key))
                if field in entry and first.setdefault(value, key) != key:
                    reason = f"{field}: {first[value]} has {value} already, and {key} needs one of its own"
                    self.findings.add("invalid-value", [*where, index, field], reason, "write another one")

    def _refuse_unknown_needs(self, each: Each, entries: Sequence[Mapping[str, Any]], where: Path) -> None:
        """Refuse entries that name others which are not there, or that need each other in a circle."""
        keys = [str(entry.get(each.key)) for entry in entries]

        for field, parameter in each.fields.items():
            if parameter.type != "entries":
                continue

            needs = [_texts(entry.get(field)) for entry in entries]
            for index, needed in enumerate(needs):
                for key in needed:
                    if key not in keys:
                        reason = f'{field}: no entry of {where[-1]} is called "{key}"'
                        self.findings.add(
                            "not-in-catalog", [*where, index, field], reason, nearest(key, keys)
                        )

            circle = _circle(dict(zip(keys, needs, strict=True)))
            if circle:
                path = [*where, keys.index(circle[0]), field]
                reason = f"{field} form a circle: {' needs '.join(circle)}"
                self.findings.add("invalid-value", path, reason, "remove one of them")


def _named_for(value: PatchedObject, each: Each, key: str) -> PatchedObject:
    """Return the copy of an object for the entry with a key: under another name, or in another namespace."""
    if each.namespace and value.namespace == each.namespace:
        return value.moved(each.own_namespace(key))

    return value.renamed(key if each.names == "key" else f"{value.identity.name}-{key}")


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _circle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return keys of which each needs the next one and the last is the first; empty without a circle."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        nodes: list[str] = error.args[1]
        return nodes[::-1]
    return []
