"""Releases that a stream of the fleet's own hub has published: recorded by the chain that made them, and
known to no source outside.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from okd_gitops.evidence.records import Records
from okd_gitops.evidence.write_records import write_records
from okd_gitops.finding import FindingsError, refused
from okd_gitops.fleet.load import load
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.releases.cross_check import Learned
from okd_gitops.releases.graph import Graph
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.system import branches
from okd_gitops.upgrade.recorded import Recorded, graph_of, release_of


def record_own_release(root: Path, path: str, data: bytes, *, now: datetime, remote: str = "") -> str:
    """Write the record of a release of one's own to the branch `records`, and return the commit.

    `data` is such a record; one that is there already gives "". Raises FindingsError unless a key that the
    fleet pins for its stream has signed its one image, and when another image was recorded under its version.
    """
    fleet = load(root)
    release = parse(ReleaseRecord, read(path, data))

    _must_be_own(path, release)
    _must_be_trusted(release, Recorded(Records(releases=(release,)), now), root)

    def change(records: Records) -> Mapping[str, bytes]:
        before = records.release(release.version)

        if before is None:
            return {release.path: release.text().encode()}

        if not before.is_own or _images(before) != _images(release):
            earlier = ", ".join(_images(before)) or "no image"
            raise refused("recorded-otherwise", path, f"{release.version} is recorded with {earlier}")

        return {}

    url = branches.address(root, remote, fleet.spec.repository) if remote else ""

    return write_records(root, url, f"records: {release.version} of {_stream(release)}", change)


def upstream_streams(streams: Collection[str], records: Records) -> list[str]:
    """Return the streams that a source outside must list: all but those of the fleet's own hub."""
    own = {stream for record in records.releases if record.is_own for stream in record.streams}

    return sorted(set(streams) - own)


def with_own_releases(learned: Learned, records: Records) -> Learned:
    """Return what sources answered, with the recorded releases of one's own and their edges."""
    known = {release.version for release in learned.releases}
    own = [release_of(record) for record in records.releases if record.is_own]
    added = [release for release in own if release.version not in known]
    names = {release.version.text for release in added}

    if not added:
        return learned

    releases = sorted((*learned.releases, *added), key=lambda release: release.version)

    return replace(learned, releases=releases, graph=_joined(learned.graph, graph_of(records), names))


def _joined(graph: Graph, recorded: Graph, names: Collection[str]) -> Graph:
    """Return a graph with the recorded nodes of some names and the edges that lead to them."""
    nodes = {**graph.nodes, **{name: node for name, node in recorded.nodes.items() if name in names}}
    edges = {edge for edge in recorded.edges if edge[1] in names and edge[0] in nodes}
    conditional = {
        edge: risks for edge, risks in recorded.conditional.items() if edge[1] in names and edge[0] in nodes
    }

    return replace(
        graph, nodes=nodes, edges=graph.edges | edges, conditional={**graph.conditional, **conditional}
    )


def _must_be_own(path: str, release: ReleaseRecord) -> None:
    """Raise FindingsError for a record that is not of one stream, by one image with one signature."""
    signatures = [signature for image in release.images for signature in image.signatures]

    if not release.is_own or [len(release.images), len(release.streams), len(signatures)] != [1, 1, 1]:
        reason = "it must have the source stream, and be one image of one stream, with one signature"
        raise refused("not-a-release-of-a-stream", path, reason)


def _must_be_trusted(release: ReleaseRecord, recorded: Recorded, root: Path) -> None:
    """Raise FindingsError unless a key for the stream of a release has signed its image."""
    image = release.images[0].image
    trust = recorded.verify(root, load(root).spec, image, release.version)

    if not trust.verified:
        raise FindingsError(list(trust.findings), exit_code=2)

    if not _is_for(trust, _stream(release)):
        reason = f"{trust.fingerprint.upper()} signed {release.version}, and is not for {_stream(release)}"
        raise refused("key-for-other-stream", image, reason)


def _is_for(trust: Trust, stream: str) -> bool:
    return any(not use.streams or stream in use.streams for use in trust.uses)


def _stream(release: ReleaseRecord) -> str:
    return next(iter(release.streams))


def _images(record: ReleaseRecord) -> list[str]:
    return sorted(item.image for item in record.images)
