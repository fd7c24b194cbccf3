"""record: write what a cluster reported after an upgrade to `evidence/`, once, and push it on the branch
that people merge to.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.errors import UsageError
from okd_gitops.evidence.report import Evidence, evidence
from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Cluster, FleetSpec
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.system import branches
from okd_gitops.system.commit import GENERATED_BY
from okd_gitops.system.draft import drafted
from okd_gitops.system.journal import saving

_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Recorded:
    """The file, its text, whether it is new, and the commit that was pushed (empty: none)."""

    path: str
    text: str
    new: bool
    sha: str = ""


def record(root: Path, report: Evidence, *, write: bool = True, remote: str = "") -> Recorded:
    """Write a report; with `remote`, commit it on the branch that the fleet follows and push that instead
    of writing here.

    Raises UsageError for a cluster that does not exist, or when another report of this cluster and release
    exists: what was reported is never changed. RemoteError when the remote cannot be reached or somebody was
    faster every time.
    """
    if not remote:
        return _written(root, report, write=write)

    fleet = load(root).spec
    url = branches.address(root, remote, fleet.repository)

    # When another cluster reports in between, the next attempt starts from its commit.
    return branches.repeated(lambda: _pushed(root, fleet, report, url, write=write), attempts=_ATTEMPTS)


def cluster_of(fleet: Fleet, name: str) -> Cluster:
    """Return the cluster of a name; raises UsageError with the nearest name when there is none."""
    cluster = fleet.cluster(name)

    if cluster is None:
        names = [cluster.name for cluster in fleet.clusters]
        raise UsageError(f'there is no cluster "{name}"', nearest(name, names))

    return cluster


def _written(root: Path, report: Evidence, *, write: bool) -> Recorded:
    new = _is_new(root, report)

    if new and write:
        with saving(root) as save:
            save({report.path: report.text().encode()})

    return Recorded(report.path, report.text(), new)


def _pushed(root: Path, fleet: FleetSpec, report: Evidence, url: str, *, write: bool) -> Recorded:
    base = branches.fetch(root, url, fleet.revision)

    with drafted(root, base) as draft:
        recorded = _written(draft.folder, report, write=write)

        if not (recorded.new and write):
            return recorded

        sha = draft.commit([report.path], _message(report))

    branches.push(root, url, sha, fleet.revision, None)
    return replace(recorded, sha=sha)


def _message(report: Evidence) -> str:
    result = "passed" if report.passed else "FAILED"
    trailers = [
        f"Cluster: {report.cluster}",
        f"Okd-Release: {report.version}",
        f"Okd-Digest: {report.image}",
        f"{GENERATED_BY}: okd-gitops {__version__}",
    ]

    return "\n".join([f"evidence({report.cluster}): {report.version} {result}", "", *trailers, ""])


def _is_new(root: Path, report: Evidence) -> bool:
    """Whether the cluster has not reported on this release; raises UsageError when it reported otherwise."""
    cluster_of(load(root), report.cluster)
    reports = {other.path: other for other in evidence(root)}
    earlier = reports.get(report.path)

    if earlier is None:
        return True

    # The same result of the same image is the same report: a Task that runs again gives another time.
    if (earlier.image, earlier.passed) == (report.image, report.passed):
        return False

    raise UsageError(
        f"{report.path} is there already and says something else",
        "a release is tried once on a cluster; what was reported stays",
    )
