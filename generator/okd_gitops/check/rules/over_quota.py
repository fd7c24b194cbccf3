"""The rule over-quota: findings.yaml states and explains it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from okd_gitops.check.kept_claims import kept_runs, storage_of_runs
from okd_gitops.check.rule import Fault, Overlay, Quota, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.quantity import amount, written
from okd_gitops.manifests.task_order import heaviest, waits
from okd_gitops.manifests.tekton import named, resolved_name

_RESOURCES = ("cpu", "memory")
_Amounts = Mapping[str, float]
# Namespace and name of a Task.
_Place = tuple[str, str]


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Compare what the pipelines of a namespace ask for with its quota, in fleet.yaml or a ResourceQuota."""
    stated = [quota for quota in repository.quotas if quota.cluster == overlay.name]
    quotas = [*stated, *_rendered_quotas(overlay)]
    pods = _pods(overlay.objects) if quotas else {}

    for quota in quotas:
        objects = [value for value in overlay.objects if ObjectId.of(value).namespace == quota.namespace]
        yield from _compute_faults(objects, pods, quota)
        yield from _storage_faults(overlay, objects, quota)


def _rendered_quotas(overlay: Overlay) -> Iterator[Quota]:
    for value in overlay.objects:
        identity = ObjectId.of(value)
        if identity.group_kind == "ResourceQuota.":
            # Names of resources as in k8s.io/api core/v1 of Kubernetes 1.35: cpu is short for requests.cpu.
            hard = at(value, "spec", "hard")
            cpu, memory = (at(hard, f"requests.{name}") or at(hard, name) for name in _RESOURCES)
            yield Quota(
                cluster=overlay.name,
                namespace=identity.namespace,
                cpu=str(cpu or ""),
                memory=str(memory or ""),
                storage=str(at(hard, "requests.storage") or ""),
            )


def _pods(objects: Iterable[Object]) -> dict[_Place, _Amounts]:
    """Return what the pod of each Task asks for."""
    identities = [(ObjectId.of(value), value) for value in objects]
    return {
        (identity.namespace, identity.name): _pod(value)
        for identity, value in identities
        if identity.group_kind == "Task.tekton.dev"
    }


def _compute_faults(objects: list[Object], pods: Mapping[_Place, _Amounts], quota: Quota) -> Iterator[Fault]:
    """Yield what no pod and no run may ask for: a pod over the quota never starts, a run waits for itself.

    The pods run in the namespace of the Pipeline, also those of a Task that a resolver finds in another one.
    """
    for value in objects:
        if ObjectId.of(value).group_kind == "Pipeline.tekton.dev":
            tasks = named(value, "spec", "tasks")
            for resource in _RESOURCES:
                yield from _pipeline_faults(value, tasks, pods, resource, quota)


def _pipeline_faults(
    pipeline: Object,
    tasks: Mapping[str, Object],
    pods: Mapping[_Place, _Amounts],
    resource: str,
    quota: Quota,
) -> Iterator[Fault]:
    limit = amount(getattr(quota, resource))
    if limit is None:
        return

    namespace = ObjectId.of(pipeline).namespace
    called = {name: resolved_name(at(task, "taskRef"), "Task", namespace) for name, task in tasks.items()}
    weights = {name: pods.get(task, {}).get(resource, 0.0) for name, task in called.items()}
    needed, together = heaviest(weights, {name: waits(task) for name, task in tasks.items()})

    if needed > limit:
        reason = (
            f"{' and '.join(sorted(together))} ask for {written(resource, needed)} of {resource} at a time, "
            f"and the quota of {quota.namespace} has {getattr(quota, resource)}"
        )
        yield Fault(
            reason=reason,
            remedy="lower the requests of a step in catalog/changes/, order the tasks, or raise the quota",
            object=ObjectId.of(pipeline),
        )


def _storage_faults(overlay: Overlay, objects: list[Object], quota: Quota) -> Iterator[Fault]:
    limit = amount(quota.storage)
    if limit is None:
        return

    kept = kept_runs(overlay.objects, quota.namespace)
    for template, needed, text in storage_of_runs(objects, kept):
        if needed > limit:
            reason = f"{text}, and the quota of {quota.namespace} has {quota.storage}"
            remedy = "keep fewer runs (docs/building.md), lower workspace-size, or raise the quota"
            yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(template))


def _pod(task: Object) -> _Amounts:
    """Return what the pod of a Task asks for: Tekton adds up its steps and sidecars."""
    containers = [*items(task, "spec", "steps"), *items(task, "spec", "sidecars")]
    return {resource: sum(_asked(container, resource) for container in containers) for resource in _RESOURCES}


def _asked(container: Any, resource: str) -> float:
    """Return the larger of a container's request and limit: quotas are of either."""
    both = (at(container, "computeResources", kind, resource) for kind in ("requests", "limits"))
    return max((amount(text) or 0.0 for text in both), default=0.0)
