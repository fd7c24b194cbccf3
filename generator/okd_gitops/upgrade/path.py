"""The upgrade path of a cluster: the fewest tested hops to a target, or why there are none.

`edges` knows which edges the cluster may take.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from okd_gitops.manifests.pattern import pattern_fault
from okd_gitops.releases.barriers import Barrier, barriers_of
from okd_gitops.releases.graph import Graph, reach
from okd_gitops.releases.version import Version, channel_fault, outside_channel
from okd_gitops.upgrade.edges import (
    CHANNEL,
    LEFT_OUT,
    LOWER,
    MAJOR,
    MINOR,
    NO_EDGE,
    NOT_A_NODE,
    NOTHING_NEWER,
    PATTERN,
    ROLLBACK,
    SAME,
    UNKNOWN,
    RefusedEdge,
    Wanted,
    edge_faults,
    impossible,
    step_kind,
    unwanted,
    usable_edges,
)


@dataclass(frozen=True, slots=True)
class Hop:
    """One update: what it moves, its accepted risks, and the channel, acknowledgements and hands it needs."""

    source: Version
    to: Version
    kind: str
    risks: tuple[str, ...]
    channel: str
    acks: tuple[str, ...]
    barriers: tuple[Barrier, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """The hops to a target, at least one."""

    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class NoPath:
    """Why there is no path, and the edges that would have made one.

    `nearest` is the newest release below the target that can be reached, `about` the version that the reason
    is about, where it is not the target.
    """

    name: str
    reason: str
    nearest: Version | None = None
    refused: tuple[RefusedEdge, ...] = ()
    about: Version | None = None


def first_hop(path: Path | NoPath | None) -> Hop | None:
    """Return the first hop, where there is a path."""
    return path.hops[0] if isinstance(path, Path) else None


def plan(graph: Graph, current: Version, target: Version | None, wanted: Wanted) -> Path | NoPath:
    """Return the path with the fewest hops; without a target, to the newest release that can be reached.

    Among paths of equal length the one with the fewest conditional edges wins, then the one whose earlier
    stops are newer.
    """
    fault = _unusable(graph, current, target, wanted)

    if fault:
        return fault

    allowed, refused = usable_edges(graph, wanted)
    reached = reach(current, allowed)
    goal = target or max(reached)

    if goal == current:
        from_here = [refusal for refusal in refused if refusal.edge[0] == current.text]
        upwards = tuple(refusal for refusal in from_here if refusal.name != LOWER)
        reason = f"no newer release that is wanted can be reached from {current.text}"
        return NoPath(NOTHING_NEWER, reason, None, upwards)

    if goal not in reached:
        return _no_path(current, goal, wanted, allowed, refused)

    steps = _shortest(graph, current, goal, allowed)

    return Path(tuple(_hop(graph, start, end, wanted) for start, end in steps))


def one_hop(graph: Graph, current: Version, target: Version, wanted: Wanted) -> list[Path] | list[NoPath]:
    """Return the path of exactly one hop, or everything that keeps the cluster from it."""
    faults = [NoPath(fault.name, fault.reason) for fault in edge_faults(graph, current, target, wanted)]
    # What can never be taken, or is not wanted, needs no edge.
    gap = None if faults else _unusable(graph, current, target, wanted)

    if gap:
        faults.append(gap)

    edge = current.text, target.text

    if not faults and edge not in {*graph.edges, *graph.conditional, *wanted.accepted_edges}:
        name, reason = _gap(current, current, target, wanted)
        faults.append(NoPath(name, reason))

    return faults or [Path((_hop(graph, current, target, wanted),))]


def moved(channel: str, version: Version) -> str:
    """Return the channel with the number that offers a version: same name, the version's major or line."""
    if not channel or not outside_channel(version.text, channel):
        return channel

    name, _, prefix = channel.rpartition("-")
    return f"{name}-{version.line if '.' in prefix else version.major}"


def _unusable(graph: Graph, current: Version, target: Version | None, wanted: Wanted) -> NoPath | None:
    """Return why no path can be searched: an invalid channel, pattern, target or version."""
    reason, remedy = channel_fault(wanted.channel) if wanted.channel else ("", "")

    if reason:
        return NoPath(CHANNEL, f"{reason}; {remedy}")

    for block in wanted.blocked:
        if reason := pattern_fault(block.source):
            pattern = f'the pattern "{block.source}" of a blocked edge to {block.to}'
            return NoPath(PATTERN, f"{pattern} is not valid: {reason}")

    if target == current:
        return NoPath(SAME, f"the cluster already has {current.text}")

    if target and target < current:
        return NoPath(LOWER, f"{target.text} is lower than {current.text}")

    fault = _not_in_graph(graph, current, NOT_A_NODE, "the cluster's version")

    if fault or target is None:
        return fault

    return _not_in_graph(graph, target, UNKNOWN, "the target")


def _not_in_graph(graph: Graph, version: Version, finding_name: str, role: str) -> NoPath | None:
    if version.text in graph.kept_out:
        reason = f"{role} {version.text} is left out: {graph.kept_out[version.text]}"
        return NoPath(LEFT_OUT, reason, about=version)

    if version.text not in graph.nodes:
        return NoPath(finding_name, f"{role} {version.text} is not in the graph")

    return None


def _shortest(
    graph: Graph, current: Version, goal: Version, allowed: Mapping[Version, Sequence[Version]]
) -> list[tuple[Version, Version]]:
    # Every edge that is taken goes up, so going down from the goal every end is known before its start.
    cost: dict[Version, tuple[int, int]] = {goal: (0, 0)}
    onward: dict[Version, Version] = {}

    for start in sorted((version for version in allowed if version < goal), reverse=True):
        for end in sorted(allowed[start], reverse=True):
            if end in cost:
                hops, risky = cost[end]
                here = hops + 1, risky + bool(graph.risks((start.text, end.text)))
                if start not in cost or here < cost[start]:
                    cost[start], onward[start] = here, end

    steps = []

    while current != goal:
        steps.append((current, onward[current]))
        current = onward[current]

    return steps


def _hop(graph: Graph, start: Version, end: Version, wanted: Wanted) -> Hop:
    edge = start.text, end.text
    acks = wanted.acks.get(start.line, ()) if start.line != end.line else ()
    risks = tuple(sorted(graph.risks(edge)))
    channel = moved(wanted.channel, end)
    barriers = barriers_of(start, end, wanted.barriers)

    return Hop(start, end, step_kind(start, end), risks, channel, acks, barriers)


def _no_path(
    current: Version,
    goal: Version,
    wanted: Wanted,
    allowed: Mapping[Version, Sequence[Version]],
    refused: Sequence[RefusedEdge],
) -> NoPath:
    reached = reach(current, allowed)
    nearest = max((version for version in reached if current < version < goal), default=None)
    missing = _missing(reached, reach(goal, _backward(allowed)), refused)

    # The target itself may be unwanted; that reason comes first.
    faults = [*unwanted(goal, wanted), *((fault.name, fault.reason) for fault in missing)]
    name, reason = faults[0] if faults else _gap(current, nearest or current, goal, wanted)

    return NoPath(name, reason, nearest, missing)


def _missing(
    reached: Collection[Version], lead_to_goal: Collection[Version], refused: Sequence[RefusedEdge]
) -> tuple[RefusedEdge, ...]:
    """Return the refused edges with which a path would be complete."""
    starts = {version.text for version in reached}
    ends = {version.text for version in lead_to_goal}
    from_reached = [refusal for refusal in refused if refusal.edge[0] in starts]

    return tuple(refusal for refusal in from_reached if refusal.edge[1] in ends)


def _backward(edges: Mapping[Version, Sequence[Version]]) -> dict[Version, list[Version]]:
    """Return the edges turned round: from each end to its starts."""
    backward: dict[Version, list[Version]] = {}

    for start, ends in edges.items():
        for end in ends:
            backward.setdefault(end, []).append(start)

    return backward


def _gap(current: Version, last: Version, goal: Version, wanted: Wanted) -> tuple[str, str]:
    """Return why no edge leads to a target.

    The cluster would refuse every one, a line between has no release to reach, or nobody tested an edge.
    """
    rollbacks = [fault for fault in impossible(current, goal, wanted) if fault[0] == ROLLBACK]

    if rollbacks:
        return rollbacks[0]

    onward = wanted.majors.get(last.line, f"{last.major}.{last.minor + 1}")
    if goal.line in (last.line, onward):
        return NO_EDGE, f"no edge that was tested with success leads from {last.text} to {goal.text}"

    name = MINOR if last.major == goal.major else MAJOR
    reason = (
        f"no release of {onward} can be reached from {last.text}, "
        f"and no minor can be skipped on the way to {goal.text}"
    )

    return name, reason
