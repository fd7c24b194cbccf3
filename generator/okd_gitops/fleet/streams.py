"""The streams that clusters follow, compared with those of OKD's release controller."""

from collections.abc import Collection, Iterator

from okd_gitops.finding import Finding, Severity, finding_of, nearest
from okd_gitops.fleet.cluster import Cluster, FleetSpec
from okd_gitops.releases.update_services import is_okd_upstream
from okd_gitops.releases.version import is_okd_stream, okd_streams

# The feature whose list has the streams that the fleet publishes itself.
_OWN = ("okd-stream", "streams", "name")


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


def _own_streams(cluster: Cluster) -> list[str]:
    """Return the streams that a cluster publishes; what is wrong with the list is found by generation."""
    feature, list_name, key = _OWN
    entries = (cluster.spec.features.get(feature) or {}).get(list_name)

    if not isinstance(entries, list):
        return []

    return [str(entry.get(key)) for entry in entries if isinstance(entry, dict)]
