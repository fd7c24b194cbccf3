"""The Secrets that a cluster's features expect, as ExternalSecrets: one for each row of their tables, out of
one store.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from okd_gitops.fleet.feature import Feature
from okd_gitops.generate.parameters import Setting
from okd_gitops.generate.secret_needs import NeededSecret, Values
from okd_gitops.manifests.argocd import WAVE
from okd_gitops.manifests.objects import Object, ObjectId, kind_and_name

_API_VERSION = "external-secrets.io/v1"
_CLUSTER_STORE = "ClusterSecretStore.external-secrets.io"


@dataclass(frozen=True, slots=True)
class StoredSecrets:
    """The feature that is a store of secrets, the values it was given, and what it has to provide."""

    store: Feature
    values: Values
    needs: Sequence[NeededSecret]

    def objects(self) -> tuple[Object, ...]:
        """Return an ExternalSecret for each Secret that is needed."""
        spec = self.store.spec.external_secrets
        assert spec is not None  # what makes the feature a store
        reference = {"kind": self._value(spec.kind), "name": self._value(spec.store)}
        return tuple(_external_secret(reference, self.key_of(secret), secret) for secret in self.needs)

    def key_of(self, secret: NeededSecret) -> str:
        """Return the key in the store, PREFIX/NAMESPACE/NAME, whose properties are the Secret's keys."""
        spec = self.store.spec.external_secrets
        assert spec is not None  # what makes the feature a store
        return f"{self._value(spec.prefix)}/{secret.namespace}/{secret.name}"

    def settings(self, objects: Iterable[Object]) -> list[Setting]:
        """Return what restricts each ClusterSecretStore among objects of the store to the namespaces that
        need a Secret; without it every namespace could read every key.
        """
        namespaces = sorted({secret.namespace for secret in self.needs})
        return [
            Setting(kind_and_name(value), "spec.conditions", [{"namespaces": namespaces}])
            for value in objects
            if ObjectId.of(value).group_kind == _CLUSTER_STORE
        ]

    def _value(self, name: str) -> str:
        return str(self.values.get(name, self.store.spec.parameters[name].default))


def _external_secret(store: Mapping[str, str], key: str, secret: NeededSecret) -> Object:
    """A Secret for which the feature names no keys gets all properties of the key in the store.

    Fields as in external-secrets apis/externalsecrets/v1/externalsecret_types.go.
    """
    metadata = {
        "name": secret.name,
        "namespace": secret.namespace,
        # Before what reads the Secret.
        "annotations": {WAVE: "-5"},
    }
    properties = {property_: property_ for property_ in secret.keys}

    return external_secret(metadata, store, key, properties, {"type": secret.type})


def external_secret(
    metadata: Object,
    store: Mapping[str, str],
    key: str,
    properties: Mapping[str, str],
    template: Mapping[str, Any] | None,
) -> Object:
    """Return an ExternalSecret that makes a Secret of its own name from a key in a store.

    `properties` are those of the key by their names in the Secret; without any, it gets all of them.
    """
    target = {"name": metadata["name"], "creationPolicy": "Owner", "deletionPolicy": "Retain"}
    spec: dict[str, Any] = {
        "refreshInterval": "1h",
        "secretStoreRef": dict(store),
        # Gone from the store, it stays on the cluster; gone from git, it goes.
        "target": {**target, **({"template": dict(template)} if template else {})},
    }
    entries = [
        {"secretKey": name, "remoteRef": {"key": key, "property": property_}}
        for name, property_ in properties.items()
    ]
    spec |= {"data": entries} if entries else {"dataFrom": [{"extract": {"key": key}}]}

    return {"apiVersion": _API_VERSION, "kind": "ExternalSecret", "metadata": metadata, "spec": spec}
