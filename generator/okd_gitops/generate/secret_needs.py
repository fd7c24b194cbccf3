"""The Secrets that the features of a cluster expect, out of the tables in their feature.yaml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from okd_gitops.fleet.cluster import Environment
from okd_gitops.fleet.feature import Feature, Origin, SecretNeed

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
            if not _applies(feature, need, given, environment):
                continue

            place = (need.namespace, name)
            secret = _needed(name, need, feature)
            needed[place] = _joined(needed[place], secret) if place in needed else secret

    return tuple(secret for _, secret in sorted(needed.items()))


def _applies(feature: Feature, need: SecretNeed, values: Values, environment: Environment) -> bool:
    if need.environments and environment not in need.environments:
        return False
    return not need.when or _is_set(feature, need.when, values)


def _is_set(feature: Feature, name: str, values: Values) -> bool:
    """Whether a parameter or a list of a feature has a value that is not empty or false."""
    parameter = feature.spec.parameters.get(name)
    return bool(values.get(name, parameter.default if parameter else None))


def _needed(name: str, need: SecretNeed, feature: Feature) -> NeededSecret:
    return NeededSecret(
        need.namespace, name, need.type, need.keys, need.origin, (need.used,), (feature.name,)
    )


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
