"""A cluster file that cannot be read at the base, and what its repair may change.

Whatever cannot be compared with the base could be anything: a long-term cluster behind a typing error must
not lose its purpose, or get another release, in the change that corrects the error.
"""

from collections.abc import Iterator, Sequence

from okd_gitops.check.change.removals import IDENTITY
from okd_gitops.finding import Finding, FindingsError, finding_of
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.manifests.objects import at
from okd_gitops.manifests.read import Document, read

# What says which cluster it is and how it is guarded; a fault there may be corrected.
_IDENTITY = (*((key,) for key, _ in IDENTITY), ("wave",), ("decommission",), ("emergency",))
# What it runs: never corrected in a repair, whatever the fault was.
_RUNS = (("release", "version"), ("release", "image"), ("release", "force"), ("release", "stream"))


def repair_findings(
    file: str, old: bytes, faults: Sequence[Finding], cluster: Cluster | None
) -> list[Finding]:
    """Return a finding for each thing that the repair of a file may not change.

    `old` is the file at the base, `faults` are why it cannot be read, `cluster` is what it is now.
    """
    if cluster is None:
        reason = f"{file} could not be read at the base, and it is gone now"
        return [finding_of("base-unreadable", file, reason)]

    try:
        document = read(file, old)
    except FindingsError as error:
        reason = f"{file} was not YAML at the base, so nothing of it can be compared: {error}"
        return [finding_of("base-unreadable", cluster.document.at(()), reason)]

    findings = list(_changed_keys(document, faults, cluster))

    # Nobody knows whether the cluster was a long-term one: it must be guarded as one.
    if _is_faulty(document, ("purpose",), faults) and not cluster.purpose.guarded:
        reason = f'purpose "{at(document.value, "purpose")}" could not be read at the base, and now it is '
        place = cluster.document.at(("purpose",))
        findings.append(finding_of("base-unreadable", place, f"{reason}{cluster.spec.purpose}"))

    return findings


def _changed_keys(document: Document, faults: Sequence[Finding], cluster: Cluster) -> Iterator[Finding]:
    faulty = [path for path in _IDENTITY if _is_faulty(document, path, faults)]

    for path in (*_IDENTITY, *_RUNS):
        if path in faulty or at(document.value, *path) == at(cluster.document.value, *path):
            continue

        changed = ".".join(path)
        reason = f"{document.file} could not be read at the base, and its repair changes {changed} too"
        yield finding_of("base-unreadable", cluster.document.at(path), reason, clusters=(cluster.name,))


def _is_faulty(document: Document, path: tuple[str, ...], faults: Sequence[Finding]) -> bool:
    """Whether the value at a path is among what could not be read."""
    lines = {fault.location.line for fault in faults}

    return path in document.marks and document.at(path).line in lines
