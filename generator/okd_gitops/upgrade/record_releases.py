"""record: ask the sources about all releases that matter, and write them to the branch `records`.

What is recorded stays: digests and signatures are added and never replaced, and a release that no source
lists any more is kept with the time since when it is missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from okd_gitops.evidence.records import RUNS, Records, read_records
from okd_gitops.evidence.write_records import write_records
from okd_gitops.finding import Finding
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.releases.trust.signature import Message
from okd_gitops.releases.version import Version
from okd_gitops.system import branches, push_target
from okd_gitops.upgrade.followers import followers
from okd_gitops.upgrade.known import Network
from okd_gitops.upgrade.make_record import forgotten, recorded
from okd_gitops.upgrade.own_releases import upstream_streams
from okd_gitops.upgrade.vanished import vanished_findings

# A run that finds nothing new is written once in so long: people see that the watch lives.
_PULSE = timedelta(hours=1)
_SUBJECT = "records: what the sources publish"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReleases:
    """What a run found: all records, the paths that changed, findings, and the commit (empty: none)."""

    releases: tuple[ReleaseRecord, ...]
    changed: tuple[str, ...]
    findings: tuple[Finding, ...]
    commit: str = ""


@dataclass(slots=True)
class _Run:
    """One run of the watch: what the sources answered, and which signatures were fetched."""

    network: Network
    fleet: FleetSpec
    streams: tuple[str, ...]
    learned: Learned
    wanted: frozenset[Version]
    oldest: Version | None
    fetched: dict[str, list[Message]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def record_releases(
    root: Path,
    network: Network,
    more: Iterable[str] = (),
    *,
    write: bool = True,
    remote: str = "",
    rehearsal: bool = False,
) -> RecordedReleases:
    """Record all releases that a followed stream, or one of `more`, lists, and those that clusters run, as of
    `network.now`.

    With `remote` the branch of that remote is read and pushed, else the one of this clone is moved. Raises
    FindingsError (exit 6) when a stream or the graph cannot be read, RemoteError when the remote cannot be
    reached.
    """
    fleet = load(root)
    url = branches.address(root, remote, fleet.spec.repository) if remote else ""

    if rehearsal:
        push_target.must_stay_here(url)

    run = _asked(root, fleet, network, read_records(root), more)
    result = RecordedReleases(releases=(), changed=(), findings=())

    def change(records: Records) -> Mapping[str, bytes]:
        nonlocal result
        releases = _records(run, records)
        files = _changed_files(records, releases, network.now)
        vanished = vanished_findings(run.learned, records, run.streams)

        result = RecordedReleases(
            releases=tuple(releases),
            changed=tuple(sorted(files)),
            findings=(*run.learned.findings, *run.findings, *vanished),
        )

        return files if write else {}

    commit = write_records(root, url, _SUBJECT, change)

    return replace(result, commit=commit)


def _asked(root: Path, fleet: Fleet, network: Network, records: Records, more: Iterable[str]) -> _Run:
    """Ask the sources about the streams that clusters follow, that are tried or named, but for those of the
    fleet's own hub.
    """
    clusters = followers(fleet)
    followed = {cluster.stream for cluster in clusters}
    tried = {trials.stream for trials in fleet.spec.trials}
    streams = tuple(upstream_streams({*followed, *tried, *more}, records))
    learned = network.learn(root, fleet.spec, streams)

    running = {
        Version.parse(cluster.spec.release.version) for cluster in fleet.clusters if cluster.spec.release
    }
    listed = {release.version for release in learned.releases if release.listed}

    return _Run(
        network=network,
        fleet=fleet.spec,
        streams=streams,
        learned=learned,
        wanted=frozenset(running | listed),
        oldest=min((cluster.version for cluster in clusters), default=None),
    )


def _records(run: _Run, records: Records) -> list[ReleaseRecord]:
    """Return the records of all wanted releases, and those that were recorded before."""
    earlier = {Version.parse(record.version): record for record in records.releases}
    named = {release.version: release for release in run.learned.releases}
    result = []

    for version in sorted(run.wanted | earlier.keys()):
        release, record = named.get(version), earlier.get(version)

        if record is not None and record.is_own:
            result.append(record)
        elif release is not None:
            signatures = _signatures(run, release, record)
            result.append(recorded(release, record, run.learned, signatures, run.streams, run.network.now))
        elif record is not None:
            result.append(forgotten(record, run.streams, run.network.now))

    return result


def _signatures(run: _Run, release: Release, record: ReleaseRecord | None) -> dict[str, list[Message]]:
    """Return the signatures of a release's images; a release that clusters have left gets no new ones."""
    is_past = record is not None and (run.oldest is None or release.version < run.oldest)

    return {} if is_past else {image: _fetched(run, image) for image in release.images}


def _fetched(run: _Run, image: str) -> list[Message]:
    if image not in run.fetched:
        run.fetched[image], findings = run.network.signatures(run.fleet, image)
        run.findings += findings

    return run.fetched[image]


def _changed_files(records: Records, releases: Iterable[ReleaseRecord], now: datetime) -> dict[str, bytes]:
    """Return the files that differ; the time of the run is one of them if another does, or after an hour."""
    earlier = {record.version: record for record in records.releases}
    files = {
        record.path: record.text().encode() for record in releases if earlier.get(record.version) != record
    }
    ran = records.runs.watch

    if files or ran is None or now - ran >= _PULSE:
        files[RUNS] = records.runs.model_copy(update={"watch": now}).text().encode()

    return files
