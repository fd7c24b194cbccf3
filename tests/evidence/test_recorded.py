"""What the real cluster-version operator answered, and what is concluded: file by file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster_state import operators, pools
from okd_gitops.evidence.acceptance import Wanted, refusal_of, refused_since, why_no_evidence
from okd_gitops.evidence.answers import Seen
from okd_gitops.evidence.health import Observation, judge

RECORDED = Path(__file__).parent / "recorded"
DAY = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
PATIENCE = timedelta(hours=4)


def recorded(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return value


def wanted_by(version: dict[str, Any], *, risks: frozenset[str] = frozenset()) -> Wanted:
    """Return that Git wants what the ClusterVersion asks for; Git has no tag, but always a digest."""
    update = version["spec"]["desiredUpdate"]
    image = update.get("image", "")
    image = image if "@" in image else "registry.example.org/okd/scos-release@sha256:" + "0" * 64
    return Wanted(cluster="canary", version=update["version"], image=image, accepted_risks=risks)


def judged(version: dict[str, Any], wanted: Wanted, now: datetime) -> Observation:
    seen = Seen(version=version, operators=operators(), pools=pools(), tests={})
    found = refusal_of(version, wanted)
    refused = refused_since(version, found, wanted, before=None, now=now) if found else None
    return judge(seen, wanted, refused=refused, now=now, patience=PATIENCE)


# The verdict soon after the change, the one a day later, and words of the cluster in the reason.
VERDICTS = {
    "completed": ("passed", "passed", "all is well"),
    "completed-after-failing": ("none", "none", "UnknownUpdate"),
    "completed-conditional": ("none", "none", "SlowDisks"),
    "completed-forced-unsigned": ("none", "none", "force: true"),
    "completed-minor": ("none", "none", "UnknownUpdate"),
    "completed-rollback": ("none", "none", "UnknownUpdate"),
    "completed-with-accepted-risk": ("none", "none", "UnknownUpdate"),
    "completed-without-an-edge": ("none", "none", "UnknownUpdate"),
    "conditional-update-offered": ("none", "none", "not yet read"),
    "failing-operator-unavailable": ("none", "failed", "Cluster operator lab is not available"),
    "invalid-version-not-in-graph": ("none", "failed", "when image is empty the update must be an available"),
    "not-upgradeable": ("none", "none", "UnknownUpdate"),
    "refused-by-tag": ("none", "none", "not yet read"),
    "refused-minor-not-upgradeable": ("none", "failed", "not yet"),
    "refused-not-in-registry": ("none", "failed", "Unable to download and prepare the update"),
    "refused-rollback-two-back": ("none", "failed", "LowDesiredVersion"),
    "refused-unsigned": ("none", "failed", "cannot be verified"),
    "refused-unsigned-unknown-digest": ("none", "failed", "cannot be verified"),
    "refused-version-differs": ("none", "failed", "does not match the expected upstream version"),
}


def shown(observation: Observation) -> str:
    if observation.evidence is None:
        return "none"
    return "passed" if observation.evidence.passed else "failed"


@pytest.mark.parametrize("name", VERDICTS)
def test_what_the_real_operator_answers_is_judged(name: str) -> None:
    soon, late, words = VERDICTS[name]
    version = recorded(name)
    wanted = wanted_by(version)

    assert shown(judged(version, wanted, DAY)) == soon
    after_a_day = judged(version, wanted, DAY + timedelta(days=1))
    assert shown(after_a_day) == late
    assert words in after_a_day.reason


def test_every_recorded_answer_has_a_verdict() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == VERDICTS.keys()


def test_what_was_refused_before_does_not_count_against_another_release() -> None:
    version = recorded("refused-unsigned")
    update = version["spec"]["desiredUpdate"]
    update["image"] = update["image"].partition("@")[0] + "@sha256:" + "1" * 64
    wanted = wanted_by(version)

    assert refusal_of(version, wanted) is None
    assert shown(judged(version, wanted, DAY + timedelta(days=9))) == "none"


def test_a_cluster_that_is_not_asked_for_the_release_does_not_refuse_it() -> None:
    version = recorded("refused-unsigned")
    wanted = wanted_by(version)
    del version["spec"]["desiredUpdate"]

    assert refusal_of(version, wanted) is None


def test_upgradeable_false_refuses_another_minor_and_no_patch() -> None:
    version = recorded("not-upgradeable")
    image = "registry.example.org/okd/scos-release@sha256:" + "2" * 64

    for number, refuses in (("4.22.0-okd-scos.9", False), ("4.23.0-okd-scos.0", True)):
        version["spec"]["desiredUpdate"] = {"version": number, "image": image}
        assert (refusal_of(version, wanted_by(version)) is not None) is refuses


@pytest.mark.parametrize(
    ("name", "risk"),
    [("completed-conditional", "SlowDisks"), ("completed-with-accepted-risk", "UnknownUpdate")],
)
def test_a_risk_that_the_file_accepts_by_name_is_evidence_and_another_one_is_not(
    name: str, risk: str
) -> None:
    version = recorded(name)

    assert shown(judged(version, wanted_by(version, risks=frozenset({risk})), DAY)) == "passed"
    assert shown(judged(version, wanted_by(version, risks=frozenset({"Other"})), DAY)) == "none"


def test_a_forced_update_is_no_evidence_whatever_risks_are_accepted() -> None:
    version = recorded("completed-forced-unsigned")
    wanted = wanted_by(version, risks=frozenset({"UnknownUpdate"}))
    assert shown(judged(version, wanted, DAY)) == "none"

    # force was taken away again: the history still says what it did.
    version["spec"]["desiredUpdate"]["force"] = False
    assert "did not verify" in why_no_evidence(version, wanted)
    version["status"]["history"][0]["verified"] = True
    assert "went past a risk" in why_no_evidence(version, wanted)


def test_an_installation_is_not_verified_and_may_be_evidence() -> None:
    version = recorded("completed")
    version["status"]["history"] = version["status"]["history"][:1]
    version["status"]["history"][0]["verified"] = False

    assert shown(judged(version, wanted_by(version), DAY)) == "passed"
