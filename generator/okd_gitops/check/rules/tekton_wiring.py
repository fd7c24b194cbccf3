"""The rule tekton-wiring; findings.yaml says what it demands and why."""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.tekton import local_name, named, required, runs, tasks, uses

_KINDS = (
    "Pipeline.tekton.dev",
    "PipelineRun.tekton.dev",
    "Task.tekton.dev",
    "TaskRun.tekton.dev",
    "TriggerTemplate.triggers.tekton.dev",
)
_RESULT = re.compile(r"""\.results(?:\.(?P<plain>[A-Za-z0-9_-]+)|\[["'](?P<quoted>[^"']+)["']\])""")
# Specs of a namespace by `Kind/name`.
_Specs = dict[str, object]


def check_object(value: Object) -> Iterator[Fault]:
    """Look at what a Task, a StepAction or a Pipeline uses of its own declarations."""
    identity, spec = ObjectId.of(value), at(value, "spec")
    known = {each: set(named(spec, each)) for each in ("params", "workspaces", "results")}
    found: list[tuple[str, str]] = []
    if identity.group_kind in ("Task.tekton.dev", "StepAction.tekton.dev"):
        # A step can have results of its own.
        known["results"] |= {name for step in items(spec, "steps") for name in named(step, "results")}
        found = [
            (each, name)
            for each in known
            for name, _ in uses(spec, each, f"inputs.{each}")
            if name not in known[each]
        ]
    elif identity.group_kind == "Pipeline.tekton.dev":
        # An inline task may have parameters of its own.
        known["params"] |= {name for task, _ in tasks(spec) for name in named(task, "taskSpec", "params")}
        found = [("params", name) for name, _ in uses(spec, "params") if name not in known["params"]]
    for what, name in dict.fromkeys(found):
        yield Fault(
            reason=f"it uses $({what}.{name}) and declares no such thing",
            remedy="declare it, or mend the name",
            object=identity,
        )


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at pipelines and runs with what they call in the same overlay; the same objects in many
    overlays are looked at once.
    """
    groups: dict[tuple[int, ...], tuple[list[Object], list[str]]] = {}
    for overlay in repository.overlays:
        held = [value for value in overlay.objects if ObjectId.of(value).group_kind in _KINDS]
        groups.setdefault(tuple(map(id, held)), (held, []))[1].append(overlay.name)
    for held, clusters in groups.values():
        namespaces: dict[str, _Specs] = {}
        for value in held:
            identity = ObjectId.of(value)
            namespaces.setdefault(identity.namespace, {})[f"{identity.kind}/{identity.name}"] = at(
                value, "spec"
            )
        for value in held:
            identity = ObjectId.of(value)
            specs = namespaces[identity.namespace]
            found = list(_pipeline(at(value, "spec"), specs)) if identity.kind == "Pipeline" else []
            found += [reason for run in runs(value) for reason in _run(run, specs)]
            remedy = "declare it where it is read, or pass it where it is called"
            yield from (
                Fault(reason=reason, remedy=remedy, object=identity, clusters=tuple(clusters))
                for reason in found
            )


def _pipeline(spec: object, specs: _Specs) -> Iterator[str]:
    members = {str(at(task, "name")): (task, key) for task, key in tasks(spec)}
    called = {
        name: specs.get(f"Task/{local_name(at(task, 'taskRef'), 'Task')}")
        for name, (task, _) in members.items()
    }
    waits: dict[str, set[str]] = {}
    for name, (task, key) in members.items():
        yield from _call(f"task {name}", task, called[name])
        # An inline spec also gets what is declared around it.
        yield from _call(f"task {name}", task, at(task, "taskSpec"), around=spec)
        for space in sorted(
            {str(at(bound, "workspace") or "") for bound in named(task, "workspaces").values()}
            - set(named(spec, "workspaces"))
            - {""}
        ):
            yield f'task {name} binds the workspace "{space}", which the Pipeline does not declare'
        before = {str(each) for each in items(task, "runAfter")}
        for each in sorted(before):
            if key == "finally" or each not in members or members[each][1] != "tasks":
                yield f'task {name} runs after "{each}", which is no task before it'
        for other, rest in dict.fromkeys(uses(task, "tasks")):
            if rest.startswith((".results.", ".results[")):
                yield from _result(name, other, rest, members, called)
                before.add(other)
        waits[name] = before & set(members) if key == "tasks" else set()
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        yield f"its tasks wait for each other: {', '.join(error.args[1])}"


def _result(
    name: str, other: str, rest: str, members: dict[str, tuple[Object, str]], called: _Specs
) -> Iterator[str]:
    found = _RESULT.match(rest)
    result = (found["plain"] or found["quoted"]) if found else ""
    spec = called.get(other) or (at(members[other][0], "taskSpec") if other in members else None)
    if other not in members:
        yield f'task {name} uses a result of "{other}", which is no task here'
    elif at(spec, "steps") and result not in named(spec, "results"):
        yield f'task {name} uses the result "{result}" of {other}, which declares no such result'


def _call(who: str, caller: object, spec: object, around: object = None) -> Iterator[str]:
    """Compare what a caller passes with what a spec declares, where both are at hand."""
    for what in ("params", "workspaces") if isinstance(spec, dict) else ():
        declared, passed = named(spec, what), set(named(caller, what)) | set(named(caller, "matrix", what))
        passed |= {name for each in items(caller, "matrix", "include") for name in named(each, what)}
        # Inline specs see what is around them without declaring it.
        for name in sorted(passed - set(declared)) if around is None else ():
            yield f'{who} is given "{name}" under {what}, which it does not declare'
        for name in sorted(required(declared) - passed - set(named(around, what))):
            yield f'{who} is not given "{name}" under {what}, which it needs'


def _run(run: Object, specs: _Specs) -> Iterator[str]:
    kind = "Pipeline" if run.get("kind") == "PipelineRun" else "Task"
    name = local_name(at(run, "spec", f"{kind.lower()}Ref"), kind)
    yield from _call(f"{kind} {name}", at(run, "spec"), specs.get(f"{kind}/{name}"))
