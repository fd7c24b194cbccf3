"""The objects of a cluster, each with the steps from a value in it to what caused that.

An object is of the catalog, and lands on the cluster with its base and patches; or it is in a file of this
cluster alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from okd_gitops.finding import Location
from okd_gitops.fleet.feature import Feature
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.causes import given
from okd_gitops.generate.overlays import copy_folder, selector
from okd_gitops.generate.parameters import PatchedObject, Setting
from okd_gitops.generate.placement import Placement
from okd_gitops.generate.plan import ClusterPlan
from okd_gitops.manifests.bounds import FOREIGN, OTHERS, PASSED_ON
from okd_gitops.manifests.field_path import applied, as_pointer, pointer_path
from okd_gitops.manifests.json_patch import PathError, operations
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.read import Document, Path, read, read_all
from okd_gitops.manifests.write import dump
from okd_gitops.tree import Tree

_KUSTOMIZATION = "kustomization.yaml"


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a value to its cause: `patch`, `base`, `file` or `cause`, with the line if it is one."""

    kind: str
    reason: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An object in a file that is written for this cluster alone, or by people."""

    document: Document
    reason: str

    @property
    def value(self) -> Object:
        value: Object = self.document.value
        return value

    def steps(self, path: Path) -> list[Step]:
        return [Step("file", self.reason, self.document.at(path, key=True))]

    def fields(self) -> list[str]:
        return []


@dataclass(frozen=True, slots=True)
class Copied:
    """An object of the catalog as it lands on a cluster: its base, and what is changed in it.

    `patched` are the changes, each of a placement: of the object's own, and of those that reach it.
    """

    fleet: Fleet
    planned: ClusterPlan
    placement: Placement
    file: str
    base: Object
    patched: tuple[tuple[Placement, PatchedObject], ...]
    wanted: Tree

    @property
    def value(self) -> Object:
        value = self.base

        for _, patched in self.patched:
            value = applied(value, patched.operations)

        return value

    def steps(self, path: Path) -> list[Step]:
        """Return the steps of a value: its patches, the base's own value, and what caused it."""
        patches = list(self._patches(as_pointer(path)))
        causes = list(self._causes(as_pointer(path)))

        return [
            *(patches or [Step("patch", "none: the base has this value already")]),
            self._base(path),
            *causes,
        ]

    def fields(self) -> list[str]:
        return [setting.path for _, setting in self._settings()]

    def _feature(self, placement: Placement) -> Feature:
        return self.fleet.catalog.features[placement.feature]

    def _patches(self, path: Sequence[str]) -> Iterator[Step]:
        """Yield each operation of an overlay at, around or below a path."""
        for placement, patched in self.patched:
            for index, operation in enumerate(patched.operations):
                if operation["op"] != "test" and _meet(pointer_path(operation["path"]), path):
                    place = self._place_of(placement, patched, index)
                    yield Step("patch", "", place)

    def _place_of(self, placement: Placement, patched: PatchedObject, index: int) -> Location | None:
        """Return the line of an operation in the kustomization that has its patch."""
        folder = f"overlays/{self.planned.cluster.name}"
        inside = f"{copy_folder(placement, self.planned)}/" if placement.key else ""
        file = f"{folder}/{inside}{_KUSTOMIZATION}"
        document = read(file, self.wanted[file], bounds=PASSED_ON)

        text = dump(list(patched.operations))
        entry = {"target": selector(patched.identity), "patch": text}
        number = document.value["patches"].index(entry)

        # The text of a patch begins in the line below its key.
        above = document.at(("patches", number, "patch")).line
        line = above + read(file, text.encode(), bounds=PASSED_ON).at((index, "path")).line
        shown = document.lines[line - 1]

        return Location(file=file, line=line, column=len(shown) - len(shown.lstrip()) + 1, text=shown)

    def _base(self, path: Path) -> Step:
        file = f"bases/{self.placement.feature}/{self.file}"
        document = read(file, self._feature(self.placement).files[self.file], bounds=FOREIGN)
        reason = "" if path in document.marks else "the base has no such field"

        return Step("base", reason, document.at(path, key=True))

    def _causes(self, path: Sequence[str]) -> Iterator[Step]:
        """Yield what caused a value: parameters, the entry of a copy, or the catalog alone."""
        related = [
            (placement, setting)
            for placement, setting in self._settings()
            if _meet(_pointer_of(self.base, setting), path)
        ]

        for placement, setting in related:
            yield self._cause(placement, setting)

        if self.placement.key and _meet(path, ("metadata", self._named_field())):
            yield self._entry()
        elif not related:
            yield Step("cause", f"the feature {self.placement.feature} has it so; no parameter sets it")

    def _settings(self) -> Iterator[tuple[Placement, Setting]]:
        for placement, patched in self.patched:
            for setting in patched.settings:
                yield placement, setting

    def _cause(self, placement: Placement, setting: Setting) -> Step:
        feature = self._feature(placement)

        if setting.cause is None:
            return Step("cause", f"{feature.name} sets it, from the Secrets that the cluster needs")

        why = given(self.fleet, self.planned.cluster, feature, setting.cause)
        name = f"parameter {setting.cause.parameter} of {feature.name}"

        return Step("cause", f"{name}: {why.reason}", why.location)

    def _named_field(self) -> str:
        """Return which field of the metadata tells this copy from the others."""
        own = self.patched[0][1]

        return "namespace" if own.operations[0]["path"] == "/metadata/namespace" else "name"

    def _entry(self) -> Step:
        """Return the entry of the cluster file for which the copy is made."""
        feature, cluster = self._feature(self.placement), self.planned.cluster
        name = feature.spec.copied_parts[self.placement.part]
        each = feature.spec.each[name]
        entries = (cluster.spec.features[feature.name] or {})[name]
        index = [str(entry[each.key]) for entry in entries].index(self.placement.key)
        place = cluster.document.at(("features", feature.name, name, index, each.key), key=True)

        return Step("cause", f"the copy for {each.key} {self.placement.key} of {name}", place)


def copied_objects(fleet: Fleet, planned: ClusterPlan, wanted: Tree) -> Iterator[Copied]:
    """Yield the objects that the cluster's features bring."""
    reached = [(placement, each) for placement in planned.placements for each in placement.reached]

    for placement in planned.placements:
        feature = fleet.catalog.features[placement.feature]
        values = {ObjectId.of(value): path for path, value in _files(feature, placement.part)}

        for own in placement.objects:
            file = values[own.identity]
            others = [pair for pair in reached if pair[1].identity == own.identity and not placement.key]
            base = feature.objects_by_path[file]
            yield Copied(fleet, planned, placement, file, base, ((placement, own), *others), wanted)


def _files(feature: Feature, part: str) -> Iterator[tuple[str, Object]]:
    paths = [path for path in feature.files if path.startswith(f"{part}/")]

    return zip(paths, feature.objects(part), strict=True)


def written_objects(planned: ClusterPlan, wanted: Tree) -> Iterator[Written]:
    """Yield the objects that are in files of the cluster alone: generated ones, and extras of people."""
    cluster = planned.cluster
    generated = f"generated whole from clusters/{cluster.name}.yaml and its features"

    for folder in (f"overlays/{cluster.name}", f"argocd/{cluster.name}"):
        yield from _objects(wanted.below(folder), folder, generated)

    extras = {(identity.kind, identity.name) for identity in planned.extras.objects}

    for written in _objects(
        cluster.extras, f"clusters/{cluster.name}", "people wrote it beside the cluster file"
    ):
        identity = ObjectId.of(written.value)
        if (identity.kind, identity.name) in extras:
            yield written


def _objects(files: Tree, folder: str, reason: str) -> Iterator[Written]:
    for path in files:
        if path.endswith((".yaml", ".yml", ".json")) and not path.endswith(_KUSTOMIZATION):
            for document in read_all(f"{folder}/{path}", files[path], bounds=OTHERS):
                if isinstance(document.value, dict) and ObjectId.of(document.value).name:
                    yield Written(document, reason)


def _pointer_of(base: Object, setting: Setting) -> tuple[str, ...]:
    """Return the place in the base that a setting changes, or would if it had another value."""
    try:
        made = operations(base, setting.path, object())
    except PathError:
        return ()

    return pointer_path(made[-1]["path"])


def _meet(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether one path is the other, or leads to it."""
    return all(mine == theirs for mine, theirs in zip(one, other, strict=False))
