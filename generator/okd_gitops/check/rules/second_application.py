"""The rule second-application: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import ARGOCD, LONG_TERM, Fault, Overlay, Repository
from okd_gitops.manifests.argocd import IN_CLUSTER, folder, of_kind, same_url, sources
from okd_gitops.manifests.objects import Object, ObjectId, at


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for Applications in the overlays of a fleet that go round those in `argocd/`, by any name."""
    if not overlay.purpose:
        return

    for application in of_kind(overlay.objects, "Application"):
        for reason in (
            *_synced_folders(application, repository),
            *_foreign_clusters(application, overlay, repository),
        ):
            remedy = f"remove it from clusters/{overlay.name}/, or let it write to {overlay.name} itself"
            yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(application))


def _synced_folders(application: Object, repository: Repository) -> Iterator[str]:
    """Yield a reason for each generated folder that an Application syncs."""
    generated = {ARGOCD, *(overlay.folder for overlay in repository.overlays if overlay.purpose)}

    for source in sources(application):
        path = folder(source)

        if path in generated and same_url(at(source, "repoURL")) == same_url(repository.url):
            yield f"it syncs {path}, which {ARGOCD}/ deploys already"


def _foreign_clusters(application: Object, overlay: Overlay, repository: Repository) -> Iterator[str]:
    """Yield a reason for each other long-term cluster that an Application writes to."""
    destination = at(application, "spec", "destination", "name")

    for other in repository.overlays:
        known_as = repository.destinations.get(other.name)
        is_other = other is not overlay and other.purpose in LONG_TERM

        # Every Argo CD calls its own cluster so.
        if is_other and known_as == destination != IN_CLUSTER:
            yield f"it writes to {other.name}, a long-term cluster, past its own overlay"
