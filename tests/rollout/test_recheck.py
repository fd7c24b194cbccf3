"""What happens on the remote while a run decides and pushes: the decision is made again, and withdrawn if
it does not hold. The competitors are hooks of the bare repository, or of the real git between two steps.
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import git
from okd_gitops.errors import BusyError
from okd_gitops.evidence.records import read_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.write_records import RecordsEdit, write_records
from okd_gitops.system import branches
from okd_gitops.upgrade.plan import BlockedError
from release_controller import image
from release_fleet import NEW, NEWER, OLD, PUSH, PUSH_ON, Fleet, offered_new, wave


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with offered_new(tmp_path) as fleet:
        yield fleet


def after_push(fleet: Fleet, branch: str, command: str) -> None:
    """Let the remote run a command, once, when it has taken a push of a branch."""
    hook = fleet.remote / "hooks/post-update"
    hook.write_text(
        f'#!/bin/sh\n[ "$1" = refs/heads/{branch} ] && [ ! -e done ] || exit 0\ntouch done\n{command}\n'
    )
    hook.chmod(0o755)


def heads(fleet: Fleet) -> set[str]:
    lines = git(fleet.root, "ls-remote", "--heads", "origin").splitlines()

    return {line.partition("refs/heads/")[2] for line in lines}


def ready_for_the_second_wave(fleet: Fleet) -> None:
    fleet.merge(fleet.run(PUSH).branches[0].name)
    fleet.passed("canary")
    fleet.passed("probe")
    fleet.now += timedelta(days=3)


def prepared(fleet: Fleet, ref: str, base: str, path: str, text: str) -> str:
    """Put a commit on the remote that no branch has yet, and return its hash."""
    git(fleet.root, "fetch", "-q", "origin")
    folder = fleet.root.parent / "competitor"
    git(fleet.root, "worktree", "add", "-q", "--detach", str(folder), base)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a competitor")
    sha = git(folder, "rev-parse", "HEAD").strip()
    git(folder, "push", "-q", "origin", f"HEAD:refs/{ref}")
    git(fleet.root, "worktree", "remove", "--force", str(folder))

    return sha


def failure(fleet: Fleet) -> str:
    report = Evidence(
        cluster="probe",
        version=NEW,
        image=image(NEW),
        finished=fleet.now,
        passed=False,
        operators="degraded",
    )

    return report.text()


def test_h06_a_failure_that_is_recorded_during_the_push_withdraws_the_next_wave(fleet: Fleet) -> None:
    ready_for_the_second_wave(fleet)
    sha = prepared(fleet, "kept/x", "origin/records", f"evidence/probe/{NEW}.yaml", failure(fleet))
    after_push(fleet, wave(NEW, 3), f"git update-ref refs/heads/records {sha}")
    done = fleet.run(PUSH_ON)
    assert done.branches == ()
    assert [upgrade.decision.name for upgrade in done.upgrades] == ["earlier-wave-failed"]
    assert wave(NEW, 3) not in heads(fleet)


def test_records_that_change_nothing_let_the_branch_stand(fleet: Fleet) -> None:
    ready_for_the_second_wave(fleet)
    sha = prepared(fleet, "kept/x", "origin/records", "runs.yaml", "watch: 2026-11-21T12:00:00Z\n")
    after_push(fleet, wave(NEW, 3), f"git update-ref refs/heads/records {sha}")
    (branch,) = fleet.run(PUSH_ON).branches
    assert (branch.name, branch.state) == (wave(NEW, 3), "pushed")
    assert fleet.on_remote(branch.name) == [f"okd(prod): {OLD} → {NEW}"]


def test_h05_nothing_is_left_of_a_branch_that_a_person_merged_during_the_push(fleet: Fleet) -> None:
    first = fleet.run(PUSH).branches[0]
    # The base moves, so the bot makes its branch anew; a person merges the old one meanwhile.
    prepared(fleet, "heads/main", "origin/main", "notes.md", "people work here\n")
    git(fleet.root, "fetch", "-q", "origin")
    folder = fleet.root.parent / "merging"
    git(fleet.root, "worktree", "add", "-q", "--detach", str(folder), "origin/main")
    git(folder, "merge", "-q", "--no-edit", first.sha)
    merged = git(folder, "rev-parse", "HEAD").strip()
    git(folder, "push", "-q", "origin", "HEAD:refs/kept/merged")
    after_push(fleet, first.name, f"git update-ref refs/heads/main {merged}")
    done = fleet.run(PUSH)
    assert done.branches == ()
    assert git(fleet.root, "ls-remote", "origin", f"refs/heads/{first.name}").startswith(first.sha)


def test_c12_a_release_that_was_withdrawn_after_its_branch_was_opened_reaches_no_long_term_cluster(
    fleet: Fleet,
) -> None:
    ready_for_the_second_wave(fleet)
    assert fleet.run(PUSH_ON).branches[0].name == wave(NEW, 3)
    fleet.controller.tags["4-scos-stable"][0]["phase"] = "Rejected"
    done = fleet.run(PUSH_ON)
    assert (done.branches, done.superseded) == ((), (wave(NEW, 3),))
    assert wave(NEW, 3) not in heads(fleet)


def test_c12_an_edge_that_was_blocked_after_its_branch_was_opened_blocks_it_with_the_reason(
    fleet: Fleet,
) -> None:
    ready_for_the_second_wave(fleet)
    fleet.run(PUSH_ON)
    text = (fleet.root / "fleet.yaml").read_text()
    fleet.write("fleet.yaml", f"{text}  blocked: [{{from: '4[.]21', to: {NEW}, name: issue-2340}}]\n")
    git(fleet.root, "commit", "-qam", "block the edge")
    git(fleet.root, "push", "-q", "origin", "main")
    (halted,) = fleet.run(PUSH_ON).branches
    assert (halted.name, halted.state) == (wave(NEW, 3), "blocked")
    assert "is blocked by issue-2340" in halted.body.replace("\\", "")


def test_c11_a_risk_that_nobody_accepted_blocks_a_long_term_cluster_by_name(fleet: Fleet) -> None:
    """An edge that the graph lists both ways is conditional."""
    ready_for_the_second_wave(fleet)
    fleet.controller.edges.append((OLD, NEW))
    risk = {"name": "SlowDisks", "url": "", "message": "Slow.", "matchingRules": [{"type": "Always"}]}
    fleet.controller.conditional = [{"edges": [{"from": OLD, "to": NEW}], "risks": [risk]}]
    with pytest.raises(BlockedError, match="risk-not-accepted") as error:
        fleet.run(replace(PUSH_ON, target=NEW))
    assert error.value.exit_code == 5
    assert wave(NEW, 3) not in heads(fleet)


def test_e06_a_branch_that_the_bot_made_otherwise_is_replaced_by_lease(fleet: Fleet) -> None:
    first = fleet.run(PUSH).branches[0]
    assert fleet.run(PUSH).branches[0].state == "unchanged"
    prepared(fleet, "heads/main", "origin/main", "notes.md", "people work here\n")
    moved = fleet.run(PUSH).branches[0]
    assert (moved.state, moved.replaced) == ("pushed", first.sha)
    assert len(fleet.on_remote(moved.name)) == 2


def test_e08_a_main_that_was_rewritten_stops_the_run_and_is_never_forced(fleet: Fleet) -> None:
    git(fleet.root, "fetch", "-q", "origin")
    orphan = git(fleet.root, "commit-tree", "-m", "rewritten", "HEAD^{tree}").strip()
    git(fleet.root, "push", "-qf", str(fleet.remote), f"{orphan}:refs/heads/main")
    with pytest.raises(BusyError, match="was rewritten") as error:
        fleet.run(PUSH)
    assert error.value.exit_code == 7
    assert git(fleet.root, "ls-remote", "origin", "refs/heads/main").startswith(orphan)
    assert heads(fleet) == {"main"}


def test_e08_a_main_that_is_rewritten_during_the_push_takes_the_branch_back(fleet: Fleet) -> None:
    orphan = git(fleet.root, "commit-tree", "-m", "rewritten", "HEAD^{tree}").strip()
    git(fleet.root, "push", "-q", "origin", f"{orphan}:refs/kept/orphan")
    after_push(fleet, wave(NEW, 1), f"git update-ref refs/heads/main {orphan}")
    with pytest.raises(BusyError, match="was rewritten"):
        fleet.run(PUSH)
    assert heads(fleet) == {"main"}


def test_p04_two_waves_are_two_branches(fleet: Fleet) -> None:
    ready_for_the_second_wave(fleet)
    fleet.controller.publish(NEWER, before=(NEW,))
    first, second = fleet.run(PUSH).branches[0], fleet.run(PUSH_ON).branches[0]
    assert fleet.on_remote(first.name) == [f"okd(canary): {NEW} → {NEWER}", f"okd(probe): {NEW} → {NEWER}"]
    assert fleet.on_remote(second.name) == [f"okd(prod): {OLD} → {NEW}"]


def adding(path: str, data: bytes) -> RecordsEdit:
    """Return the change of the records that adds a file, whatever is there."""
    return lambda _: {path: data}


def test_h04_eight_bots_with_five_updates_each_lose_nothing(fleet: Fleet, tmp_path: Path) -> None:
    url = branches.address(fleet.root, "origin", "https://git.example.org/fleet.git")
    failures: list[BaseException] = []

    def write(root: Path, bot: int) -> None:
        try:
            for number in range(5):
                path = f"evidence/bot-{bot}/4.21.0-okd-scos.{number}.yaml"
                report = Evidence(
                    cluster=f"bot-{bot}",
                    version=f"4.21.0-okd-scos.{number}",
                    image=image(str(number)),
                    finished=fleet.now,
                    passed=True,
                )
                write_records(root, url, f"bot {bot}: {number}", adding(path, report.text().encode()))
        except BaseException as error:
            failures.append(error)
            raise

    threads: list[Any] = []

    for bot in range(8):
        git(tmp_path, "clone", "-q", str(fleet.remote), f"bot-{bot}")
        threads.append(threading.Thread(target=write, args=(tmp_path / f"bot-{bot}", bot)))

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)

    assert failures == []
    git(fleet.root, "fetch", "-q", "origin")
    assert len(read_records(fleet.root).evidence) == 40
    assert git(fleet.root, "rev-list", "--count", "origin/records").strip() == "40"
