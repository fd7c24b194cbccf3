"""The rule listener-rights: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId, at


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at listeners whose account is in the same overlay, with the bindings there."""
    listeners = overlay.of("EventListener.triggers.tekton.dev")
    if not listeners:
        return

    ids = {ObjectId.of(value) for value in overlay.objects}
    accounts = {(each.namespace, each.name) for each in ids if each.group_kind == "ServiceAccount."}
    bound, groups = repository.bound

    for value in listeners:
        identity = ObjectId.of(value)
        name = str(at(value, "spec", "serviceAccountName") or "")
        account = identity.namespace, name
        by_group = {"system:serviceaccounts", f"system:serviceaccounts:{identity.namespace}"} & groups
        if account in accounts and account not in bound and not by_group:
            yield Fault(
                reason=f"no binding gives its account {name} any rights: the listener never gets ready",
                remedy="bind tekton-triggers-eventlistener-roles and, for the cluster, "
                "tekton-triggers-eventlistener-clusterroles to it",
                object=identity,
                path=("spec", "serviceAccountName"),
            )
