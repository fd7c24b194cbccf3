"""The rule unlisted-file; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.finding import Location


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at bases/, overlays/, argocd/ and the extras below clusters/NAME/."""
    reached = {path for overlay in repository.overlays for path in overlay.graph.files}
    # An overlay that could not be read reaches nothing; that is said elsewhere.
    if any(overlay.graph.findings for overlay in repository.overlays):
        return
    for path in sorted(set(repository.files) - reached):
        parts = path.split("/")
        extra = parts[0] == "clusters" and len(parts) > 2
        if path.endswith((".yaml", ".yml")) and (parts[0] in ("argocd", "bases", "overlays") or extra):
            yield Fault(
                reason="no kustomization lists this file, so it is not deployed",
                remedy="list it, or remove it",
                location=Location(file=path),
            )
