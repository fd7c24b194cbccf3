"""The rule tekton-wiring: findings.yaml states and explains it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256

from okd_gitops.check.overlay import as_list, per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, Same, at, items
from okd_gitops.manifests.tekton import (
    Path,
    named,
    path_of_text,
    required,
    resolved_name,
    run_path,
    runs,
    tasks,
    uses,
)

_KINDS = (
    "Pipeline.tekton.dev",
    "PipelineRun.tekton.dev",
    "Task.tekton.dev",
    "TaskRun.tekton.dev",
    "TriggerTemplate.triggers.tekton.dev",
)
_RESULT = re.compile(r"""\.results(?:\.(?P<plain>[A-Za-z0-9_-]+)|\[["'](?P<quoted>[^"']+)["']\])""")
_TYPES = {list: "array", dict: "object", str: "string"}
# Specs by kind, namespace and name.
_Specs = dict[tuple[str, str, str], object]
# The identity of an object, the reason, and the path in it.
_Found = tuple[list[str], str, list[str | int]]


def check_object(value: Object) -> Iterator[Fault]:
    """Look at what a Task, a StepAction or a Pipeline uses of its own declarations."""
    group_kind, spec = ObjectId.of(value).group_kind, at(value, "spec")
    undeclared: list[str] = []

    if group_kind in ("Task.tekton.dev", "StepAction.tekton.dev"):
        undeclared = _undeclared_in_task(spec)
    elif group_kind == "Pipeline.tekton.dev":
        undeclared = _undeclared_in_pipeline(spec)

    for variable in dict.fromkeys(undeclared):
        yield Fault(
            reason=f"it uses $({variable}), which it does not declare",
            remedy="declare it, or correct the name",
            object=ObjectId.of(value),
            path=path_of_text(value, f"$({variable}"),
        )


def _undeclared_in_task(spec: object) -> list[str]:
    undeclared: list[str] = []
    for scope in ("params", "workspaces", "results"):
        declared = set(named(spec, scope))
        if scope == "results":
            # A step can have results of its own.
            declared |= {name for step in items(spec, "steps") for name in named(step, scope)}

        used = [name for name, _ in uses(spec, scope, f"inputs.{scope}")]
        undeclared += [f"{scope}.{name}" for name in used if name not in declared]
    return undeclared


def _undeclared_in_pipeline(spec: object) -> list[str]:
    # An inline task may have parameters of its own.
    inline = {name for task, _ in tasks(spec) for name in named(task, "taskSpec", "params")}
    declared = inline | set(named(spec, "params"))
    undeclared = [f"params.{name}" for name, _ in uses(spec, "params") if name not in declared]

    # What a Pipeline gives back comes from its own tasks.
    own = {str(at(task, "name")) for task, _ in tasks(spec)}
    given = uses([at(each, "value") for each in items(spec, "results")], "tasks", "finally")
    return undeclared + [f"tasks.{name}{rest}" for name, rest in given if name not in own]


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at Pipelines and runs beside what they call in the same overlay.

    Overlays with the very same objects are looked at once.
    """
    clusters: dict[str, list[str]] = {}
    faults: dict[str, list[_Found]] = {}
    for overlay in repository.overlays:
        wiring = _wiring(overlay, repository.files)
        if wiring:
            group, faults[wiring[0]] = wiring
            clusters.setdefault(group, []).append(overlay.name)

    for group, found in faults.items():
        for identity, reason, path in found:
            yield Fault(
                reason=reason,
                remedy="declare it where it is read, or pass it where it is called",
                object=ObjectId(*identity),
                path=tuple(path),
                clusters=tuple(clusters[group]),
            )


@per_overlay
def _wiring(overlay: Overlay, _: Mapping[str, bytes]) -> tuple[str, list[_Found]] | None:
    """Return the faults of the objects of an overlay, with what tells these objects from others, if any."""
    values = tuple(value for value in overlay.objects if ObjectId.of(value).group_kind in _KINDS)
    return _faults_of(tuple(map(Same, values)))


@lru_cache(maxsize=64)
def _faults_of(objects: tuple[Same[Object], ...]) -> tuple[str, list[_Found]] | None:
    values = [each.value for each in objects]
    specs = _specs(values)
    found = [
        (as_list(ObjectId.of(value)), reason, list(path))
        for value in values
        for reason, path in _reasons(value, specs)
    ]
    return (sha256(json.dumps(values, default=str).encode()).hexdigest(), found) if found else None


def _specs(values: list[Object]) -> _Specs:
    identities = [(ObjectId.of(value), value) for value in values]
    return {(each.kind, each.namespace, each.name): at(value, "spec") for each, value in identities}


def _reasons(value: Object, specs: _Specs) -> Iterator[tuple[str, Path]]:
    identity = ObjectId.of(value)
    if identity.kind == "Pipeline":
        yield from _pipeline_reasons(at(value, "spec"), identity.namespace, specs)

    for run in runs(value):
        kind = "Pipeline" if run.get("kind") == "PipelineRun" else "Task"
        reference = at(run, "spec", f"{kind.lower()}Ref")
        namespace, name = resolved_name(reference, kind, ObjectId.of(run).namespace or identity.namespace)
        where = (*run_path(value, run), "spec")
        called = specs.get((kind, namespace, name))
        yield from ((each, where) for each in _call_reasons(f"{kind} {name}", at(run, "spec"), called))


@dataclass(frozen=True, slots=True)
class _Member:
    """A task of a Pipeline: the list that it is in (`tasks` or `finally`), and the spec of what it calls."""

    name: str
    task: Object
    list_key: str
    called: object

    @property
    def spec(self) -> object:
        """The spec of the Task that it calls, or its inline one."""
        return self.called or at(self.task, "taskSpec")


def _pipeline_reasons(spec: object, namespace: str, specs: _Specs) -> Iterator[tuple[str, Path]]:
    members: dict[str, _Member] = {}
    for task, list_key in tasks(spec):
        name, called = str(at(task, "name")), resolved_name(at(task, "taskRef"), "Task", namespace)
        members[name] = _Member(name, task, list_key, specs.get(("Task", *called)))

    for member in members.values():
        listed = items(spec, member.list_key)
        index = next(index for index, each in enumerate(listed) if each is member.task)
        where = ("spec", member.list_key, index)
        yield from ((reason, where) for reason in _member_reasons(member, spec, members))

    yield from ((reason, ("spec", "tasks")) for reason in _cycle_reasons(members))


def _member_reasons(member: _Member, spec: object, members: Mapping[str, _Member]) -> Iterator[str]:
    yield from _call_reasons(f"task {member.name}", member.task, member.called)
    # An inline spec also sees what the Pipeline declares.
    yield from _call_reasons(f"task {member.name}", member.task, at(member.task, "taskSpec"), around=spec)
    yield from _workspace_reasons(member, spec)
    yield from _order_reasons(member, members)
    yield from _result_reasons(member, members)


def _workspace_reasons(member: _Member, pipeline: object) -> Iterator[str]:
    bindings = named(member.task, "workspaces").values()
    bound = {str(at(binding, "workspace") or "") for binding in bindings} - {""}

    for name in sorted(bound - set(named(pipeline, "workspaces"))):
        yield f'task {member.name} binds the workspace "{name}", which the Pipeline does not declare'


def _order_reasons(member: _Member, members: Mapping[str, _Member]) -> Iterator[str]:
    for name in sorted({str(before) for before in items(member.task, "runAfter")}):
        before = members.get(name)
        if member.list_key == "finally" or before is None or before.list_key != "tasks":
            yield f'task {member.name} runs after "{name}", which is not a task before it'


def _results_used(member: _Member) -> list[tuple[str, str]]:
    """Return the tasks whose results a task uses, each with the text behind its name."""
    return [
        (name, rest)
        for name, rest in dict.fromkeys(uses(member.task, "tasks"))
        if rest.startswith((".results.", ".results["))
    ]


def _result_reasons(member: _Member, members: Mapping[str, _Member]) -> Iterator[str]:
    for name, rest in _results_used(member):
        source = members.get(name)
        match = _RESULT.match(rest)
        result = (match["plain"] or match["quoted"]) if match else ""

        if source is None:
            yield f'task {member.name} uses a result of "{name}", which is not a task of this Pipeline'
        elif at(source.spec, "steps") and result not in named(source.spec, "results"):
            yield f'task {member.name} uses the result "{result}" of {name}, which does not declare it'


def _cycle_reasons(members: Mapping[str, _Member]) -> Iterator[str]:
    waits_for: dict[str, set[str]] = {}
    for member in members.values():
        if member.list_key == "tasks":
            before = {str(name) for name in items(member.task, "runAfter")}
            before |= {name for name, _ in _results_used(member)}
            waits_for[member.name] = before & set(members)

    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        yield f"its tasks wait for each other: {', '.join(error.args[1])}"


def _call_reasons(who: str, caller: object, spec: object, around: object = None) -> Iterator[str]:
    """Compare what a caller passes with what a spec declares, where both are known."""
    if not isinstance(spec, dict):
        return

    for scope in ("params", "workspaces"):
        declared, passed = named(spec, scope), _passed(caller, scope)

        # An inline spec sees what is around it without declaring it.
        if around is None:
            for name in sorted(passed - set(declared)):
                yield f'{who} gets "{name}" in {scope}, which it does not declare'
        if scope == "params":
            yield from _type_reasons(who, caller, declared)
        for name in sorted(required(declared) - passed - set(named(around, scope))):
            yield f'{who} does not get "{name}" in {scope}, which it requires'


def _type_reasons(who: str, caller: object, declared: Mapping[str, Object]) -> Iterator[str]:
    """Compare the values that a caller writes itself with the types that are declared."""
    for name, passed in named(caller, "params").items():
        value, parameter = passed.get("value"), declared.get(name)
        if parameter is None or value is None or (isinstance(value, str) and "$(" in value):
            continue

        wanted, given = _type_of(parameter), _type_of({"default": value})
        if wanted in _TYPES.values() and wanted != given:
            yield f'{who} gets "{name}" as {given}, and it is declared as {wanted}: Tekton refuses the run'


def _type_of(parameter: Object) -> str:
    """Return the type of a parameter: the one that is written, or that of its default."""
    default = parameter.get("default")
    by_default = next((name for form, name in _TYPES.items() if isinstance(default, form)), "string")
    return str(parameter.get("type") or by_default)


def _passed(caller: object, scope: str) -> set[str]:
    included = [name for row in items(caller, "matrix", "include") for name in named(row, scope)]
    return {*named(caller, scope), *named(caller, "matrix", scope), *included}
