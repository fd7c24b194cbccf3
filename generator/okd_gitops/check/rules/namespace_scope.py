"""The rule namespace-scope: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.manifests.scopes import defined_scopes, is_cluster_scoped


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at every object; one of a kind whose scope nothing tells is left to the rules about schemas."""
    scopes = defined_scopes(overlay.objects)

    for value in overlay.objects:
        identity = ObjectId.of(value)
        scope = is_cluster_scoped(identity, scopes)

        if scope is True and identity.namespace:
            yield Fault(
                reason=f"a {identity.kind} must not have a namespace",
                remedy="remove metadata.namespace",
                object=identity,
            )
        if scope is False and not identity.namespace:
            yield Fault(reason="its namespace is missing", remedy="write metadata.namespace", object=identity)
