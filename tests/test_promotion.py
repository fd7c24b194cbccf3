"""Promotion never lowers, skips a wave, a soak or a verification, and always makes progress when it may."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okd_gitops.evidence import Evidence
from okd_gitops.promotion import CODES, Candidate, Decision, Member, Terms, Verdict, decide
from okd_gitops.release import Version
from okd_gitops.rollout import Window

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OLD, NEW = Version.parse("4.22.0-okd-scos.7"), Version.parse("4.22.0-okd-scos.9")
NEWER = Version.parse("4.22.0-okd-scos.10")
A, B = "registry.example.org/release@sha256:" + "a" * 64, "registry.example.org/release@sha256:" + "b" * 64
SOAK = {0: timedelta(hours=1), 1: timedelta(days=3), 2: timedelta(days=2), 3: timedelta(0)}
GOOD = Candidate(version=NEW, image=B, published=NOW - timedelta(days=10), verified=True)
FLEET = {
    "eph": Member(name="eph", guarded=False, wave=0, version=OLD, image=A),
    "test": Member(name="test", guarded=False, wave=1, version=OLD, image=A),
    "hub": Member(name="hub", guarded=True, wave=2, version=OLD, image=A),
    "cd": Member(name="cd", guarded=True, wave=3, version=OLD, image=A),
}


def passed(cluster: str, days: float = 9, *, image: str = B, ok: bool = True) -> Evidence:
    return Evidence(cluster=cluster, version=NEW.text, image=image, finished=NOW - timedelta(days=days), passed=ok)


def moved(*names: str) -> list[Member]:
    return [
        Member(name=m.name, guarded=m.guarded, wave=m.wave, version=NEW if m.name in names else m.version, image=B if m.name in names else m.image)
        for m in FLEET.values()
    ]


def decided(members: list[Member], evidence: list[Evidence], candidate: Candidate = GOOD, terms: Terms | None = None) -> dict[str, Decision]:
    asked = decide(members, candidate, evidence, terms or Terms(soak=SOAK), reachable=frozenset(FLEET), now=NOW)
    return {decision.cluster: decision for decision in asked}


def codes(found: dict[str, Decision]) -> dict[str, str]:
    return {name: decision.code or str(decision.verdict) for name, decision in found.items()}


def test_the_first_wave_moves_and_the_others_wait_for_its_evidence() -> None:
    assert codes(decided(moved(), [])) == {"eph": "upgrade", "test": "GM014", "hub": "GM014", "cd": "GM014"}


def test_each_wave_waits_for_evidence_and_soak_of_all_before() -> None:
    assert codes(decided(moved("eph"), [passed("eph")])) == {"eph": "done", "test": "upgrade", "hub": "GM014", "cd": "GM014"}
    both = [passed("eph"), passed("test", 2)]
    found = decided(moved("eph", "test"), both)
    assert codes(found) == {"eph": "done", "test": "done", "hub": "GM015", "cd": "GM015"}
    assert found["cd"].until == NOW + timedelta(days=1)
    assert "(test)" in found["cd"].reason
    assert codes(decided(moved("eph", "test"), [passed("eph"), passed("test", 3)]))["hub"] == "upgrade"


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        ([passed("eph"), passed("test", ok=False)], "GM006"),
        ([passed("eph"), passed("test", image=A)], "GM008"),
        ([passed("eph"), passed("test", -1)], "GM009"),
        ([passed("eph")], "GM014"),
    ],
)
def test_bad_evidence_of_an_earlier_wave(evidence: list[Evidence], code: str) -> None:
    assert codes(decided(moved("eph", "test"), evidence))["cd"] == code


@pytest.mark.parametrize(
    ("candidate", "code"),
    [
        (Candidate(version=NEW, image=B, published=NOW, verified=False), "GM003"),
        (Candidate(version=Version.parse("4.23.0-okd-scos.ec.1"), image=B, published=NOW, verified=True), "GM004"),
        (Candidate(version=NEW, image=B, published=NOW, verified=True, withdrawn=True), "GM005"),
        (Candidate(version=Version.parse("4.22.0-okd-scos.6"), image=B, published=NOW, verified=True), "GM001"),
        (Candidate(version=OLD, image=B, published=NOW, verified=True), "GM002"),
    ],
)
def test_refusals_of_long_term_clusters(candidate: Candidate, code: str) -> None:
    found = decided([FLEET["cd"]], [], candidate)
    assert (found["cd"].code, found["cd"].verdict) == (code, Verdict.REFUSE)


def test_an_unverified_pre_release_may_be_tried_on_an_ephemeral_cluster() -> None:
    candidate = Candidate(version=Version.parse("4.23.0-okd-scos.ec.1"), image=B, published=NOW)
    assert decided([FLEET["eph"]], [], candidate)["eph"].verdict == Verdict.UPGRADE


def test_a_release_is_tried_once() -> None:
    assert codes(decided(moved(), [passed("eph", ok=False)]))["eph"] == "GM007"


def test_without_a_path_nothing_moves() -> None:
    (found,) = decide([FLEET["eph"]], GOOD, [], Terms(soak=SOAK), reachable=frozenset(), now=NOW)
    assert (found.verdict, found.code) == (Verdict.REFUSE, "GM010")


def test_a_wave_without_an_agreed_soak_never_opens_the_next() -> None:
    assert codes(decided(moved("eph"), [passed("eph")], terms=Terms(soak={})))["test"] == "GM015"


def test_hold_freeze_age_and_window() -> None:
    held = Member(name="eph", guarded=False, wave=0, version=OLD, image=A, hold="disk is full")
    assert decided([held], [])["eph"].reason.endswith("(disk is full)")
    assert codes(decided([FLEET["eph"]], [], terms=Terms(soak=SOAK, frozen="holidays")))["eph"] == "GM012"
    assert codes(decided([FLEET["eph"]], [], terms=Terms(soak=SOAK, minimum_age=timedelta(days=11))))["eph"] == "GM013"
    closed = Member(name="eph", guarded=False, wave=0, version=OLD, image=A, window=Window(day="sunday", start="00:00", hours=1))
    assert codes(decided([closed], []))["eph"] == "GM016"


def test_a_held_cluster_does_not_hold_the_fleet() -> None:
    held = Member(name="eph", guarded=False, wave=0, version=OLD, image=A, hold="broken")
    assert codes(decided([held, FLEET["test"]], [])) == {"eph": "GM011", "test": "upgrade"}


@pytest.mark.parametrize(("hour", "inside"), [(22, True), (23, True), (0, True), (2, False), (21, False)])
def test_a_window_reaches_over_midnight_and_the_end_of_the_week(hour: int, inside: bool) -> None:
    sunday = datetime(2026, 11, 22, hour, 30, tzinfo=UTC) + timedelta(days=1 if hour < 12 else 0)
    assert Window(day="sunday", start="22:00", hours=4).contains(sunday) == inside


VERSIONS = [OLD, NEW, NEWER]
MEMBERS = st.builds(
    lambda index, guarded, wave, version, hold: Member(
        name=f"c{index}", guarded=guarded, wave=wave, version=version, image=A if version == OLD else B, hold=hold
    ),
    st.integers(0, 5),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from(VERSIONS),
    st.sampled_from(["", "", "", "held"]),
)
FLEETS = st.lists(MEMBERS, max_size=6, unique_by=lambda member: member.name)
REPORTS = st.lists(
    st.builds(passed, st.sampled_from([f"c{index}" for index in range(6)]), st.floats(-2, 10), image=st.sampled_from([A, B]), ok=st.booleans()),
    max_size=6,
)
CANDIDATES = st.builds(
    Candidate, version=st.sampled_from(VERSIONS), image=st.just(B), published=st.just(NOW), verified=st.booleans(), withdrawn=st.booleans()
)


@given(FLEETS, REPORTS, CANDIDATES)
def test_no_upgrade_breaks_a_promise(members: list[Member], evidence: list[Evidence], candidate: Candidate) -> None:
    by_name = {member.name: member for member in members}
    for decision in decide(members, candidate, evidence, Terms(soak=SOAK), reachable=frozenset(by_name), now=NOW):
        assert decision.code in ("", *CODES)
        if decision.verdict != Verdict.UPGRADE:
            continue
        member = by_name[decision.cluster]
        assert member.version < candidate.version
        assert not candidate.withdrawn
        assert candidate.verified or not member.guarded
        for earlier in members:
            if earlier.wave < member.wave and not earlier.hold:
                reports = [item for item in evidence if item.cluster == earlier.name and item.version == candidate.version.text]
                assert reports
                assert all(item.passed and item.image == candidate.image and item.finished + SOAK[earlier.wave] <= NOW for item in reports)


@given(FLEETS)
def test_it_always_makes_progress_when_all_goes_well(members: list[Member]) -> None:
    """Played to the end with good evidence and time, every cluster that is behind and not held runs the release."""
    candidate = Candidate(version=NEWER, image=B, published=NOW, verified=True)
    fleet, evidence, now = {member.name: member for member in members}, list[Evidence](), NOW
    for name, member in fleet.items():
        if member.version == NEWER:
            evidence.append(Evidence(cluster=name, version=NEWER.text, image=B, finished=NOW, passed=True))
    for _ in range(8):
        for decision in decide(fleet.values(), candidate, evidence, Terms(soak=SOAK), reachable=frozenset(fleet), now=now):
            if decision.verdict == Verdict.UPGRADE:
                member = fleet[decision.cluster]
                fleet[member.name] = Member(name=member.name, guarded=member.guarded, wave=member.wave, version=NEWER, image=B)
                evidence.append(Evidence(cluster=member.name, version=NEWER.text, image=B, finished=now, passed=True))
        now += timedelta(days=4)
    assert all(member.version == NEWER or member.hold for member in fleet.values())


@given(FLEETS, REPORTS, CANDIDATES)
def test_the_order_in_which_things_are_given_does_not_matter(members: list[Member], evidence: list[Evidence], candidate: Candidate) -> None:
    names = frozenset(member.name for member in members)
    once = decide(members, candidate, evidence, Terms(soak=SOAK), reachable=names, now=NOW)
    again = decide(list(reversed(members)), candidate, list(reversed(evidence)), Terms(soak=SOAK), reachable=names, now=NOW)
    assert once == again
