"""The update graph: releases, and the edges between them that somebody tested or recommends.

Two forms are read: Cincinnati's (what the cluster version operator, CVO, gets) and that of the release
controller, which has no metadata and no conditional edges. What the CVO would do with an odd answer is done
here too, and said: a plan must never rest on an edge that the cluster ignores.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, FindingsError, Location, Severity
from okd_gitops.releases.version import SHA256, Version

MAX_BYTES = 16 << 20
# The kinds of rules by which the CVO decides whether a risk concerns a cluster; it drops a target whose risk
# has none of these.
RULE_TYPES = frozenset({"Always", "PromQL"})
_PULLED = re.compile(rf"[^@\s]+@{SHA256.pattern}")

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Node:
    """A release of the graph."""

    version: Version
    payload: str
    metadata: Mapping[str, str]

    @property
    def pinned(self) -> bool:
        """Whether the payload is a digest; a tag can move."""
        return bool(_PULLED.fullmatch(self.payload))


@dataclass(frozen=True, slots=True)
class Risk:
    """Why an edge is conditional: the name is what an administrator accepts, the rules say which clusters
    it concerns.
    """

    name: str
    url: str
    message: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Releases by version, edges without and with risks, and what was left out: versions and edges with
    the reason.
    """

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
    answer = _object(data, source)
    entries = [_entry(raw, source) for raw in _array(answer, "nodes", source)]
    names = [version for version, _, _ in entries]
    findings: list[Finding] = []
    nodes, kept_out = _nodes(entries, source, findings)
    # An edge to a version that was left out goes with it; the version itself is named once.
    edges = {
        edge
        for edge in (_edge(raw, names, source) for raw in _array(answer, "edges", source))
        if set(edge) <= nodes.keys()
    }
    conditional, dropped = _conditional(answer, nodes, source, findings)
    risky = {(start, _image(nodes[end])) for start, end in (*conditional, *dropped) if end in nodes}
    # The CVO prefers the conditional entry of a target that is listed both ways, and compares images, not
    # versions.
    edges = {(start, end) for start, end in edges if (start, _image(nodes[end])) not in risky}
    return Graph(nodes, frozenset(edges), conditional, kept_out, dropped, tuple(findings))


def reach(start: Version, edges: Mapping[Version, Sequence[Version]]) -> set[Version]:
    """Return every version that edges lead to, with the start."""
    reached, waiting = {start}, [start]
    while waiting:
        ends = [end for end in edges.get(waiting.pop(), ()) if end not in reached]
        reached.update(ends)
        waiting += ends
    return reached


def _object(data: bytes, source: str) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise _refused(
            "unreadable-answer", source, f"{len(data):,} bytes are more than the {MAX_BYTES:,} that are read"
        )
    try:
        answer = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _refused("unreadable-answer", source, f"byte {error.start} is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        cause = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]
        raise _refused(
            "unreadable-answer", source, f"the answer is not JSON, or was cut off: {cause}"
        ) from None
    if not isinstance(answer, dict):
        raise _refused("malformed-answer", source, "the answer is not an object with nodes and edges")
    if "nodes" not in answer:
        # An error of Cincinnati is an object too; read as a graph it would be an empty one, "nothing to
        # update".
        said = f": {_text(answer.get('kind'))}, {_text(answer.get('value'))}" if "kind" in answer else ""
        raise _refused("malformed-answer", source, f"the answer has no nodes{said}")
    return answer


def _array(holder: Mapping[str, Any], key: str, source: str) -> list[Any]:
    """Return an array; Go writes an empty one as null."""
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _refused("malformed-answer", source, f"{key} is not an array")
    return value


def _entry(raw: object, source: str) -> tuple[str, str, dict[str, str]]:
    if not isinstance(raw, dict) or not isinstance(raw.get("version"), str):
        raise _refused("malformed-answer", source, "a node has no version")
    metadata = raw.get("metadata")
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return (
        _text(raw["version"]),
        _text(raw.get("payload")),
        {_text(key): _text(value) for key, value in pairs},
    )


def _nodes(
    entries: Sequence[tuple[str, str, dict[str, str]]], source: str, findings: list[Finding]
) -> tuple[dict[str, Node], dict[str, str]]:
    payloads: dict[str, set[str]] = {}
    for text, payload, _ in entries:
        payloads.setdefault(text, set()).update({payload} - {""})
    nodes: dict[str, Node] = {}
    strange: dict[str, str] = {}
    for text, _, metadata in entries:
        try:
            version = Version.parse(text)
        except ValueError as error:
            strange[text] = str(error)
            continue
        nodes.setdefault(text, Node(version, min(payloads[text], default=""), metadata))
    twice = {
        text: f"the graph has {len(payloads[text])} payloads for it"
        for text in nodes
        if len(payloads[text]) > 1
    }
    kept = {text: node for text, node in nodes.items() if text not in twice}
    loose = [text for text, node in kept.items() if not node.pinned]
    findings += _about(
        "foreign-version-names", source, strange, "{} names are not versions of OKD and are left out"
    )
    findings += _about(
        "two-payloads",
        source,
        twice,
        "{} versions have more than one payload and are left out",
        Severity.ERROR,
    )
    findings += _about(
        "tag-as-payload", source, loose, "{} versions have no digest as payload; it must come from elsewhere"
    )
    return kept, strange | twice


def _edge(raw: object, names: Sequence[str], source: str) -> Edge:
    # bool is an int in Python, and a negative index would silently count from the end.
    if not isinstance(raw, list) or len(raw) != 2 or any(type(index) is not int for index in raw):
        raise _refused("malformed-answer", source, "an edge is not a pair of indices")
    start, end = raw
    if not (0 <= start < len(names) and 0 <= end < len(names)):
        raise _refused(
            "incomplete-graph",
            source,
            f"the edge [{start}, {end}] points outside the {len(names)} nodes: the answer is not complete",
        )
    return names[start], names[end]


def _conditional(
    answer: Mapping[str, Any], nodes: Mapping[str, Node], source: str, findings: list[Finding]
) -> tuple[dict[Edge, tuple[Risk, ...]], dict[Edge, str]]:
    listed = list(_listed(answer, source))
    known = [(edge, risks, fault) for edge, risks, fault in listed if set(edge) <= nodes.keys()]
    lost = {" → ".join(edge) for edge, _, _ in listed if not set(edge) <= nodes.keys()}
    count = Counter((start, _image(nodes[end])) for (start, end), _, _ in known)
    conditional: dict[Edge, tuple[Risk, ...]] = {}
    dropped: dict[Edge, str] = {}
    for edge, risks, fault in known:
        if count[edge[0], _image(nodes[edge[1]])] > 1:
            dropped[edge] = (
                "the graph lists it in more than one conditional entry, and the cluster version operator then drops all of them"
            )
        elif fault:
            dropped[edge] = f"{fault}, and the cluster version operator then drops the target"
        else:
            conditional[edge] = risks
    findings += _about(
        "edge-dropped",
        source,
        {" → ".join(edge) for edge in dropped},
        "{} conditional edges are dropped, as the cluster does",
    )
    findings += _about(
        "edge-without-node", source, lost, "{} conditional edges begin or end at no usable node"
    )
    return conditional, dropped


def _listed(answer: Mapping[str, Any], source: str) -> Iterator[tuple[Edge, tuple[Risk, ...], str]]:
    for entry in _array(answer, "conditionalEdges", source):
        if not isinstance(entry, dict):
            raise _refused("malformed-answer", source, "a conditional edge is not an object")
        risks = tuple(_risk(raw, source) for raw in _array(entry, "risks", source))
        fault = "" if risks else "it has no risks"
        for risk in risks:
            if not risk.name or not RULE_TYPES.intersection(risk.rules):
                fault = (
                    f'its risk "{risk.name}" has no rule of a known type'
                    if risk.name
                    else "one of its risks has no name"
                )
        for raw in _array(entry, "edges", source):
            if (
                not isinstance(raw, dict)
                or not isinstance(raw.get("from"), str)
                or not isinstance(raw.get("to"), str)
            ):
                raise _refused("malformed-answer", source, "a conditional edge has no from or no to")
            yield (_text(raw["from"]), _text(raw["to"])), risks, fault


def _risk(raw: object, source: str) -> Risk:
    if not isinstance(raw, dict):
        raise _refused("malformed-answer", source, "a risk is not an object")
    rules = tuple(
        _text(rule.get("type")) for rule in _array(raw, "matchingRules", source) if isinstance(rule, dict)
    )
    return Risk(_text(raw.get("name")), _text(raw.get("url")), _text(raw.get("message")), rules)


def _image(node: Node) -> str:
    return node.payload or node.version.text


def _text(value: object) -> str:
    """Return a text that can be written anywhere: JSON can hold halves of characters that UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _about(
    name: str, source: str, names: Iterable[str], what: str, severity: Severity = Severity.WARNING
) -> list[Finding]:
    """Return one finding for many names: a release controller lists hundreds of nightlies."""
    known = sorted(names)
    shown = ", ".join(known[:3]) + (", …" if len(known) > 3 else "")
    reason = f"{what.format(len(known))}: {shown}"
    return (
        [
            Finding(
                name=name,
                location=Location(file=source),
                reason=reason,
                remedy=explanation_of(name).remedy,
                severity=severity,
            )
        ]
        if known
        else []
    )


def _refused(name: str, source: str, reason: str) -> FindingsError:
    finding = Finding(
        name=name,
        location=Location(file=source),
        reason=reason,
        remedy="nothing was planned from it; ask the source again",
    )
    return FindingsError([finding], 5)
