"""The paths of a fleet's clusters through the update graph, and what each of their hops names."""

from collections.abc import Iterator
from dataclasses import dataclass

from okd_gitops.explanation import explanation_of
from okd_gitops.releases.graph import Graph
from okd_gitops.report.fleet_status import FleetStatus
from okd_gitops.upgrade.path import Hop, NoPath, Path

_MANY_REFUSED = 6


@dataclass(frozen=True, slots=True)
class Named:
    """Something that an edge of a path names: what kind of thing, its name, and what it says."""

    kind: str
    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRow:
    """The path of some clusters from one release: its stops, or why there is none."""

    clusters: tuple[str, ...]
    source: str
    stops: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    named: tuple[Named, ...] = ()
    why_none: str = ""


def path_rows(status: FleetStatus) -> list[PathRow]:
    """Return each path once, with all clusters that take it, in the order of their waves."""
    if status.outlook is None:
        return []

    graph = status.outlook.learned.graph
    clusters: dict[tuple[str, Path | NoPath], list[str]] = {}

    for upgrade in status.outlook.upgrades:
        key = (upgrade.cluster.version.text, upgrade.path)
        clusters.setdefault(key, []).append(upgrade.cluster.name)

    return [_row(source, path, tuple(names), graph) for (source, path), names in clusters.items()]


def _row(source: str, path: Path | NoPath, clusters: tuple[str, ...], graph: Graph) -> PathRow:
    if isinstance(path, NoPath):
        named = tuple(
            Named("refused edge", " → ".join(edge.edge), edge.reason or explanation_of(edge.name).statement)
            for edge in path.refused[:_MANY_REFUSED]
        )
        return PathRow(clusters=clusters, source=source, named=named, why_none=path.reason)

    return PathRow(
        clusters=clusters,
        source=source,
        stops=tuple(hop.to.text for hop in path.hops),
        kinds=tuple(dict.fromkeys(hop.kind for hop in path.hops)),
        named=tuple(named for hop in path.hops for named in _named(hop, graph)),
    )


def _named(hop: Hop, graph: Graph) -> Iterator[Named]:
    for risk in graph.conditional.get((hop.source.text, hop.to.text), ()):
        yield Named("risk", risk.name, risk.message)

    for barrier in hop.barriers:
        yield Named("by hand", barrier.name, barrier.message)

    for ack in hop.acks:
        yield Named("acknowledgement", ack, f"an administrator acknowledges it to leave {hop.source.line}")
