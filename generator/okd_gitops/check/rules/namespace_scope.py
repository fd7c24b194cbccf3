"""The rule namespace-scope: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import sources
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.manifests.scopes import defined_scopes, is_cluster_scoped


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at every object; one of a kind whose scope nothing tells is left to the rules about schemas.

    Elsewhere than in our own fleets, whoever applies an object may give it its namespace, and a namespace
    that is too much is dropped by the API server: only an Application that gives none is certain.
    """
    if not repository.has_house_rules:
        applications = repository.synced.get(overlay.folder, ())
        if not applications or any(_gives_namespace(application) for application in applications):
            return

    scopes = defined_scopes(repository.objects if not repository.has_house_rules else overlay.objects)

    for value in overlay.objects:
        identity = ObjectId.of(value)
        scope = is_cluster_scoped(identity, scopes)

        if scope is True and identity.namespace and repository.has_house_rules:
            yield Fault(
                reason=f"a {identity.kind} must not have a namespace",
                remedy="remove metadata.namespace",
                object=identity,
            )
        if scope is False and not identity.namespace:
            yield Fault(reason="its namespace is missing", remedy="write metadata.namespace", object=identity)


def _gives_namespace(application: Object) -> bool:
    is_set = bool(at(application, "spec", "destination", "namespace"))
    return is_set or any(at(source, "kustomize", "namespace") for source in sources(application))
