"""Findings are collected in one way: with a place, in order, and all of them in one error."""

import pytest

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Findings, FindingsError, Location, Severity, finding_of, ordered, refused
from okd_gitops.manifests.read import read

DOCUMENT = read("clusters/moc.yaml", b"purpose: test\nfeatures:\n- ci\n")


def test_a_place_is_a_location_a_file_or_a_path_in_the_document() -> None:
    findings = Findings(DOCUMENT)

    findings.add("invalid-value", Location(file="a.yaml", line=4, column=2), "by location")
    findings.add("invalid-value", "b.yaml", "by file")
    findings.add("invalid-value", ["features", 0], "by path")
    findings.add("invalid-value", ("features",), "by the key of a path", key=True)

    places = [str(finding.location) for finding in findings]
    assert places == ["a.yaml:4:2", "b.yaml", "clusters/moc.yaml:3:3", "clusters/moc.yaml:2:1"]


def test_severity_and_remedy_come_from_the_file_of_explanations_unless_given() -> None:
    from_file = finding_of("leftover-file", "clusters/x~", "an editor left this")
    given = finding_of("leftover-file", "clusters/x~", "", "", severity=Severity.ERROR)

    assert from_file.severity == Severity.WARNING
    assert from_file.remedy == explanation_of("leftover-file").remedy
    assert (given.severity, given.remedy) == (Severity.ERROR, "")


def test_a_decision_that_is_shown_as_a_finding_is_an_error() -> None:
    assert not explanation_of("downgrade").severity
    assert finding_of("downgrade", "clusters/moc.yaml", "lower").severity == Severity.ERROR


def test_a_name_without_an_explanation_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Findings().add("no-such-name", "a.yaml", "")


def test_collecting_takes_over_the_findings_of_an_error_and_goes_on_behind_the_block() -> None:
    findings = Findings()
    reached = []

    with findings.collecting():
        raise refused("not-yaml", "a.yaml", "first")

    with findings.collecting(at=lambda: Location(file="listing.yaml", line=7)):
        raise refused("not-yaml", "b.yaml", "second")

    with findings.collecting():
        reached.append("a block without an error")

    assert [(str(finding.location), finding.reason) for finding in findings] == [
        ("a.yaml", "first"),
        ("listing.yaml:7:0", "second"),
    ]
    assert reached


def test_collecting_lets_every_other_error_pass() -> None:
    with pytest.raises(ValueError, match="a bug"), Findings().collecting():
        raise ValueError("a bug")


def test_all_errors_are_raised_at_once_in_order_with_the_warnings() -> None:
    findings = Findings()
    findings.add("leftover-file", "a.yaml", "a warning")
    findings.add("not-yaml", "c.yaml", "last")
    findings.add("not-yaml", "b.yaml", "first")

    with pytest.raises(FindingsError) as caught:
        findings.raise_errors(exit_code=1)

    assert [finding.reason for finding in caught.value.findings] == ["first", "last", "a warning"]
    assert caught.value.exit_code == 1


def test_warnings_alone_raise_nothing() -> None:
    findings = Findings()
    findings.add("leftover-file", "a.yaml", "a warning")

    findings.raise_errors()

    assert not findings.has_errors
    assert [finding.reason for finding in findings.warnings] == ["a warning"]


def test_one_collection_serves_several_documents() -> None:
    findings = Findings(DOCUMENT)
    other = findings.of(read("fleet.yaml", b"hub: moc\n"))

    other.add("invalid-value", ["hub"], "")
    findings.add("invalid-value", ["purpose"], "")

    assert [str(finding.location) for finding in findings] == ["fleet.yaml:1:6", "clusters/moc.yaml:1:10"]
    assert list(other) == list(findings)


def test_findings_that_differ_by_their_clusters_alone_have_one_order() -> None:
    """A set has another order in each process."""
    findings = [
        finding_of("floating-image", "x.yaml", "reason", clusters=[f"c{number:02}"]) for number in range(20)
    ]
    assert ordered(reversed(findings)) == findings
