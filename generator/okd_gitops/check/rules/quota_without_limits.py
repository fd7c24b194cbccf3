"""The rule quota-without-limits: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId, at

_LIMITS = ("limits.cpu", "limits.memory")
_TEKTON = ("tekton.dev", "triggers.tekton.dev")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at namespaces in which Tekton makes pods."""
    ids = [ObjectId.of(value) for value in overlay.objects]
    with_runs = {each.namespace for each in ids if each.group in _TEKTON}
    with_defaults = {each.namespace for each in ids if each.group_kind == "LimitRange."}

    for value in overlay.objects:
        identity = ObjectId.of(value)
        if identity.group_kind != "ResourceQuota." or identity.namespace not in with_runs - with_defaults:
            continue

        limited = [key for key in _LIMITS if at(value, "spec", "hard", key)]
        if limited:
            yield Fault(
                reason=f"it limits {', '.join(limited)}, and no LimitRange of {identity.namespace} gives "
                "a default to the containers that Tekton adds: every run is refused",
                remedy="add a LimitRange with defaults for containers",
                object=identity,
                path=("spec", "hard"),
            )
