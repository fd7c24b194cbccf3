"""The streams that clusters follow, compared with those of OKD's release controller; and the streams that the
fleet publishes itself, compared with what it builds.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from okd_gitops.finding import Finding, Severity, finding_of, nearest
from okd_gitops.fleet.cluster import Cluster, Environment
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.releases.update_services import is_okd_upstream
from okd_gitops.releases.version import is_okd_stream, okd_streams

# The lists with the streams that the fleet publishes itself, and with the builds that start them.
_STREAMS = ("okd-stream", "streams")
_BUILDS = ("scos-pipeline", "releases")


def misspelled_streams(clusters: Collection[Cluster], fleet: FleetSpec) -> Iterator[Finding]:
    """Yield a finding for each stream that neither OKD nor the fleet has, with the nearest that they have.

    It is a warning where the fleet asks another release controller, which may have streams of its own.
    """
    own = {name for cluster in clusters for name in _own_streams(cluster)}
    controller = fleet.releases.controller if fleet.releases else fleet.upstream
    severity = Severity.ERROR if is_okd_upstream(controller) else Severity.WARNING

    for cluster in clusters:
        stream = cluster.spec.release.stream if cluster.spec.release else None

        if stream is None or stream in own or is_okd_stream(stream):
            continue

        place = cluster.document.at(("release", "stream"))
        reason = f'{cluster.name}: neither OKD nor this fleet has a release stream "{stream}"'
        remedy = nearest(stream, [*okd_streams(), *own]) or None
        yield finding_of(
            "misspelled-stream", place, reason, remedy, clusters=[cluster.name], severity=severity
        )


def unbuilt_streams(clusters: Collection[Cluster]) -> Iterator[Finding]:
    """Yield a finding for each stream that no build of its cluster starts; on kind, people start them."""
    for cluster in clusters:
        if cluster.spec.environment == Environment.KIND:
            continue

        hands_on = (cluster.spec.features.get(_BUILDS[0]) or {}).get("hand-on") is True
        built = [_build(entry.get("minor"), entry.get("stream")) for _, entry in _entries(cluster, _BUILDS)]

        for index, entry in _entries(cluster, _STREAMS):
            wanted = _build(entry.get("line"), entry.get("os-stream"))
            if hands_on and wanted in built:
                continue

            if hands_on:
                fault = f"{wanted} is not built here"
                remedy = nearest(wanted, built) or "add its line to releases of scos-pipeline"
            else:
                fault = "scos-pipeline hands nothing on"
                remedy = "write `hand-on: true` below scos-pipeline"

            place = cluster.document.at(("features", *_STREAMS, index, "line"))
            reason = f"nothing starts the stream {entry.get('name')}: {fault}"
            yield finding_of("unbuilt-stream", place, reason, remedy, clusters=[cluster.name])


def _build(minor: object, stream: object) -> str:
    """Return how a build of the operating system is called: its line and its stream."""
    return f"{minor} {stream}"


def _own_streams(cluster: Cluster) -> list[str]:
    return [str(entry.get("name")) for _, entry in _entries(cluster, _STREAMS)]


def _entries(cluster: Cluster, place: tuple[str, str]) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the entries of a list with their numbers; what is wrong with it is found by generation."""
    feature, list_name = place
    entries = (cluster.spec.features.get(feature) or {}).get(list_name)

    if not isinstance(entries, list):
        return []

    return [(index, entry) for index, entry in enumerate(entries) if isinstance(entry, dict)]
