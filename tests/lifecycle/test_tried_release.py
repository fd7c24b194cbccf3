"""cluster tried: which reports count, and when they decide."""

from datetime import UTC, datetime
from typing import Any

import pytest

from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.lifecycle.tried_release import Asked, await_reports

VERSION = "4.22.0-okd-scos.0"
FRESH, UPGRADES = "try-4-22-0-scos-0", "try-4-22-0-scos-0-up"
IMAGE, OTHER = (f"quay.io/okd/release@sha256:{letter * 64}" for letter in "ab")
ADDED = datetime(2026, 11, 28, tzinfo=UTC)
BOTH = Asked(
    VERSION,
    IMAGE,
    (FRESH, UPGRADES),
    suites=frozenset({UPGRADES}),
    since={FRESH: ADDED, UPGRADES: ADDED},
)
SUITE = {"tests": {"conformance": "passed"}}


def report(cluster: str, **changes: Any) -> Evidence:
    finished = datetime(2026, 11, 29, tzinfo=UTC)
    values = {
        "cluster": cluster,
        "version": VERSION,
        "image": IMAGE,
        "finished": finished,
        "passed": True,
    }
    return Evidence.model_validate({**values, **changes})


BEFORE = datetime(2026, 11, 27, tzinfo=UTC)
FAILED = {"passed": False, "operators": "degraded", "reason": "etcd is degraded"}


def looked(*states: tuple[Evidence, ...]) -> tuple[Any, int]:
    """Return what comes of looking until the states end, and how often was waited."""
    left = [Records(evidence=state) for state in states]
    waits: list[int] = []

    def wait() -> bool:
        waits.append(1)
        return len(left) > 0

    return await_reports(BOTH, lambda: left.pop(0), wait), len(waits)


@pytest.mark.parametrize(
    ("states", "passed", "failed", "missing", "waits"),
    [
        ([(report(FRESH), report(UPGRADES, **SUITE))], True, False, (), 0),
        ([(), (report(FRESH),), (report(FRESH), report(UPGRADES, **SUITE))], True, False, (), 2),
        # Without the suite that it runs, after an emergency, and of an earlier cluster of that name.
        ([(report(FRESH), report(UPGRADES))], False, False, (UPGRADES,), 1),
        ([(report(FRESH, emergency="a risk"), report(UPGRADES, **SUITE))], False, False, (FRESH,), 1),
        ([(report(FRESH, finished=BEFORE), report(UPGRADES, **SUITE))], False, False, (FRESH,), 1),
        ([(report(FRESH, finished=BEFORE, **FAILED),)], False, False, (FRESH, UPGRADES), 1),
        # One that failed decides; nobody waits for the other.
        ([(report(FRESH, **FAILED),)], False, True, (UPGRADES,), 0),
        ([(report(FRESH),)], False, False, (UPGRADES,), 1),
        # Another image, another version and another cluster tell nothing.
        ([(report(FRESH, image=OTHER), report("canary"))], False, False, (FRESH, UPGRADES), 1),
        ([(report(FRESH, version="4.22.0-okd-scos.1", **FAILED),)], False, False, (FRESH, UPGRADES), 1),
    ],
)
def test_the_reports_of_the_clusters_decide(
    states: list[tuple[Evidence, ...]],
    *,
    passed: bool,
    failed: bool,
    missing: tuple[str, ...],
    waits: int,
) -> None:
    tried, waited = looked(*states)
    assert (tried.passed, tried.failed, tried.missing, waited) == (passed, failed, missing, waits)
