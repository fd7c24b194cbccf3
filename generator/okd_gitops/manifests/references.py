"""What objects of Kubernetes and OpenShift name and cannot do without: pods, bindings, routes, autoscalers.

Read in kubernetes v1.35, staging/src/k8s.io/api, and openshift/api, route/v1. Where a field is optional, or a
pod starts without it, nothing is named here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object

Path = tuple[str | int, ...]
_WORKLOADS = {
    "Pod.": ("spec",),
    "CronJob.batch": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(
        (
            "DaemonSet.apps",
            "Deployment.apps",
            "DeploymentConfig.apps.openshift.io",
            "Job.batch",
            "ReplicaSet.apps",
            "StatefulSet.apps",
        ),
        ("spec", "template", "spec"),
    ),
}
_SCALED = ("Deployment", "DeploymentConfig", "ReplicaSet", "StatefulSet")
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name of another object in the same namespace, or in the one that is given, and its place."""

    kind: str
    name: str
    path: Path
    namespace: str = ""


@per_object
def references(value: Object) -> tuple[Reference, ...]:
    """Return what an object names and cannot do without; names that hold variables are left out."""
    found = [*_of_pods(value), *_of_bindings(value), *_of_routes(value), *_of_autoscalers(value)]
    found += _of_triggers(value)
    return tuple(each for each in found if each.name and not set("${}") & set(each.name))


def pod_of(value: Object) -> object | None:
    """Return the pod of an object, or the template that it makes pods of; None for what makes none itself."""
    where = _WORKLOADS.get(ObjectId.of(value).group_kind, ())
    return at(value, *where[:-1]) if where else None


def _of_pods(value: Object) -> Iterator[Reference]:
    where: Path = _WORKLOADS.get(ObjectId.of(value).group_kind, ())
    pod = at(value, *map(str, where)) if where else None
    if not isinstance(pod, dict):
        return

    for key in ("serviceAccountName", "serviceAccount"):
        if isinstance(pod.get(key), str):
            yield Reference("ServiceAccount", pod[key], (*where, key))
            break

    templates = {str(at(each, "metadata", "name")) for each in items(value, "spec", "volumeClaimTemplates")}
    for index, volume in enumerate(items(pod, "volumes")):
        if str(at(volume, "name")) not in templates:
            yield from _of_volume(volume, (*where, "volumes", index))

    for key in ("initContainers", "containers"):
        for index, container in enumerate(items(pod, key)):
            yield from _of_container(container, (*where, key, index))


def _of_volume(volume: object, where: Path) -> Iterator[Reference]:
    parts: list[tuple[Path, object]] = [((), volume)]
    for index, each in enumerate(items(volume, "projected", "sources")):
        parts.append((("projected", "sources", index), each))

    for inside, part in parts:
        for key, field, kind in (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret")):
            # A projected Secret has a name like everything else.
            field = "name" if inside else field
            if at(part, key, "optional") is not True:
                yield Reference(kind, _text(part, key, field), (*where, *inside, key, field))

    claim = _text(volume, "persistentVolumeClaim", "claimName")
    yield Reference("PersistentVolumeClaim", claim, (*where, "persistentVolumeClaim", "claimName"))


def _of_container(container: object, where: Path) -> Iterator[Reference]:
    kinds = {"configMap": "ConfigMap", "secret": "Secret"}

    for index, each in enumerate(items(container, "envFrom")):
        for key, kind in kinds.items():
            if at(each, f"{key}Ref", "optional") is not True:
                yield Reference(
                    kind, _text(each, f"{key}Ref", "name"), (*where, "envFrom", index, f"{key}Ref", "name")
                )

    for index, each in enumerate(items(container, "env")):
        for key, kind in kinds.items():
            chosen = at(each, "valueFrom", f"{key}KeyRef")
            if at(chosen, "optional") is not True:
                path = (*where, "env", index, "valueFrom", f"{key}KeyRef", "name")
                yield Reference(kind, _text(chosen, "name"), path)


def _of_bindings(value: Object) -> Iterator[Reference]:
    identity = ObjectId.of(value)
    if identity.group != _RBAC or identity.kind not in ("RoleBinding", "ClusterRoleBinding"):
        return

    if identity.kind == "RoleBinding" and at(value, "roleRef", "kind") == "Role":
        yield Reference("Role", _text(value, "roleRef", "name"), ("roleRef", "name"))

    for index, subject in enumerate(items(value, "subjects")):
        if at(subject, "kind") == "ServiceAccount":
            path, namespace = ("subjects", index, "name"), _text(subject, "namespace")
            yield Reference("ServiceAccount", _text(subject, "name"), path, namespace)


def _of_routes(value: Object) -> Iterator[Reference]:
    identity = ObjectId.of(value)

    if identity.group_kind == "Route.route.openshift.io":
        if at(value, "spec", "to", "kind") in (None, "Service"):
            yield Reference("Service", _text(value, "spec", "to", "name"), ("spec", "to", "name"))
        for index, each in enumerate(items(value, "spec", "alternateBackends")):
            yield Reference("Service", _text(each, "name"), ("spec", "alternateBackends", index, "name"))

    if identity.group_kind == "Ingress.networking.k8s.io":
        default = ("spec", "defaultBackend", "service", "name")
        yield Reference("Service", _text(value, *default), default)
        for index, rule in enumerate(items(value, "spec", "rules")):
            for number, path in enumerate(items(rule, "http", "paths")):
                where = ("spec", "rules", index, "http", "paths", number, "backend", "service", "name")
                yield Reference("Service", _text(path, "backend", "service", "name"), where)


def _of_autoscalers(value: Object) -> Iterator[Reference]:
    target, where = at(value, "spec", "scaleTargetRef"), ("spec", "scaleTargetRef", "name")
    is_one = ObjectId.of(value).group_kind == "HorizontalPodAutoscaler.autoscaling"
    if is_one and at(target, "kind") in _SCALED:
        yield Reference(str(at(target, "kind")), _text(target, "name"), where)


def _of_triggers(value: Object) -> Iterator[Reference]:
    """Yield what EventListeners and Triggers of Tekton name (tektoncd/triggers v0.34, v1beta1)."""
    triggers: list[tuple[Path, object]] = []
    if ObjectId.of(value).group_kind == "EventListener.triggers.tekton.dev":
        listed = enumerate(items(value, "spec", "triggers"))
        triggers = [(("spec", "triggers", index), each) for index, each in listed]
    elif ObjectId.of(value).group_kind == "Trigger.triggers.tekton.dev":
        triggers = [(("spec",), at(value, "spec"))]

    for where, trigger in triggers:
        yield Reference("Trigger", _text(trigger, "triggerRef"), (*where, "triggerRef"))
        yield Reference("TriggerTemplate", _text(trigger, "template", "ref"), (*where, "template", "ref"))
        for index, each in enumerate(items(trigger, "bindings")):
            if at(each, "kind") in (None, "", "TriggerBinding"):
                yield Reference("TriggerBinding", _text(each, "ref"), (*where, "bindings", index, "ref"))


def _text(value: object, *path: str) -> str:
    found = at(value, *path)
    return found if isinstance(found, str) else ""
