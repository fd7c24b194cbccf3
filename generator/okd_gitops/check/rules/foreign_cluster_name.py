"""The rule foreign-cluster-name: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for names of other clusters as whole words in short strings.

    The files for Argo CD and for the hub rightly name every cluster.
    """
    if overlay.purpose in ("", "hub"):
        return

    for value in overlay.objects:
        for path, names in repository.clusters_named_in(value):
            others = [name for name in names if name != overlay.name]

            if others:
                yield Fault(
                    reason=f'{path} names the cluster "{others[0]}"',
                    remedy=f"name {overlay.name}, whose output this is, or make the name a parameter",
                    object=ObjectId.of(value),
                )
