"""The update graph in both of its forms, and answers that are odd, cut off or hostile."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okd_gitops.finding import FindingsError
from okd_gitops.releases.graph import MAX_BYTES, Graph, read_graph

A, B, C = "4.21.0-okd-scos.11", "4.22.0-okd-scos.0", "4.22.0-okd-scos.8"
ALWAYS = [{"type": "Always"}]
PROMQL = [{"type": "PromQL", "promql": {"promql": "up"}}]


def payload(number: int) -> str:
    return f"registry.ci.openshift.org/origin/release-scos@sha256:{number:064x}"


def answer(edges: Any = (), conditional: Any = None, **extra: Any) -> bytes:
    nodes = [{"version": version, "payload": payload(number)} for number, version in enumerate((A, B, C))]
    return json.dumps({"nodes": nodes, "edges": edges, "conditionalEdges": conditional, **extra}).encode()


def entry(*edges: tuple[str, str], rules: Any = ALWAYS, name: str = "Risk") -> dict[str, Any]:
    risk = {"name": name, "url": "https://example.org", "message": "why", "matchingRules": rules}
    return {"edges": [{"from": start, "to": end} for start, end in edges], "risks": [risk]}


def codes(graph: Graph) -> list[str]:
    return [finding.name for finding in graph.findings]


def test_the_form_of_the_release_controller() -> None:
    nightly = "5.0.0-0.okd-scos-nightly-2026-09-22-052225"
    nodes = [
        {"version": A, "payload": payload(1)},
        {"version": B, "payload": payload(2)},
        {"version": nightly, "payload": "registry/x:tag"},
    ]
    graph = read_graph(json.dumps({"nodes": nodes, "edges": [[0, 1], [1, 2], [0, 1]]}).encode())
    assert graph.edges == {(A, B), (B, nightly)}
    assert graph.conditional == {}
    assert graph.nodes[A].pinned
    assert not graph.nodes[nightly].pinned
    assert codes(graph) == ["tag-as-payload"]


def test_the_form_of_cincinnati() -> None:
    nodes = [
        {"version": v, "payload": payload(n), "metadata": {"url": "https://x", "n": 1}}
        for n, v in enumerate((A, B, C))
    ]
    conditional = [entry((A, C), rules=PROMQL)]
    graph = read_graph(
        json.dumps(
            {"version": 1, "nodes": nodes, "edges": [[0, 1]], "conditionalEdges": conditional}
        ).encode()
    )
    assert graph.edges == {(A, B)}
    (risk,) = graph.conditional[A, C]
    assert (risk.name, risk.url, risk.message, risk.rules) == (
        "Risk",
        "https://example.org",
        "why",
        ("PromQL",),
    )
    assert graph.risks((A, C)) == {"Risk"}
    assert graph.findings == ()


@pytest.mark.parametrize("edges", [None, []])
def test_null_arrays_are_empty(edges: object) -> None:
    assert read_graph(answer(edges)).edges == frozenset()
    assert read_graph(b'{"nodes":null,"edges":null,"conditionalEdges":null}').nodes == {}


def test_a_target_listed_both_ways_is_conditional() -> None:
    graph = read_graph(answer([[0, 2], [0, 1], [1, 2]], [entry((A, C))]))
    assert graph.edges == {(A, B), (B, C)}
    assert set(graph.conditional) == {(A, C)}


def test_targets_are_compared_by_image() -> None:
    nodes = [
        {"version": A, "payload": payload(1)},
        {"version": B, "payload": payload(2)},
        {"version": C, "payload": payload(2)},
    ]
    graph = read_graph(
        json.dumps({"nodes": nodes, "edges": [[0, 1]], "conditionalEdges": [entry((A, C))]}).encode()
    )
    assert graph.edges == frozenset()


@pytest.mark.parametrize(
    ("conditional", "why"),
    [
        ([entry((A, C), rules=[{"type": "Moon"}])], "no rule of a known type"),
        ([entry((A, C), rules=None)], "no rule of a known type"),
        ([entry((A, C), name="")], "no name"),
        ([{"edges": [{"from": A, "to": C}], "risks": []}], "no risks"),
        ([entry((A, C)), entry((A, C), name="Other")], "more than one"),
    ],
)
def test_what_the_cluster_drops_is_dropped_both_ways(conditional: object, why: str) -> None:
    graph = read_graph(answer([[0, 2]], conditional))
    assert graph.edges == frozenset()
    assert graph.conditional == {}
    assert why in graph.dropped[A, C]
    assert codes(graph) == ["edge-dropped"]


def test_one_known_rule_beside_an_unknown_one_is_enough() -> None:
    graph = read_graph(answer([], [entry((A, C), rules=[{"type": "Moon"}, *PROMQL])]))
    assert set(graph.conditional) == {(A, C)}


def test_a_conditional_edge_to_no_node_is_named() -> None:
    graph = read_graph(answer([], [entry((A, "4.22.0-okd-scos.99"))]))
    assert (graph.conditional, codes(graph)) == ({}, ["edge-without-node"])


def test_names_that_are_no_versions_are_counted() -> None:
    nodes = [
        {"version": A, "payload": payload(1)},
        *({"version": f"4.19.0-scos.{n}", "payload": payload(n)} for n in range(5)),
    ]
    graph = read_graph(json.dumps({"nodes": nodes, "edges": [[0, 1], [2, 3]]}).encode())
    assert set(graph.nodes) == {A}
    assert graph.edges == frozenset()
    assert len(graph.kept_out) == 5
    assert codes(graph) == ["foreign-version-names"]
    assert graph.findings[0].reason.endswith("4.19.0-scos.2, … (5)")


def test_two_payloads_for_a_version_leave_it_out() -> None:
    nodes = [
        {"version": A, "payload": payload(1)},
        {"version": B, "payload": payload(2)},
        {"version": B, "payload": payload(3)},
    ]
    graph = read_graph(json.dumps({"nodes": nodes, "edges": [[0, 1], [0, 2]]}).encode())
    assert set(graph.nodes) == {A}
    assert "2 payloads" in graph.kept_out[B]
    assert graph.edges == frozenset()
    assert codes(graph) == ["two-payloads"]


def test_a_repeated_node_is_one_node_and_an_empty_payload_says_nothing() -> None:
    nodes = [{"version": A, "payload": payload(1)}, {"version": B}, {"version": B, "payload": payload(2)}]
    graph = read_graph(json.dumps({"nodes": nodes, "edges": [[0, 1], [0, 2]]}).encode())
    assert graph.edges == {(A, B)}
    assert graph.nodes[B].payload == payload(2)
    assert graph.findings == ()


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"", "unreadable-answer", "cut off"),
        (b"<html>", "unreadable-answer", "not JSON"),
        (answer([[0, 1]])[:-9], "unreadable-answer", "cut off"),
        (b"\xff\xfe{}", "unreadable-answer", "not UTF-8"),
        (b"[" * 100_000, "unreadable-answer", "too deeply"),
        (b'{"nodes":[],"edges":[[' + b"1" * 5000 + b",0]]}", "unreadable-answer", "not JSON"),
        (b" " * (MAX_BYTES + 1), "unreadable-answer", "bytes are more"),
        (b"[]", "malformed-answer", "not an object"),
        (b"{}", "malformed-answer", "no nodes"),
        (b'{"kind":"invalid_params","value":"channel"}', "malformed-answer", "invalid_params, channel"),
        (b'{"nodes":{}}', "malformed-answer", "nodes is not an array"),
        (b'{"nodes":[1]}', "malformed-answer", "no version"),
        (b'{"nodes":[{"version":1}]}', "malformed-answer", "no version"),
        (answer([[0]]), "malformed-answer", "pair of indices"),
        (answer([[0, 1.0]]), "malformed-answer", "pair of indices"),
        (answer([[False, True]]), "malformed-answer", "pair of indices"),
        (answer([[0, 3]]), "incomplete-graph", "outside the 3 nodes"),
        (answer([[0, -1]]), "incomplete-graph", "outside"),
        (answer([], [1]), "malformed-answer", "not an object"),
        (answer([], [{"risks": [1]}]), "malformed-answer", "a risk is not"),
        (answer([], [{"edges": [{"from": A}]}]), "malformed-answer", "no from or no to"),
        (answer([], {"a": 1}), "malformed-answer", "not an array"),
    ],
)
def test_an_answer_that_is_no_graph_is_refused(data: bytes, code: str, reason: str) -> None:
    with pytest.raises(FindingsError) as caught:
        read_graph(data, "https://example.org/graph")
    (finding,) = caught.value.findings
    assert finding.name == code
    assert reason in finding.reason
    assert finding.location.file == "https://example.org/graph"
    assert caught.value.exit_code == 6


def test_half_characters_do_not_travel() -> None:
    graph = read_graph(answer([], [entry((A, C), name="Risk\ud800")]))
    assert graph.conditional[A, C][0].name == "Risk?"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.floats() | st.sampled_from([A, B, "x", ""]),
    lambda inner: st.lists(inner),
    max_leaves=6,
)
KEYS = (
    "version",
    "payload",
    "metadata",
    "edges",
    "risks",
    "from",
    "to",
    "name",
    "matchingRules",
    "type",
    "nodes",
    "conditionalEdges",
)
OBJECTS = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(
    st.binary(max_size=60)
    | st.fixed_dictionaries({"nodes": OBJECTS, "edges": OBJECTS, "conditionalEdges": OBJECTS}).map(
        lambda o: json.dumps(o).encode()
    )
)
def test_any_answer_is_a_graph_or_refused(data: bytes) -> None:
    try:
        graph = read_graph(data)
    except FindingsError:
        return
    assert all(set(edge) <= graph.nodes.keys() for edge in {*graph.edges, *graph.conditional, *graph.dropped})
    assert not graph.edges & graph.conditional.keys()
