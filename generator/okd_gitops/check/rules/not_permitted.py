"""The rule not-permitted: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import Project, project_name
from okd_gitops.manifests.objects import Object, ObjectId, at, defined_scopes


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the objects of an overlay with the project of each Application that syncs it."""
    for application in repository.synced.get(overlay.folder, ()):
        name = project_name(application)
        project = repository.projects.get(name)
        if project is None:
            continue

        for identity in _refused(overlay, application, project):
            yield Fault(
                reason=f"the project {name} does not permit it, so nothing of {overlay.name} would be synced",
                remedy="run okd-gitops generate, which derives the lists of the project",
                object=identity,
            )


def _refused(overlay: Overlay, application: Object, project: Project) -> Iterator[ObjectId]:
    scopes = defined_scopes(overlay.objects)
    destination = at(application, "spec", "destination")

    for value in overlay.objects:
        identity = ObjectId.of(value)
        is_cluster_scoped = scopes.get(identity.group_kind, identity.cluster_scoped)

        namespace = identity.namespace or at(destination, "namespace")
        permits_place = is_cluster_scoped or project.permits_destination(destination, namespace)
        permits_kind = project.permits_kind(identity, cluster_scoped=is_cluster_scoped)
        # A kind whose scope is not known may be cluster-scoped: then its object needs no namespace.
        may_be_cluster_scoped = not identity.namespace and project.permits_kind(identity, cluster_scoped=True)

        if not may_be_cluster_scoped and not (permits_place and permits_kind):
            yield identity
