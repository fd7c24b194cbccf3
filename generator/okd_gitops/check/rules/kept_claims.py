"""The rule kept-claims: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.kept_claims import SKIP, claims_of, kept_runs, storage_of_runs
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId, at
from okd_gitops.manifests.quantity import amount, written

# More than the disk of a node that builds; where a quota is known, that is compared instead.
_LIMIT = 2.0**40


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the namespaces whose quota fleet.yaml does not state, where Tekton's operator prunes."""
    if not any(ObjectId.of(value).kind == "TektonConfig" for value in overlay.objects):
        return

    stated = {quota.namespace for quota in repository.quotas if quota.cluster == overlay.name}
    limits = _limits(overlay)
    claiming = [value for value in overlay.objects if claims_of(value)]
    for namespace in sorted(limits.keys() - stated - _pruned_otherwise(overlay)):
        objects = [value for value in claiming if ObjectId.of(value).namespace == namespace]
        if not objects:
            continue

        for template, needed, text in storage_of_runs(objects, kept_runs(overlay.objects, namespace)):
            if needed > limits[namespace]:
                yield Fault(
                    reason=f"{text}, more than {written('storage', limits[namespace])}",
                    remedy="lower keep or workspace-size, or set coschedule: pipelineruns for tekton",
                    object=ObjectId.of(template),
                )


def _limits(overlay: Overlay) -> dict[str, float]:
    """Return how much storage each namespace may claim, by the ResourceQuotas in it."""
    limits: dict[str, float] = {}

    for value in overlay.objects:
        identity = ObjectId.of(value)
        limit = limits.get(identity.namespace, _LIMIT)
        if identity.group_kind == "ResourceQuota.":
            limit = amount(at(value, "spec", "hard", "requests.storage")) or limit
        limits[identity.namespace] = limit

    return limits


def _pruned_otherwise(overlay: Overlay) -> set[str]:
    """Return the namespaces that the operator's pruner leaves to another one."""
    return {
        ObjectId.of(value).name
        for value in overlay.objects
        if ObjectId.of(value).group_kind == "Namespace."
        and at(value, "metadata", "annotations", SKIP) == "true"
    }
