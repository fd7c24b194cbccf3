"""The rule not-permitted: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import Project, project_name
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.manifests.scopes import defined_scopes, is_cluster_scoped


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
    # The project looks at these alone, and an overlay has many objects that share them.
    permitted: dict[tuple[str, str, str], bool] = {}

    for value in overlay.objects:
        identity = ObjectId.of(value)
        key = identity.group, identity.kind, identity.namespace
        if key in permitted:
            if not permitted[key]:
                yield identity
            continue

        scope = is_cluster_scoped(identity, scopes)
        # Argo CD asks the cluster; here an object without a namespace may be of either scope.
        possible_scopes = {scope} if scope is not None else {False, not identity.namespace}

        permitted[key] = any(
            _permits(project, identity, destination, cluster_scoped=scope) for scope in possible_scopes
        )
        if not permitted[key]:
            yield identity


def _permits(project: Project, identity: ObjectId, destination: object, *, cluster_scoped: bool) -> bool:
    namespace = identity.namespace or at(destination, "namespace")
    permits_place = cluster_scoped or project.permits_destination(destination, namespace)

    return permits_place and project.permits_kind(identity, cluster_scoped=cluster_scoped)
