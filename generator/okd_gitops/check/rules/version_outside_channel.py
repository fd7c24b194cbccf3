"""The rule version-outside-channel; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.version import outside_channel


def check_object(value: Object) -> Iterator[Fault]:
    """Look at ClusterVersions that have both."""
    identity = ObjectId.of(value)
    channel, version = at(value, "spec", "channel"), at(value, "spec", "desiredUpdate", "version")
    if (
        identity.group_kind == "ClusterVersion.config.openshift.io"
        and channel
        and version
        and outside_channel(str(version), str(channel))
    ):
        remedy = "move the channel with the version"
        yield Fault(reason=f"version {version} is not in channel {channel}", remedy=remedy, object=identity)
