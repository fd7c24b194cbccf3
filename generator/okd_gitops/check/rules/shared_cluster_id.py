"""The rule shared-cluster-id: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import cluster_versions, nested_fault
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import Object, at
from okd_gitops.releases.cluster_version import FIELDS, is_cluster_id


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Compare the ClusterVersions of all overlays; those of a fleet were compared by their cluster files."""
    first_places: dict[str, tuple[Overlay, Object, Path]] = {}

    for overlay in repository.overlays:
        for value, nested in cluster_versions(overlay.with_release):
            path: Path = (*nested.path, *FIELDS["clusterID"])
            cluster_id = str(at(nested.value, *FIELDS["clusterID"])).lower()
            if not is_cluster_id(cluster_id):
                continue

            first, other, place_there = first_places.setdefault(cluster_id, (overlay, value, path))
            if first is not overlay:
                place = first.place_of(other, place_there)
                reason = f"the clusterID {cluster_id} is also that of {first.name} ({place})"
                remedy = "copy it anew: oc get clusterversion version -o jsonpath={.spec.clusterID}"
                yield nested_fault(
                    value, nested, reason, remedy, FIELDS["clusterID"], clusters=(overlay.name, first.name)
                )
