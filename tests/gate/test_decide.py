"""The multi-arch gate: whatever the order, the repetitions, the restarts and the races, a set is composed
once, complete, or not at all.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from build_reports import COMMIT, NOW, report, text
from configmaps import NAMESPACE, Api, serving
from okd_gitops.gate.decide import (
    MAX_REPEATS,
    REPLAY,
    BuildSet,
    Code,
    Decision,
    Expectation,
    decide,
    overdue,
)
from okd_gitops.gate.report import Report, read_report
from okd_gitops.gate.store import PREFIX, Ledger, LedgerError

ARCHES = ("amd64", "arm64", "ppc64le")
EXPECTED = Expectation(ARCHES, timedelta(hours=24), "quay.io/okd")


def play(
    reports: list[Report], state: BuildSet | None = None, now: datetime = NOW
) -> tuple[list[Decision], BuildSet]:
    decisions = []
    for each in reports:
        decisions.append(decide(state, each, EXPECTED, now))
        state = decisions[-1].state
    assert state is not None
    return decisions, state


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    with serving() as api:
        yield api


@pytest.fixture
def api(server: Api) -> Api:
    server.maps.clear()
    server.log.clear()
    server.before = lambda _method, _path: None
    return server


# What a report is.


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"arch": "x86_64"}, "arch"),
        ({"arch": "../etc"}, "arch"),
        ({"digest": "sha256:latest"}, "digest"),
        ({"image": "quay.io/okd/scos:latest"}, "image"),
        ({"image": "quay.io/okd/scos@sha256:" + "0" * 64}, "image"),
        ({"image": "scos"}, "image"),
        ({"version": "4.22$(rm)"}, "version"),
        ({"version": "latest"}, "version"),
        ({"source-commit": "main"}, "source-commit"),
        ({"release-stream": "next\n"}, "release-stream"),
        ({"pipelineRun": "A"}, "pipelineRun"),
        ({"pipelineRun": None}, "pipelineRun"),
        ({"extra": "x"}, "extra"),
        ({"key": "latest"}, "key"),
        ({"key": f"4.21-next-{COMMIT}"}, "key"),
        ({"key": f"4.22-next-{COMMIT}-latest"}, "key"),
        ({"release-stream": "latest", "key": f"4.22-latest-{COMMIT}"}, "key"),
        ({"key": 7}, "key"),
    ],
)
def test_a_report_is_strict_and_a_key_is_never_latest(changes: dict[str, Any], where: str) -> None:
    found, fault = read_report(text(**changes))
    assert found is None
    assert where in fault
    assert all(
        str(value) not in fault
        for value in changes.values()
        if isinstance(value, str) and value not in ("latest", "main", "scos", "A", "x")
    )


@given(
    st.text()
    | st.binary().map(lambda data: data.decode("latin-1"))
    | st.recursive(st.none() | st.integers(), st.lists).map(json.dumps)
)
def test_nothing_that_is_no_report_gets_through(body: str) -> None:
    found, fault = read_report(body)
    assert found is None
    assert fault.isprintable()
    assert len(fault) < 2000


@pytest.mark.parametrize(
    "key", [f"4.22-next-{COMMIT}", f"4.22-next-{COMMIT}-20261121", f"4.22-next-{COMMIT}-20261121.3"]
)
def test_a_key_is_version_stream_and_commit_with_or_without_a_date(key: str) -> None:
    assert report(key=key).key == key


# What follows from reports.


@given(st.permutations([report(arch) for arch in ARCHES]))
def test_in_every_order_only_the_last_report_opens_the_gate(order: list[Report]) -> None:
    decisions, state = play(order)
    assert [decision.proceed for decision in decisions] == [False, False, True]
    assert [decision.extensions for decision in decisions[:2]] == [{}, {}]
    assert decisions[0].message == (
        f"waiting for {', '.join(arch for arch in ARCHES if arch != order[0].arch)} until "
        "2026-11-22 08:00 UTC"
    )
    assert [image["arch"] for image in decisions[-1].extensions["images"]] == list(ARCHES)
    assert state.winner == order[-1].built


@given(st.lists(st.builds(report, st.sampled_from(ARCHES), st.integers(0, 3)), min_size=1, max_size=14))
def test_it_opens_for_the_newest_of_every_architecture_and_then_never_for_another(
    reports: list[Report],
) -> None:
    decisions, state = play(reports)
    first = [index for index, decision in enumerate(decisions) if decision.first]
    assert len(first) <= 1
    assert bool(first) == ({each.arch for each in reports} == set(ARCHES))
    if not first:
        assert not any(decision.proceed for decision in decisions)
        return
    assert {
        decision.proceed and decision.state == state for decision in decisions[first[0] :] if decision.proceed
    } == {True}
    assert {each for each, decision in zip(reports, decisions, strict=True) if decision.proceed} == {
        reports[first[0]]
    }
    # The newest is the last one that had not been replaced already.
    newest: dict[str, Report] = {}
    replaced: set[Report] = set()
    for each in reports[: first[0] + 1]:
        if each not in replaced:
            replaced |= {newest[each.arch]} if newest.get(each.arch, each) != each else set()
            newest[each.arch] = each
    assert {built.digest for built in state.built} == {each.digest for each in newest.values()}
    assert [built.arch for built in state.built] == list(ARCHES)


def test_the_gate_passes_on_digests_and_names_of_tags() -> None:
    (*_, last), state = play([report(arch, digest) for digest, arch in enumerate(ARCHES, start=1)])
    values = last.extensions
    assert values["images"][0] == {
        "arch": "amd64",
        "machine": "x86_64",
        "image": f"quay.io/okd/stream-coreos@sha256:{1:064x}",
    }
    assert [image["machine"] for image in values["images"]] == ["x86_64", "aarch64", "ppc64le"]
    assert values["sources"].split(" ")[1] == f"arm64=aarch64=quay.io/okd/stream-coreos@sha256:{2:064x}"
    assert (values["set"], values["version"], values["release-stream"]) == (state.name, "4.22", "next")
    assert values["source-commit"] == COMMIT


def test_two_images_of_one_build_are_two_sets() -> None:
    one, other = (
        decide(None, report(), EXPECTED, NOW),
        decide(None, report(image="quay.io/okd/stream-coreos-extensions"), EXPECTED, NOW),
    )
    assert one.state
    assert other.state
    assert one.state.name != other.state.name


def test_the_report_that_completed_the_set_is_answered_again_for_a_while_and_no_other_is() -> None:
    _, state = play([report(arch) for arch in ARCHES])
    again = decide(state, report("ppc64le"), EXPECTED, NOW + REPLAY / 2)
    assert (again.proceed, again.first, again.state) == (True, False, state)
    for other in (report("amd64"), report("ppc64le", 9), report("ppc64le", run="another-run")):
        assert decide(state, other, EXPECTED, NOW).proceed is False
    late = decide(state, report("ppc64le"), EXPECTED, NOW + REPLAY)
    assert (late.proceed, late.code) == (False, Code.ALREADY_EXISTS)


@given(st.permutations([report(arch) for arch in ARCHES]), st.integers(0, 10**6))
def test_an_expired_set_is_reported_and_never_composed(order: list[Report], late: int) -> None:
    _, partial = play(order[:2])
    then = NOW + EXPECTED.expire + timedelta(seconds=late)
    decision = decide(partial, order[2], EXPECTED, then)
    assert (decision.proceed, decision.state) == (False, partial)
    assert f"expired on 2026-11-22 08:00 UTC without {order[2].arch}" in decision.message
    assert overdue([partial], then) == (partial,)
    assert overdue([partial.model_copy(update={"notified": then})], then) == ()
    assert overdue([partial, play(order)[1]], NOW + EXPECTED.expire - timedelta(seconds=1)) == ()


def test_what_is_not_expected_or_stands_elsewhere_changes_nothing() -> None:
    for wrong in (
        report("s390x"),
        report(image="quay.io/okd-evil/stream-coreos"),
        report(image="ghcr.io/quay.io/okd"),
    ):
        decision = decide(None, wrong, EXPECTED, NOW)
        assert (decision.proceed, decision.code, decision.state) == (False, Code.INVALID_ARGUMENT, None)


def test_a_set_keeps_the_architectures_that_it_began_with() -> None:
    _, state = play([report("amd64"), report("arm64")])
    fewer = decide(state, report("arm64"), Expectation(("amd64", "arm64"), EXPECTED.expire), NOW)
    assert (fewer.proceed, fewer.message.split(" until")[0]) == (False, "waiting for ppc64le")


def test_a_set_does_not_grow_without_bound() -> None:
    decisions, state = play([report("amd64", digest) for digest in range(MAX_REPEATS + 5)])
    assert len(state.replaced) == MAX_REPEATS
    assert "begin one with another date" in decisions[-1].message


# The same between replicas, on a real API server's semantics.


def race(api: Api, ledgers: list[Ledger], reports: list[Report]) -> list[Decision]:
    """Let replicas decide at the same time: each has read before any writes."""
    meeting, met = threading.Barrier(len(reports)), set[int]()

    def before(method: str, _path: str) -> int | None:
        if method == "GET" and threading.get_ident() not in met:
            met.add(threading.get_ident())
            if len(met) <= len(reports):
                meeting.wait()
        return None

    api.before = before
    with ThreadPoolExecutor(len(reports)) as pool:
        return list(
            pool.map(lambda pair: pair[0].record(pair[1], EXPECTED, NOW), zip(ledgers, reports, strict=True))
        )


def test_of_replicas_that_get_the_last_reports_at_once_one_opens(api: Api) -> None:
    ledgers = [Ledger(api.client(), NAMESPACE) for _ in ARCHES]
    decisions = race(api, ledgers, [report(arch) for arch in ARCHES])
    assert sorted(decision.first for decision in decisions) == [False, False, True]
    assert sum(decision.proceed for decision in decisions) == 1
    (held,) = api.stored()
    assert {built["arch"] for built in held["built"]} == set(ARCHES)


def test_replicas_that_get_the_same_last_report_at_once_lead_to_one_run(api: Api) -> None:
    ledgers = [Ledger(api.client(), NAMESPACE) for _ in range(2)]
    for arch in ARCHES[:2]:
        ledgers[0].record(report(arch), EXPECTED, NOW)
    decisions = race(api, ledgers, [report("ppc64le"), report("ppc64le")])
    assert sorted(decision.first for decision in decisions) == [False, True]
    assert {decision.extensions["set"] for decision in decisions} == {decisions[0].extensions["set"]}


def test_a_write_whose_answer_is_lost_is_found_by_who_wrote_it(api: Api) -> None:
    ledger = Ledger(api.client(), NAMESPACE)
    for arch in ARCHES[:2]:
        ledger.record(report(arch), EXPECTED, NOW)
    api.unanswered.append("PUT")
    decision = ledger.record(report("ppc64le"), EXPECTED, NOW)
    assert (decision.proceed, decision.first) == (True, False)
    assert [entry.split()[0] for entry in api.log[-3:]] == ["GET", "PUT", "GET"]


def test_what_cannot_be_kept_is_not_decided(api: Api) -> None:
    ledger = Ledger(api.client(), NAMESPACE)
    for status in (500, 403):
        api.before = lambda method, _path, status=status: status if method == "POST" else None  # type: ignore[misc]
        with pytest.raises(LedgerError, match=str(status)):
            ledger.record(report(), EXPECTED, NOW)
    assert api.maps == {}
    with pytest.raises(LedgerError, match="does not answer"):
        Ledger(_nobody(), NAMESPACE).reachable()


def test_a_set_that_somebody_edited_is_an_error_and_no_decision(api: Api) -> None:
    ledger = Ledger(api.client(), NAMESPACE)
    state = ledger.record(report(), EXPECTED, NOW).state
    assert state
    api.maps[PREFIX + state.name]["data"]["set.json"] = '{"key": "latest"}'
    with pytest.raises(LedgerError, match="does not hold a set") as error:
        ledger.record(report(), EXPECTED, NOW)
    assert "delete it" in error.value.remedy


def test_a_sweep_tells_of_each_set_once_and_forgets_the_old_ones(api: Api) -> None:
    ledger = Ledger(api.client(), NAMESPACE)
    ledger.record(report(), EXPECTED, NOW)
    for arch in ARCHES:
        ledger.record(report(arch, image="quay.io/okd/complete"), EXPECTED, NOW)
    then = NOW + timedelta(days=2)
    (expired,) = ledger.overdue(then)
    # Whoever is stopped between telling and marking tells again.
    assert ledger.overdue(then) == (expired,)
    ledger.notified(expired, then)
    assert ledger.overdue(then) == ()
    assert ledger.forget(then, timedelta(days=30)) == ()
    assert {state.image for state in ledger.forget(NOW + timedelta(days=31), timedelta(days=30))} == {
        "quay.io/okd/complete"
    }
    assert [state["image"] for state in api.stored()] == ["quay.io/okd/stream-coreos"]


def test_a_set_that_changed_is_not_marked(api: Api) -> None:
    ledger = Ledger(api.client(), NAMESPACE)
    before = ledger.record(report(), EXPECTED, NOW).state
    assert before
    ledger.record(report("arm64"), EXPECTED, NOW)
    ledger.notified(before, NOW)
    assert [state["notified"] for state in api.stored()] == [None]


def _nobody() -> Any:
    from kubernetes import client

    configuration = client.Configuration(host="http://127.0.0.1:9")
    configuration.retries = False
    return client.ApiClient(configuration)


class Fleet(RuleBasedStateMachine):
    """Builds, replicas and the API as they are on a bad day, and an EventListener that makes a run
    whenever the gate opens.
    """

    api: Api

    @initialize()
    def start(self) -> None:
        self.api.maps.clear()
        self.api.before = lambda _method, _path: None
        self.replicas = [Ledger(self.api.client(), NAMESPACE) for _ in range(2)]
        # By name, as the API has them: to create one that is there is refused.
        self.runs: dict[str, str] = {}
        self.firsts = 0
        self.sent: list[Report] = []
        self.clock = NOW
        self.crashed = False

    def deliver(self, decision: Decision) -> None:
        self.firsts += decision.first
        if decision.proceed:
            self.runs.setdefault(decision.extensions["set"], decision.extensions["sources"])

    @rule(arch=st.sampled_from(ARCHES), digest=st.integers(1, 3), replica=st.integers(0, 1))
    def build(self, arch: str, digest: int, replica: int) -> None:
        self.sent.append(report(arch, digest))
        self.deliver(self.replicas[replica].record(self.sent[-1], EXPECTED, self.clock))

    @rule(data=st.data(), replica=st.integers(0, 1))
    def repeat(self, data: st.DataObject, replica: int) -> None:
        if self.sent:
            self.deliver(
                self.replicas[replica].record(data.draw(st.sampled_from(self.sent)), EXPECTED, self.clock)
            )

    @rule(arches=st.tuples(st.sampled_from(ARCHES), st.sampled_from(ARCHES)))
    def meet(self, arches: tuple[str, str]) -> None:
        reports = [report(arch, 4) for arch in arches]
        self.sent += reports
        for decision in race(self.api, self.replicas, reports):
            self.deliver(decision)
        self.api.before = lambda _method, _path: None

    @rule(arch=st.sampled_from(ARCHES), replica=st.integers(0, 1))
    def die_before_the_answer(self, arch: str, replica: int) -> None:
        """The state is written, the EventListener hears nothing, a new replica takes the place."""
        self.sent.append(report(arch, 5))
        self.crashed |= self.replicas[replica].record(self.sent[-1], EXPECTED, self.clock).first
        self.replicas[replica] = Ledger(self.api.client(), NAMESPACE)

    @rule(minutes=st.integers(1, 30))
    def wait(self, minutes: int) -> None:
        self.clock += timedelta(minutes=minutes)

    @invariant()
    def one_run_at_most_and_of_a_complete_set(self) -> None:
        if not hasattr(self, "runs"):
            return
        held = self.api.stored()
        complete = {each.arch for each in self.sent} == set(ARCHES)
        assert self.firsts + self.crashed == complete
        assert len(self.runs) <= complete
        assert bool(self.firsts) <= len(self.runs)
        for sources in self.runs.values():
            assert [source.split("=")[0] for source in sources.split()] == list(ARCHES)
            assert all(
                source.endswith(built["digest"])
                for source, built in zip(sources.split(), held[0]["built"], strict=True)
            )

    def teardown(self) -> None:
        """After a crash the sender's repetition still leads to the one run."""
        held = self.api.stored() if hasattr(self, "runs") else []
        if held and held[0]["winner"] and self.clock < datetime.fromisoformat(held[0]["composed"]) + REPLAY:
            for each, replica in itertools.product(self.sent, self.replicas):
                self.deliver(replica.record(each, EXPECTED, self.clock))
            assert len(self.runs) == 1


def test_exactly_once_on_a_bad_day(api: Api) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Fleet.api = api
    quick = settings(max_examples=50, stateful_step_count=20, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Fleet, settings=quick)
