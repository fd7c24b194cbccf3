"""The rule forced-update; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId, at


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the ClusterVersion of every cluster that is not ephemeral."""
    for value in overlay.objects:
        identity = ObjectId.of(value)
        if identity.group_kind != "ClusterVersion.config.openshift.io":
            continue
        wanted = at(value, "spec", "desiredUpdate")
        if at(wanted, "architecture") and at(wanted, "image"):
            yield Fault(
                reason="architecture and image exclude each other",
                remedy="remove architecture",
                object=identity,
            )
        if overlay.purpose == "ephemeral":
            continue
        if at(wanted, "force"):
            yield Fault(
                reason="force skips the signature and every precondition",
                remedy="remove force",
                object=identity,
            )
        if at(value, "spec", "overrides"):
            yield Fault(
                reason="overrides block minor updates and hide what runs",
                remedy="remove overrides",
                object=identity,
            )
