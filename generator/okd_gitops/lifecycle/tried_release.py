"""cluster tried: what the clusters of a release have reported, as soon as all have, or one has failed."""

from collections.abc import Callable
from dataclasses import dataclass

from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.trial_names import trial_clusters
from okd_gitops.fleet.load import Fleet


@dataclass(frozen=True, slots=True)
class Asked:
    """A release, its image by digest, and the names of the clusters that try it."""

    version: str
    image: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """The reports of the clusters that try a release; each cluster is in `reports` or in `missing`."""

    asked: Asked
    reports: tuple[Evidence, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The clusters that have not reported."""
        reported = {report.cluster for report in self.reports}

        return tuple(name for name in self.asked.names if name not in reported)

    @property
    def failed(self) -> bool:
        """Whether a cluster has reported that the release is not good."""
        return not all(report.passed for report in self.reports)

    @property
    def passed(self) -> bool:
        """Whether all clusters have reported that it is."""
        return not self.missing and not self.failed


def asked_for(fleet: Fleet, version: str, image: str = "") -> Asked:
    """Return which clusters of a fleet try a version; raises UsageError where none does, and for an image
    that they do not try.
    """
    clusters = [cluster for name in trial_clusters(version) if (cluster := fleet.cluster(name))]
    images = {cluster.spec.release.image for cluster in clusters if cluster.spec.release}
    names = tuple(cluster.name for cluster in clusters)

    if not names:
        remedy = f"okd-gitops cluster try {version} asks for some; pull when others have asked"
        raise UsageError(f"no cluster of this repository tries {version}", remedy)

    if images != {image or next(iter(images), "")}:
        reason = f"{', '.join(names)} try {', '.join(sorted(images))}"
        raise UsageError(reason, "name the image that they try, or wait for their end")

    return Asked(version, images.pop(), names)


def await_reports(asked: Asked, read: Callable[[], Records], wait: Callable[[], bool]) -> Tried:
    """Read the records until they decide, or until `wait` says that there is no more time.

    A report of another image of the version counts nothing.
    """
    while True:
        tried = Tried(asked, tuple(report for report in read().evidence if _is_of(report, asked)))

        if tried.passed or tried.failed or not wait():
            return tried


def _is_of(report: Evidence, asked: Asked) -> bool:
    is_of_release = (report.version, report.image) == (asked.version, asked.image)

    return is_of_release and report.cluster in asked.names
