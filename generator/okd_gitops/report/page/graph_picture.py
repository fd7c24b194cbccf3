"""The update graph around a fleet: a row for each release, newest first, and arcs for the edges."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from okd_gitops.releases.graph import Edge, Graph
from okd_gitops.releases.version import Version
from okd_gitops.report.fleet_status import FleetStatus
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.path import NoPath, Path

# The picture has so many rows; of each release that a cluster runs, so many newest ends are in it.
_MANY_RELEASES = 24
_MANY_ENDS = 3
_MANY_NAMES = 3
# Sizes in the units of the picture.
_ROW, _TOP = 34, 20
_DOTS, _NEAREST, _STEP, _FARTHEST = 150, 24, 30, 145
# Which of two edges between the same releases is drawn: the later.
_ORDER = ("offered", "risky", "refused", "path")


@dataclass(frozen=True, slots=True)
class Dot:
    """A release: where its row is, and which clusters run it."""

    version: str
    y: int
    clusters: str


@dataclass(frozen=True, slots=True)
class Arc:
    """An edge: how it is drawn, its form as the path of an SVG, and its name."""

    kind: str
    form: str
    title: str


@dataclass(frozen=True, slots=True)
class GraphPicture:
    """The picture: its height, rows and edges, and how many releases have no row."""

    height: int
    dots: tuple[Dot, ...]
    arcs: tuple[Arc, ...]
    left_out: int


def graph_picture(status: FleetStatus) -> GraphPicture | None:
    """Return the picture, or None where nothing is known of a graph or no cluster follows a stream."""
    if status.outlook is None or not status.outlook.upgrades:
        return None

    upgrades, graph = status.outlook.upgrades, status.outlook.learned.graph
    wanted = _wanted(upgrades, graph)
    shown = sorted(wanted[:_MANY_RELEASES], reverse=True)
    rows = {version.text: _TOP + _ROW * number for number, version in enumerate(shown)}
    runs = _runs(upgrades)
    drawn = _edges(upgrades, graph, rows)

    return GraphPicture(
        height=_TOP + _ROW * len(rows),
        dots=tuple(Dot(version, y, runs.get(version, "")) for version, y in rows.items()),
        arcs=tuple(_arc(edge, kind, title, rows) for edge, (kind, title) in drawn.items()),
        left_out=len(wanted) - len(rows),
    )


def _wanted(upgrades: Iterable[Upgrade], graph: Graph) -> list[Version]:
    """Return the releases around the fleet, the most important first: where it is, where it goes."""
    upgrades = list(upgrades)
    paths = [upgrade.path for upgrade in upgrades]
    current = sorted({upgrade.cluster.version for upgrade in upgrades}, reverse=True)
    stops = sorted({hop.to for path in paths if isinstance(path, Path) for hop in path.hops}, reverse=True)
    edges = (*graph.edges, *graph.conditional, *graph.dropped)
    ends = {end for version in current for end in sorted(_ends(version, edges), reverse=True)[:_MANY_ENDS]}

    return list(dict.fromkeys([*current, *stops, *sorted(ends, reverse=True)]))


def _ends(start: Version, edges: Iterable[Edge]) -> set[Version]:
    """Return the releases above one to which an edge leads from it."""
    ends = {Version.parse(end) for source, end in edges if source == start.text}

    return {end for end in ends if end > start}


def _runs(upgrades: Iterable[Upgrade]) -> dict[str, str]:
    """Return the clusters that run each release, in words."""
    names: dict[str, list[str]] = {}

    for upgrade in upgrades:
        names.setdefault(upgrade.cluster.version.text, []).append(upgrade.cluster.name)

    return {version: _listed(clusters) for version, clusters in names.items()}


def _listed(clusters: list[str]) -> str:
    more = f" and {len(clusters) - _MANY_NAMES} more" if len(clusters) > _MANY_NAMES else ""

    return ", ".join(clusters[:_MANY_NAMES]) + more


def _edges(upgrades: Iterable[Upgrade], graph: Graph, rows: Mapping[str, int]) -> dict[Edge, tuple[str, str]]:
    """Return the edges between rows that begin where a cluster is or comes by, with kind and title."""
    upgrades = list(upgrades)
    starts = {upgrade.cluster.version.text for upgrade in upgrades}
    starts |= {
        hop.to.text for upgrade in upgrades if isinstance(upgrade.path, Path) for hop in upgrade.path.hops
    }
    found = [
        (edge, kind, title)
        for edge, kind, title in (*_offered(graph), *_of_paths(upgrades))
        if set(edge) <= rows.keys() and edge[0] in starts and rows[edge[1]] < rows[edge[0]]
    ]

    return {edge: (kind, title) for edge, kind, title in sorted(found, key=_importance)}


def _importance(found: tuple[Edge, str, str]) -> tuple[int, Edge]:
    edge, kind, _ = found

    return _ORDER.index(kind), edge


def _offered(graph: Graph) -> Iterator[tuple[Edge, str, str]]:
    for edge in graph.edges:
        yield edge, "offered", "offered"

    for edge, risks in graph.conditional.items():
        yield edge, "risky", f"offered with risks: {', '.join(risk.name for risk in risks)}"

    for edge, reason in graph.dropped.items():
        yield edge, "refused", f"ignored by clusters: {reason}"


def _of_paths(upgrades: Iterable[Upgrade]) -> Iterator[tuple[Edge, str, str]]:
    for upgrade in upgrades:
        if isinstance(upgrade.path, NoPath):
            for refused in upgrade.path.refused:
                yield refused.edge, "refused", f"refused: {refused.reason}"
        else:
            for hop in upgrade.path.hops:
                risks = f", with risks: {', '.join(hop.risks)}" if hop.risks else ""
                yield (hop.source.text, hop.to.text), "path", f"the way of the fleet{risks}"


def _arc(edge: Edge, kind: str, title: str, rows: Mapping[str, int]) -> Arc:
    start, end = (rows[version] for version in edge)
    far = _DOTS - min(_FARTHEST, _NEAREST + _STEP * (start - end) // _ROW)
    form = f"M{_DOTS - 7} {start} C{far} {start} {far} {end} {_DOTS - 9} {end}"

    return Arc(kind, form, f"{edge[0]} → {edge[1]}: {title}")
