"""Findings by cause: the worst first, and what several places and clusters have in common once."""

from itertools import permutations

from okd_gitops.finding import Finding, Location, Severity, finding_of
from okd_gitops.report.causes import causes, worst_first


def finding(name: str, file: str, reason: str, *clusters: str) -> Finding:
    return finding_of(name, Location(file=file, line=1, column=1), reason, clusters=clusters)


SAME = [finding("schema-violation", f"{name}.yaml", f"{name}: it is refused", name) for name in ("a", "b")]
ALONE = finding("schema-violation", "0.yaml", "another one")
WARNING = finding("unused-ignore", "0.yaml", "nothing")
UNREAD = finding("not-judged", "z.yaml", "it was killed")


def test_what_ends_with_another_code_is_first_then_what_is_frequent_and_warnings_last() -> None:
    found = [*SAME, ALONE, WARNING, UNREAD]
    orders = {worst_first(order) for order in permutations(found)}

    assert WARNING.severity == Severity.WARNING
    assert orders == {(UNREAD, *SAME, ALONE, WARNING)}


def test_one_cause_on_two_clusters_is_told_once_with_both_places() -> None:
    (cause,) = causes(SAME)
    text = cause.as_text()

    assert cause.as_json()["places"] == ["a.yaml:1:1", "b.yaml:1:1"]
    assert text.count("it is refused") == 1
    assert "error schema-violation: it is refused" in text
    assert "also at: b.yaml:1:1" in text
    assert "clusters: a, b" in text


def test_other_reasons_stay_apart() -> None:
    assert [cause.reason for cause in causes([SAME[0], ALONE])] == ["another one", "it is refused"]


def test_places_beyond_six_are_counted() -> None:
    many = [finding("schema-violation", f"{number}.yaml", "it is refused") for number in range(9)]
    (cause,) = causes(many)

    assert "6.yaml:1:1 and 2 more" in cause.as_text()
