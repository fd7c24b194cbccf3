"""The rule refused-by-tekton: findings.yaml states and explains it.

What the webhooks refuse was read in tektoncd/pipeline v1.6.0, pkg/apis/pipeline/v1, and tektoncd/operator
v0.77.0, pkg/apis/operator/v1alpha1/tektonconfig_validation.go.
"""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.finding import nearest
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.tekton import runs
from okd_gitops.manifests.values import values_within

_TYPES = {"string": str, "array": list, "object": dict}
_PRUNED = ("taskrun", "pipelinerun")
_OPERATORS = ("in", "notin")
# What has conditions, and how deep they lie: tasks, an index, when, an index.
_CONDITIONAL = ("tasks", "finally", "steps")
_DEEP = 4
_Path = tuple[str | int, ...]


def check_object(value: Object) -> Iterator[Fault]:
    """Look at what Tekton's own validation says beyond the schema."""
    identity = ObjectId.of(value)
    faults: list[tuple[_Path, str, str]] = []

    if identity.group == "tekton.dev" or list(runs(value)):
        faults += _in_spec(value)
    if identity.group_kind == "TektonConfig.operator.tekton.dev":
        faults += _of_pruner(at(value, "spec", "pruner"))

    for path, reason, remedy in faults:
        yield Fault(reason=reason, remedy=remedy, object=identity, path=path)


def _in_spec(value: Object) -> Iterator[tuple[_Path, str, str]]:
    for path, inner in values_within(value.get("spec"), ("spec",)):
        if not isinstance(inner, dict):
            continue

        if len(path) > 1 and path[-2] == "params" and "default" in inner:
            wanted = _TYPES.get(str(inner.get("type") or ""))
            if wanted and not isinstance(inner["default"], wanted):
                reason = (
                    f"the parameter {inner.get('name')} is of type {inner['type']}, and its default is not"
                )
                yield (*path, "default"), reason, "write the default in that type, or another type"

        if len(path) > 1 and path[-2] == "steps" and inner.get("script") and items(inner, "command"):
            reason = f"the step {inner.get('name') or path[-1]} has a command and a script: Tekton takes one"
            yield (*path, "command"), reason, "keep one of them"

        operator = inner.get("operator")
        is_condition = len(path) > _DEEP and path[-2] == "when" and path[-4] in _CONDITIONAL
        if is_condition and isinstance(operator, str) and operator not in _OPERATORS:
            reason = f"when has the operator {operator}: Tekton has {' and '.join(_OPERATORS)}"
            yield (*path, "operator"), reason, nearest(operator, _OPERATORS)

        if path[-1] == "taskRef" and inner.get("kind") == "ClusterTask":
            reason = f"it calls the ClusterTask {inner.get('name')}, a kind that Tekton no longer has"
            yield path, reason, "copy the Task into the namespace, or use a resolver"


def _of_pruner(pruner: object) -> Iterator[tuple[_Path, str, str]]:
    if not isinstance(pruner, dict) or pruner.get("disabled") is True:
        return

    unknown = [str(name) for name in items(pruner, "resources") if name not in _PRUNED]
    if unknown:
        reason = f"the pruner knows {' and '.join(_PRUNED)}, not {', '.join(unknown)}"
        yield ("spec", "pruner", "resources"), reason, "write resources: [pipelinerun, taskrun]"
    if pruner.get("keep") is not None and pruner.get("keep-since") is not None:
        reason = "the pruner takes keep or keep-since, not both"
        yield ("spec", "pruner", "keep-since"), reason, "remove one of them"
