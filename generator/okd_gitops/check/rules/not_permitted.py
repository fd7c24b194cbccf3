"""The rule not-permitted; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import Project, project_name
from okd_gitops.manifests.objects import Object, ObjectId, at, defined_scopes


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the overlay that an Application names, with the project of that Application."""
    for application in repository.synced.get(overlay.folder, ()):
        project = repository.projects.get(project_name(application))
        if project:
            for identity in _refused(overlay, application, project):
                reason = f"the project {project_name(application)} does not permit it, so nothing of {overlay.name} would be synced"
                yield Fault(
                    reason=reason,
                    remedy="okd-gitops generate derives what a project permits",
                    object=identity,
                )


def _refused(overlay: Overlay, application: Object, project: Project) -> Iterator[ObjectId]:
    scopes, destination = defined_scopes(overlay.objects), at(application, "spec", "destination")
    for value in overlay.objects:
        identity = ObjectId.of(value)
        cluster_scoped = scopes.get(identity.group_kind, identity.cluster_scoped)
        # An object without a namespace goes where the Application says, unless its kind has none, which
        # nobody may have told us.
        scopeless = not identity.namespace and project.permits_kind(identity, cluster_scoped=True)
        placed = cluster_scoped or project.permits_destination(
            destination, identity.namespace or at(destination, "namespace")
        )
        if not scopeless and not (placed and project.permits_kind(identity, cluster_scoped=cluster_scoped)):
            yield identity
