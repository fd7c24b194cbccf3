"""record: write what a cluster reported after an upgrade to the branch `records`, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.write_records import write_records
from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.system import branches


@dataclass(frozen=True, slots=True)
class Recorded:
    """The file, its text, whether it is new, and the commit that was pushed (empty: none)."""

    path: str
    text: str
    new: bool
    sha: str = ""


def record(root: Path, report: Evidence, *, write: bool = True, remote: str = "") -> Recorded:
    """Write a report to the branch `records`: of `remote`, or without one of this clone.

    Raises UsageError for a cluster that does not exist, or when another report of this cluster and release
    exists: what was reported is never changed. RemoteError when the remote cannot be reached or somebody was
    faster every time.
    """
    fleet = load(root)
    cluster_of(fleet, report.cluster)
    url = branches.address(root, remote, fleet.spec.repository) if remote else ""
    is_new = False

    def change(records: Records) -> Mapping[str, bytes]:
        nonlocal is_new
        is_new = _is_new(records, report)

        return {report.path: report.text().encode()} if is_new and write else {}

    result = "passed" if report.passed else "FAILED"
    subject = f"evidence({report.cluster}): {report.version} {result}"
    sha = write_records(root, url, subject, change)

    return Recorded(report.path, report.text(), is_new, sha)


def cluster_of(fleet: Fleet, name: str) -> Cluster:
    """Return the cluster of a name; raises UsageError with the nearest name when there is none."""
    cluster = fleet.cluster(name)

    if cluster is None:
        names = [cluster.name for cluster in fleet.clusters]
        raise UsageError(f'there is no cluster "{name}"', nearest(name, names))

    return cluster


def _is_new(records: Records, report: Evidence) -> bool:
    """Whether the cluster has not reported on this release; raises UsageError when it reported otherwise."""
    reports = {other.path: other for other in records.evidence}
    earlier = reports.get(report.path)

    if earlier is None:
        return True

    # A cluster that was installed anew under its old name is another one.
    if earlier.cluster_id and report.cluster_id and earlier.cluster_id != report.cluster_id:
        return True

    # The same result of the same image is the same report: a Task that runs again gives another time.
    if (earlier.image, earlier.passed) == (report.image, report.passed):
        return False

    raise UsageError(
        f"{report.path} is there already and says something else",
        "a release is tried once on a cluster; what was reported stays",
    )
