"""cluster tried: what the clusters of a release have reported, as soon as all have, or one has failed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from okd_gitops.errors import UsageError
from okd_gitops.evidence.noted_guest import asked_suite
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.trial_names import trial_clusters
from okd_gitops.fleet.load import Fleet


@dataclass(frozen=True, slots=True)
class Asked:
    """A release, its image by digest, and the names of the clusters that try it.

    `suites` are those of them that must pass a conformance suite, `since` says when each came into git.
    """

    version: str
    image: str
    names: tuple[str, ...]
    suites: frozenset[str] = frozenset()
    since: Mapping[str, datetime] = field(default_factory=dict)


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


def asked_for(
    fleet: Fleet, version: str, image: str, added: Mapping[str, datetime], *, upgrades: bool
) -> Asked:
    """Return which clusters of a fleet try a version; with `upgrades` both must, also one that is gone.

    `added` says when each cluster came into git. Raises UsageError where none tries the version, and for an
    image that they do not try.
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

    suites = {cluster.name for cluster in clusters if asked_suite(cluster) is not None}
    since = {name: added[name] for name in names if name in added}
    asked = trial_clusters(version) if upgrades else names

    return Asked(version, images.pop(), asked, frozenset(suites), since)


def await_reports(asked: Asked, read: Callable[[], Records], wait: Callable[[], bool]) -> Tried:
    """Read the records until they decide, or until `wait` says that there is no more time.

    A report of another image of the version counts nothing.
    """
    while True:
        tried = Tried(asked, tuple(report for report in read().evidence if _is_of(report, asked)))

        if tried.passed or tried.failed or not wait():
            return tried


def _is_of(report: Evidence, asked: Asked) -> bool:
    """Whether a report is of this release and of the cluster that is there now, and shows what was asked.

    An earlier cluster may have had the name, and an emergency goes past something.
    """
    is_of_release = (report.version, report.image) == (asked.version, asked.image)
    since = asked.since.get(report.cluster)
    is_of_cluster = report.cluster in asked.names and since is not None and report.counted_from >= since
    shows = not report.passed or report.shows(suite=report.cluster in asked.suites)

    return is_of_release and is_of_cluster and shows
