"""Reports of clusters that try releases in a repository of their own, taken over into the fleet's records.

Whoever may push there is trusted less than this fleet: only files that a release needs are read, each by
itself, and none that is larger than a report can be.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import FOLDER, Evidence
from okd_gitops.evidence.trial_names import trial_clusters
from okd_gitops.finding import Finding, FindingsError, finding_of
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.system import git
from okd_gitops.system.git_objects import REGULAR_FILES, contents, entries

_MAX_BYTES = 1 << 14


def read_trials(
    root: Path, reference: str, records: Records, streams: Collection[str]
) -> tuple[list[Evidence], list[Finding]]:
    """Return what the records at a reference report of trials, for the recorded releases of tried streams,
    and a warning for each report that cannot be used.

    Raises UsageError for a reference that does not exist.
    """
    wanted = dict(_wanted(records, streams))
    commit = git.resolve(root, reference)
    listed = entries(git.opened(root), commit, sorted(wanted)) if wanted else {}
    files = {path: sha for path, (mode, sha) in listed.items() if mode in REGULAR_FILES}
    shas = {path: sha for path, sha in files.items() if path in wanted}
    data = contents(root, shas.values(), max_bytes=_MAX_BYTES + 1)
    reports, findings = [], []

    for path, sha in shas.items():
        try:
            reports.append(_report(path, data[sha]))
        except FindingsError as error:
            reason = f"{reference}: {error.findings[0].reason}"
            findings.append(finding_of("trial-unreadable", path, reason, clusters=[wanted[path]]))

    return reports, findings


def new_trials(trials: Collection[Evidence], records: Records, own: Collection[str]) -> Iterator[Evidence]:
    """Yield the reports that are not recorded yet, but for those of the fleet's `own` clusters.

    A report that is recorded is exchanged only for one of another image: it was about another release.
    """
    known = {(report.path, report.image) for report in records.evidence}

    for report in trials:
        if report.cluster not in own and (report.path, report.image) not in known:
            yield report


def _wanted(records: Records, streams: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the path of each report that a release may need, with the name of its cluster."""
    for release in records.releases:
        if not streams & release.streams.keys():
            continue

        for name in trial_clusters(release.version):
            yield f"{FOLDER}/{name}/{release.version}.yaml", name


def _report(path: str, data: bytes) -> Evidence:
    if len(data) > _MAX_BYTES:
        raise FindingsError([finding_of("trial-unreadable", path, f"it has more than {_MAX_BYTES:,} bytes")])

    report = parse(Evidence, read(path, data))

    if report.path != path:
        raise FindingsError([finding_of("trial-unreadable", path, f"it is the report {report.path}")])

    return report
