"""The rule namespace-scope: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId, defined_scopes


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at every object; a CRD in the overlay decides about the scope of its kind."""
    scopes = defined_scopes(overlay.objects)

    for value in overlay.objects:
        identity = ObjectId.of(value)
        is_cluster_scoped = scopes.get(identity.group_kind, identity.cluster_scoped)

        if is_cluster_scoped and identity.namespace:
            yield Fault(
                reason=f"a {identity.kind} must not have a namespace",
                remedy="remove metadata.namespace",
                object=identity,
            )
        if not is_cluster_scoped and not identity.namespace and identity.kind:
            yield Fault(reason="its namespace is missing", remedy="write metadata.namespace", object=identity)
