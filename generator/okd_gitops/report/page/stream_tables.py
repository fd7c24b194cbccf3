"""Streams: what each one released, which of it was tested, what failed, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from okd_gitops.evidence.records import Records
from okd_gitops.releases.record import GONE, ReleaseRecord
from okd_gitops.releases.version import Version
from okd_gitops.report.clusters import age
from okd_gitops.report.fleet_status import FleetStatus

_MANY_RELEASES = 8
_MANY_NAMES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """A release of a stream: since when it is there, its phase, who tried it, and who runs it."""

    version: str
    published: str
    phase: str
    tone: str
    signed: str
    passed: str
    failed: str
    runs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTable:
    """A stream with its newest releases; `older` counts the others, `followers` the clusters."""

    name: str
    is_own: bool
    followers: int
    rows: tuple[StreamRow, ...]
    older: int


def stream_tables(status: FleetStatus) -> list[StreamTable]:
    """Return a table for each stream that a cluster follows or that the fleet publishes itself."""
    followed = [
        cluster.cluster.spec.release.stream
        for cluster in status.clusters
        if cluster.cluster.spec.release and cluster.cluster.spec.release.stream
    ]
    own = {name for record in status.records.releases if record.is_own for name in record.streams}

    return [
        _table(name, status, followers=followed.count(name), is_own=name in own)
        for name in sorted({*followed, *own})
    ]


def _table(name: str, status: FleetStatus, *, followers: int, is_own: bool) -> StreamTable:
    records = [record for record in status.records.releases if name in record.streams]
    newest = sorted(records, key=lambda record: Version.parse(record.version), reverse=True)
    runs: dict[str, list[str]] = {}

    for cluster in status.clusters:
        runs.setdefault(cluster.runs, []).append(cluster.name)

    rows = [
        _row(record, name, status.records, runs.get(record.version, []), status.now)
        for record in newest[:_MANY_RELEASES]
    ]

    return StreamTable(
        name=name,
        is_own=is_own,
        followers=followers,
        rows=tuple(rows),
        older=len(newest) - len(rows),
    )


def _row(
    record: ReleaseRecord, stream: str, records: Records, runs: Sequence[str], now: datetime
) -> StreamRow:
    reports = [report for report in records.evidence if report.version == record.version]
    phase, tone = _phase(record, stream)

    return StreamRow(
        version=record.version,
        published=f"{record.published:%Y-%m-%d}, {age(record.published, now)} ago"
        if record.published
        else f"seen {record.seen:%Y-%m-%d}",
        phase=phase,
        tone=tone,
        signed="yes" if any(image.signatures for image in record.images) else "no signature",
        passed=_names([report.cluster for report in reports if report.passed]),
        failed=_names([report.cluster for report in reports if not report.passed]),
        runs=_names(runs),
    )


def _phase(record: ReleaseRecord, stream: str) -> tuple[str, str]:
    """Return what a stream makes of a release, and how that is coloured."""
    if record.withdrawn:
        return f"withdrawn: {record.withdrawn}", "refuse"

    phase = record.streams[stream]

    if phase == GONE:
        since = f" since {record.missing:%Y-%m-%d}" if record.missing else ""
        return f"not listed any more{since}", "wait"

    return phase, {"Accepted": "done", "Rejected": "refuse", "Failed": "refuse"}.get(phase, "wait")


def _names(names: Sequence[str]) -> str:
    in_order = sorted(set(names))
    more = f" and {len(in_order) - _MANY_NAMES} more" if len(in_order) > _MANY_NAMES else ""

    return ", ".join(in_order[:_MANY_NAMES]) + more or "—"
