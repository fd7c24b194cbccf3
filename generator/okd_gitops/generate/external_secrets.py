"""The Secrets that a cluster's features expect, as ExternalSecrets: one for each row of their tables, out
of one store.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from okd_gitops.fleet.feature import Feature, SecretNeed
from okd_gitops.manifests.objects import Object, ObjectId

_API_VERSION = "external-secrets.io/v1"


def needs(
    features: Iterable[Feature], given: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[str, str], SecretNeed]:
    """Return what the features expect with the parameters that are `given`, by namespace and name.

    Two features may share a Secret. Raises ValueError when they expect different types of it.
    """
    found: dict[tuple[str, str], SecretNeed] = {}
    for feature in features:
        for name, need in feature.spec.secrets.items():
            if need.when and not _asked(feature, need.when, given.get(feature.name, {})):
                continue
            place = (need.namespace, name)
            other = found.get(place, need)
            if other.type != need.type:
                raise ValueError(
                    f"Secret {need.namespace}/{name} is {other.type} for one feature and {need.type} for {feature.name}"
                )
            keys = (*other.keys, *(key for key in need.keys if key not in other.keys))
            found[place] = need.model_copy(update={"keys": keys})
    return dict(sorted(found.items()))


def external_secrets(
    store: Feature, given: Mapping[str, Any], found: Mapping[tuple[str, str], SecretNeed]
) -> tuple[Object, ...]:
    """Return an ExternalSecret for each need, out of the store that a feature says with the parameters
    that are `given`.
    """
    spec = store.spec.external_secrets
    assert spec is not None  # a feature is asked for this because it is a store
    kind, name, prefix = (
        str(given.get(each, store.spec.parameters[each].default))
        for each in (spec.kind, spec.store, spec.prefix)
    )
    return tuple(
        _external_secret({"kind": kind, "name": name}, prefix, secret, need)
        for (_, secret), need in found.items()
    )


def limited(target: ObjectId, namespaces: Iterable[str]) -> list[dict[str, Any]]:
    """Return the operations that let a ClusterSecretStore be used from `namespaces` alone; without them
    every namespace could read every key.
    """
    if target.group_kind != "ClusterSecretStore.external-secrets.io":
        return []
    return [{"op": "add", "path": "/spec/conditions", "value": [{"namespaces": sorted(set(namespaces))}]}]


def _asked(feature: Feature, name: str, given: Mapping[str, Any]) -> bool:
    parameter = feature.spec.parameters.get(name)
    return bool(given.get(name, parameter.default if parameter else None))


def _external_secret(store: Mapping[str, str], prefix: str, name: str, need: SecretNeed) -> Object:
    """The key in the store is PREFIX/NAMESPACE/NAME, its properties are the Secret's keys.

    Fields as in external-secrets apis/externalsecrets/v1/externalsecret_types.go.
    """
    key = f"{prefix}/{need.namespace}/{name}"
    # Before what reads the Secret.
    metadata = {
        "name": name,
        "namespace": need.namespace,
        "annotations": {"argocd.argoproj.io/sync-wave": "-5"},
    }
    spec = {
        "refreshInterval": "1h",
        "secretStoreRef": dict(store),
        # Gone from the store, it stays on the cluster; gone from git, it goes.
        "target": {
            "name": name,
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {"type": need.type},
        },
        "data": [{"secretKey": each, "remoteRef": {"key": key, "property": each}} for each in need.keys],
    }
    return {"apiVersion": _API_VERSION, "kind": "ExternalSecret", "metadata": metadata, "spec": spec}
