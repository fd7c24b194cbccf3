"""Faults of objects that are inside others, and of the release that an object names."""

from collections.abc import Iterable, Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.finding import Severity
from okd_gitops.manifests.nested import NestedObject, Path, objects_within
from okd_gitops.manifests.objects import Object, ObjectId, per_object
from okd_gitops.releases.cluster_version import CLUSTER_VERSION, FieldFault, object_faults, path_of


def release_faults(value: Object, name: str) -> Iterator[Fault]:
    """Yield the faults with the name of a rule among those of an object, and of those inside it, that name a
    release.
    """
    for nested, fault in _release_faults(value):
        if fault.name == name:
            path = path_of(nested.value, fault)
            yield nested_fault(value, nested, fault.reason, fault.remedy, path)


@per_object
def _release_faults(value: Object) -> tuple[tuple[NestedObject, FieldFault], ...]:
    return tuple(
        (nested, fault)
        for nested in objects_within(value)
        for fault in object_faults(nested.value, is_nested=bool(nested.path), is_part=nested.is_part)
    )


def nested_fault(
    value: Object,
    nested: NestedObject,
    reason: str,
    remedy: str,
    path: Path = (),
    *,
    clusters: tuple[str, ...] = (),
    severity: Severity | None = None,
) -> Fault:
    """Return a fault of an object inside `value`, or of `value` itself; `path` leads to a value in it."""
    inner = f"the {ObjectId.of(nested.value)} in it: " if nested.path else ""
    return Fault(
        reason=f"{inner}{reason}",
        remedy=remedy,
        object=ObjectId.of(value),
        path=(*nested.path, *path),
        clusters=clusters,
        severity=severity,
    )


def cluster_versions(objects: Iterable[Object]) -> Iterator[tuple[Object, NestedObject]]:
    """Yield each ClusterVersion among objects or inside them, with the object that is applied."""
    for value in objects:
        yield from ((value, nested) for nested in _versions_within(value))


@per_object
def _versions_within(value: Object) -> tuple[NestedObject, ...]:
    return tuple(
        nested for nested in objects_within(value) if ObjectId.of(nested.value).group_kind == CLUSTER_VERSION
    )
