"""The rule foreign-cluster-name: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import WORD, Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId, strings

# Longer strings are scripts and files, not names.
_LONGEST = 2000


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for names of other clusters as whole words in short strings.

    The files for Argo CD and for the hub rightly name every cluster.
    """
    if overlay.purpose in ("", "hub"):
        return

    other_clusters = repository.destinations.keys() - repository.common - {overlay.name}
    for value in overlay.objects:
        for path, text in strings(value):
            # Looked up word by word: a search for each of a thousand names in every string takes seconds.
            words = WORD.findall(text) if len(text) < _LONGEST else []
            names = [word for word in words if word in other_clusters]

            if names:
                yield Fault(
                    reason=f'{path} names the cluster "{names[0]}"',
                    remedy=f"name {overlay.name}, whose output this is, or make the name a parameter",
                    object=ObjectId.of(value),
                )
