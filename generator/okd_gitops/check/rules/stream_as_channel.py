"""The rule stream-as-channel; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.version import channel_fault


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the channels of ClusterVersions and HostedClusters; an empty one asks for no updates, which
    is allowed.
    """
    identity = ObjectId.of(value)
    channel = at(value, "spec", "channel")
    if channel and identity.kind in ("ClusterVersion", "HostedCluster"):
        reason, remedy = channel_fault(str(channel))
        if reason:
            yield Fault(reason=reason, remedy=remedy, object=identity)
