"""The planner: every kind of edge and every refusal, and brute force over all simple paths of random
graphs.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okd_gitops.explanation import explanations
from okd_gitops.fleet.upgrades import Blocked
from okd_gitops.releases.barriers import known_barriers
from okd_gitops.releases.graph import Edge, Graph, Node, Risk
from okd_gitops.releases.version import Version, outside_channel
from okd_gitops.upgrade import edges
from okd_gitops.upgrade.edges import (
    LOWER,
    NOTHING_NEWER,
    SAME,
    RefusedEdge,
    Wanted,
    edge_faults,
    kind,
    semver_key,
)
from okd_gitops.upgrade.holds import Hold
from okd_gitops.upgrade.path import NoPath, Path, moved, plan

MAJORS = {"4.22": "5.0"}
PREVIEW = frozenset({"ec", "fc", "rc", "release"})
FEATURES = Hold("the feature set TechPreviewNoUpgrade in x.yaml")
OVERRIDES = Hold("the overrides in x.yaml", by_overrides=True)


def okd(short: str) -> str:
    """`22.3` is 4.22.0-okd-scos.3, `22e3` its preview, `50.1` is 5.0.0-okd-scos.1; anything longer stands
    for itself.
    """
    if len(short) > 7:
        return short
    line, separator, number = short.partition("e") if "e" in short else short.partition(".")
    release = "5.0" if line == "50" else f"4.{line}"
    return f"{release}.0-okd-scos.{'ec.' if separator == 'e' else ''}{number}"


def graph(*edges: str, **extra: Any) -> Graph:
    """`a>b` is an edge, `a?b` one with the risk Risk, `a!b` one that the cluster drops."""
    plain: set[Edge] = set()
    conditional: dict[Edge, tuple[Risk, ...]] = {}
    dropped: dict[Edge, str] = {}
    names: set[str] = set()
    for text in edges:
        mark = next(mark for mark in ">?!" if mark in text)
        start, end = (okd(part) for part in text.split(mark))
        names |= {start, end}
        if mark == ">":
            plain.add((start, end))
        elif mark == "?":
            conditional[start, end] = (Risk("Risk", "", "", ("Always",)),)
        else:
            dropped[start, end] = "it has no risks"
    nodes = {name: Node(Version.parse(name), "") for name in sorted(names)}
    return Graph(nodes, frozenset(plain), conditional, dropped=dropped, **extra)


def blocked(source: str, to: str, name: str = "") -> Blocked:
    """Return an edge that people block; its pattern is taken as it is, also a wrong one."""
    return Blocked.model_construct(source=source, to=to, name=name)


def wanted(answer: Graph, **changes: Any) -> Wanted:
    return replace(Wanted(accepted=frozenset(answer.nodes), majors=MAJORS), **changes)


def run(answer: Graph, start: str, end: str | None, **changes: Any) -> Path | NoPath:
    return plan(
        answer, Version.parse(okd(start)), Version.parse(okd(end)) if end else None, wanted(answer, **changes)
    )


def stops(result: Path | NoPath) -> list[str]:
    assert isinstance(result, Path), result
    return [result.hops[0].source.text, *(hop.to.text for hop in result.hops)]


@pytest.mark.parametrize(
    ("edges", "start", "end", "expected"),
    [
        (["22.0>22.1"], "22.0", "22.1", "22.0 22.1"),
        (["22.0>22.1", "22.1>22.2", "22.0>22.2"], "22.0", "22.2", "22.0 22.2"),
        (["20.1>21.0", "21.0>22.0"], "20.1", "22.0", "20.1 21.0 22.0"),
        (["21.0>22.0", "22.0>50.0"], "21.0", "50.0", "21.0 22.0 50.0"),
        # Newer stops win among equals, the first stop before the later ones.
        (["22.0>22.1", "22.0>22.2", "22.1>22.3", "22.2>22.3"], "22.0", "22.3", "22.0 22.2 22.3"),
        # ... but an edge without a risk wins over a newer stop.
        (["22.0>22.1", "22.0?22.2", "22.1>22.3", "22.2>22.3"], "22.0", "22.3", "22.0 22.1 22.3"),
        # ... and fewer hops win over an edge without a risk.
        (["22.0>22.1", "22.1>22.3", "22.0?22.3"], "22.0", "22.3", "22.0 22.3"),
        # Without a target: the newest that can be reached, not the newest there is.
        (["22.0>22.1", "22.1>22.2", "22.7>22.8"], "22.0", None, "22.0 22.1 22.2"),
        (["21.0>22e3", "22e3>22e4"], "21.0", "22e4", "21.0 22e3 22e4"),
        (
            ["4.15.0-0.okd-2024-03-10-010116>16.1"],
            "4.15.0-0.okd-2024-03-10-010116",
            "16.1",
            "4.15.0-0.okd-2024-03-10-010116 16.1",
        ),
    ],
)
def test_the_planner_finds_the_path(edges: list[str], start: str, end: str | None, expected: str) -> None:
    result = run(graph(*edges), start, end, accepted_risks=frozenset({"Risk"}), kinds=PREVIEW)
    assert stops(result) == [okd(short) for short in expected.split()]


NIGHTLY = "4.22.0-0.okd-scos-nightly-2026-02-01-052225"


@pytest.mark.parametrize(
    ("edges", "start", "end", "changes", "code", "reason", "nearest"),
    [
        (["22.0>22.1"], "21.0", "22.1", {}, edges.NOT_A_NODE, "is not in the graph", None),
        (["22.0>22.1"], "22.0", "22.9", {}, edges.UNKNOWN, "is not in the graph", None),
        (["22.0>22.1"], "22.1", "22.0", {}, edges.LOWER, "lower", None),
        (["22.0>22.1"], "22.0", "22.0", {}, edges.SAME, "already", None),
        (["22.0>22.1"], "22.1", None, {}, edges.NOTHING_NEWER, "no newer", None),
        (["22.0?22.1"], "22.0", None, {}, edges.NOTHING_NEWER, "no newer", None),
        (
            ["22.0>22.1", "22.2>22.3"],
            "22.0",
            "22.3",
            {},
            edges.NO_EDGE,
            "leads from 4.22.0-okd-scos.1",
            "22.1",
        ),
        (["20.0>22.0"], "20.0", "22.0", {}, edges.MINOR, "skips 4.21", None),
        (["20.0>20.1", "21.0>22.0"], "20.0", "22.0", {}, edges.MINOR, "no release of 4.21", "20.1"),
        (["21.0>50.0"], "21.0", "50.0", {}, edges.MAJOR, "known: 4.22 → 5.0", None),
        (["22.0>50.0"], "22.0", "50.0", {"majors": {}}, edges.MAJOR, "known: none", None),
        (["21.0>21.1", "22.0>50.0"], "21.0", "50.0", {}, edges.MAJOR, "no release of 4.22", "21.1"),
        (["22.0>22e9"], "22.0", "22e9", {"kinds": PREVIEW}, edges.LOWER, "lower", None),
        (["22e9>22.0"], "22e9", "22.0", {}, edges.ROLLBACK, "SemVer", None),
        (["21.0>22e9", "21.1>22.0"], "22e9", "22.0", {}, edges.ROLLBACK, "SemVer", None),
        (["21.0>22e9"], "21.0", "22e9", {}, edges.KIND, "of kind ec; the cluster takes release", None),
        ([f"21.0>{NIGHTLY}"], "21.0", NIGHTLY, {"kinds": PREVIEW}, edges.KIND, "of kind nightly", None),
        (
            ["22.0>22.1"],
            "22.0",
            "22.1",
            {"accepted": frozenset()},
            edges.NOT_ACCEPTED,
            "not accepted",
            None,
        ),
        (
            ["22.0>22.1", "22.1>22.2"],
            "22.0",
            "22.2",
            {"accepted": frozenset({okd("22.2")})},
            edges.NOT_ACCEPTED,
            "scos.1 is not accepted",
            None,
        ),
        (
            ["22.4>22.8"],
            "22.4",
            "22.8",
            {"blocked": [blocked(r"scos[.][4-7]\+amd64$", okd("22.8"), "2348")]},
            edges.BLOCKED,
            "by 2348",
            None,
        ),
        (["22.0>22.1", "22.1?22.2"], "22.0", "22.2", {}, edges.RISK, "not accepted: Risk", "22.1"),
        (["22.0!22.1"], "22.0", "22.1", {}, edges.IGNORED, "has no risks", None),
        (
            ["21.0>21.1", "21.1>22.0"],
            "21.0",
            "22.0",
            {"holds": (FEATURES,)},
            edges.HELD,
            "no minor update now: the feature set",
            "21.1",
        ),
        (
            ["21.0>21.1"],
            "21.0",
            "21.1",
            {"holds": (OVERRIDES,)},
            edges.HELD,
            "no patch update now: the overrides",
            None,
        ),
        (
            ["22.0>50.0"],
            "22.0",
            "50.0",
            {"holds": (OVERRIDES,)},
            edges.HELD,
            "no major update now: the overrides",
            None,
        ),
        (
            ["22.0>22.1"],
            "22.0",
            "22.1",
            {"channel": "4-scos-stable"},
            edges.CHANNEL,
            'did you mean "stable-scos-4"',
            None,
        ),
        (
            ["22.0>22.1"],
            "22.0",
            "22.1",
            {"blocked": [blocked("(", okd("22.1"))]},
            edges.PATTERN,
            "is not valid",
            None,
        ),
    ],
)
def test_the_planner_refuses_with_a_reason(
    edges: list[str],
    start: str,
    end: str | None,
    changes: dict[str, Any],
    code: str,
    reason: str,
    nearest: str | None,
) -> None:
    result = run(graph(*edges), start, end, **changes)
    assert isinstance(result, NoPath)
    assert (result.name, result.nearest and result.nearest.text) == (code, nearest and okd(nearest))
    assert reason in result.reason
    assert code in explanations()


def edge_from(start: str, end: str) -> Edge:
    return okd(start), okd(end)


TWO_RISKS = (Risk("B", "", "", ("Always",)), Risk("A", "", "", ("Always",)))
UP = graph("22.0>22.1")
EDGE_FAULTS: list[tuple[Graph, str, str, dict[str, Any], list[tuple[str, str]]]] = [
    (UP, "22.0", "22.1", {}, []),
    (UP, "22.0", "22.0", {}, [(LOWER, f"{okd('22.0')} is not higher than {okd('22.0')}")]),
    (UP, "22.1", "22.0", {}, [(LOWER, f"{okd('22.0')} is not higher than {okd('22.1')}")]),
    (graph("21.9>22.0"), "21.9", "22.0", {}, []),
    (graph("22.9>50.0"), "22.9", "50.0", {}, []),
    (graph("20.0>22.0"), "20.0", "22.0", {}, [(edges.MINOR, "4.20 → 4.22 skips 4.21")]),
    (
        graph("21.0>50.0"),
        "21.0",
        "50.0",
        {"majors": {"5.9": "6.0", "4.22": "5.0"}},
        [
            (
                edges.MAJOR,
                "4.21 → 5.0 is not a change of major that is known to work (known: 4.22 → 5.0, 5.9 → 6.0)",
            )
        ],
    ),
    (
        graph("21.0>50.0"),
        "21.0",
        "50.0",
        {"majors": {}},
        [(edges.MAJOR, "4.21 → 5.0 is not a change of major that is known to work (known: none)")],
    ),
    (
        graph("22e9>22.0"),
        "22e9",
        "22.0",
        {},
        [
            (
                edges.ROLLBACK,
                (
                    f"the cluster takes {okd('22.0')} for older than {okd('22e9')}, because SemVer does; "
                    "it refuses to roll back"
                ),
            )
        ],
    ),
    (
        graph("21.0>22e9"),
        "21.0",
        "22e9",
        {"kinds": frozenset({"release", "rc"})},
        [(edges.KIND, f"{okd('22e9')} is of kind ec; the cluster takes rc, release")],
    ),
    (
        UP,
        "22.0",
        "22.1",
        {"kinds": frozenset()},
        [(edges.KIND, f"{okd('22.1')} is of kind release; the cluster takes nothing")],
    ),
    (
        UP,
        "22.0",
        "22.1",
        {"accepted": frozenset()},
        [(edges.NOT_ACCEPTED, f"{okd('22.1')} is not accepted in the wanted stream")],
    ),
    (
        UP,
        "22.0",
        "22.1",
        {"channel": "stable-scos-4.21", "stays_in_channel": True},
        [(edges.OUTSIDE, f"{okd('22.1')} is outside the cluster's channel stable-scos-4.21")],
    ),
    (UP, "22.0", "22.1", {"channel": "stable-scos-4.21"}, []),
    (
        UP,
        "22.0",
        "22.1",
        {"blocked": [blocked("amd64$", okd("22.1"), "2348"), blocked("arm64$", okd("22.1"))]},
        [(edges.BLOCKED, f"{okd('22.0')} → {okd('22.1')} is blocked by 2348")],
    ),
    (
        UP,
        "22.0",
        "22.1",
        {"blocked": [blocked(".*", okd("22.1")), blocked(".*", okd("22.2"))]},
        [(edges.BLOCKED, f"{okd('22.0')} → {okd('22.1')} is blocked")],
    ),
    (
        graph("22.0!22.1"),
        "22.0",
        "22.1",
        {},
        [(edges.IGNORED, f"{okd('22.0')} → {okd('22.1')} cannot be used: it has no risks")],
    ),
    (
        replace(graph("22.0?22.1"), conditional={edge_from("22.0", "22.1"): TWO_RISKS}),
        "22.0",
        "22.1",
        {},
        [(edges.RISK, f"{okd('22.0')} → {okd('22.1')} has risks that are not accepted: A, B")],
    ),
    (graph("22.0?22.1"), "22.0", "22.1", {"accepted_risks": frozenset({"Risk"})}, []),
    (
        graph("21.0>22.0"),
        "21.0",
        "22.0",
        {"holds": (FEATURES, OVERRIDES)},
        [
            (edges.HELD, f"the cluster takes no minor update now: {FEATURES.reason}"),
            (edges.HELD, f"the cluster takes no minor update now: {OVERRIDES.reason}"),
        ],
    ),
]


@pytest.mark.parametrize(("answer", "start", "end", "changes", "faults"), EDGE_FAULTS)
def test_an_edge_has_every_fault_in_its_words(
    answer: Graph, start: str, end: str, changes: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    first, last = (Version.parse(okd(short)) for short in (start, end))
    found = list(edge_faults(answer, first, last, wanted(answer, **changes)))

    assert found == [RefusedEdge(name, reason, edge_from(start, end)) for name, reason in faults]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (graph("22.0>22.1", "22.2>22.3"), "22.0 22.2"),
        (graph("22.2>22.0"), "22.0 22.2"),
    ],
    ids=["beside other edges", "between the only nodes"],
)
def test_an_edge_that_a_person_accepted_is_taken_without_being_in_the_graph(
    answer: Graph, expected: str
) -> None:
    accepted = frozenset({edge_from("22.0", "22.2"), edge_from("22.0", "22.9")})
    result = run(answer, "22.0", "22.2", accepted_edges=accepted)

    assert stops(result) == [okd(short) for short in expected.split()]
    assert isinstance(run(answer, "22.0", "22.2"), NoPath)


def test_a_version_with_two_payloads_is_named_as_such() -> None:
    answer = graph("22.0>22.1", kept_out={okd("22.2"): "the graph has 2 payloads for it"})
    for start, end in (("22.0", "22.2"), ("22.2", None)):
        result = run(answer, start, end)
        assert isinstance(result, NoPath)
        assert (result.name, "2 payloads" in result.reason) == (edges.LEFT_OUT, True)


def test_every_edge_that_would_complete_a_path_is_named() -> None:
    result = run(
        graph("22.0?22.3", "22.0>22.1", "22.1!22.3", "22.1>22.2", "22.2>22e5", "22.3?22.4"), "22.0", "22.3"
    )
    assert isinstance(result, NoPath)
    assert [(refusal.edge, refusal.name) for refusal in result.refused] == [
        ((okd("22.0"), okd("22.3")), edges.RISK),
        ((okd("22.1"), okd("22.3")), edges.IGNORED),
    ]
    assert result.nearest
    assert result.nearest.text == okd("22.2")


def test_a_hop_carries_channel_and_acknowledgements() -> None:
    acks = {"4.21": ("ack-4.21-api-removals-in-4.22",), "4.22": ("ack-4.22-x",)}
    result = run(
        graph("21.0>21.1", "21.1?22.0", "22.0>50.0"),
        "21.0",
        "50.0",
        channel="next-scos-4",
        acks=acks,
        accepted_risks=frozenset({"Risk"}),
    )
    assert isinstance(result, Path)
    assert [(hop.kind, hop.risks, hop.channel, hop.acks) for hop in result.hops] == [
        ("patch", (), "next-scos-4", ()),
        ("minor", ("Risk",), "next-scos-4", acks["4.21"]),
        ("major", (), "next-scos-5", acks["4.22"]),
    ]


@pytest.mark.parametrize(
    ("hold", "start", "end"), [("features", "21.0", "21.1"), ("overrides", "22.0", "22.1")]
)
def test_what_holds_minor_updates_lets_patches_pass(hold: str, start: str, end: str) -> None:
    holds = {"features": FEATURES, "overrides": OVERRIDES}
    assert isinstance(run(graph(f"{start}>{end}"), start, end, holds=(holds[hold],)), Path)


@pytest.mark.parametrize(
    ("channel", "version", "expected"),
    [
        ("stable-scos-4", "22.0", "stable-scos-4"),
        ("stable-scos-4", "50.0", "stable-scos-5"),
        ("next-scos-4.21", "22.0", "next-scos-4.22"),
        ("stable-scos-4.22", "22.3", "stable-scos-4.22"),
        ("stable-scos-4.22", "50.0", "stable-scos-5.0"),
        ("stable-4", "50.0", "stable-5"),
        ("", "50.0", ""),
    ],
)
def test_the_channel_moves_with_the_version(channel: str, version: str, expected: str) -> None:
    assert moved(channel, Version.parse(okd(version))) == expected
    assert not outside_channel(okd(version), expected)


def test_semver_puts_previews_above_releases() -> None:
    rising = [
        okd("22.0"),
        okd("22.2"),
        okd("22.10"),
        okd("22e9"),
        okd("22e14"),
        "4.22.0-okd-scos.rc.1",
        okd("50.0"),
    ]
    for names in (
        rising,
        [NIGHTLY, okd("22.0")],
        ["4.15.0-0.okd-2024-03-10-010116", "4.15.0-0.okd-scos-2024-01-18-223523"],
    ):
        assert sorted(names, key=semver_key) == names


def test_dated_names_were_releases_until_4_15() -> None:
    assert kind(Version.parse("4.15.0-0.okd-2024-03-10-010116")) == "release"
    assert kind(Version.parse("4.16.0-0.okd-scos-2024-09-01-000000")) == "dated"


NAMES = [
    okd(short)
    for short in [
        "20.0",
        "20.7",
        "21e2",
        "21.0",
        "21.3",
        "22e1",
        "22.0",
        "22.1",
        "22.4",
        "50e1",
        "50.0",
        "50.2",
    ]
]


@st.composite
def questions(draw: st.DrawFn) -> tuple[Graph, Version, Version | None, Wanted]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=9, unique=True))
    edge = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda pair: pair[0] != pair[1])
    # Most edges go up, or hardly any question would have an answer.
    rising = edge.map(
        lambda pair: pair if Version.parse(pair[0]) < Version.parse(pair[1]) else (pair[1], pair[0])
    )
    sets = [
        draw(st.sets(kind_of, max_size=size)) for kind_of, size in ((rising | edge, 24), (edge, 6), (edge, 3))
    ]
    conditional = {
        pair: (Risk(draw(st.sampled_from("RS")), "", "", ("Always",)),) for pair in sorted(sets[1])
    }
    dropped = dict.fromkeys(sets[2] - sets[1], "why")
    nodes = {name: Node(Version.parse(name), "") for name in names}
    answer = Graph(nodes, frozenset(sets[0] - sets[1] - sets[2]), conditional, dropped=dropped)
    rules = Wanted(
        accepted=frozenset(name for name in names if draw(st.integers(0, 5))),
        kinds=draw(st.sampled_from([frozenset({"release"}), PREVIEW])),
        channel=draw(st.sampled_from(["", "stable-scos-4"])),
        accepted_risks=frozenset(draw(st.sets(st.sampled_from("RS")))),
        blocked=[
            blocked(draw(st.sampled_from([".*", r"^4[.]2[01]", "amd64$"])), name)
            for name in names
            if not draw(st.integers(0, 9))
        ],
        majors=draw(st.sampled_from([MAJORS, {}])),
        holds=draw(st.sampled_from([(), (), (FEATURES,), (OVERRIDES,)])),
    )
    target = draw(st.none() | st.sampled_from(names))
    return (
        answer,
        Version.parse(draw(st.sampled_from(names))),
        Version.parse(target) if target else None,
        rules,
    )


def usable(answer: Graph, rules: Wanted, edge: Edge) -> bool:
    """Whether an edge may be taken, said once more in other words than the planner's."""
    start, end = (Version.parse(text) for text in edge)
    ranks = ["ec", "fc", "rc", "release"]
    before = (start.major, start.minor, ranks.index(start.rank), start.number)
    after = (end.major, end.minor, ranks.index(end.rank), end.number)
    near = (
        end.minor - start.minor <= 1 if end.major == start.major else rules.majors.get(start.line) == end.line
    )
    ripe = start.line != end.line or start.rank == end.rank == "release" or end.rank != "release"
    risks = {risk.name for risk in answer.conditional.get(edge, ())} <= rules.accepted_risks
    free = not any(
        block.to == edge[1] and (block.source != r"^4[.]2[01]" or edge[0].startswith(("4.20", "4.21")))
        for block in rules.blocked
    )
    taken = edge[1] in rules.accepted and end.rank in rules.kinds
    # Up to 4.21 the operator refuses patches too while overrides are set.
    patches = start.line == end.line and (OVERRIDES not in rules.holds or start.line not in ("4.20", "4.21"))
    taken = taken and (patches or not rules.holds)
    return before < after and near and ripe and risks and free and taken and edge not in answer.dropped


def simple_paths(edges: Iterable[Edge], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    for start, end in edges:
        if start == path[-1] and end not in path:
            yield from simple_paths(edges, (*path, end))


@settings(max_examples=400)
@given(questions())
def test_the_planner_agrees_with_brute_force(question: tuple[Graph, Version, Version | None, Wanted]) -> None:
    answer, current, target, rules = question
    edges = [
        edge for edge in {*answer.edges, *answer.conditional, *answer.dropped} if usable(answer, rules, edge)
    ]
    found = [path for path in simple_paths(edges, (current.text,)) if len(path) > 1]
    ends = {Version.parse(path[-1]) for path in found}
    goal = target or max(ends, default=None)
    candidates = [path for path in found if goal and path[-1] == goal.text]
    result = plan(*question)
    if isinstance(result, NoPath):
        assert not candidates
        assert result.name in explanations()
        if result.name not in {SAME, LOWER, NOTHING_NEWER}:
            assert target
            assert result.nearest == max((end for end in ends if end < target), default=None)
        return

    def cost(path: tuple[str, ...]) -> tuple[int, int]:
        return len(path), sum(edge in answer.conditional for edge in pairwise(path))

    least = min(cost(path) for path in candidates)
    best = max(
        (path for path in candidates if cost(path) == least),
        key=lambda path: [Version.parse(text) for text in path],
    )
    assert tuple(stops(result)) == best
    assert all(hop.source < hop.to for hop in result.hops)
    assert all(first.to == second.source for first, second in pairwise(result.hops))
    assert not any(outside_channel(hop.to.text, hop.channel) for hop in result.hops)


@settings(max_examples=50)
@given(questions(), st.randoms(use_true_random=False))
def test_the_order_of_an_answer_does_not_matter(
    question: tuple[Graph, Version, Version | None, Wanted], chance: random.Random
) -> None:
    answer, current, target, rules = question
    nodes = dict(chance.sample(list(answer.nodes.items()), len(answer.nodes)))
    conditional = dict(chance.sample(list(answer.conditional.items()), len(answer.conditional)))
    dropped = dict(chance.sample(list(answer.dropped.items()), len(answer.dropped)))
    other = Graph(
        nodes, frozenset(chance.sample(sorted(answer.edges), len(answer.edges))), conditional, dropped=dropped
    )
    assert plan(other, current, target, rules) == plan(answer, current, target, rules)


def test_a_known_barrier_is_in_the_hop_that_it_stops() -> None:
    fcos = "4.15.0-0.okd-2024-03-10-010116"
    answer = graph(f"{fcos}>16.1", "16.1>17.0", "17.0>18.0", "18.0>19.0", "19.0>20.0", "20.0>20.1")
    found = run(answer, fcos, "20.1", barriers=known_barriers())
    assert isinstance(found, Path)
    assert {hop.to.text: [one.name for one in hop.barriers] for hop in found.hops} == {
        okd("16.1"): [
            "ack-4.15-route-config-not-supported-in-4.16",
            "secure-boot",
            "ext4-orphan-file",
            "kube-apiserver-by-hand",
        ],
        okd("17.0"): ["pass-through", "openshift-sdn"],
        okd("18.0"): [],
        okd("19.0"): [
            "ack-4.18-boot-image-opt-out-in-4.19",
            "ack-4.18-aarch64-bootloader-4.19",
            "ack-4.18-gateway-api-management-in-4.19",
            "cgroup-v1",
        ],
        okd("20.0"): ["x86-64-v3", "crio-default-runtime"],
        okd("20.1"): [],
    }
