"""From the values that a cluster file gives a feature to the objects that they change.

A value is checked against its parameter and becomes settings, one for each place that the parameter names.
The settings for an object become the JSON6902 operations on it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from okd_gitops.finding import Findings
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.example_lines import parameter_line
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.parameter import Parameter
from okd_gitops.manifests.json_patch import Operation, PathError, operations, segments, substituted
from okd_gitops.manifests.objects import KEPT, Object, ObjectId, Same, kind_and_name
from okd_gitops.manifests.read import Path

# What many clusters share is asked for again before as many others are; what one alone has goes.
_SHARED = 256


@dataclass(frozen=True, slots=True)
class Cause:
    """The parameter that a value belongs to, and the path of the parameters beside it in the cluster file.

    `source` is what the parameter takes its value from, if not from there.
    """

    parameter: str
    where: Path
    source: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for one place of an object (`Kind/name`); with `text`, for that text in the string there."""

    object: str
    path: str
    value: Any
    text: str = ""
    cause: Cause | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PatchedObject:
    """An object of the catalog, the namespace that it ends up in, and the operations on it.

    `faults` are the settings whose paths lead nowhere.
    """

    identity: ObjectId
    namespace: str
    operations: tuple[Operation, ...] = ()
    faults: tuple[str, ...] = ()
    # What the operations follow from, and what the object says already.
    settings: tuple[Setting, ...] = field(default=(), compare=False, repr=False)

    @property
    def placed(self) -> ObjectId:
        """The object's identity in the catalog, in the namespace that it ends up in."""
        is_moved = self.namespace != self.identity.namespace
        return replace(self.identity, namespace=self.namespace) if is_moved else self.identity

    def renamed(self, name: str) -> "PatchedObject":
        """Return this object with another name on the cluster."""
        return _renamed(Same(self), name)

    def moved(self, namespace: str) -> "PatchedObject":
        """Return this object in another namespace on the cluster."""
        return _moved(Same(self), namespace)


@lru_cache(maxsize=KEPT)
def _renamed(same: Same[PatchedObject], name: str) -> PatchedObject:
    rename = {"op": "replace", "path": "/metadata/name", "value": name}
    return replace(same.value, operations=(rename, *same.value.operations))


@lru_cache(maxsize=KEPT)
def _moved(same: Same[PatchedObject], namespace: str) -> PatchedObject:
    move = {"op": "replace", "path": "/metadata/namespace", "value": namespace}
    return replace(same.value, namespace=namespace, operations=(move, *same.value.operations))


class ParameterValues:
    """Reads the values of parameters out of one cluster's file; what is wrong goes to `findings`."""

    def __init__(self, fleet: FleetSpec, cluster: Cluster, findings: Findings) -> None:
        self.environment = cluster.spec.environment
        self.facts = _facts(fleet, cluster)
        self.findings = findings

    def settings(
        self,
        parameters: Mapping[str, Parameter],
        values: Mapping[str, Any],
        names: Collection[str],
        where: Path,
    ) -> list[Setting]:
        """Return what the values change in the objects called `names` (`Kind/name`).

        `where` is the path of the values in the cluster file.
        """
        settings: list[Setting] = []

        for name, parameter in parameters.items():
            targets = [target for target in parameter.sets if target.object in names]
            if parameter.sets and not targets:
                self._refuse_without_effect(name, parameter, values, where)
                continue

            self._refuse_combination(name, parameter, values, where)
            value = self._value(name, parameter, values, where)
            if value is not None:
                cause = Cause(name, where, parameter.source or "")
                settings += [
                    Setting(target.object, target.path, value, target.text, cause) for target in targets
                ]

        return settings

    def _value(self, name: str, parameter: Parameter, values: Mapping[str, Any], where: Path) -> Any:
        """Return the value of a parameter as an object gets it; None when it has none, or a wrong one."""
        source = parameter.source
        value = self.facts.get(source) if source else values.get(name, parameter.default)

        if value is None or value == ():
            if not parameter.optional:
                self._refuse_missing(name, parameter, where)
            return None

        fault = parameter.fault(value)
        if fault:
            remedy = f"write `{parameter_line(name, parameter, value)}`: {parameter.summary}"
            self.findings.add("invalid-value", [*where, name], f"{name}: {fault}", remedy)
            return None

        return parameter.in_object(value)

    def _refuse_missing(self, name: str, parameter: Parameter, where: Path) -> None:
        # What comes from the cluster file itself is missing there, not below the feature.
        path = tuple(parameter.source.split(".")[:-1]) if parameter.source else where
        missing = parameter.source or name
        reason = f'"{missing}" is missing: {parameter.summary}'
        remedy = f"add the line `{parameter_line(missing.rpartition('.')[2], parameter)}`"
        self.findings.add("missing-parameter", path, reason, remedy, key=True)

    def _refuse_combination(
        self, name: str, parameter: Parameter, values: Mapping[str, Any], where: Path
    ) -> None:
        """Refuse a value without the others that it needs, and beside those that it excludes."""
        if name not in values or values[name] == parameter.default:
            return

        for needed in parameter.needs:
            if values.get(needed) is None:
                reason = f'"{name}" needs "{needed}": {parameter.summary}'
                self.findings.add("missing-parameter", [*where, name], reason, f"add {needed}", key=True)

        for other in parameter.without:
            if values.get(other) is not None:
                reason = f'"{name}" cannot be given with "{other}": {parameter.summary}'
                self.findings.add("invalid-value", [*where, name], reason, f"remove {name}", key=True)

    def _refuse_without_effect(
        self, name: str, parameter: Parameter, values: Mapping[str, Any], where: Path
    ) -> None:
        if name in values and not parameter.source:
            reason = f'"{name}" has no effect on a {self.environment} cluster'
            self.findings.add("unsuitable-feature", [*where, name], reason, "remove it", key=True)


def patched_objects(objects: Iterable[Object], settings: Sequence[Setting]) -> list[PatchedObject]:
    """Return each object with what the settings for it change, in the order of their identities."""
    settings_of: dict[str, list[Setting]] = {}
    for setting in settings:
        settings_of.setdefault(setting.object, []).append(setting)

    patched = [_patched(Same(value), _Given(settings_of.get(kind_and_name(value), ()))) for value in objects]
    return sorted(patched, key=lambda each: each.identity)


class _Texts(dict[str, str]):
    """New texts by old ones, all inside one string of an object."""


class _Given:
    """Settings that equal others with the same values of the same types, and the same causes."""

    __slots__ = ("key", "settings")

    def __init__(self, settings: Sequence[Setting]) -> None:
        self.settings = settings
        self.key = tuple((one.path, one.text, repr(one.value), one.cause) for one in settings)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given) and self.key == other.key


@lru_cache(maxsize=_SHARED)
def _patched(same: Same[Object], given: _Given) -> PatchedObject:
    """Return an object with what is set in it; most clusters give most objects the same values."""
    value, settings = same.value, given.settings
    identity = ObjectId.of(value)
    namespace = identity.namespace
    steps: list[Operation] = []
    faults = []

    for path, new in _by_place(settings):
        try:
            new_value = substituted(value, path, new) if isinstance(new, _Texts) else new
            steps += operations(value, path, new_value)
        except PathError as error:
            faults.append(f"{kind_and_name(value)}: {error}")
            continue
        if segments(path) == ("metadata", "namespace"):
            namespace = new_value

    return PatchedObject(identity, namespace, tuple(steps), tuple(faults), tuple(settings))


def _by_place(settings: Iterable[Setting]) -> Iterator[tuple[str, Any]]:
    """Yield each path with its new value; several values may share one string, which is written once."""
    texts: dict[str, _Texts] = {}

    for setting in settings:
        if setting.text:
            texts.setdefault(setting.path, _Texts())[setting.text] = str(setting.value)
        else:
            yield setting.path, setting.value

    yield from texts.items()


def _facts(fleet: FleetSpec, cluster: Cluster) -> dict[str, Any]:
    """Return what `from:` of a parameter may name, in the cluster file or (`fleet.…`) in fleet.yaml."""
    spec = cluster.spec
    facts: dict[str, Any] = {
        "name": cluster.name,
        "clusterID": spec.cluster_id,
        "purpose": str(spec.purpose),
        **{f"fleet.{name}": value for name, value in fleet},
        **{f"fleet.unattended.{name}": value for name, value in fleet.unattended_repository or ()},
    }

    if spec.release:
        facts |= {f"release.{name}": value for name, value in spec.release}
        facts["release.signatures"] = spec.release.signatures or None
        facts["release.upstream"] = spec.release.upstream or fleet.upstream

    # The model lets an emergency name no other release than the one above.
    if spec.emergency and spec.emergency.force:
        facts["release.force"] = True

    return facts
