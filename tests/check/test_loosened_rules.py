"""Rules of upgrades that a change loosens: the bump that comes later is judged by the new ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from changes import lay_out
from okd_gitops.check.change.compare import cluster_changes
from okd_gitops.check.change.loosened_rules import loosened_rules
from okd_gitops.finding import Finding
from okd_gitops.fleet.fleet_file import Trials
from okd_gitops.fleet.load import Fleet, load

_BARRIER = '  barriers: [{from: "4.19", to: "4.20", name: by-hand, message: Look at the disks.}]\n'
_BLOCKED = '  blocked: [{from: "4[.]20", to: 4.20.0-okd-scos.9}]\n'
_RISK = "upgrades: {acceptRisks: [SomeRisk]}\n"
_ACCEPTED = (
    "upgrades: {accept: [{name: release-untried, to: 4.20.0-okd-scos.9, reason: Tried in the lab.}]}\n"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet, in which one file at a time gets rules."""
    folder = tmp_path_factory.mktemp("fleet")
    lay_out(folder, {"moc-hub": "hub", "moc-cd": "cd"})
    return folder


def with_rule(root: Path, file: str, rule: str) -> Fleet:
    """Return the fleet with a rule: a fleet's stands below releases:, a cluster's at the end of its file."""
    without = (root / file).read_text()
    below = "releases:\n" if file == "fleet.yaml" else ""

    try:
        (root / file).write_text(without.replace(below, below + rule, 1) if below else without + rule)
        return load(root)
    finally:
        (root / file).write_text(without)


def told(base: Fleet, now: Fleet) -> list[Finding]:
    return loosened_rules(base, now, cluster_changes(base, now))


@pytest.mark.parametrize(
    ("file", "strict", "loose", "field"),
    [
        ("fleet.yaml", "  minimumAge: 3d\n", "  minimumAge: 12h\n", "minimumAge"),
        ("fleet.yaml", "  minimumAge: 3d\n", "", "minimumAge"),
        ("fleet.yaml", "  freeze: holidays\n", "", "freeze"),
        ("fleet.yaml", "", '  majors: {"4.22": "5.0"}\n', "majors"),
        ("fleet.yaml", '  acks: {"4.20": [ack-4.20-x-in-4.21]}\n', '  acks: {"4.20": []}\n', "acks"),
        ("fleet.yaml", _BLOCKED, "", "blocked"),
        ("fleet.yaml", _BARRIER, "", "barriers"),
        ("clusters/moc-cd.yaml", "upgrades: {hold: wait}\n", "", "hold"),
        (
            "clusters/moc-cd.yaml",
            'upgrades: {window: {day: saturday, start: "22:00", hours: 4}}\n',
            'upgrades: {window: {day: saturday, start: "22:00", hours: 9}}\n',
            "window",
        ),
        ("clusters/moc-cd.yaml", "", _RISK, "acceptRisks"),
        ("clusters/moc-cd.yaml", "", _ACCEPTED, "accept"),
    ],
)
def test_a_rule_that_asks_for_less_is_told_and_a_stricter_one_is_not(
    file: str, strict: str, loose: str, field: str, root: Path
) -> None:
    before, after = with_rule(root, file, strict), with_rule(root, file, loose)
    (warning,) = told(before, after)
    assert (warning.name, warning.location.file) == ("rules-loosened", file)
    assert f".{field} asks for less than before" in warning.reason
    assert told(after, before) == told(after, after) == []


@pytest.mark.parametrize(
    ("file", "one", "other"),
    [
        ("fleet.yaml", "  freeze: holidays\n", "  freeze: the network is rebuilt\n"),
        ("clusters/moc-cd.yaml", "upgrades: {hold: wait}\n", "upgrades: {hold: wait longer}\n"),
        (
            "clusters/moc-cd.yaml",
            'upgrades: {window: {day: saturday, start: "22:00", hours: 4}}\n',
            'upgrades: {window: {day: saturday, start: "23:00", hours: 3}}\n',
        ),
    ],
)
def test_another_text_and_a_smaller_window_ask_for_no_less(
    file: str, one: str, other: str, root: Path
) -> None:
    assert told(with_rule(root, file, one), with_rule(root, file, other)) == []


def test_a_stream_that_is_not_tried_any_more_is_told(root: Path) -> None:
    fleet = load(root)
    entry = {"stream": "4-scos-stable", "channel": "stable-scos-4", "provider": "hive-openstack"}
    spec = fleet.spec.model_copy(update={"trials": (Trials.model_validate(entry),)})
    tried = replace(fleet, spec=spec)
    (warning,) = told(tried, fleet)
    assert (warning.name, warning.reason.startswith("trials asks for less")) == ("rules-loosened", True)
    assert told(fleet, tried) == []


def test_a_suite_that_is_not_run_any_more_is_told(root: Path) -> None:
    fleet = load(root)
    entry = {"stream": "4-scos-stable", "channel": "stable-scos-4", "provider": "hive-openstack"}

    def tried(suite: str) -> Fleet:
        trials = (Trials.model_validate({**entry, "conformance": suite}),)
        return replace(fleet, spec=fleet.spec.model_copy(update={"trials": trials}))

    with_suite, without = tried("kubernetes/conformance"), tried("")
    assert [warning.name for warning in told(with_suite, without)] == ["rules-loosened"]
    assert told(without, with_suite) == []
