"""The Secrets that the features of a cluster expect, out of the tables in their feature.yaml."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from okd_gitops.fleet.cluster import Environment
from okd_gitops.fleet.feature import Feature, Origin, SecretNeed
from okd_gitops.fleet.parameter import Each

Values = Mapping[str, Any]


class SecretConflictError(ValueError):
    """Two features expect one Secret in different forms; the message has all names."""


@dataclass(frozen=True, slots=True)
class NeededSecret:
    """A Secret that one or several features expect; without `keys`, the names follow from the fleet."""

    namespace: str
    name: str
    type: str
    keys: tuple[str, ...]
    origin: Origin
    uses: tuple[str, ...]
    features: tuple[str, ...]


def secret_needs(
    features: Iterable[Feature], values: Mapping[str, Values], environment: Environment
) -> tuple[NeededSecret, ...]:
    """Return the Secrets that features expect with the values they were given, by namespace and name.

    Two features may share a Secret; raises SecretConflictError when they expect different forms of it.
    """
    needed: dict[tuple[str, str], NeededSecret] = {}

    for feature in features:
        given = values.get(feature.name, {})

        for name, need in feature.spec.secrets.items():
            if need.environments and environment not in need.environments:
                continue

            for namespace in _namespaces(feature, need, given):
                place = (namespace, name)
                secret = _needed(namespace, name, need, feature)
                needed[place] = _joined(needed[place], secret) if place in needed else secret

    return tuple(secret for _, secret in sorted(needed.items()))


def _namespaces(feature: Feature, need: SecretNeed, values: Values) -> list[str]:
    """Return the namespaces that a Secret is needed in: that of the feature, or those of the entries that
    each have one for themselves.
    """
    name = feature.spec.list_with_namespace(need.namespace)
    if not name:
        return [need.namespace] if _is_needed(feature, need, values) else []

    each = feature.spec.each[name]
    wanting = _entries_with(each, need.when, values.get(name))
    return [each.own_namespace(str(entry.get(each.key))) for entry in wanting]


def _is_needed(feature: Feature, need: SecretNeed, values: Values) -> bool:
    """Whether what needs a Secret has a value that is not empty or false: a parameter, a list, or a field of
    any entry.
    """
    name, spec = need.when, feature.spec
    if not name:
        return True
    if name in spec.parameters or name in spec.each:
        default = spec.parameters[name].default if name in spec.parameters else None
        return bool(values.get(name, default))

    lists = [(each, values.get(key)) for key, each in spec.each.items() if name in each.fields]
    return any(_entries_with(each, name, given) for each, given in lists)


def _entries_with(each: Each, field: str | None, given: object) -> Sequence[Values]:
    """Return the entries of a list that give a field a value which is not empty or false; all of them where
    that is no field of theirs. What is wrong with the list is found where it is placed.
    """
    entries = [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
    if field not in each.fields:
        return entries
    return [entry for entry in entries if entry.get(field, each.fields[field].default)]


def _needed(namespace: str, name: str, need: SecretNeed, feature: Feature) -> NeededSecret:
    return NeededSecret(namespace, name, need.type, need.keys, need.origin, (need.used,), (feature.name,))


def _joined(earlier: NeededSecret, later: NeededSecret) -> NeededSecret:
    """Return a Secret with the keys of an earlier feature in front of those of a later one."""
    for what, one, other in (
        ("type", earlier.type, later.type),
        ("origin", earlier.origin, later.origin),
    ):
        if one != other:
            place = f"{later.namespace}/{later.name}"
            features = f"{earlier.features[-1]} and {other} for {later.features[0]}"
            raise SecretConflictError(f"the {what} of Secret {place} is {one} for {features}")

    return replace(
        earlier,
        keys=tuple(dict.fromkeys((*earlier.keys, *later.keys))),
        uses=tuple(dict.fromkeys((*earlier.uses, *later.uses))),
        features=(*earlier.features, *later.features),
    )
