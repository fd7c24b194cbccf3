"""Where a value of a cluster's objects comes from: its patch, the base, and the line that caused it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from okd_gitops.errors import UsageError
from okd_gitops.finding import Location, nearest
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.plan import ClusterPlan
from okd_gitops.generate.traced_objects import Copied, Step, Written, copied_objects, written_objects
from okd_gitops.manifests.field_path import field_text, find
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.tree import Tree

_MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Origin:
    """A value that a cluster gets, and the steps to what caused it.

    Without a field, `fields` are those of the object that its cluster file or fleet.yaml may change.
    """

    object: ObjectId
    field: str
    value: Any
    steps: tuple[Step, ...]
    fields: tuple[str, ...] = ()


class Origins:
    """The objects of a cluster by their names: Kind/name, and Kind/namespace/name.

    `wanted` are the generated files of the fleet.
    """

    def __init__(self, fleet: Fleet, planned: ClusterPlan, wanted: Tree) -> None:
        self.planned = planned
        self.by_name: dict[str, list[tuple[ObjectId, Copied | Written]]] = {}

        objects: list[Copied | Written] = [
            *copied_objects(fleet, planned, wanted),
            *written_objects(planned, wanted),
        ]

        for each in objects:
            identity = ObjectId.of(each.value)

            for name in {f"{identity.kind}/{identity.name}", _full_name(identity)}:
                self.by_name.setdefault(name, []).append((identity, each))

    def of(self, name: str, field: str) -> Origin:
        """Return where a field of an object has its value from; without a field, what sets its fields.

        A name without "/" is that of a field, which one object must have. Raises UsageError with the nearest
        object or field, or with all objects that have the field.
        """
        if not field and "/" not in name:
            name, field = self._with_field(name), name

        identity, found = self._chosen(name)

        if not field:
            # Several parameters may share one field.
            return Origin(identity, "", None, (), tuple(dict.fromkeys(found.fields())))

        path, value = find(found.value, field)
        steps = [*found.steps(path), *_further(self.planned)]

        return Origin(identity, field_text(path), value, tuple(steps))

    def _with_field(self, field: str) -> str:
        """Return the full name of the only object that has a field."""
        having = sorted(name for name, found in self.by_name.items() if _has(found, field))
        names = [name for name in having if name == _full_name(self.by_name[name][0][0])]

        if not names:
            reason = f'the cluster has no object "{field}", and none that has such a field'
            raise UsageError(reason, self._example())

        if len(names) > 1:
            more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
            remedy = f"write one of these before {field}: {', '.join(names[:_MOST_NAMES])}{more}"
            raise UsageError(f"{len(names)} objects have a field {field}", remedy)

        return names[0]

    def _chosen(self, name: str) -> tuple[ObjectId, Copied | Written]:
        found = self.by_name.get(name, [])

        if len(found) > 1:
            full_names = sorted(_full_name(identity) for identity, _ in found)
            raise UsageError(
                f"{len(found)} objects are called {name}", f"write one of: {', '.join(full_names)}"
            )

        if not found:
            remedy = nearest(name, self.by_name) or self._example()
            raise UsageError(f'the cluster has no object "{name}"', remedy)

        return found[0]

    def _example(self) -> str:
        if not self.by_name:
            name = self.planned.cluster.name
            return f"add features to clusters/{name}.yaml: without any it gets no object"

        return f"write it as Kind/name, such as {min(self.by_name)}"


def _has(found: Iterable[tuple[ObjectId, Copied | Written]], field: str) -> bool:
    for _, each in found:
        with suppress(UsageError):
            find(each.value, field)
            return True

    return False


def _further(planned: ClusterPlan) -> list[Step]:
    """Return what may change a value after all others, which only a build would tell."""
    if not planned.extras.component:
        return []

    place = Location(file=f"clusters/{planned.cluster.name}")

    return [Step("extras", "this Component may change it further; kustomize build shows the result", place)]


def _full_name(identity: ObjectId) -> str:
    return "/".join(filter(None, (identity.kind, identity.namespace, identity.name)))
