"""Kinds that are known, and that there is no schema for: the Go modules with their CRDs cannot be had.

An object of such a kind is judged by the rules, as are the objects inside it, and each run says that its own
fields were not checked. A kind that is not here may be misspelled, so it is an error.
"""

from okd_gitops.manifests.objects import ObjectId

# Read in open-cluster-management-io/api, governance-policy-propagator and config-policy-controller, and in
# openshift/hypershift, api/hypershift/v1beta1.
_KINDS = {
    "apps.open-cluster-management.io/v1": "Channel PlacementRule Subscription",
    "cluster.open-cluster-management.io/v1": "ManagedCluster",
    "cluster.open-cluster-management.io/v1beta1": "Placement PlacementDecision",
    "cluster.open-cluster-management.io/v1beta2": "ManagedClusterSet ManagedClusterSetBinding",
    "hypershift.openshift.io/v1beta1": "HostedCluster NodePool",
    "policy.open-cluster-management.io/v1": (
        "CertificatePolicy ConfigurationPolicy IamPolicy PlacementBinding Policy"
    ),
    "policy.open-cluster-management.io/v1beta1": "OperatorPolicy PolicyAutomation PolicySet",
    "work.open-cluster-management.io/v1": "ManifestWork",
    "work.open-cluster-management.io/v1alpha1": "ManifestWorkReplicaSet",
}
_KNOWN = frozenset((api_version, kind) for api_version, kinds in _KINDS.items() for kind in kinds.split())


def kinds_without_schema() -> set[tuple[str, str, str]]:
    """Return group, version and kind of everything that is known and has no schema here."""
    split = ((*api_version.split("/"), kind) for api_version, kind in _KNOWN)
    return {(group, version, kind) for group, version, kind in split}


def is_known_gap(identity: ObjectId) -> bool:
    """Whether an object is of a kind that is known and has no schema here."""
    return (f"{identity.group}/{identity.version}", identity.kind) in _KNOWN
