"""The rule replaced-application: findings.yaml states and explains it."""

from collections.abc import Iterable, Iterator

from okd_gitops.check.rule import ARGOCD, Fault, Overlay, Repository
from okd_gitops.manifests.argocd import of_kind
from okd_gitops.manifests.objects import Object, ObjectId

_KINDS = ("Application", "AppProject", "ApplicationSet")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for objects of Argo CD under the name of one that `argocd/` contains."""
    if overlay.folder == ARGOCD:
        return

    of_fleet = [other for other in repository.overlays if other.folder == ARGOCD]
    names = {_name(value) for other in of_fleet for value in _of_argocd(other.objects)}

    for value in _of_argocd(overlay.objects):
        if _name(value) in names:
            identity = ObjectId.of(value)
            reason = f"{ARGOCD}/ contains {identity}, and this one replaces it"
            yield Fault(reason=reason, remedy="name it otherwise, or remove it", object=identity)


def _of_argocd(objects: Iterable[Object]) -> Iterator[Object]:
    values = tuple(objects)

    for kind in _KINDS:
        yield from of_kind(values, kind)


def _name(value: Object) -> tuple[str, str, str]:
    identity = ObjectId.of(value)

    return identity.kind, identity.namespace, identity.name
