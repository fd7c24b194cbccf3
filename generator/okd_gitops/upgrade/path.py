"""The upgrade path of a cluster: the fewest tested hops to a target, or why there are none.

The cluster version operator (CVO) compares versions as SemVer does, OKD means another order, and the console
offers less than either allows. A hop is planned only when all of them agree, so that a commit never asks for
what a cluster refuses or ignores.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from okd_gitops.fleet.upgrades import Blocked
from okd_gitops.manifests.pattern import occurs, pattern_fault
from okd_gitops.releases.barriers import Barrier, barriers_of
from okd_gitops.releases.graph import Edge, Graph, reach
from okd_gitops.releases.version import Version, channel_fault, outside_channel

NOT_A_NODE, UNKNOWN, LEFT_OUT, LOWER, SAME, NOTHING_NEWER = (
    "current-version-unknown",
    "target-unknown",
    "version-left-out",
    "downgrade",
    "already-installed",
    "nothing-newer",
)
NO_EDGE, MINOR, MAJOR, ROLLBACK, KIND, NOT_ACCEPTED = (
    "no-path",
    "minor-skipped",
    "wrong-major-step",
    "rollback",
    "kind-not-taken",
    "not-accepted",
)
BLOCKED, RISK, IGNORED, HELD, CHANNEL, PATTERN = (
    "edge-blocked",
    "risk-not-accepted",
    "edge-dropped",
    "minor-updates-held",
    "invalid-channel",
    "invalid-pattern",
)
# Blocked edges are written for one architecture, as in cincinnati-graph-data; OKD has this one.
_ARCHITECTURE = "amd64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a cluster takes, and what is known about edges beside the graph.

    `majors` says which line a major hop leaves and enters, `acks` which acknowledgements leaving a line
    needs, `barriers` what is done by hand between two lines, `held` why minors wait.
    """

    accepted: frozenset[str]
    kinds: frozenset[str] = frozenset({"release"})
    channel: str = ""
    accepted_risks: frozenset[str] = frozenset()
    blocked: Sequence[Blocked] = ()
    majors: Mapping[str, str] = field(default_factory=dict)
    acks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    barriers: Sequence[Barrier] = ()
    held: str = ""


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
class RefusedEdge:
    """Why an edge is not taken."""

    name: str
    reason: str
    edge: Edge


@dataclass(frozen=True, slots=True)
class Path:
    """The hops to a target, at least one."""

    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class NoPath:
    """Why there is no path, and the edges that would have made one.

    `nearest` is the newest release below the target that can be reached.
    """

    name: str
    reason: str
    nearest: Version | None = None
    refused: tuple[RefusedEdge, ...] = ()


def plan(graph: Graph, current: Version, target: Version | None, wanted: Wanted) -> Path | NoPath:
    """Return the path with the fewest hops; without a target, to the newest release that can be reached.

    Among paths of equal length the one with the fewest conditional edges wins, then the one whose earlier
    stops are newer.
    """
    fault = _unusable(graph, current, target, wanted)

    if fault:
        return fault

    allowed, refused = _edges(graph, wanted)
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


def kind(version: Version) -> str:
    """Return the kind of a version, as `takes` of a purpose names it."""
    # Until 4.15 releases had dated names.
    if version.rank == "dated" and (version.major, version.minor) < (4, 16):
        return "release"

    return version.rank


def semver_key(text: str) -> tuple[tuple[int, ...], tuple[tuple[bool, int, str], ...]]:
    """Return the key by which SemVer, and so the cluster, orders versions.

    Numbers in a pre-release come before words.
    """
    core, _, pre = text.partition("-")
    parts = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in pre.split("."))
    return tuple(int(number) for number in core.split(".")), parts


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
        return NoPath(LEFT_OUT, f"{role} {version.text} is left out: {graph.kept_out[version.text]}")

    if version.text not in graph.nodes:
        return NoPath(finding_name, f"{role} {version.text} is not in the graph")

    return None


def _edges(graph: Graph, wanted: Wanted) -> tuple[dict[Version, list[Version]], list[RefusedEdge]]:
    allowed: dict[Version, list[Version]] = {}
    refused: list[RefusedEdge] = []

    for edge in sorted({*graph.edges, *graph.conditional, *graph.dropped}):
        start, end = (graph.nodes[text].version for text in edge)
        fault = next(_faults(graph, start, end, wanted), None)

        if fault:
            refused.append(fault)
        else:
            allowed.setdefault(start, []).append(end)

    return allowed, refused


def _faults(graph: Graph, start: Version, end: Version, wanted: Wanted) -> Iterator[RefusedEdge]:
    """Yield why an edge is not taken.

    First what no one can change, then what the cluster wants, then what somebody may accept.
    """
    edge = start.text, end.text
    for name, reason in (
        *_impossible(start, end, wanted),
        *_unwanted(end, wanted),
        *_risky(graph, edge, wanted),
    ):
        yield RefusedEdge(name, reason, edge)

    if wanted.held and start.line != end.line:
        yield RefusedEdge(
            HELD, f"the cluster takes no {step_kind(start, end)} update now: {wanted.held}", edge
        )


def _impossible(start: Version, end: Version, wanted: Wanted) -> Iterator[tuple[str, str]]:
    if end <= start:
        yield LOWER, f"{end.text} is not higher than {start.text}"
    elif start.major != end.major:
        if wanted.majors.get(start.line) != end.line:
            known = ", ".join(f"{last} → {first}" for last, first in sorted(wanted.majors.items())) or "none"
            yield (
                MAJOR,
                f"{start.line} → {end.line} is not a change of major that is known to work (known: {known})",
            )
    elif end.minor > start.minor + 1:
        yield MINOR, f"{start.line} → {end.line} skips {start.major}.{start.minor + 1}"
    if start < end and semver_key(end.text) <= semver_key(start.text):
        reason = f"the cluster takes {end.text} for older than {start.text}, because SemVer does; "
        yield ROLLBACK, f"{reason}it refuses to roll back"


def _unwanted(end: Version, wanted: Wanted) -> Iterator[tuple[str, str]]:
    if kind(end) not in wanted.kinds:
        kinds = ", ".join(sorted(wanted.kinds)) or "nothing"
        yield KIND, f"{end.text} is of kind {kind(end)}; the cluster takes {kinds}"
    if end.text not in wanted.accepted:
        yield NOT_ACCEPTED, f"{end.text} is not accepted in the wanted stream"


def _risky(graph: Graph, edge: Edge, wanted: Wanted) -> Iterator[tuple[str, str]]:
    for block in wanted.blocked:
        if block.to == edge[1] and occurs(block.source, f"{edge[0]}+{_ARCHITECTURE}"):
            yield BLOCKED, f"{edge[0]} → {edge[1]} is blocked{f' by {block.name}' if block.name else ''}"
    if edge in graph.dropped:
        yield IGNORED, f"{edge[0]} → {edge[1]} cannot be used: {graph.dropped[edge]}"
    open_risks = sorted(graph.risks(edge) - wanted.accepted_risks)
    if open_risks:
        yield RISK, f"{edge[0]} → {edge[1]} has risks that are not accepted: {', '.join(open_risks)}"


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


def step_kind(start: Version, end: Version) -> str:
    """Return which part of the version a step changes: patch, minor or major."""
    if start.line == end.line:
        return "patch"

    return "minor" if start.major == end.major else "major"


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
    faults = [*_unwanted(goal, wanted), *((fault.name, fault.reason) for fault in missing)]
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
    rollbacks = [fault for fault in _impossible(current, goal, wanted) if fault[0] == ROLLBACK]

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
