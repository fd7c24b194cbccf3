"""The Secrets that a cluster's features expect, as ExternalSecrets: one for each row of their tables, out of
one store.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from okd_gitops.fleet.feature import Feature, SecretNeed
from okd_gitops.generate.parameters import Setting
from okd_gitops.manifests.objects import Object, ObjectId, kind_and_name

_API_VERSION = "external-secrets.io/v1"
_CLUSTER_STORE = "ClusterSecretStore.external-secrets.io"

Values = Mapping[str, Any]


class SecretConflictError(ValueError):
    """Two features expect one Secret in different types; the message has all three names."""


@dataclass(frozen=True, slots=True)
class StoredSecrets:
    """The feature that is a store of secrets, the values it was given, and what it has to provide."""

    store: Feature
    values: Values
    needs: Mapping[tuple[str, str], SecretNeed]

    def objects(self) -> tuple[Object, ...]:
        """Return an ExternalSecret for each Secret that is needed."""
        spec = self.store.spec.external_secrets
        assert spec is not None  # what makes the feature a store
        reference = {"kind": self._value(spec.kind), "name": self._value(spec.store)}
        prefix = self._value(spec.prefix)
        return tuple(
            _external_secret(reference, prefix, name, need) for (_, name), need in self.needs.items()
        )

    def settings(self, objects: Iterable[Object]) -> list[Setting]:
        """Return what restricts each ClusterSecretStore among objects of the store to the namespaces that
        need a Secret; without it every namespace could read every key.
        """
        namespaces = sorted({namespace for namespace, _ in self.needs})
        return [
            Setting(kind_and_name(value), "spec.conditions", [{"namespaces": namespaces}])
            for value in objects
            if ObjectId.of(value).group_kind == _CLUSTER_STORE
        ]

    def _value(self, name: str) -> str:
        return str(self.values.get(name, self.store.spec.parameters[name].default))


def secret_needs(
    features: Iterable[Feature], values: Mapping[str, Values]
) -> dict[tuple[str, str], SecretNeed]:
    """Return the Secrets that features expect with the values they were given, by namespace and name.

    Two features may share a Secret; raises SecretConflictError when they expect different types of it.
    """
    needs: dict[tuple[str, str], SecretNeed] = {}

    for feature in features:
        for name, need in feature.spec.secrets.items():
            if need.when and not _is_set(feature, need.when, values.get(feature.name, {})):
                continue

            place = (need.namespace, name)
            needs[place] = _joined(name, needs.get(place, need), need, feature.name)

    return dict(sorted(needs.items()))


def _joined(name: str, earlier: SecretNeed, need: SecretNeed, feature: str) -> SecretNeed:
    """Return a need with the keys of an earlier feature in front of its own."""
    if earlier.type != need.type:
        raise SecretConflictError(
            f"Secret {need.namespace}/{name} is {earlier.type} for one feature and {need.type} for {feature}"
        )
    keys = tuple(dict.fromkeys((*earlier.keys, *need.keys)))
    return need.model_copy(update={"keys": keys})


def _is_set(feature: Feature, name: str, values: Values) -> bool:
    """Whether a parameter or a list of a feature has a value that is not empty or false."""
    parameter = feature.spec.parameters.get(name)
    return bool(values.get(name, parameter.default if parameter else None))


def _external_secret(store: Mapping[str, str], prefix: str, name: str, need: SecretNeed) -> Object:
    """The key in the store is PREFIX/NAMESPACE/NAME, its properties are the Secret's keys.

    A Secret for which the feature names no keys gets all properties.

    Fields as in external-secrets apis/externalsecrets/v1/externalsecret_types.go.
    """
    key = f"{prefix}/{need.namespace}/{name}"
    metadata = {
        "name": name,
        "namespace": need.namespace,
        # Before what reads the Secret.
        "annotations": {"argocd.argoproj.io/sync-wave": "-5"},
    }
    spec: dict[str, Any] = {
        "refreshInterval": "1h",
        "secretStoreRef": dict(store),
        # Gone from the store, it stays on the cluster; gone from git, it goes.
        "target": {
            "name": name,
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {"type": need.type},
        },
    }
    entries = [
        {"secretKey": property_, "remoteRef": {"key": key, "property": property_}} for property_ in need.keys
    ]
    spec |= {"data": entries} if entries else {"dataFrom": [{"extract": {"key": key}}]}

    return {"apiVersion": _API_VERSION, "kind": "ExternalSecret", "metadata": metadata, "spec": spec}
