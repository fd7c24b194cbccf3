"""The rule forced-update: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository, release_faults
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.cluster_version import CLUSTER_VERSION


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at ClusterVersions; an ephemeral cluster may be forced and may have overrides."""
    for value in overlay.objects:
        if ObjectId.of(value).group_kind != CLUSTER_VERSION:
            continue

        yield from _architecture_beside_image(value)
        if overlay.purpose != "ephemeral":
            yield from release_faults(value, "forced-update")
            yield from _overrides(value)


def _architecture_beside_image(value: Object) -> Iterator[Fault]:
    wanted = at(value, "spec", "desiredUpdate")
    if at(wanted, "architecture") and at(wanted, "image"):
        yield Fault(
            reason="architecture and image exclude each other",
            remedy="remove architecture",
            object=ObjectId.of(value),
        )


def _overrides(value: Object) -> Iterator[Fault]:
    if at(value, "spec", "overrides"):
        yield Fault(
            reason="overrides block minor updates and hide which components run",
            remedy="remove overrides",
            object=ObjectId.of(value),
        )
