"""Tekton objects as rules read them: what is declared, what is passed, what is named; they may have any
shape.
"""

import re
from collections.abc import Iterator

from okd_gitops.manifests.objects import Object, ObjectId, at, items, strings

# $(params.name), $(params.name.key), $(params.name[*]), $(params["na.me"]); likewise for other scopes.
_USES = r"""\$\((?P<scope>{scopes})(?:\.(?P<plain>[A-Za-z0-9_-]+)|\[["'](?P<quoted>[^"']+)["']\])(?P<rest>[^()]*)\)"""
_ANY_USE = re.compile(
    _USES.format(scopes=r"params|inputs\.params|tt\.params|workspaces|results|tasks|finally")
)


def named(value: object, *path: str) -> dict[str, Object]:
    """Return the maps in the list at a path by their `name`."""
    return {
        each["name"]: each
        for each in items(value, *path)
        if isinstance(each, dict) and isinstance(each.get("name"), str)
    }


def required(declared: dict[str, Object]) -> set[str]:
    """Return the names of the parameters or workspaces that must be given: no default, not optional."""
    return {
        name for name, each in declared.items() if "default" not in each and at(each, "optional") is not True
    }


def tasks(pipeline: object) -> Iterator[tuple[Object, str]]:
    """Yield the tasks of a Pipeline's spec, each with the list (`tasks` or `finally`) that it stands in."""
    for key in ("tasks", "finally"):
        yield from ((each, key) for each in items(pipeline, key) if isinstance(each, dict))


def runs(value: Object) -> Iterator[Object]:
    """Yield an object if it is a PipelineRun or a TaskRun, or those that a TriggerTemplate makes."""
    identity = ObjectId.of(value)
    if identity.group == "tekton.dev" and identity.kind in ("PipelineRun", "TaskRun"):
        yield value
    elif identity.group_kind == "TriggerTemplate.triggers.tekton.dev":
        for each in items(value, "spec", "resourcetemplates"):
            if isinstance(each, dict) and ObjectId.of(each).kind != identity.kind:
                yield from runs(each)


def uses(value: object, *scopes: str) -> Iterator[tuple[str, str]]:
    """Yield (name, what follows it) for each variable of these scopes inside a value:
    `$(tasks.a.results.b)` is ("a", ".results.b").
    """
    for _, text in strings(value):
        # Most strings hold no variable, and scripts are long.
        for found in _ANY_USE.finditer(text) if "$(" in text else ():
            if found["scope"] in scopes:
                yield found["plain"] or found["quoted"], found["rest"]


def local_name(reference: object, kind: str) -> str:
    """Return the name in a reference to an object of that kind in the same namespace; empty when a
    resolver or another API finds it.
    """
    name = at(reference, "name")
    elsewhere = (
        at(reference, "resolver")
        or at(reference, "bundle")
        or at(reference, "apiVersion") not in (None, "", "tekton.dev/v1", "tekton.dev/v1beta1")
    )
    wanted = at(reference, "kind") or kind
    return name if isinstance(name, str) and "$(" not in name and not elsewhere and wanted == kind else ""


def callees(value: Object) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, name, namespace) of each Task and Pipeline that an object runs, as far as it names
    them.
    """
    identity = ObjectId.of(value)
    specs = [(at(value, "spec"), identity.namespace)] if identity.group_kind == "Pipeline.tekton.dev" else []
    for run in runs(value):
        namespace = ObjectId.of(run).namespace or identity.namespace
        specs.append((at(run, "spec", "pipelineSpec"), namespace))
        kind = "Pipeline" if run.get("kind") == "PipelineRun" else "Task"
        if name := local_name(_defaulted(at(run, "spec", f"{kind.lower()}Ref"), value), kind):
            yield kind, name, namespace
    for spec, namespace in specs:
        for task, _ in tasks(spec):
            if name := local_name(at(task, "taskRef"), "Task"):
                yield "Task", name, namespace


def _defaulted(reference: object, template: Object) -> object:
    """Put the default of a TriggerTemplate's parameter in the place of `$(tt.params.…)`."""
    name = at(reference, "name")
    if (
        isinstance(reference, dict)
        and isinstance(name, str)
        and (found := _ANY_USE.fullmatch(name))
        and found["scope"] == "tt.params"
    ):
        return {
            **reference,
            "name": at(named(template, "spec", "params").get(found["plain"]), "default") or name,
        }
    return reference


def trigger_references(value: Object) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, name, namespace) of the bindings, templates, interceptors and triggers that an
    EventListener or a Trigger names.
    """
    identity = ObjectId.of(value)
    if identity.group_kind == "EventListener.triggers.tekton.dev":
        triggers = [*items(value, "spec", "triggers"), *items(value, "spec", "triggerGroups")]
    else:
        triggers = [at(value, "spec")] if identity.group_kind == "Trigger.triggers.tekton.dev" else []
    for trigger in triggers:
        found = [("Trigger", at(trigger, "triggerRef")), ("TriggerTemplate", at(trigger, "template", "ref"))]
        found += [
            (at(binding, "kind") or "TriggerBinding", at(binding, "ref"))
            for binding in items(trigger, "bindings")
        ]
        found += [
            (at(each, "ref", "kind") or "ClusterInterceptor", at(each, "ref", "name"))
            for each in items(trigger, "interceptors")
        ]
        for kind, name in found:
            if isinstance(kind, str) and isinstance(name, str) and name and "$(" not in name:
                # The reference says NamespacedInterceptor, the kind is Interceptor.
                yield (
                    kind.removeprefix("Namespaced"),
                    name,
                    "" if kind.startswith("Cluster") else identity.namespace,
                )
