"""What two cluster files must not share: a clusterID, an API server, the role of the hub, a name, a
namespace on the hub.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from okd_gitops.finding import Finding, Findings, finding_of
from okd_gitops.fleet.cluster import ClusterFile, Purpose
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.identity import in_one_spelling
from okd_gitops.fleet.providers import PREFIX, ProviderName, control_plane_namespace
from okd_gitops.releases.agreement import Claim, disagreements

_IMAGE = ("release", "image")


def report_collisions(
    clusters: Iterable[ClusterFile], fleet: FleetSpec, findings: Findings, edited: Collection[str] = ()
) -> None:
    """Add a finding for each cluster file that takes what an earlier one has; it names the places of both.

    The files that a change has `edited`, by the names of their clusters, come after the others.
    """
    in_order = _edited_last(clusters, edited)

    _report_shared("shared-cluster-id", "clusterID", in_order, _cluster_id, findings)
    _report_shared("shared-server", "server", in_order, _server, findings)
    _report_second_hubs(in_order, fleet, findings)
    _report_shared_namespaces(in_order, findings)


def mismatched_releases(clusters: Iterable[ClusterFile], edited: Collection[str] = ()) -> list[Finding]:
    """Return a finding for each cluster file whose version and image contradict those of an earlier one; the
    `edited` ones come last, as in `report_collisions`.
    """
    clusters = _edited_last(clusters, edited)
    # To find where something is written costs more than to find that nothing is wrong.
    if not any(disagreements(claim for _, claim in _claims(clusters, lambda _: ""))):
        return []

    places = {claim: cluster.document.at(_IMAGE) for cluster, claim in _claims(clusters, _place_of_image)}

    return [
        finding_of(
            "mismatched-release",
            places[disagreement.second],
            disagreement.reason,
            disagreement.remedy,
            clusters=(disagreement.second.owner, disagreement.first.owner),
        )
        for disagreement in disagreements(places)
    ]


def _claims(
    clusters: Iterable[ClusterFile], place_of: Callable[[ClusterFile], str]
) -> Iterator[tuple[ClusterFile, Claim]]:
    for cluster in clusters:
        release = cluster.spec.release
        if release:
            place = place_of(cluster)
            claim = Claim(owner=cluster.name, place=place, version=release.version, image=release.image)
            yield cluster, claim


def _place_of_image(cluster: ClusterFile) -> str:
    return str(cluster.document.at(_IMAGE))


def alike_but_for_case(name: str, names: Iterable[str]) -> str:
    """Return the name that differs from `name` only by case, or nothing: on many disks both are one file."""
    return next((other for other in names if other != name and other.lower() == name.lower()), "")


def _edited_last(clusters: Iterable[ClusterFile], edited: Collection[str]) -> list[ClusterFile]:
    """Return cluster files by name, those that a change has edited last: the fault is in what it wrote."""
    return sorted(clusters, key=lambda cluster: (cluster.name in edited, cluster.name))


def _report_shared(
    finding_name: str,
    key: str,
    clusters: Sequence[ClusterFile],
    value_of: Callable[[ClusterFile], str],
    findings: Findings,
) -> None:
    first_clusters: dict[str, ClusterFile] = {}

    for cluster in clusters:
        value = value_of(cluster)
        first = first_clusters.setdefault(value, cluster)

        if value and first is not cluster:
            first_place = first.document.at([key])
            reason = f"this {key} is also that of the cluster in {first_place}"
            findings.add(finding_name, cluster.document.at([key]), reason)


def _report_shared_namespaces(clusters: Sequence[ClusterFile], findings: Findings) -> None:
    """Add a finding for each cluster whose namespace on the hub is that of another one's control plane."""
    owners = {
        control_plane_namespace(cluster.name): cluster.name
        for cluster in clusters
        if cluster.spec.provider == ProviderName.HYPERSHIFT_AGENT
    }

    for cluster in clusters:
        namespace = f"{PREFIX}{cluster.name}"

        if cluster.spec.provider and namespace in owners:
            place = cluster.document.at(("provider",))
            reason = f"the namespace {namespace} on the hub has the control plane of {owners[namespace]}"
            findings.add("invalid-value", place, reason, "choose another name for this cluster")


def _report_second_hubs(clusters: Sequence[ClusterFile], fleet: FleetSpec, findings: Findings) -> None:
    hubs = [cluster for cluster in clusters if cluster.spec.purpose == Purpose.HUB]
    # The one that fleet.yaml names comes first, whatever its name.
    hubs.sort(key=lambda cluster: cluster.name != fleet.hub)

    for second in hubs[1:]:
        if _is_part_of_a_move(second, fleet):
            continue

        first_place = hubs[0].document.at(["purpose"])
        reason = f"{second.name} is a second hub: {hubs[0].name} is the hub already ({first_place})"
        findings.add("second-hub", second.document.at(["purpose"]), reason)


def _is_part_of_a_move(hub: ClusterFile, fleet: FleetSpec) -> bool:
    """Whether a second hub is the announced one, or the old one that leaves after the move to that."""
    announced = fleet.announced.hub if fleet.announced else None
    has_moved = announced == fleet.hub

    return hub.name == announced or (has_moved and hub.spec.decommission)


def _cluster_id(cluster: ClusterFile) -> str:
    return in_one_spelling("clusterID", cluster.spec.cluster_id)


def _server(cluster: ClusterFile) -> str:
    return in_one_spelling("server", cluster.spec.server)
