"""What sources say, compared: no single one is believed, and what is not known is never a yes."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okd_gitops.explanation import explanations
from okd_gitops.finding import Finding, Location, Severity
from okd_gitops.releases.cross_check import Learned, Release, cross_check
from okd_gitops.releases.graph import Graph, read_graph
from okd_gitops.releases.sources.answer import Answer, Claim, dated, nothing, unused, version_of
from okd_gitops.releases.sources.update_graph import of_graph
from okd_gitops.releases.version import Version

V7, V8, EC = (Version.parse(f"4.22.0-okd-scos.{name}") for name in ("7", "8", "ec.16"))
SIGNED, MIRROR = "registry.ci.openshift.org/origin/release-scos@sha256:", "quay.io/okd/scos-release@sha256:"
A, B = "a" * 64, "b" * 64
DAY = datetime(2026, 9, 1, tzinfo=UTC)
LATER = datetime(2026, 9, 3, tzinfo=UTC)


def controller(
    *releases: tuple[Version, str], stream: str = "4-scos-stable", complete: bool = True
) -> Answer:
    said = (
        Claim(version=version, source="release-controller", stream=stream, phase=phase)
        for version, phase in releases
    )
    return Answer(source="release-controller", stream=stream, releases=tuple(said), complete=complete)


def source(
    name: str,
    *images: str,
    version: Version = V8,
    prerelease: bool | None = None,
    published: datetime | None = None,
) -> Answer:
    said = (
        Claim(version=version, source=name, image=image, prerelease=prerelease, published=published)
        for image in images
    )
    return Answer(source=name, releases=tuple(said))


def only(*answers: Answer) -> tuple[Release, list[str]]:
    (item,), findings = cross_check(answers)
    assert all(
        finding.name in explanations() and finding.location.file and finding.reason for finding in findings
    )
    return item, [finding.name for finding in findings]


def test_both_digests_are_kept_apart() -> None:
    answers = [
        controller((V8, "Accepted")),
        source("graph", SIGNED + A),
        source("quay", MIRROR + B, published=LATER),
        source("github", MIRROR + B, prerelease=False, published=DAY),
    ]
    item, found = only(*answers)
    assert found == []
    assert (item.signed, item.mirror, item.images) == (SIGNED + A, MIRROR + B, (MIRROR + B, SIGNED + A))
    assert (item.accepted, item.prerelease, item.withdrawn) == (True, False, "")
    # As young as the youngest of what was said: a tag that was pushed again is another image.
    assert item.published == LATER
    assert item.sources == ("github", "graph", "quay", "release-controller")


def test_one_image_at_two_registries_is_no_contradiction() -> None:
    item, found = only(controller((V8, "Accepted")), source("graph", SIGNED + A), source("quay", MIRROR + A))
    assert (found, item.signed[-64:], item.mirror[-64:]) == ([], A, A)


@pytest.mark.parametrize(("first", "second"), [("quay", "github"), ("graph", "file"), ("quay", "quay")])
@pytest.mark.parametrize("registry", [SIGNED, MIRROR])
def test_two_digests_at_one_registry(first: str, second: str, registry: str) -> None:
    other = MIRROR if registry == SIGNED else SIGNED
    answers = [
        controller((V8, "Accepted")),
        source(first, registry + A),
        source(second, registry + B),
        source("third", other + A),
    ]
    (item,), (finding,) = cross_check(answers)
    assert finding.name == "two-digests"
    assert finding.severity == Severity.ERROR
    assert A in finding.reason
    assert B in finding.reason
    assert f"({first})" in finding.reason
    # Neither is used; the other registry has one digest and stays.
    assert (item.signed, item.mirror) == (("", MIRROR + A) if registry == SIGNED else (SIGNED + A, ""))


def test_a_dispute_is_not_also_a_missing_digest() -> None:
    assert only(controller((V8, "Accepted")), source("quay", MIRROR + A, MIRROR + B))[1] == ["two-digests"]


def test_only_tags() -> None:
    item, found = only(controller((V8, "Accepted")), source("graph", ""))
    assert (found, item.images, item.accepted) == (["digest-unknown"], (), True)
    assert only(controller((V8, "Rejected")), source("graph", ""))[1] == []


@pytest.mark.parametrize(
    ("phase", "accepted"),
    [("Accepted", True), ("accepted", False), ("", False), ("Ready", False), ("Pending", False)],
)
def test_phase(phase: str, accepted: bool) -> None:
    item, _ = only(controller((V8, phase)), source("graph", SIGNED + A))
    assert (item.accepted, item.withdrawn) == (accepted, "")


@pytest.mark.parametrize("phase", ["Rejected", "Failed", "Withdrawn"])
def test_one_no_outweighs_every_yes(phase: str) -> None:
    by_hand = Answer(
        source="releases.yaml", releases=(Claim(version=V8, source="releases.yaml", phase=phase),)
    )
    item, found = only(controller((V8, "Accepted")), source("graph", SIGNED + A), by_hand)
    assert (item.accepted, item.withdrawn) == (False, f"{phase} in releases.yaml")
    # What a person withdraws needs no warning.
    assert found == ([] if phase == "Withdrawn" else ["phases-differ"])


def test_a_release_outside_its_stream_is_not_accepted() -> None:
    github = source("github", MIRROR + A, prerelease=False)
    item, found = only(controller((V8, "Rejected")), github)
    assert (found, item.accepted) == (["not-accepted"], False)
    published, findings = cross_check(
        [controller((V7, "Accepted")), source("graph", SIGNED + A, version=V7), github]
    )
    assert [(one.version, one.accepted) for one in published] == [(V7, True), (V8, False)]
    assert [finding.name for finding in findings] == ["not-accepted"]


@pytest.mark.parametrize(
    "answer",
    [
        controller(complete=False),
        controller(stream="5-scos-stable"),
        controller(stream="4-scos-next"),
        Answer(source="release-controller"),
    ],
)
def test_a_stream_that_was_not_read_gives_no_finding(answer: Answer) -> None:
    item, found = only(answer, source("github", MIRROR + A, prerelease=False))
    assert (found, item.accepted) == ([], False)


@pytest.mark.parametrize(
    ("text", "stream", "code"),
    [
        ("4.22.0-okd-scos.ec.16", "4-scos-next", ["not-accepted"]),
        ("4.15.0-0.okd-2024-03-10-010116", "4-stable", []),
    ],
)
def test_each_kind_has_its_stream(text: str, stream: str, code: list[str]) -> None:
    github = source("github", MIRROR + A, version=Version.parse(text), prerelease=True)
    assert only(controller(stream=stream), github)[1] == code


def test_a_preview_that_is_called_a_release() -> None:
    item, found = only(
        controller((EC, "Accepted"), stream="4-scos-next"),
        source("github", MIRROR + A, version=EC, prerelease=False),
    )
    assert (found, item.prerelease) == (["preview-as-release"], True)
    item, found = only(controller((EC, "Accepted")), source("graph", SIGNED + A, version=EC))
    assert (found, item.prerelease) == (["preview-as-release"], True)
    item, found = only(
        controller((EC, "Accepted"), stream="4-scos-next"),
        source("github", MIRROR + A, version=EC, prerelease=True),
    )
    assert (found, item.prerelease) == ([], True)


def test_a_release_that_is_called_a_preview_is_one() -> None:
    assert only(controller((V8, "Accepted")), source("github", MIRROR + A, prerelease=True))[0].prerelease


@pytest.mark.parametrize(
    ("stream", "preview"), [("4-stable", False), ("4-scos-stable", False), ("4.15.0-0.okd-scos", True)]
)
def test_dated_builds_were_releases_of_stable_streams(stream: str, preview: bool) -> None:
    version = Version.parse("4.15.0-0.okd-scos-2024-01-18-223523")
    item, found = only(
        controller((version, "Accepted"), stream=stream),
        source("graph", SIGNED + A, version=version, published=LATER),
    )
    assert (found, item.prerelease, item.published) == (
        [],
        preview,
        datetime(2024, 1, 18, 22, 35, 23, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("4.4.0-0.okd-2020-05-23-055148-beta5", "2020-05-23T05:51:48+00:00"),
        ("5.0.0-0.okd-scos-nightly-2026-09-22-052225", "2026-09-22T05:22:25+00:00"),
        ("4.15.0-0.okd-scos-2024-13-41-223523", ""),
        ("4.22.0-okd-scos.8", ""),
    ],
)
def test_dates_in_names(text: str, when: str) -> None:
    at = dated(Version.parse(text))
    assert (at.isoformat() if at else "") == when


@pytest.mark.parametrize("text", [None, 4, "null", "4.19.0-scos.0", "4.22.0+okd", ""])
def test_not_a_version(text: object) -> None:
    assert version_of(text) is None


def test_findings_of_answers_are_kept_once() -> None:
    away = Finding(name="source-away", location=Location(file="https://quay.io/"), reason="cannot be reached")
    published, findings = cross_check(
        [
            Answer(source="quay", findings=(away, away), complete=False),
            Answer(source="quay", findings=(away,)),
        ]
    )
    assert (published, findings) == ([], [away])
    assert nothing("quay").name == "no-releases"
    assert unused("quay", []) == []


def test_long_names_are_cut() -> None:
    (finding,) = unused("quay", ["x" * 10_000])
    assert len(finding.reason) < 200


def test_a_graph_says_images_and_nothing_of_phases() -> None:
    payloads = {V8.text: SIGNED + A, V7.text: "r.example.org/x:7", "4.19.0-scos.0": ""}
    nodes = [{"version": version, "payload": payload} for version, payload in payloads.items()]
    data = json.dumps({"nodes": nodes, "edges": []})
    answer = of_graph(read_graph(data.encode(), "graph"), "graph")
    published, findings = cross_check([answer])
    assert [(item.version, item.signed, item.accepted) for item in published] == [
        (V7, "", False),
        (V8, SIGNED + A, False),
    ]
    assert [finding.name for finding in findings] == ["foreign-version-names", "tag-as-payload"]
    assert [finding.name for finding in of_graph(Graph({}, frozenset(), {}), "graph").findings] == [
        "no-releases"
    ]


def test_releases_are_of_streams_and_of_the_signed_image() -> None:
    answers = [
        controller((V7, "Rejected"), (V8, "Accepted")),
        controller((EC, "Accepted"), stream="4-scos-next"),
    ]
    answers += [
        source("graph", SIGNED + A),
        source("quay", MIRROR + B, published=DAY),
        source("quay", MIRROR + B, version=EC),
    ]
    answers += [source("github", MIRROR + B, version=Version.parse("4.21.0-okd-scos.0"), prerelease=False)]
    releases, _ = cross_check(answers)
    assert [
        (release.version.text, release.listed, release.offered_in, release.signed) for release in releases
    ] == [
        ("4.21.0-okd-scos.0", (), (), ""),
        (EC.text, ("4-scos-next",), ("4-scos-next",), ""),
        (V7.text, ("4-scos-stable",), (), ""),
        (V8.text, ("4-scos-stable",), ("4-scos-stable",), SIGNED + A),
    ]


def test_what_is_learned_knows_each_digest_also_of_a_version_that_only_the_graph_has() -> None:
    answers = [controller((V8, "Accepted")), source("graph", SIGNED + A), source("quay", MIRROR + B)]
    answers += [source("graph", SIGNED + B, version=V7)]
    releases, _ = cross_check(answers)
    learned = Learned(releases=releases, graph=Graph({}, frozenset(), {}))
    known = {version: learned.known(version) for version in (V7, V8, EC)}
    assert known[EC] is None
    assert [release.images for release in known.values() if release] == [
        (SIGNED + B,),
        (MIRROR + B, SIGNED + A),
    ]
    assert learned.release("4-scos-stable", V8) == releases[1]
    assert learned.release("4-scos-stable", V7) is None


def test_what_a_person_withdraws_is_offered_in_no_stream() -> None:
    by_hand = Answer(source="f.yaml", releases=(Claim(version=V8, source="f.yaml", phase="Withdrawn"),))
    (release,), _ = cross_check([controller((V8, "Accepted")), source("graph", SIGNED + A), by_hand])
    assert (release.listed, release.offered_in) == (("4-scos-stable",), ())


RELEASES = st.builds(
    Claim,
    version=st.sampled_from([V7, V8, EC]),
    source=st.sampled_from(["a", "b"]),
    stream=st.sampled_from(["", "4-scos-stable", "4-scos-next"]),
    phase=st.sampled_from(["", "Accepted", "Rejected"]),
    image=st.sampled_from(["", SIGNED + A, SIGNED + B, MIRROR + A, "r.example.org/x:tag"]),
    published=st.sampled_from([None, DAY, LATER]),
    prerelease=st.sampled_from([None, True, False]),
    url=st.sampled_from(["", "https://a.example.org", "https://b.example.org"]),
)


@given(st.lists(st.lists(RELEASES, max_size=4), max_size=4))
def test_order_does_not_matter_and_nothing_disputed_is_used(said: list[list[Claim]]) -> None:
    answers = [Answer(source="x", releases=tuple(releases)) for releases in said]
    published, findings = cross_check(answers)
    backwards = [
        Answer(source="x", releases=tuple(reversed(answer.releases))) for answer in reversed(answers)
    ]
    assert cross_check(backwards) == (published, findings)
    assert [item.version for item in published] == sorted(
        {release.version for releases in said for release in releases}
    )
    every = [release for releases in said for release in releases]
    for item in published:
        mine = [release for release in every if release.version == item.version]
        signed = {release.image for release in mine if release.image.startswith(SIGNED)}
        assert (item.signed in signed and len(signed) == 1) if item.signed else len(signed) != 1
        assert not (item.accepted and any(release.phase == "Rejected" for release in mine))
        assert item.prerelease or item.version.rank == "release"
    assert len([finding for finding in findings if finding.name == "two-digests"]) == len(
        {
            version
            for version in (V7, V8, EC)
            if len({one.image for one in every if one.version == version and one.image.startswith(SIGNED)})
            > 1
        }
    )
