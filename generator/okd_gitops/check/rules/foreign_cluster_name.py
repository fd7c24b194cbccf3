"""The rule foreign-cluster-name; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import WORD, Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId, strings


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for names of other clusters as whole words in short strings; what is rendered for Argo CD and
    for the hub names them all.
    """
    if overlay.purpose in ("", "hub"):
        return
    names = repository.destinations.keys() - repository.common - {overlay.name}
    for value in overlay.objects:
        identity = ObjectId.of(value)
        for path, text in strings(value):
            # Looked up, not searched for: a search for each of a thousand names in every string takes seconds.
            words = WORD.findall(text) if len(text) < 2000 else []
            found = next((word for word in words if word in names), None)
            if found:
                yield Fault(
                    reason=f'{path} names the cluster "{found}"',
                    remedy=f"this is the output of {overlay.name}",
                    object=identity,
                )
