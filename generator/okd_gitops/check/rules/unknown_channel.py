"""The rule unknown-channel: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import release_faults
from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the channels of ClusterVersions that name OKD."""
    return release_faults(value, "unknown-channel")
