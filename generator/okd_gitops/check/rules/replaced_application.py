"""The rule replaced-application: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import ARGOCD, Fault, Overlay, Repository, of_argocd
from okd_gitops.manifests.objects import ObjectId


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for objects of Argo CD under the name of one that `argocd/` contains."""
    if overlay.folder == ARGOCD:
        return

    for value in of_argocd(overlay.objects):
        identity = ObjectId.of(value)

        if (identity.kind, identity.namespace, identity.name) in repository.in_argocd:
            reason = f"{ARGOCD}/ contains {identity}, and this one replaces it"
            yield Fault(reason=reason, remedy="name it otherwise, or remove it", object=identity)
