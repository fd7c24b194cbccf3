"""The rule node-pool-skew: findings.yaml states and explains it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from okd_gitops.check.nested_faults import nested_fault
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at

_IMAGE = ("spec", "release", "image")
# A tag names the release: 4.21.1-x86_64, 4.21.0-okd-scos.3. A digest alone does not.
_TAG = re.compile(r":(\d{1,4})\.(\d{1,4})\.(\d{1,6})(?=$|[-+@])")
# How many minors a NodePool may be behind, by whether the minor of the HostedCluster is odd (1) or even (0):
# openshift/hypershift, support/supportedversion.
_BEHIND = {0: 2, 1: 1}


@dataclass(frozen=True, slots=True)
class _Release:
    """The release that an object names by a tag."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def order(self) -> tuple[int, int, int]:
        """What releases are compared by."""
        return self.major, self.minor, self.patch


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Compare each NodePool with the HostedCluster that it belongs to, where both are in the overlay."""
    applied = [(value, nested) for value in overlay.objects for nested in objects_within(value)]
    clusters: dict[tuple[str, str], Object] = {}
    for _, nested in applied:
        identity = ObjectId.of(nested.value)
        if identity.group_kind == "HostedCluster.hypershift.openshift.io":
            clusters[identity.namespace, identity.name] = nested.value

    for value, nested in applied:
        identity = ObjectId.of(nested.value)
        if identity.group_kind != "NodePool.hypershift.openshift.io":
            continue

        cluster = clusters.get((identity.namespace, str(at(nested.value, "spec", "clusterName"))))
        pool_release, cluster_release = _release(nested.value), _release(cluster)
        if pool_release and cluster_release:
            for reason, remedy in _faults(pool_release, cluster_release):
                yield nested_fault(value, nested, reason, remedy, _IMAGE)


def _release(value: object) -> _Release | None:
    match = _TAG.search(str(at(value, *_IMAGE)))
    return _Release(int(match[1]), int(match[2]), int(match[3])) if match else None


def _faults(pool: _Release, cluster: _Release) -> Iterator[tuple[str, str]]:
    if pool.order > cluster.order:
        reason = f"the NodePool is to run {pool}, which is newer than the {cluster} of its HostedCluster"
        yield reason, "upgrade the HostedCluster first, in a change of its own; then the NodePool"
    elif pool.major == cluster.major and cluster.minor - pool.minor > _BEHIND[cluster.minor % 2]:
        reason = f"the NodePool stays at {pool}, too far behind the {cluster} of its HostedCluster"
        yield reason, "upgrade the NodePool first"
