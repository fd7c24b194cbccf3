"""The rule unlisted-file: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.finding import Location


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at bases/, overlays/ and the extras below clusters/NAME/: of argocd/, every file is deployed.

    In a repository that others wrote, the ledger names what nothing deploys.
    """
    if not repository.has_house_rules:
        return

    # What an overlay that could not be built would reach is unknown; its own findings tell why.
    if not repository.is_whole:
        return

    reached: set[str] = set()
    for overlay in repository.overlays:
        reached |= overlay.reached

    for path in sorted(set(repository.files) - reached):
        if path.endswith((".yaml", ".yml")) and _is_deployed_from(path):
            yield Fault(
                reason="no kustomization lists this file, so it is not deployed",
                remedy="list it, or remove it",
                location=Location(file=path),
            )


def _is_deployed_from(path: str) -> bool:
    top, *below = path.split("/")
    is_extra = top == "clusters" and len(below) > 1
    return is_extra or (top in ("bases", "overlays") and bool(below))
