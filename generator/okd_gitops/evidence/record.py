"""record: write what a cluster reported after an upgrade to `evidence/`, once, and push it on the branch
that people merge to.
"""

from dataclasses import dataclass
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.errors import UsageError
from okd_gitops.evidence.report import FOLDER, Evidence, read_evidence
from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Cluster, FleetSpec
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.system import branches
from okd_gitops.system.commit import GENERATED_BY
from okd_gitops.system.disk import read_tree
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

    Raises UsageError for a cluster that is not there, or when another report of this cluster and release is
    there already: what was reported is never changed. RemoteError when the remote is away or somebody was
    faster every time.
    """
    if not remote:
        new = _new(root, report)
        if new and write:
            with saving(root) as save:
                save({report.path: report.text().encode()})
        return Recorded(report.path, report.text(), new)
    fleet = load(root).spec
    url = branches.address(root, remote, fleet.repository)
    for attempt in range(_ATTEMPTS):
        try:
            return _pushed(root, fleet, report, url, write=write)
        except branches.RaceError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


def cluster_of(fleet: Fleet, name: str) -> Cluster:
    """Return the cluster of a name; raises UsageError with the nearest name when there is none."""
    cluster = fleet.cluster(name)

    if cluster is None:
        names = [cluster.name for cluster in fleet.clusters]
        raise UsageError(f'there is no cluster "{name}"', nearest(name, names))

    return cluster


def _pushed(root: Path, fleet: FleetSpec, report: Evidence, url: str, *, write: bool) -> Recorded:
    base = branches.fetch(root, url, fleet.revision)
    with drafted(root, base) as draft:
        work = draft.folder
        if not _new(work, report):
            return Recorded(report.path, report.text(), new=False)
        if not write:
            return Recorded(report.path, report.text(), new=True)
        with saving(work) as save:
            save({report.path: report.text().encode()})
        result = "passed" if report.passed else "FAILED"
        trailers = f"Cluster: {report.cluster}\nOkd-Release: {report.version}\nOkd-Digest: {report.image}\n{GENERATED_BY}: okd-gitops {__version__}\n"
        sha = draft.commit(
            [report.path], f"evidence({report.cluster}): {report.version} {result}\n\n{trailers}"
        )
    branches.push(root, url, sha, fleet.revision, None)
    return Recorded(report.path, report.text(), new=True, sha=sha)


def _new(root: Path, report: Evidence) -> bool:
    cluster_of(load(root), report.cluster)
    there = {each.path: each for each in read_evidence(read_tree(root, FOLDER))}
    if report.path not in there:
        return True
    # The same result of the same image is the same report: a Task that runs again says it with another time.
    old = there[report.path]
    if (old.image, old.passed) == (report.image, report.passed):
        return False
    raise UsageError(
        f"{report.path} is there already and says something else",
        "a release is tried once on a cluster; what was reported stays",
    )
