"""Which edges a cluster may take: the rules of OKD and of the cluster about one update.

The cluster version operator (CVO) compares versions as SemVer does, OKD means another order, and the console
offers less than either allows. An edge may be taken only when all of them agree, so that a commit never asks
for what a cluster refuses or ignores.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from okd_gitops.fleet.upgrades import Blocked
from okd_gitops.manifests.pattern import occurs
from okd_gitops.releases.barriers import Barrier
from okd_gitops.releases.graph import Edge, Graph
from okd_gitops.releases.version import Version, outside_channel
from okd_gitops.upgrade.holds import Hold

NOT_A_NODE, UNKNOWN, LEFT_OUT, LOWER, SAME, NOTHING_NEWER = (
    "current-version-unknown",
    "target-unknown",
    "version-left-out",
    "downgrade",
    "already-installed",
    "nothing-newer",
)
NO_EDGE, MINOR, MAJOR, ROLLBACK, KIND, NOT_ACCEPTED, OUTSIDE = (
    "no-path",
    "minor-skipped",
    "wrong-major-step",
    "rollback",
    "kind-not-taken",
    "not-accepted",
    "outside-channel",
)
BLOCKED, RISK, IGNORED, HELD, CHANNEL, PATTERN = (
    "edge-blocked",
    "risk-not-accepted",
    "edge-dropped",
    "updates-held",
    "invalid-channel",
    "invalid-pattern",
)
# Blocked edges are written for one architecture, as in cincinnati-graph-data; OKD has this one.
_ARCHITECTURE = "amd64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a cluster takes, and what is known about edges beside the graph.

    `accepted_edges` are edges that nobody tested and a person accepted. `majors` says which line a major hop
    leaves and enters, `acks` which acknowledgements leaving a line needs, `barriers` what is done by hand
    between two lines, `holds` why the cluster refuses updates. `stays_in_channel`: no release outside the
    channel is wanted; one that was asked for by name moves it.
    """

    accepted: frozenset[str]
    kinds: frozenset[str] = frozenset({"release"})
    channel: str = ""
    stays_in_channel: bool = False
    accepted_risks: frozenset[str] = frozenset()
    accepted_edges: frozenset[Edge] = frozenset()
    blocked: Sequence[Blocked] = ()
    majors: Mapping[str, str] = field(default_factory=dict)
    acks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    barriers: Sequence[Barrier] = ()
    holds: Sequence[Hold] = ()


@dataclass(frozen=True, slots=True)
class RefusedEdge:
    """Why an edge is not taken."""

    name: str
    reason: str
    edge: Edge


def usable_edges(graph: Graph, wanted: Wanted) -> tuple[dict[Version, list[Version]], list[RefusedEdge]]:
    """Return the ends of the edges that may be taken, by their starts, and the edges that may not."""
    allowed: dict[Version, list[Version]] = {}
    refused: list[RefusedEdge] = []

    accepted = {edge for edge in wanted.accepted_edges if set(edge) <= graph.nodes.keys()}

    for edge in sorted({*graph.edges, *graph.conditional, *graph.dropped, *accepted}):
        start, end = (graph.nodes[text].version for text in edge)
        fault = next(edge_faults(graph, start, end, wanted), None)

        if fault:
            refused.append(fault)
        else:
            allowed.setdefault(start, []).append(end)

    return allowed, refused


def edge_faults(graph: Graph, start: Version, end: Version, wanted: Wanted) -> Iterator[RefusedEdge]:
    """Yield why an edge is not taken, also one that the graph does not have.

    First what no one can change, then what the cluster wants, then what somebody may accept.
    """
    edge = start.text, end.text
    for name, reason in (
        *impossible(start, end, wanted),
        *unwanted(end, wanted),
        *_risky(graph, edge, wanted),
    ):
        yield RefusedEdge(name, reason, edge)

    for hold in wanted.holds:
        if hold.stops(start, end):
            reason = f"the cluster takes no {step_kind(start, end)} update now: {hold.reason}"
            yield RefusedEdge(HELD, reason, edge)


def impossible(start: Version, end: Version, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Yield the name and the reason of what no one can change about a step."""
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


def unwanted(end: Version, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Yield the name and the reason of what keeps a cluster from a release."""
    if kind(end) not in wanted.kinds:
        kinds = ", ".join(sorted(wanted.kinds)) or "nothing"
        yield KIND, f"{end.text} is of kind {kind(end)}; the cluster takes {kinds}"
    if end.text not in wanted.accepted:
        yield NOT_ACCEPTED, f"{end.text} is not accepted in the wanted stream"
    elif wanted.stays_in_channel and outside_channel(end.text, wanted.channel):
        yield OUTSIDE, f"{end.text} is outside the cluster's channel {wanted.channel}"


def _risky(graph: Graph, edge: Edge, wanted: Wanted) -> Iterator[tuple[str, str]]:
    for block in wanted.blocked:
        if block.to == edge[1] and occurs(block.source, f"{edge[0]}+{_ARCHITECTURE}"):
            yield BLOCKED, f"{edge[0]} → {edge[1]} is blocked{f' by {block.name}' if block.name else ''}"
    if edge in graph.dropped:
        yield IGNORED, f"{edge[0]} → {edge[1]} cannot be used: {graph.dropped[edge]}"
    open_risks = sorted(graph.risks(edge) - wanted.accepted_risks)
    if open_risks:
        yield RISK, f"{edge[0]} → {edge[1]} has risks that are not accepted: {', '.join(open_risks)}"


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


def step_kind(start: Version, end: Version) -> str:
    """Return which part of the version a step changes: patch, minor or major."""
    if start.line == end.line:
        return "patch"

    return "minor" if start.major == end.major else "major"
