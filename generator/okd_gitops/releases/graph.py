"""The update graph: releases, and the edges between them that somebody tested or recommends.

Two forms are read: Cincinnati's (what the cluster version operator, CVO, gets) and that of the release
controller, which has no metadata and no conditional edges. An odd answer is treated as the CVO treats it,
with a finding: a plan must never rest on an edge that the cluster ignores.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from okd_gitops.finding import Finding
from okd_gitops.releases.json_answer import (
    FORM,
    UNREADABLE,
    array,
    listed,
    read_json,
    text,
    unusable,
)
from okd_gitops.releases.version import SHA256, Version

MAX_BYTES = 16 << 20
# The kinds of rules by which the CVO decides whether a risk concerns a cluster; it drops a target whose risk
# has none of these.
RULE_TYPES = frozenset({"Always", "PromQL"})
_DROPS_ALL = "and the cluster version operator then drops all of them"
_DROPS_TARGET = "and the cluster version operator then drops the target"
_PULLED = re.compile(rf"[^@\s]+@{SHA256.pattern}")

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Node:
    """A release of the graph."""

    version: Version
    payload: str

    @property
    def pinned(self) -> bool:
        """Whether the payload is a digest; a tag can move."""
        return bool(_PULLED.fullmatch(self.payload))


@dataclass(frozen=True, slots=True)
class Risk:
    """Why an edge is conditional.

    The name is what an administrator accepts; the rules decide which clusters it concerns.
    """

    name: str
    url: str
    message: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Releases by version, edges without and with risks, and what was left out with the reason."""

    nodes: Mapping[str, Node]
    edges: frozenset[Edge]
    conditional: Mapping[Edge, tuple[Risk, ...]]
    kept_out: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[Edge, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def risks(self, edge: Edge) -> frozenset[str]:
        """Return the names of an edge's risks, none for an edge without condition."""
        return frozenset(risk.name for risk in self.conditional.get(edge, ()))


def read_graph(data: bytes, source: str = "update graph") -> Graph:
    """Read an answer of an update service or of a release controller.

    Raises FindingsError for an answer whose form cannot be trusted; odd content is left out and is in
    `findings`.
    """
    answer = _answer(data, source)
    entries = [_entry(raw, source) for raw in array(answer, "nodes", source)]
    entry_versions = [entry.version for entry in entries]
    edges = {_edge(raw, entry_versions, source) for raw in array(answer, "edges", source, optional=True)}
    conditional_edges = list(_conditional_edges(answer, source))

    nodes, kept_out, node_findings = _nodes(entries, source)
    conditional, dropped, edge_findings = _offered(conditional_edges, nodes, source)

    # An edge to a version that was left out goes with it; the version itself is named once.
    usable_edges = {edge for edge in edges if set(edge) <= nodes.keys()}
    # The CVO prefers the conditional entry of a target that is listed both ways, and compares images, not
    # versions.
    risky_moves = {_move(edge, nodes) for edge in (*conditional, *dropped)}
    free_edges = frozenset(edge for edge in usable_edges if _move(edge, nodes) not in risky_moves)

    findings = (*node_findings, *edge_findings)
    return Graph(nodes, free_edges, conditional, kept_out, dropped, findings)


def reach(start: Version, edges: Mapping[Version, Sequence[Version]]) -> set[Version]:
    """Return every version that edges lead to, with the start."""
    reached, waiting = {start}, [start]

    while waiting:
        new_ends = [end for end in edges.get(waiting.pop(), ()) if end not in reached]
        reached.update(new_ends)
        waiting += new_ends

    return reached


@dataclass(frozen=True, slots=True)
class _Entry:
    version: str
    payload: str


@dataclass(frozen=True, slots=True)
class _ConditionalEdge:
    """An edge with its risks; `fault` is why the CVO does not offer it, if so."""

    edge: Edge
    risks: tuple[Risk, ...]
    fault: str


def _answer(data: bytes, source: str) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise unusable(UNREADABLE, source, f"{len(data):,} bytes are more than the limit of {MAX_BYTES:,}")

    answer = read_json(data, source)
    if not isinstance(answer, dict):
        raise unusable(FORM, source, "the answer is not an object with nodes and edges")

    # An error of Cincinnati is an object too; read as a graph it would be an empty one, "nothing to update".
    if "kind" in answer and "nodes" not in answer:
        error = f"{text(answer, 'kind')}, {text(answer, 'value')}"
        raise unusable(FORM, source, f"the answer has no nodes: {error}")

    return answer


def _entry(raw: object, source: str) -> _Entry:
    if not isinstance(raw, dict) or not isinstance(raw.get("version"), str):
        raise unusable(FORM, source, "a node has no version")

    return _Entry(text(raw, "version"), text(raw, "payload"))


def _nodes(entries: Sequence[_Entry], source: str) -> tuple[dict[str, Node], dict[str, str], list[Finding]]:
    """Return the usable nodes, those that are left out with the reason, and findings about both."""
    payloads: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        payloads[entry.version].update({entry.payload} - {""})

    nodes: dict[str, Node] = {}
    foreign: dict[str, str] = {}
    ambiguous: dict[str, str] = {}

    for entry in entries:
        try:
            version = Version.parse(entry.version)
        except ValueError as error:
            foreign[entry.version] = str(error)
            continue

        payloads_of_version = payloads[entry.version]
        if len(payloads_of_version) > 1:
            ambiguous[entry.version] = f"the graph has {len(payloads_of_version)} payloads for it"
            continue

        node = Node(version, min(payloads_of_version, default=""))
        nodes.setdefault(entry.version, node)

    tagged = [name for name, node in nodes.items() if not node.pinned]
    findings = [
        *listed("foreign-version-names", source, foreign, "not versions of OKD, and left out:"),
        *listed("two-payloads", source, ambiguous, "left out for more than one payload:"),
        *listed("tag-as-payload", source, tagged, "no digest as payload; it must come from elsewhere:"),
    ]

    return nodes, foreign | ambiguous, findings


def _edge(raw: object, names: Sequence[str], source: str) -> Edge:
    # bool is an int in Python, and a negative index would silently count from the end.
    if not isinstance(raw, list) or len(raw) != 2 or any(type(index) is not int for index in raw):
        raise unusable(FORM, source, "an edge is not a pair of indices")

    start, end = raw
    if not (0 <= start < len(names) and 0 <= end < len(names)):
        reason = (
            f"the edge [{start}, {end}] points outside the {len(names)} nodes: the answer is not complete"
        )
        raise unusable("incomplete-graph", source, reason)

    return names[start], names[end]


def _offered(
    conditional_edges: Sequence[_ConditionalEdge], nodes: Mapping[str, Node], source: str
) -> tuple[dict[Edge, tuple[Risk, ...]], dict[Edge, str], list[Finding]]:
    """Return the conditional edges that the CVO offers, those that it drops with the reason, and findings."""
    known: list[_ConditionalEdge] = []
    without_node: list[str] = []
    for entry in conditional_edges:
        if set(entry.edge) <= nodes.keys():
            known.append(entry)
        else:
            without_node.append(_arrow(entry.edge))

    entries_of_move = Counter(_move(entry.edge, nodes) for entry in known)

    conditional: dict[Edge, tuple[Risk, ...]] = {}
    dropped: dict[Edge, str] = {}

    for entry in known:
        edge = entry.edge

        if entries_of_move[_move(edge, nodes)] > 1:
            dropped[edge] = f"the graph lists it in more than one conditional entry, {_DROPS_ALL}"
        elif entry.fault:
            dropped[edge] = f"{entry.fault}, {_DROPS_TARGET}"
        else:
            conditional[edge] = entry.risks

    findings = [
        *listed("edge-dropped", source, map(_arrow, dropped), "conditional edges that the cluster ignores:"),
        *listed("edge-without-node", source, without_node, "no usable node at an end of:"),
    ]

    return conditional, dropped, findings


def _conditional_edges(answer: Mapping[str, Any], source: str) -> Iterator[_ConditionalEdge]:
    for entry in array(answer, "conditionalEdges", source, optional=True):
        if not isinstance(entry, dict):
            raise unusable(FORM, source, "a conditional edge is not an object")

        risks = tuple(_risk(raw, source) for raw in array(entry, "risks", source, optional=True))
        fault = _fault(risks)

        for raw in array(entry, "edges", source, optional=True):
            if not (
                isinstance(raw, dict) and isinstance(raw.get("from"), str) and isinstance(raw.get("to"), str)
            ):
                raise unusable(FORM, source, "a conditional edge has no from or no to")
            yield _ConditionalEdge((text(raw, "from"), text(raw, "to")), risks, fault)


def _risk(raw: object, source: str) -> Risk:
    if not isinstance(raw, dict):
        raise unusable(FORM, source, "a risk is not an object")

    rules = array(raw, "matchingRules", source, optional=True)
    rule_types = tuple(text(rule, "type") for rule in rules if isinstance(rule, dict))

    return Risk(text(raw, "name"), text(raw, "url"), text(raw, "message"), rule_types)


def _fault(risks: Sequence[Risk]) -> str:
    """Return why the CVO does not offer a target with these risks, or nothing."""
    if not risks:
        return "it has no risks"

    for risk in risks:
        if not risk.name:
            return "one of its risks has no name"
        if not RULE_TYPES.intersection(risk.rules):
            return f'its risk "{risk.name}" has no rule of a known type'

    return ""


def _move(edge: Edge, nodes: Mapping[str, Node]) -> tuple[str, str]:
    """Return where an edge begins, and the image to which it leads."""
    start, end = edge
    node = nodes[end]
    return start, node.payload or node.version.text


def _arrow(edge: Edge) -> str:
    return " → ".join(edge)
