"""Tekton objects as rules read them: what is declared, passed and named; they may have any shape."""

import re
from collections.abc import Iterator
from typing import Any

from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object, strings

# $(params.name), $(params.name.key), $(params.name[*]), $(params["na.me"]); likewise for other scopes.
_ANY_USE = re.compile(
    r"""\$\((?P<scope>params|inputs\.params|tt\.params|workspaces|results|tasks|finally)"""
    r"""(?:\.(?P<plain>[A-Za-z0-9_-]+)|\[["'](?P<quoted>[^"']+)["']\])(?P<rest>[^()]*)\)"""
)
Path = tuple[str | int, ...]
_VERSIONS = (None, "", "tekton.dev/v1", "tekton.dev/v1beta1")


def named(value: object, *path: str) -> dict[str, Object]:
    """Return the maps in the list at a path by their `name`."""
    maps = [entry for entry in items(value, *path) if isinstance(entry, dict)]
    return {entry["name"]: entry for entry in maps if isinstance(entry.get("name"), str)}


def required(declared: dict[str, Object]) -> set[str]:
    """Return the names of the parameters or workspaces that must be given: no default, not optional."""
    return {
        name
        for name, declaration in declared.items()
        if "default" not in declaration and declaration.get("optional") is not True
    }


def tasks(pipeline: object) -> Iterator[tuple[Object, str]]:
    """Yield the tasks of a Pipeline's spec, each with the list (`tasks` or `finally`) that holds it."""
    for key in ("tasks", "finally"):
        for task in items(pipeline, key):
            if isinstance(task, dict):
                yield task, key


@per_object
def runs(value: Object) -> tuple[Object, ...]:
    """Return an object if it is a PipelineRun or a TaskRun, or those that a TriggerTemplate makes."""
    return tuple(_runs(value))


def _runs(value: Object) -> Iterator[Object]:
    identity = ObjectId.of(value)

    if identity.group == "tekton.dev" and identity.kind in ("PipelineRun", "TaskRun"):
        yield value
    elif identity.group_kind == "TriggerTemplate.triggers.tekton.dev":
        for template in items(value, "spec", "resourcetemplates"):
            if isinstance(template, dict) and ObjectId.of(template).kind != identity.kind:
                yield from runs(template)


def uses(value: object, *scopes: str) -> Iterator[tuple[str, str]]:
    """Yield (name, what follows it) for each variable of these scopes inside a value:
    `$(tasks.a.results.b)` is ("a", ".results.b").
    """
    for _, text in strings(value):
        # Most strings hold no variable, and scripts are long.
        if "$(" not in text:
            continue

        for variable in _ANY_USE.finditer(text):
            if variable["scope"] in scopes:
                yield variable["plain"] or variable["quoted"], variable["rest"]


def path_of_text(value: object, text: str, path: Path = ()) -> Path:
    """Return the path of the first string inside a value that has a text in it; empty without one."""
    if isinstance(value, str):
        return path if text in value else ()

    parts: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = list(enumerate(value))
    found = (path_of_text(part, text, (*path, key)) for key, part in parts)
    return next((each for each in found if each), ())


def local_name(reference: object, kind: str) -> str:
    """Return the name in a reference to an object of that kind in the same namespace; empty when a resolver
    or another API finds it.
    """
    name = at(reference, "name")
    if not isinstance(name, str) or "$(" in name or (at(reference, "kind") or kind) != kind:
        return ""

    is_resolved = at(reference, "resolver") or at(reference, "bundle")
    return "" if is_resolved or at(reference, "apiVersion") not in _VERSIONS else name


def resolved_name(reference: object, kind: str, namespace: str) -> tuple[str, str]:
    """Return the namespace and the name of what a reference in `namespace` leads to.

    Both are empty when it is outside the cluster, or is not known before the run.

    Parameters of the cluster resolver: pkg/resolution/resolver/cluster/params.go of Tekton Pipelines 1.6.0.
    """
    if at(reference, "resolver") != "cluster":
        name = local_name(reference, kind)
        return (namespace, name) if name else ("", "")

    given = {name: str(at(param, "value") or "") for name, param in named(reference, "params").items()}
    is_known = given.get("kind", kind.lower()) == kind.lower() and "$(" not in str(given)
    if not is_known or not given.get("name") or not given.get("namespace"):
        return "", ""
    return given["namespace"], given["name"]


def run_path(value: Object, run: Object) -> Path:
    """Return the path in an object of a run that it is, or makes."""
    made = items(value, "spec", "resourcetemplates")
    index = next((index for index, each in enumerate(made) if each is run), None)
    return () if index is None else ("spec", "resourcetemplates", index)


def callees(value: Object) -> Iterator[tuple[str, str, str, Path]]:
    """Yield (kind, name, namespace, path) of each Task and Pipeline that an object runs and names."""
    identity = ObjectId.of(value)
    pipelines: list[tuple[object, str, Path]] = []

    if identity.group_kind == "Pipeline.tekton.dev":
        pipelines.append((at(value, "spec"), identity.namespace, ("spec",)))

    for run in runs(value):
        namespace = ObjectId.of(run).namespace or identity.namespace
        where = (*run_path(value, run), "spec")
        pipelines.append((at(run, "spec", "pipelineSpec"), namespace, (*where, "pipelineSpec")))

        kind = "Pipeline" if run.get("kind") == "PipelineRun" else "Task"
        reference = _with_default(at(run, "spec", f"{kind.lower()}Ref"), value)
        place, name = resolved_name(reference, kind, namespace)
        if name:
            yield kind, name, place, (*where, f"{kind.lower()}Ref", "name")

    for spec, namespace, where in pipelines:
        for key in ("tasks", "finally"):
            for index, task in enumerate(items(spec, key)):
                place, name = resolved_name(at(task, "taskRef"), "Task", namespace)
                if name:
                    yield "Task", name, place, (*where, key, index, "taskRef", "name")


def _with_default(reference: object, template: Object) -> object:
    """Return a reference with the default of the template's parameter in the place of `$(tt.params.…)`."""
    name = at(reference, "name")
    if not isinstance(reference, dict) or not isinstance(name, str):
        return reference

    variable = _ANY_USE.fullmatch(name)
    if not variable or variable["scope"] != "tt.params":
        return reference

    parameter = named(template, "spec", "params").get(variable["plain"])
    return {**reference, "name": at(parameter, "default") or name}


def trigger_references(value: Object) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, name, namespace) of the bindings, templates, interceptors and triggers that an
    EventListener or a Trigger names.
    """
    identity = ObjectId.of(value)
    triggers = []

    if identity.group_kind == "EventListener.triggers.tekton.dev":
        triggers = [*items(value, "spec", "triggers"), *items(value, "spec", "triggerGroups")]
    elif identity.group_kind == "Trigger.triggers.tekton.dev":
        triggers = [at(value, "spec")]

    for trigger in triggers:
        for kind, name in _references(trigger):
            if not isinstance(kind, str) or not isinstance(name, str) or not name or "$(" in name:
                continue

            # The reference has NamespacedInterceptor, the kind is Interceptor.
            namespace = "" if kind.startswith("Cluster") else identity.namespace
            yield kind.removeprefix("Namespaced"), name, namespace


def _references(trigger: object) -> Iterator[tuple[Any, Any]]:
    """Yield the kind and the name of each object that a trigger refers to; they may be of any type."""
    yield "Trigger", at(trigger, "triggerRef")
    yield "TriggerTemplate", at(trigger, "template", "ref")

    for binding in items(trigger, "bindings"):
        yield at(binding, "kind") or "TriggerBinding", at(binding, "ref")

    for interceptor in items(trigger, "interceptors"):
        yield at(interceptor, "ref", "kind") or "ClusterInterceptor", at(interceptor, "ref", "name")
