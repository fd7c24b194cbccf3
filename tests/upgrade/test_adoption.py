"""Adoption: a change is one only when the hub saw this cluster run exactly what the file is to name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from okd_gitops.evidence.state import ClusterState
from okd_gitops.fleet.cluster import ClusterSpec
from okd_gitops.releases.cross_check import Release
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.adoption import adopted, adopts
from okd_gitops.upgrade.edges import LOWER, SAME
from okd_gitops.upgrade.path import Hop, NoPath, Path
from okd_gitops.upgrade.question import Follower, Question, Way
from okd_gitops.upgrade.refusals import Decision, Verdict, decide

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OLD, NEW = "4.22.0-okd-scos.7", "4.22.0-okd-scos.9"
A, B = (f"registry.ci.openshift.org/origin/release-scos@sha256:{letter * 64}" for letter in "ab")
ID, OTHER_ID = "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926", "5a7e90c2-4d13-4b88-b6f5-e21c07d9384a"


def file(version: str, image: str, cluster_id: str = ID) -> ClusterSpec:
    """Return a cluster's file."""
    release = {"channel": "stable-scos-4", "version": version, "image": image}

    return ClusterSpec.model_validate({"purpose": "cd", "clusterID": cluster_id, "release": release})


def state(**changes: Any) -> ClusterState:
    """Return what a cluster that was upgraded by hand reports."""
    seen = {"cluster": "prod", "clusterID": ID, "seen": NOW, "version": NEW, "image": B, "wantedImage": B}

    return ClusterState.model_validate({**seen, **changes})


def test_a_file_that_names_what_the_cluster_runs_is_an_adoption() -> None:
    assert adopts(file(OLD, A), file(NEW, B), state())


def test_a_digest_that_was_wrong_in_git_may_be_adopted() -> None:
    assert adopts(file(NEW, A), file(NEW, B), state())


def test_a_cluster_that_was_asked_for_nothing_may_be_adopted() -> None:
    assert adopts(file(OLD, A), file(NEW, B), state(wantedImage=""))


def test_a_file_without_a_release_adopts_none() -> None:
    without = file(OLD, A).model_copy(update={"release": None})

    assert not adopts(without, file(NEW, B), state())
    assert not adopts(file(OLD, A), without, state())


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (file(OLD, A), file(NEW, B), None),
        (file(OLD, A), file(NEW, A), state()),
        (file(OLD, A), file("4.22.0-okd-scos.8", B), state()),
        (file(OLD, A), file(NEW, B), state(clusterID=OTHER_ID)),
        (file(OLD, A, OTHER_ID), file(NEW, B), state()),
        (file(OLD, A), file(NEW, B, OTHER_ID), state(clusterID=OTHER_ID)),
        (file(OLD, A), file(NEW, B), state(updating=True)),
        (file(OLD, A), file(NEW, B), state(wantedImage=A)),
        (file(NEW, B), file(NEW, B), state()),
    ],
    ids=[
        "not seen",
        "another image",
        "another version",
        "seen is another cluster",
        "git had another cluster",
        "the change names another cluster",
        "still updating",
        "wants another image",
        "nothing changes",
    ],
)
def test_anything_else_is_an_ordinary_change(
    old: ClusterSpec, new: ClusterSpec, seen: ClusterState | None
) -> None:
    assert not adopts(old, new, seen)


def question(version: str = OLD, *, purpose: str = "cd", verified: bool = True) -> Question:
    """Ask for a cluster whose earlier waves have reported nothing, while the fleet is frozen."""
    cluster = Follower(
        name="prod",
        purpose=purpose,
        guarded=purpose == "cd",
        wave=3,
        soak=timedelta(0),
        stream="4-scos-stable",
        version=Version.parse(version),
        image=A,
        channel="stable-scos-4.22",
        takes=frozenset({"release"}),
    )
    earlier = replace(cluster, name="canary", purpose="test", wave=1)

    return Question(
        cluster=cluster,
        fleet=(earlier, cluster),
        path=NoPath("no-path", "no edge"),
        release=None,
        evidence=(),
        now=NOW,
        verified=verified,
        freeze="holidays",
    )


RELEASE = Release(version=Version.parse(NEW), signed=B, images=(B,), published=NOW)


def test_an_adoption_needs_no_edge_no_evidence_and_no_time() -> None:
    assert decide(replace(question(), release=RELEASE, image=B)).verdict == Verdict.REFUSE
    assert decide(adopted(question(), RELEASE, B)) == Decision(Verdict.UPGRADE)


@pytest.mark.parametrize(
    ("asked", "image", "name"),
    [
        (question(verified=False), B, "signature-not-verified"),
        (question("4.22.0-okd-scos.10"), B, LOWER),
        (question(NEW), B, SAME),
        (question(), A, "image-of-another-release"),
    ],
    ids=["unsigned", "backwards", "nothing to do", "digest of another release"],
)
def test_an_adoption_still_needs(asked: Question, image: str, name: str) -> None:
    found = decide(adopted(asked, RELEASE, image))

    assert found.name == name
    assert found.verdict != Verdict.UPGRADE


def test_an_unsigned_release_is_adopted_on_a_test_cluster() -> None:
    asked = question(purpose="test", verified=False)

    assert decide(adopted(asked, RELEASE, B)).verdict == Verdict.UPGRADE


@pytest.mark.parametrize(
    ("version", "path"),
    [
        (OLD, Path((Hop(Version.parse(OLD), Version.parse(NEW), "patch", (), "stable-scos-4.22", ()),))),
        (NEW, NoPath(SAME, f"Git already names {NEW}")),
        ("4.22.0-okd-scos.10", NoPath(LOWER, f"{NEW} is lower than 4.22.0-okd-scos.10")),
    ],
)
def test_an_adoption_is_one_step_up(version: str, path: Path | NoPath) -> None:
    asked = adopted(question(version), RELEASE, B)

    assert (asked.path, asked.release, asked.image, asked.way) == (path, RELEASE, B, Way.ADOPTION)


def test_an_adoption_moves_a_channel_that_does_not_offer_the_release() -> None:
    next_line = replace(RELEASE, version=Version.parse("4.23.0-okd-scos.0"))
    asked = adopted(question(), next_line, B)

    assert isinstance(asked.path, Path)
    assert asked.path.hops[0].channel == "stable-scos-4.23"
    assert asked.way == Way.ADOPTION
