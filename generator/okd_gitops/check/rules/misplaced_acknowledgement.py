"""The rule misplaced-acknowledgement: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import nested_fault
from okd_gitops.check.rule import Fault
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.acknowledgements import GIVEN, NAME, NAMESPACE, PREFIX


def check_object(value: Object) -> Iterator[Fault]:
    """Look at ConfigMaps with acknowledgements of an administrator, also inside other objects."""
    for nested in objects_within(value):
        identity = ObjectId.of(nested.value)
        if identity.group_kind != "ConfigMap." or not _is_about_acks(nested.value, identity):
            continue

        for reason, remedy, path in _faults(nested.value, identity):
            yield nested_fault(value, nested, reason, remedy, path)


def _is_about_acks(value: Object, identity: ObjectId) -> bool:
    """Whether a ConfigMap is the one of acknowledgements, or contains some under another name."""
    keys = _data(value)
    return identity.name == NAME or (bool(keys) and all(key.startswith(PREFIX) for key in keys))


def _faults(value: Object, identity: ObjectId) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if identity.name != NAME:
        reason = f"the cluster reads acknowledgements from the ConfigMap {NAME}, not from {identity.name}"
        yield reason, f"name it {NAME}", ("metadata", "name")

    if identity.namespace != NAMESPACE:
        place = identity.namespace or "no namespace"
        reason = f"the cluster reads {NAME} in the namespace {NAMESPACE}, not in {place}"
        yield reason, f"write namespace: {NAMESPACE}", ("metadata", "namespace")

    for key, answer in _data(value).items():
        if key.startswith(PREFIX) and answer != GIVEN:
            reason = f'the value of {key} in {NAME} is not the text "true", so the gate stays closed'
            yield reason, f'write {key}: "true", or remove it', ("data", key)


def _data(value: Object) -> dict[str, object]:
    data = at(value, "data")
    return data if isinstance(data, dict) else {}
