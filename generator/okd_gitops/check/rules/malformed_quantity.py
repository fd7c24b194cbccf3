"""The rule malformed-quantity: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import Object, ObjectId, maps_within
from okd_gitops.manifests.quantity import is_quantity, meant_quantity
from okd_gitops.manifests.values import values_within

# Fields of the type ResourceList in k8s.io/api core/v1 of Kubernetes 1.35, by the keys above them.
_LISTS = (
    ("resources", "requests"),
    ("resources", "limits"),
    ("computeResources", "requests"),
    ("computeResources", "limits"),
)
_LISTS_OF_KINDS = {
    "ResourceQuota.": (("spec", "hard"),),
    "LimitRange.": tuple(
        ("limits", "*", name) for name in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
    ),
    "PersistentVolume.": (("spec", "capacity"),),
}
_ADVICE = "write a number and a unit, such as 500m or 16Gi"
_SINGLE = ("emptyDir", "sizeLimit")
# Fields of this form elsewhere may be something else: only what Kubernetes itself has a name for is judged.
_RESOURCES = ("cpu", "memory", "storage", "ephemeral-storage")
# One of these is in each path that is judged.
_ABOVE = {"requests", "limits", "sizeLimit"}
_NOT_SEARCHED = ("CustomResourceDefinition", "ConfigMap", "Secret")
# What somebody fills in before the API server looks.
_VARIABLES = ("$", "{{", "<")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every request, limit, quota and size in an object, however deep."""
    identity = ObjectId.of(value)
    if identity.kind in _NOT_SEARCHED:
        return

    lists = _LISTS_OF_KINDS.get(identity.group_kind, ())
    if not lists and all(_ABOVE.isdisjoint(each) for each in maps_within(value)):
        return

    for path, text in values_within(value):
        if isinstance(text, bool) or not isinstance(text, str | int | float) or not _is_judged(path, lists):
            continue

        reason = _fault_of(str(text))
        if reason:
            meant = meant_quantity(str(text))
            advice = f"perhaps {meant} is meant" if meant else _ADVICE
            yield Fault(
                reason=f"{path[-1]}: {reason}: the API server refuses it",
                remedy=advice,
                object=identity,
                path=path,
            )


def _is_judged(path: Path, lists: tuple[tuple[str, ...], ...]) -> bool:
    if path[-2:] == _SINGLE:
        return True

    above = path[:-1]
    if any(_ends_with(above, keys) for keys in lists):
        return True

    return bool(path) and path[-1] in _RESOURCES and any(_ends_with(above, keys) for keys in _LISTS)


def _ends_with(path: Path, keys: tuple[str, ...]) -> bool:
    last = path[-len(keys) :]
    return len(last) == len(keys) and all(key in ("*", step) for step, key in zip(last, keys, strict=True))


def _fault_of(text: str) -> str:
    if any(mark in text for mark in _VARIABLES):
        return ""
    if not is_quantity(text):
        return f'"{text}" is no quantity'
    return f"{text} is less than nothing" if text.strip().startswith("-") else ""
