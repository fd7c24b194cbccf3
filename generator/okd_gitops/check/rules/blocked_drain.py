"""The rule blocked-drain: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at

_WORKLOADS = ("Deployment.apps", "StatefulSet.apps", "ReplicaSet.apps")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at each PodDisruptionBudget with the workload that its selector means."""
    scaled = {
        (ObjectId.of(value).namespace, str(at(value, "spec", "scaleTargetRef", "name")))
        for value in overlay.objects
        if value.get("kind") == "HorizontalPodAutoscaler"
    }
    for value in overlay.objects:
        identity = ObjectId.of(value)
        if identity.group_kind != "PodDisruptionBudget.policy":
            continue

        for workload in overlay.objects:
            other = ObjectId.of(workload)
            is_meant = other.group_kind in _WORKLOADS and other.namespace == identity.namespace
            if not is_meant or (other.namespace, other.name) in scaled or not _selects(value, workload):
                continue

            replicas = at(workload, "spec", "replicas")
            replicas = 1 if replicas is None else replicas
            if isinstance(replicas, int) and replicas > 0 and _blocks(value, replicas):
                yield Fault(
                    reason=f"this PodDisruptionBudget never lets one of the {replicas} pods of {other} go: "
                    "their node cannot be drained, and an upgrade stops there",
                    remedy="run one pod more, or write maxUnavailable: 1",
                    object=identity,
                    path=("spec",),
                )


def _selects(budget: Object, workload: Object) -> bool:
    wanted = at(budget, "spec", "selector", "matchLabels")
    labels = at(workload, "spec", "template", "metadata", "labels")
    if not isinstance(wanted, dict) or not wanted or not isinstance(labels, dict):
        return False
    return all(labels.get(key) == text for key, text in wanted.items())


def _blocks(budget: Object, replicas: int) -> bool:
    least, most = at(budget, "spec", "minAvailable"), at(budget, "spec", "maxUnavailable")
    is_all = isinstance(least, int) and least >= replicas
    return is_all or least == "100%" or most in (0, "0", "0%")
