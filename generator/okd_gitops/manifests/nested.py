"""Objects inside other objects: items of a List, the manifests of a ManifestWork, the templates of a Policy.

Whoever applies the outer object brings the inner ones to a cluster, so they are held to the same rules. They
are found by their form, because every controller has a wrapper of its own: SelectorSyncSet of Hive, Template
of OpenShift, ManifestWork and Policy of Open Cluster Management. The fields of ConfigurationPolicy were read
in open-cluster-management-io/config-policy-controller, api/v1/configurationpolicy_types.go.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from okd_gitops.manifests.objects import Object, at, per_object

Path = tuple[str | int, ...]

# A CustomResourceDefinition is large and contains schemas and examples; a status is what a controller saw.
_NOT_SEARCHED = "CustomResourceDefinition"
_STATUS = "status"
# A ConfigurationPolicy names under `objectDefinition` what must exist, what must not, or what must be exact.
_DEFINITION, _COMPLIANCE = "objectDefinition", "complianceType"
_ABSENT, _EXACT = "mustnothave", "mustonlyhave"


@dataclass(frozen=True, slots=True)
class NestedObject:
    """An object, its path in the outer one (empty: the outer one itself), and whether it is only a part.

    A part is merged into what the cluster has, so a field that it lacks may be there.
    """

    path: Path
    value: Object
    is_part: bool = False


@per_object
def objects_within(value: Object) -> tuple[NestedObject, ...]:
    """Return an object, and every object inside it that somebody applies, however deep."""
    is_searched = value.get("kind") != _NOT_SEARCHED

    return NestedObject((), value), *(_inside(value, (), is_part=False) if is_searched else ())


def _inside(value: object, path: Path, *, is_part: bool) -> Iterator[NestedObject]:
    """Yield the objects below a value, which is no object that is still to be yielded."""
    for key, inner in _entries(value):
        if key == _STATUS or (key == _DEFINITION and _wants_absence(value)):
            continue

        inner_is_part = is_part or (key == _DEFINITION and _is_merged(value))
        if _is_object(inner):
            yield NestedObject((*path, key), inner, inner_is_part)

        yield from _inside(inner, (*path, key), is_part=inner_is_part)


def _entries(value: object) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()

    return enumerate(value) if isinstance(value, list) else ()


def _is_object(value: object) -> bool:
    """Whether a value has the form of an object; a reference to one has neither metadata nor a spec."""
    has_type = isinstance(at(value, "apiVersion"), str) and isinstance(at(value, "kind"), str)
    return has_type and (isinstance(at(value, "metadata"), dict) or isinstance(at(value, "spec"), dict))


def _wants_absence(entry: object) -> bool:
    return str(at(entry, _COMPLIANCE)).lower() == _ABSENT


def _is_merged(entry: object) -> bool:
    compliance = at(entry, _COMPLIANCE)
    return compliance is not None and str(compliance).lower() != _EXACT
