"""The rule forced-update: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import cluster_versions, nested_fault, release_faults
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import at

_WANTED = ("spec", "desiredUpdate")
_Faults = Iterator[tuple[str, str, tuple[str, ...]]]


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at ClusterVersions; an ephemeral cluster may be forced and may have overrides."""
    may_be_forced = overlay.purpose == "ephemeral"

    for value, nested in cluster_versions(overlay.objects):
        faults = [*_architecture_beside_image(nested.value)]
        if not may_be_forced:
            faults += _overrides(nested.value)

        for reason, remedy, path in faults:
            yield nested_fault(value, nested, reason, remedy, path)

    if not may_be_forced and not overlay.forced:
        for value in overlay.objects:
            yield from release_faults(value, "forced-update")


def _architecture_beside_image(version: object) -> _Faults:
    wanted = at(version, *_WANTED)
    if at(wanted, "architecture") and at(wanted, "image"):
        yield "architecture and image exclude each other", "remove architecture", (*_WANTED, "architecture")


def _overrides(version: object) -> _Faults:
    if at(version, "spec", "overrides"):
        reason = "overrides block minor updates and hide which components run"
        yield reason, "remove overrides", ("spec", "overrides")
