"""Records: what the hub has seen, on the branch `records`, which only the hub's bot writes.

Whoever judges a change reads them from the fetched branch, without a network and without asking the cluster
or the person that is judged.
"""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeVar

from okd_gitops.errors import UsageError
from okd_gitops.evidence import proposal, report, state
from okd_gitops.evidence.proposal import ProposalNote
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import ClusterState, Runs
from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Findings
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.releases import record
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.system import branches, git, git_objects
from okd_gitops.tree import Tree

BRANCH = "records"
RUNS = "runs.yaml"
FETCH = f"git fetch origin {BRANCH}:refs/remotes/origin/{BRANCH}"
# What is read when nobody names another reference: the branch as fetched, else this clone's own.
_REFERENCES = (f"refs/remotes/origin/{BRANCH}", f"refs/heads/{BRANCH}")
FOLDERS = (record.FOLDER, report.FOLDER, state.FOLDER, proposal.FOLDER)

Model = TypeVar("Model", ReleaseRecord, Evidence, ClusterState, ProposalNote)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Everything that one commit of the branch contains; `commit` is empty when there is no branch."""

    commit: str = ""
    releases: tuple[ReleaseRecord, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    clusters: tuple[ClusterState, ...] = ()
    proposals: tuple[ProposalNote, ...] = ()
    runs: Runs = field(default_factory=Runs)

    def release(self, version: str) -> ReleaseRecord | None:
        """Return what is recorded of a release."""
        return next((item for item in self.releases if item.version == version), None)

    def cluster(self, name: str) -> ClusterState | None:
        """Return what a cluster reported last."""
        return next((item for item in self.clusters if item.cluster == name), None)

    def closed(self, cluster: str, version: str, image: str) -> ProposalNote | None:
        """Return the note of a cluster's proposal that a person closed; another image is another proposal."""
        wanted = (cluster, version, image)
        closed = (note for note in self.proposals if note.closed)

        return next((note for note in closed if (note.cluster, note.version, note.image) == wanted), None)


def remedy_without_records() -> str:
    """Return what to do where no records are read: fetch their branch, or make it."""
    return explanation_of("records-missing").remedy


def read_records(root: Path, reference: str = "") -> Records:
    """Read the records that a reference contains; without one, of the branch as fetched, else as it is here.

    No branch at all gives no records. Raises UsageError for a reference that does not exist, FindingsError
    with all faults of the files.
    """
    commit = _resolved(root, reference) if reference else newest_commit(root)

    if not commit:
        return Records()

    return parse_records(git_objects.tree_at(root, commit, (*FOLDERS, RUNS)), commit)


def fetched_records(root: Path, url: str) -> Records:
    """Fetch the records of a remote and read them; one without the branch has none.

    Raises RemoteError, and like `read_records`.
    """
    if not branches.heads(root, url, BRANCH):
        return Records()

    return read_records(root, branches.fetch(root, url, BRANCH))


def parse_records(files: Tree, commit: str = "") -> Records:
    """Return the records that files contain; raises FindingsError with all faults, also of misplaced ones."""
    findings = Findings()
    releases = _parsed(ReleaseRecord, files, record.FOLDER, findings)
    reports = _parsed(Evidence, files, report.FOLDER, findings)
    clusters = _parsed(ClusterState, files, state.FOLDER, findings)
    proposals = _parsed(ProposalNote, files, proposal.FOLDER, findings)
    runs = Runs()

    if RUNS in files:
        with findings.collecting():
            runs = parse(Runs, read(RUNS, files[RUNS]))

    findings.raise_errors()

    return Records(
        commit=commit,
        releases=releases,
        evidence=reports,
        clusters=clusters,
        proposals=proposals,
        runs=runs,
    )


def recorded_versions(root: Path, reference: str = "") -> list[str]:
    """Return the versions whose releases are recorded, by their files' names alone; as `read_records`."""
    commit = _resolved(root, reference) if reference else newest_commit(root)
    paths = git_objects.entries(git.opened(root), commit, [record.FOLDER]) if commit else ()

    return [PurePosixPath(path).stem for path in paths]


def _resolved(root: Path, reference: str) -> str:
    try:
        return git.resolve(root, reference)
    except UsageError as error:
        raise UsageError(error.reason, remedy_without_records()) from None


def newest_commit(root: Path) -> str:
    """Return the commit of the branch as fetched, else as it is here; empty when there is neither."""
    existing = git.references(root, _REFERENCES)

    return next((existing[name] for name in _REFERENCES if name in existing), "")


def _parsed(model: type[Model], files: Tree, folder: str, findings: Findings) -> tuple[Model, ...]:
    parsed = []

    for path in files:
        if not path.startswith(f"{folder}/"):
            continue

        with findings.collecting():
            item = parse(model, read(path, files[path]))
            parsed.append(item)

            if path != item.path:
                reason = f"this record belongs in {item.path}"
                findings.add("misplaced-report", path, reason, "let the hub write it anew")

    return tuple(parsed)
