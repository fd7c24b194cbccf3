"""The rule mismatched-release: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import cluster_versions, nested_fault
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Severity
from okd_gitops.manifests.nested import NestedObject
from okd_gitops.manifests.objects import Object, at
from okd_gitops.releases.agreement import Claim, disagreements
from okd_gitops.releases.cluster_version import FIELDS

# Where a claim was found: the overlay, the object that is applied, and the ClusterVersion in it.
_Found = tuple[Overlay, Object, NestedObject]


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Compare the ClusterVersions of all overlays; those of a fleet are compared by their cluster files."""
    found: dict[Claim, _Found] = {}

    for overlay in repository.overlays:
        for value, nested in cluster_versions(overlay.with_release if not overlay.environment else ()):
            claim = _claim(overlay, value, nested)
            if claim:
                found.setdefault(claim, (overlay, value, nested))

    for disagreement in disagreements(found):
        overlay, value, nested = found[disagreement.second]
        other, _, _ = found[disagreement.first]
        yield nested_fault(
            value,
            nested,
            disagreement.reason,
            disagreement.remedy,
            FIELDS["image"],
            clusters=tuple(dict.fromkeys((overlay.name, other.name))),
            severity=None if disagreement.is_certain else Severity.WARNING,
        )


def _claim(overlay: Overlay, value: Object, nested: NestedObject) -> Claim | None:
    version, image = at(nested.value, *FIELDS["version"]), at(nested.value, *FIELDS["image"])
    if not isinstance(version, str) or not isinstance(image, str):
        return None

    place = overlay.place_of(value, (*nested.path, *FIELDS["image"]))
    return Claim(owner=overlay.name, place=place, version=version, image=image)
