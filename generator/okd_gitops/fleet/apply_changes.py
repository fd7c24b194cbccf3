"""Exchange, move, add: the catalog that comes with the tool, changed by the `catalog/` of a repository.

A feature of one's own is a folder like the built-in ones; `catalog/changes/` says what is otherwise in those.
The result is a Catalog like any other, so that plan, check and rules know nothing of where an object came
from. All faults are collected before anything is refused.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from okd_gitops.finding import Finding, FindingsError, Location, nearest, ordered
from okd_gitops.fleet.changes import (
    Add,
    Change,
    Changes,
    Insert,
    Move,
    Positioned,
    Remove,
    Replace,
    Swap,
    Target,
)
from okd_gitops.fleet.feature import Catalog, Feature, FeatureSpec, Parameter
from okd_gitops.fleet.local_features import file_name, own_features, own_object
from okd_gitops.manifests.edit_nodes import SpliceError, relisted, swapped
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.read import FOREIGN, Document, read
from okd_gitops.manifests.task_order import OrderError, inserted, moved, names, removed, waits
from okd_gitops.manifests.tekton import named, uses
from okd_gitops.releases.version import IMAGE
from okd_gitops.tree import Tree

Path = tuple[str | int, ...]
_Held = tuple[str, Object]


def exchange(builtin: Catalog, local: Tree) -> Catalog:
    """Return the catalog with the features of `local` (the files below `catalog/`) and with its changes
    made, in the order of their files.

    Raises FindingsError with everything that is wrong in these files.
    """
    own, used, findings = own_features(local, builtin.features)
    step = _Exchange({**builtin.features, **own}, local, findings)
    for path in local:
        if re.fullmatch(r"changes/[^/]+\.yaml", path):
            used.add(path)
            step.file_of_changes(path)
    step.complete()
    for path in sorted({*local} - used - step.used):
        if path.endswith((".yaml", ".yml", ".json")):
            remedy = "features/NAME/feature.yaml, features/NAME/PART/KIND-NAME.yaml, changes/NAME.yaml, or a file that a change names"
            findings.append(
                Finding(
                    name="unusable-catalog-file",
                    location=Location(file=f"catalog/{path}"),
                    reason="nothing uses this file",
                    remedy=remedy,
                )
            )
    if findings:
        raise FindingsError(ordered(findings))
    return Catalog(step.features, builtin.purposes)


class _Exchange:
    """The features in the making, with what was touched and by which line, and the findings so far."""

    def __init__(self, features: Mapping[str, Feature], local: Tree, findings: list[Finding]) -> None:
        self.features, self.local, self.findings = dict(features), local, findings
        self.used: set[str] = set()
        self.touched: dict[tuple[str, str], Location] = {}
        self.swapped: dict[tuple[str, str], Location] = {}
        # What a later fault is blamed on: the line that took a task out, or put one in.
        self.blame: dict[tuple[str, str, str], Location] = {}
        self.document: Document
        self.index: dict[str, dict[str, Object]] = {}

    def file_of_changes(self, path: str) -> None:
        """Make the changes of one file; what is wrong in one does not stop the next."""
        try:
            self.document = read(f"catalog/{path}", self.local[path])
            changes = parse(Changes, self.document).changes
        except FindingsError as error:
            self.findings += error.findings
            return
        for index, change in enumerate(changes):
            self.one(index, change)

    def one(self, index: int, change: Change) -> None:
        name, target = next((name, value) for name, value in change if value is not None)
        where: Path = ("changes", index, name)
        part = None if isinstance(target, Swap) else target.part
        if target.feature not in self.features:
            self.find(
                "change-without-target",
                (*where, "feature"),
                f'there is no feature "{target.feature}"',
                nearest(target.feature, self.features),
            )
        elif part and part not in self.parts(target.feature):
            reason = f'the feature {target.feature} has no part "{part}"'
            self.find(
                "change-without-target", (*where, "part"), reason, nearest(part, self.parts(target.feature))
            )
        else:
            make: Callable[[Any, Path], None] = getattr(self, name)
            make(target, where)

    def find(self, name: str, path: Path, reason: str, remedy: str = "") -> None:
        self.findings.append(
            Finding(name=name, location=self.document.at(path), reason=reason, remedy=remedy)
        )

    def parts(self, feature: str) -> list[str]:
        return list(
            dict.fromkeys(
                part for parts in self.features[feature].spec.environments.values() for part in parts
            )
        )

    def objects(self, feature: str) -> dict[str, Object]:
        """Return the objects of a feature by the paths of their files."""
        if feature not in self.index:
            held = self.features[feature]
            self.index[feature] = {
                f"{part}/{path}": value for part in self.parts(feature) for path, value in _part(held, part)
            }
        return self.index[feature]

    def held(self, target: Target, name: str, where: Path) -> _Held | None:
        """Return the file and the object that a change calls `Kind/name`, or add a finding."""
        objects = {
            path: value
            for path, value in self.objects(target.feature).items()
            if target.part in (None, path.split("/")[0])
        }
        found = [(path, value) for path, value in objects.items() if _name(value) == name]
        if len(found) == 1:
            return found[0]
        kind, _, short = name.partition("/")
        if found:
            remedy = f"add part: {' or '.join(path.split('/')[0] for path, _ in found)}"
            self.find(
                "change-without-target",
                where,
                f"several parts of {target.feature} have a {kind} {short}",
                remedy,
            )
        else:
            same = [_name(value) for value in objects.values() if value["kind"] == kind]
            known = (
                [each.partition("/")[2] for each in same]
                if where[-1] == "pipeline"
                else same or [_name(value) for value in objects.values()]
            )
            written = short if where[-1] == "pipeline" else name
            self.find(
                "change-without-target",
                where,
                f'the feature {target.feature} has no {kind} "{short}"',
                nearest(written, known),
            )
        return None

    def own(self, path: str, where: Path) -> _Held | None:
        """Return the object in a file below `catalog/` that a change names, or add a finding."""
        self.used.add(path)
        if path not in self.local:
            known = [each for each in self.local if not each.startswith(("features/", "changes/"))]
            self.find(
                "change-without-target", where, f"there is no file catalog/{path}", nearest(path, known)
            )
            return None
        value = own_object(path, self.local[path], self.findings)
        return (path, value) if value else None

    def put(self, target: Target | Swap, path: str, data: bytes, value: Object, where: Path) -> None:
        held = self.features[target.feature]
        self.features[target.feature] = replace(held, files=Tree({**held.files, path: data}))
        self.objects(target.feature)[path] = value
        self.touched[target.feature, path] = self.document.at(where)

    def replace(self, change: Replace, where: Path) -> None:
        held, own = (
            self.held(change, change.object, (*where, "object")),
            self.own(change.file, (*where, "with")),
        )
        if not held or not own:
            return
        wanted, given = ObjectId.of(held[1]), ObjectId.of(own[1])
        if (wanted.group_kind, wanted.namespace, wanted.name) != (
            given.group_kind,
            given.namespace,
            given.name,
        ):
            reason = f"catalog/{change.file} holds {given.group_kind} {given.namespace}/{given.name}, which cannot stand for {wanted}"
            self.find(
                "unusable-catalog-file",
                (*where, "with"),
                reason,
                "give it the kind, the name and the namespace of what it replaces",
            )
        elif earlier := self.touched.get((change.feature, held[0])):
            self.find(
                "already-in-catalog",
                (*where, "object"),
                f"{change.object} was changed before, at {earlier}",
                "keep one of the two, or replace first",
            )
        else:
            self.put(change, held[0], self.local[change.file], own[1], where)

    def add(self, change: Add, where: Path) -> None:
        own = self.own(change.file, (*where, "file"))
        parts = self.parts(change.feature)
        if change.part is None and len(parts) > 1:
            self.find(
                "missing-value",
                where,
                f"{change.feature} has several parts; which one gets the object?",
                f"add part: one of {', '.join(parts)}",
            )
        elif own:
            path = f"{change.part or parts[0]}/{file_name(own[1])}"
            if path in self.features[change.feature].files:
                self.find(
                    "already-in-catalog",
                    (*where, "file"),
                    f"{change.feature} has {_name(own[1])} already",
                    "replace it, or give it another name",
                )
            else:
                self.put(change, path, self.local[change.file], own[1], where)

    def insert(self, change: Insert, where: Path) -> None:
        order = partial(inserted, task=change.task, before=change.before, after=change.after)
        self.pipeline(change, where, "tasks", order, str(change.task["name"]))

    def move(self, change: Move, where: Path) -> None:
        self.pipeline(
            change, where, "tasks", partial(moved, name=change.task, before=change.before, after=change.after)
        )

    def remove(self, change: Remove, where: Path) -> None:
        held = self.held(change, f"Pipeline/{change.pipeline}", (*where, "pipeline"))
        last = held is not None and change.task in named(held[1], "spec", "finally")
        self.pipeline(
            change, where, "finally" if last else "tasks", partial(removed, name=change.task), change.task
        )

    def pipeline(
        self,
        change: Positioned | Remove,
        where: Path,
        field: str,
        order: Callable[[Sequence[Object]], list[Object]],
        blamed: str = "",
    ) -> None:
        """Give a Pipeline other tasks: what `order` makes of those it has."""
        held = self.held(change, f"Pipeline/{change.pipeline}", (*where, "pipeline"))
        if not held:
            return
        path, value = held
        old = items(value, "spec", field)
        if len(named(value, "spec", field)) != len(old):
            self.find(
                "unusable-catalog-file",
                (*where, "pipeline"),
                f"tasks of {change.pipeline} have no name of their own",
                "give each task a name",
            )
            return
        try:
            new = order(old)
            if not new and field == "tasks":
                raise OrderError(
                    "broken-task-order", ("task",), "there would be no task at all", "replace the Pipeline"
                )
        except OrderError as error:
            self.find(error.name, (*where, *error.field), f"{change.pipeline}: {error}", error.remedy)
            return
        listed = [
            (names(old).index(task["name"]) if task["name"] in names(old) else None, task) for task in new
        ]
        spec = (
            {**value["spec"], field: new}
            if new
            else {key: each for key, each in value["spec"].items() if key != field}
        )
        text = self.features[change.feature].files[path].decode()
        self.edited(
            change,
            path,
            partial(relisted, text, ("spec", field), old, listed),
            {**value, "spec": spec},
            where,
        )
        if blamed:
            self.blame[change.feature, path, blamed] = self.document.at((*where, "task"))

    def image(self, change: Swap, where: Path) -> None:
        known: set[str] = set()

        def choose(text: str) -> str | None:
            found = IMAGE.fullmatch(text)
            known.update([found["repository"]] if found else [])
            return change.new if found and found["repository"] == change.old else None

        feature = self.features[change.feature]
        spec = _defaults(feature.spec, choose)
        wanted = {path: _mapped(value, choose) for path, value in self.objects(change.feature).items()}
        if change.old not in known:
            self.find(
                "change-without-target",
                (*where, "from"),
                f'the feature {change.feature} uses no image "{change.old}"',
                nearest(change.old, known),
            )
        elif earlier := self.swapped.get((change.feature, change.old)):
            self.find(
                "already-in-catalog",
                (*where, "from"),
                f"{change.old} was swapped before, at {earlier}",
                "keep one of the two",
            )
        else:
            # The comment behind the new image is its readable tag, and goes along.
            place = self.document.at((*where, "to"))
            behind = re.fullmatch(r"\s*#(.*)", place.text[place.column - 1 + place.length :].rstrip("\r"))
            written = f"{change.new}  #{behind[1]}" if behind else change.new
            self.swapped[change.feature, change.old] = self.document.at(where)
            self.features[change.feature] = replace(feature, spec=spec)
            for path, value in wanted.items():
                if value != self.objects(change.feature)[path]:
                    text = feature.files[path].decode()
                    self.edited(
                        change,
                        path,
                        partial(swapped, text, lambda old: choose(old) and written),
                        value,
                        where,
                    )

    def edited(
        self, change: Target | Swap, path: str, edit: Callable[[], str], wanted: Object, where: Path
    ) -> None:
        """Put edited text in the place of a file when it reads as `wanted`, and refuse it otherwise."""
        try:
            data = edit().encode()
            reason = (
                ""
                if read(path, data, bounds=FOREIGN).value == wanted
                else "what would come out is not what was meant"
            )
        except SpliceError as error:
            reason = str(error)
        except FindingsError as error:
            reason = error.findings[0].reason
        if reason:
            self.find(
                "unusable-catalog-file",
                where,
                f"{_name(wanted)} cannot be edited as text: {reason}",
                "replace it by a file of your own, in block style",
            )
        else:
            self.put(change, path, data, wanted, where)

    def complete(self) -> None:
        """Look in the Pipelines for what needs a task that is not there: one was taken out, or a new one
        names it.
        """
        for feature, path in sorted({(feature, path) for feature, path, _ in self.blame}):
            spec = self.objects(feature)[path]["spec"]
            known = {*named(spec, "tasks"), *named(spec, "finally")}
            needed = [(str(task["name"]), name) for task in items(spec, "tasks") for name in waits(task)]
            needed += [
                (str(at(task, "name")), name)
                for task in items(spec, "finally")
                for name, rest in uses(task, "tasks")
                if rest
            ]
            needed += [
                ("a result of the Pipeline", name)
                for name, rest in uses(items(spec, "results"), "tasks")
                if rest
            ]
            for who, name in dict.fromkeys(needed):
                gone = self.blame.get((feature, path, name))
                place = gone or self.blame.get((feature, path, who))
                if name not in known and place:
                    remedy = "change what needs it first, or keep the task" if gone else nearest(name, known)
                    reason = f'{who} needs the task "{name}", which would not be there'
                    self.findings.append(
                        Finding(name="broken-task-order", location=place, reason=reason, remedy=remedy)
                    )


def _part(feature: Feature, part: str) -> Iterable[_Held]:
    return zip(feature.part(part), feature.objects(part), strict=True)


def _name(value: Object) -> str:
    return f"{value['kind']}/{value['metadata']['name']}"


def _mapped(value: Any, choose: Callable[[str], str | None]) -> Any:
    """Return a value with `choose` applied to each string in it."""
    if isinstance(value, dict):
        return {key: _mapped(item, choose) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, choose) for item in value]
    return (choose(value) or value) if isinstance(value, str) else value


def _defaults(spec: FeatureSpec, choose: Callable[[str], str | None]) -> FeatureSpec:
    """Return a feature.yaml with `choose` applied to the defaults of its parameters."""

    def mapped(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
        return {
            name: each.model_copy(update={"default": _mapped(each.default, choose)})
            for name, each in parameters.items()
        }

    lists = {
        name: each.model_copy(update={"fields": mapped(each.fields)}) for name, each in spec.each.items()
    }
    return spec.model_copy(update={"parameters": mapped(spec.parameters), "each": lists})
