"""The sources as the hub's watch wrote them to the branch `records`, read without a network."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from okd_gitops.evidence.records import FETCH, RUNS, Records
from okd_gitops.finding import Finding, finding_of, refused
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.releases.cross_check import TWO_DIGESTS, Learned, Release, signed_and_mirrored
from okd_gitops.releases.graph import Edge, Graph, Node, Risk
from okd_gitops.releases.record import GONE, RecordedEdge, ReleaseRecord
from okd_gitops.releases.sources.answer import ACCEPTED, AWAY
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.releases.version import Version
from okd_gitops.times import time_text
from okd_gitops.upgrade.signatures import verify_messages
from okd_gitops.upgrade.sources import Sources

# The watch runs every hour; after a day without a run somebody must look at it.
_OLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Answers like the sources of a fleet, from records alone; `now` is the clock of the judgment."""

    records: Records
    now: datetime

    def learn(self, root: Path, fleet: FleetSpec, streams: Collection[str]) -> Learned:  # noqa: ARG002 - records have all streams
        """Return every recorded release, and the edges between them.

        Raises FindingsError (records-missing) when no release is recorded at all.
        """
        if not self.records.releases:
            where = f"at {self.records.commit[:12]}" if self.records.commit else "because there is no branch"
            raise refused("records-missing", "records", f"no release is recorded, {where}")

        findings = [*_two_digests(self.records), *self._outdated()]

        return replace(learned_of(self.records), findings=findings, newer=FETCH)

    def verify(self, root: Path, fleet: FleetSpec, image: str, version: str) -> Trust:
        """Check the recorded signatures of a version's image, with the keys that the fleet pins."""
        record = self.records.release(version)
        images = record.images if record else ()
        messages = [message for item in images if item.image == image for message in item.messages]

        return verify_messages(messages, root, fleet, image=image, version=version, now=self.now)

    def _outdated(self) -> list[Finding]:
        ran = self.records.runs.watch

        if ran is not None and self.now - ran <= _OLD:
            return []

        since = f"since {time_text(ran)}" if ran else "as far as is recorded"
        return [finding_of("records-outdated", RUNS, f"the watch has not run {since}")]


def trust_of(
    root: Path, sources: Sources, records: Records, fleet: FleetSpec, release: Release, *, now: datetime
) -> Trust:
    """Return whether a release is signed, by what the sources have now or what the hub has seen before.

    A store may be away, and a key may have ended since; a signature that was recorded is known to be older.
    """
    version = release.version.text
    trust = sources.verify(root, fleet, release.signed, version)
    recorded = Recorded(records, now).verify(root, fleet, release.signed, version)

    if trust.verified or not recorded.verified:
        return trust

    away = [finding for finding in trust.findings if finding.name == AWAY]

    return replace(recorded, findings=(*away, *recorded.findings))


def learned_of(records: Records) -> Learned:
    """Return every recorded release, by version, and the edges between them."""
    releases = sorted(map(release_of, records.releases), key=lambda release: release.version)

    return Learned(releases=releases, graph=graph_of(records))


def release_of(record: ReleaseRecord) -> Release:
    """Return a release as it was recorded."""
    images = tuple(image for image in _usable_images(record))
    signed, mirror = signed_and_mirrored(images)

    if record.is_own and not signed:
        signed, mirror = mirror, ""

    phases = {stream: phase for stream, phase in record.streams.items() if phase != GONE}

    return Release(
        version=Version.parse(record.version),
        signed=signed,
        mirror=mirror,
        streams=tuple(sorted(stream for stream, phase in phases.items() if phase == ACCEPTED)),
        listed=tuple(sorted(phases)),
        withdrawn=record.withdrawn,
        prerelease=record.prerelease,
        published=record.published,
        sources=record.sources,
        url=record.url,
        images=images,
        phases=tuple(sorted(phases.items())),
        signature=record.own_signature,
    )


def _usable_images(record: ReleaseRecord) -> list[str]:
    """Return the image of each repository for which a single one is recorded."""
    repositories = Counter(_repository(item.image) for item in record.images)

    return sorted(item.image for item in record.images if repositories[_repository(item.image)] == 1)


def _two_digests(records: Records) -> Iterator[Finding]:
    for record in records.releases:
        repositories = Counter(_repository(item.image) for item in record.images)

        for repository, count in sorted(repositories.items()):
            if count > 1:
                reason = f"{record.version} was recorded with {count} digests at {repository}"
                yield finding_of(TWO_DIGESTS, repository, reason)


def _repository(image: str) -> str:
    return image.partition("@")[0]


def graph_of(records: Records) -> Graph:
    """Return the recorded edges between recorded releases."""
    nodes = {record.version: _node(record) for record in records.releases if record.node}
    kept_out = {record.version: record.left_out for record in records.releases if record.left_out}
    edges: set[Edge] = set()
    conditional: dict[Edge, tuple[Risk, ...]] = {}
    dropped: dict[Edge, str] = {}

    for edge, recorded in _edges(records):
        if not set(edge) <= nodes.keys():
            continue

        if recorded.dropped:
            dropped[edge] = recorded.dropped
        elif recorded.risks:
            conditional[edge] = tuple(
                Risk(risk.name, risk.url, risk.message, risk.rules) for risk in recorded.risks
            )
        else:
            edges.add(edge)

    return Graph(nodes, frozenset(edges), conditional, kept_out, dropped)


def _node(record: ReleaseRecord) -> Node:
    images = _usable_images(record)

    return Node(Version.parse(record.version), images[0] if images else "")


def _edges(records: Records) -> Iterator[tuple[Edge, RecordedEdge]]:
    for record in records.releases:
        yield from (((edge.source, record.version), edge) for edge in record.edges)
