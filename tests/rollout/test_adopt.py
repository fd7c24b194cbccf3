"""adopt: Git follows a cluster that was upgraded by hand, by what the hub recorded of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import CACHE, git
from okd_gitops.errors import UsageError
from okd_gitops.evidence.state import ClusterState
from okd_gitops.rollout.adopt import Adoption, adopt
from okd_gitops.rollout.request import Request
from okd_gitops.upgrade.plan import BlockedError
from okd_gitops.upgrade.record_releases import record_releases
from release_controller import image
from release_fleet import NEW, OLD, Fleet, offered_new

WRITE = Request(first=False, write=True)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose prod was upgraded by hand, with everything recorded on this clone."""
    with offered_new(tmp_path) as fleet:
        record_releases(fleet.root, fleet.network())
        yield fleet


def report(fleet: Fleet, name: str = "prod", **changes: Any) -> None:
    """Let the observer write what a cluster reported."""
    known = {
        "cluster": name,
        "clusterID": f"8c5e1d37-02bb-4f6a-8e49-{sum(name.encode()):012x}",
        "seen": fleet.now,
        "version": NEW,
        "image": image(NEW),
        "wantedVersion": NEW,
        "wantedImage": image(NEW),
    }
    state = ClusterState.model_validate({**known, **changes})
    fleet.write_on_records({state.path: state.text().encode()})


def run(fleet: Fleet, name: str = "prod", request: Request = WRITE) -> Adoption:
    """Run adopt."""
    return adopt(fleet.root, CACHE, name, request, now=fleet.now, say=lambda _: None)


def test_it_edits_the_release_alone_and_says_why(fleet: Fleet) -> None:
    report(fleet)
    branch = run(fleet).branch
    assert branch is not None
    assert (branch.name, branch.state) == ("okd/adopt-prod--wave3", "made")

    diff = git(fleet.root, "diff", "-U0", "main", branch.name, "--", "clusters")
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == [
        f"-  version: {OLD}  # agreed",
        f"-  image: {image(OLD)}",
        f"+  version: {NEW}  # agreed",
        f"+  image: {image(NEW)}",
    ]
    (commit,) = branch.commits
    assert "Okd-Adopted: true" in commit.message
    assert "was upgraded by hand" in branch.body

    again = run(fleet).branch
    assert again is not None
    assert (again.sha, again.state) == (branch.sha, "unchanged")


def test_without_write_nothing_is_made(fleet: Fleet) -> None:
    report(fleet)
    branch = run(fleet, request=Request(first=False)).branch

    assert branch is not None
    assert branch.state == "planned"
    assert "okd/" not in git(fleet.root, "branch", "--list")


def test_a_cluster_that_runs_what_git_names_needs_nothing(fleet: Fleet) -> None:
    report(fleet, version=OLD, image=image(OLD), wantedImage=image(OLD))

    assert run(fleet).branch is None


BLOCKED: dict[str, tuple[dict[str, Any], str]] = {
    "another cluster": ({"clusterID": "5a7e90c2-4d13-4b88-b6f5-e21c07d9384b"}, "clusterID"),
    "on its way": ({"updating": True}, "on its way"),
    "lower": ({"version": "4.20.0-okd-scos.0"}, "no record"),
    "digest of another release": (
        {"image": image(OLD), "wantedImage": image(OLD)},
        "image-of-another-release",
    ),
}


@pytest.mark.parametrize("case", BLOCKED)
def test_it_refuses(case: str, fleet: Fleet) -> None:
    changes, reason = BLOCKED[case]
    report(fleet, **changes)

    with pytest.raises(BlockedError, match=reason) as error:
        run(fleet)

    assert error.value.remedy
    assert "okd/" not in git(fleet.root, "branch", "--list")


@pytest.mark.parametrize("name", ["prodd", "prod"], ids=["no such cluster", "not seen"])
def test_it_needs_a_cluster_that_the_hub_has_seen(name: str, fleet: Fleet) -> None:
    with pytest.raises(UsageError) as error:
        run(fleet, name)

    assert error.value.remedy
