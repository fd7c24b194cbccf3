"""What a person closed stays closed for that release: the bot notes its proposals on the branch `records`,
and does not push one again whose branch is gone. The remote is a real bare repository; what people do during
a run happens when the run says that it makes a branch.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from conftest import CACHE, git
from okd_gitops.errors import UsageError
from okd_gitops.evidence.proposal import ProposalNote
from okd_gitops.evidence.records import Records, parse_records, read_records
from okd_gitops.finding import FindingsError
from okd_gitops.rollout.proposals import write_notes
from okd_gitops.rollout.request import Request
from okd_gitops.rollout.waves import Rollout, rollout
from okd_gitops.tree import Tree
from okd_gitops.upgrade.plan import BlockedError
from release_controller import image
from release_fleet import NEW, NEWER, OLD, PUSH, PUSH_ON, Fleet, offered_new, wave

FIRST = wave(NEW, 1)
REOPEN = replace(PUSH, reopened=("canary", "probe"))
BOTH = {"canary": "proposal-closed", "probe": "proposal-closed"}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with offered_new(tmp_path) as fleet:
        yield fleet


def close(fleet: Fleet, branch: str = FIRST) -> None:
    git(fleet.root, "push", "-q", "origin", f":refs/heads/{branch}")


def on_remote(fleet: Fleet, branch: str) -> str:
    return git(fleet.root, "ls-remote", "--heads", "origin", branch).partition("\t")[0]


def recorded(fleet: Fleet) -> Records:
    git(fleet.root, "fetch", "-q", "origin")

    return read_records(fleet.root)


def notes(fleet: Fleet) -> dict[str, ProposalNote]:
    return {note.cluster: note for note in recorded(fleet).proposals}


def refusals(done: Rollout) -> dict[str, str]:
    return {upgrade.cluster.name: upgrade.decision.name for upgrade in done.upgrades if upgrade.decision.name}


def run_with(fleet: Fleet, act: Callable[[], None]) -> tuple[Rollout, list[str]]:
    """Update while somebody acts, once, after the decision and before the push."""
    said: list[str] = []

    def say(line: str) -> None:
        if line.startswith(FIRST) and not any(old.startswith(FIRST) for old in said):
            act()

        said.append(line)

    done = rollout(fleet.root, CACHE, fleet.network(), PUSH, now=fleet.now, say=say)

    return done, said


def people_work(fleet: Fleet) -> None:
    """Let main move, so that the bot has to make its branch anew."""
    git(fleet.root, "fetch", "-q", "origin")
    git(fleet.root, "merge", "-q", "--ff-only", "origin/main")
    fleet.write("notes.md", "people work here\n")
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "work")
    git(fleet.root, "push", "-q", "origin", "main")


def test_each_proposal_is_noted_once(fleet: Fleet) -> None:
    (branch,) = fleet.run(PUSH).branches
    first = notes(fleet)
    assert first == {
        name: ProposalNote(
            cluster=name, version=NEW, image=image(NEW), wave=1, commit=branch.sha, opened=fleet.now
        )
        for name in ("canary", "probe")
    }

    before = on_remote(fleet, "records")
    fleet.now += timedelta(hours=1)
    assert fleet.run(PUSH).branches[0].state == "unchanged"
    assert on_remote(fleet, "records") == before


def test_a_branch_that_is_made_anew_keeps_the_time_of_its_note(fleet: Fleet) -> None:
    fleet.run(PUSH)
    opened = fleet.now
    fleet.now += timedelta(hours=1)
    people_work(fleet)
    (branch,) = fleet.run(PUSH).branches
    assert branch.state == "pushed"
    assert {(note.opened, note.commit) for note in notes(fleet).values()} == {(opened, branch.sha)}


def test_without_a_push_nothing_is_noted(fleet: Fleet) -> None:
    fleet.run(replace(PUSH, push=False))
    assert on_remote(fleet, "records") == ""
    assert notes(fleet) == {}


def test_what_a_person_closed_is_not_pushed_again(fleet: Fleet) -> None:
    fleet.run(PUSH)
    close(fleet)
    fleet.now += timedelta(hours=1)
    done = fleet.run(PUSH)
    assert (done.branches, refusals(done), done.findings) == ((), BOTH, ())
    assert on_remote(fleet, FIRST) == ""
    assert {note.closed for note in notes(fleet).values()} == {fleet.now}

    # Main moves on, hours pass: it stays closed, and nothing more is written.
    before = on_remote(fleet, "records")
    people_work(fleet)
    fleet.now += timedelta(days=3)
    assert refusals(fleet.run(PUSH)) == BOTH
    assert (on_remote(fleet, FIRST), on_remote(fleet, "records")) == ("", before)


def test_everybody_who_reads_the_records_is_told_the_way_out(fleet: Fleet) -> None:
    fleet.run(PUSH)
    close(fleet)

    # By name it is blocked already in the run that sees it first.
    with pytest.raises(BlockedError, match="proposal-closed") as error:
        fleet.run(replace(PUSH, target=NEW))

    assert "release update --reopen canary --push" in error.value.remedy
    assert notes(fleet)["canary"].closed is None

    fleet.run(PUSH)
    recorded(fleet)
    decisions = {upgrade.cluster.name: upgrade.decision for upgrade in fleet.seen().upgrades}
    assert decisions["canary"].name == "proposal-closed"
    assert FIRST in decisions["canary"].reason


def test_a_person_opens_it_again_by_name(fleet: Fleet) -> None:
    fleet.run(PUSH)
    close(fleet)
    fleet.run(PUSH)
    (branch,) = fleet.run(replace(PUSH, reopened=("prob*",))).branches
    assert fleet.on_remote(branch.name) == [f"okd(probe): {OLD} → {NEW}"]
    assert [name for name, note in notes(fleet).items() if note.closed] == ["canary"]

    # The other one of the same branch is still closed, and the next run keeps what is open.
    done = fleet.run(PUSH)
    assert ([branch.state for branch in done.branches], refusals(done)) == (
        ["unchanged"],
        {"canary": "proposal-closed"},
    )


def test_it_can_be_opened_again_before_the_bot_saw_that_it_was_closed(fleet: Fleet) -> None:
    fleet.run(PUSH)
    close(fleet)
    (branch,) = fleet.run(REOPEN).branches
    assert branch.state == "pushed"
    assert [note.closed for note in notes(fleet).values()] == [None, None]


def test_what_is_opened_again_and_must_wait_is_proposed_later(fleet: Fleet) -> None:
    fleet.run(PUSH)
    close(fleet)
    fleet.run(PUSH)
    fleet.write("fleet.yaml", f"{(fleet.root / 'fleet.yaml').read_text()}  freeze: holidays\n")
    git(fleet.root, "commit", "-qam", "freeze")
    git(fleet.root, "push", "-q", "origin", "main")
    assert set(refusals(fleet.run(REOPEN)).values()) == {"fleet-frozen"}

    git(fleet.root, "revert", "--no-edit", "HEAD")
    git(fleet.root, "push", "-q", "origin", "main")
    assert [branch.name for branch in fleet.run(PUSH).branches] == [FIRST]


def test_a_branch_that_a_person_restored_is_open_again(fleet: Fleet) -> None:
    (branch,) = fleet.run(PUSH).branches
    close(fleet)
    fleet.run(PUSH)
    git(fleet.root, "push", "-q", "origin", f"{branch.sha}:refs/heads/{FIRST}")
    done = fleet.run(PUSH)
    assert ([branch.state for branch in done.branches], refusals(done)) == (["unchanged"], {})
    assert [note.closed for note in notes(fleet).values()] == [None, None]


def test_only_clusters_with_a_proposal_can_be_opened_again(fleet: Fleet) -> None:
    fleet.run(PUSH)
    close(fleet)

    with pytest.raises(UsageError, match="cannary") as error:
        fleet.run(replace(PUSH, reopened=("cannary",)))

    assert "canary" in error.value.remedy


class Forge:
    """A forge on which a person closed the pull request of a branch at a commit, and left the branch."""

    def __init__(self, fleet: Fleet, *closed: tuple[str, str]) -> None:
        self.fleet, self.closed = fleet, set(closed)
        self.asked: list[tuple[str, str]] = []

    def is_closed(self, branch: str, sha: str) -> bool:
        self.asked.append((branch, sha))

        return (branch, sha) in self.closed

    def run(self, request: Request = PUSH) -> Rollout:
        fleet = self.fleet
        network = fleet.network()

        return rollout(
            fleet.root,
            CACHE,
            network,
            request,
            now=fleet.now,
            say=lambda _: None,
            is_closed=self.is_closed,
        )


def test_a_branch_whose_pull_request_was_closed_is_deleted_and_stays_closed(fleet: Fleet) -> None:
    (branch,) = fleet.run(PUSH).branches
    people_work(fleet)
    forge = Forge(fleet, (FIRST, branch.sha))
    done = forge.run()
    assert (done.branches, done.superseded, refusals(done)) == ((), (), BOTH)
    assert forge.asked == [(FIRST, branch.sha)]
    assert on_remote(fleet, FIRST) == ""
    assert {note.closed for note in notes(fleet).values()} == {fleet.now}

    # Whoever wants it again says so, and gets a new branch.
    (again,) = forge.run(REOPEN).branches
    assert (again.state, on_remote(fleet, FIRST)) == ("pushed", again.sha)
    assert again.sha != branch.sha


def test_a_branch_whose_pull_request_is_open_or_was_closed_at_another_commit_goes_on(fleet: Fleet) -> None:
    fleet.run(PUSH)
    forge = Forge(fleet, (FIRST, "b" * 40))
    assert [branch.state for branch in forge.run().branches] == ["unchanged"]
    assert [note.closed for note in notes(fleet).values()] == [None, None]


def test_a_closed_branch_on_which_a_person_works_is_left_alone(fleet: Fleet) -> None:
    (branch,) = fleet.run(PUSH).branches
    git(fleet.root, "fetch", "-q", "origin")
    git(fleet.root, "switch", "-q", "--detach", branch.sha)
    fleet.write("notes.md", "a person works here\n")
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "work")
    own = git(fleet.root, "rev-parse", "HEAD").strip()
    git(fleet.root, "push", "-q", "origin", f"HEAD:refs/heads/{FIRST}")
    git(fleet.root, "switch", "-q", "main")

    with pytest.raises(BlockedError, match="okd-gitops did not make"):
        Forge(fleet, (FIRST, own)).run()

    assert on_remote(fleet, FIRST) == own


def test_a_newer_release_is_proposed_as_usual(fleet: Fleet) -> None:
    fleet.run(PUSH)
    close(fleet)
    fleet.run(PUSH)
    fleet.controller.publish(NEWER, before=(OLD, NEW))
    (branch,) = fleet.run(PUSH).branches
    assert (branch.name, branch.state) == (wave(NEWER, 1), "pushed")
    assert {(note.version, bool(note.closed)) for note in recorded(fleet).proposals} == {
        (NEW, True),
        (NEWER, False),
    }


def test_another_digest_of_the_release_is_another_proposal(fleet: Fleet) -> None:
    fleet.run(PUSH)
    note = notes(fleet)["canary"]
    closed = note.model_copy(update={"closed": fleet.now})
    assert Records(proposals=(closed,)).closed("canary", NEW, image(NEW)) == closed
    assert Records(proposals=(closed,)).closed("canary", NEW, image(NEWER)) is None
    assert Records(proposals=(closed,)).closed("canary", NEWER, image(NEW)) is None
    assert Records(proposals=(closed,)).closed("probe", NEW, image(NEW)) is None
    assert Records(proposals=(note,)).closed("canary", NEW, image(NEW)) is None


def test_after_a_merge_the_notes_go_and_nothing_is_refused(fleet: Fleet) -> None:
    fleet.run(PUSH)
    fleet.merge(FIRST)
    close(fleet)
    done = fleet.run(PUSH)
    assert (done.branches, [upgrade.decision.verdict for upgrade in done.upgrades]) == ((), ["done", "done"])
    assert notes(fleet) == {}


def test_a_branch_that_the_bot_takes_back_is_not_closed_by_a_person(fleet: Fleet) -> None:
    fleet.run(PUSH)
    fleet.controller.publish(NEWER, before=(OLD, NEW))
    assert fleet.run(PUSH).superseded == (FIRST,)
    assert {note.version for note in recorded(fleet).proposals} == {NEWER}

    # The newer one is withdrawn: the older one is proposed again.
    fleet.controller.tags["4-scos-stable"][0]["phase"] = "Rejected"
    assert [branch.name for branch in fleet.run(PUSH).branches] == [FIRST]


def test_a_cluster_that_left_the_branch_is_not_closed_with_it(fleet: Fleet) -> None:
    fleet.run(PUSH)
    fleet.run(replace(PUSH, clusters=("canary",)))
    assert list(notes(fleet)) == ["canary"]
    close(fleet)
    done = fleet.run(PUSH)
    assert refusals(done) == {"canary": "proposal-closed"}
    assert fleet.on_remote(FIRST) == [f"okd(probe): {OLD} → {NEW}"]


def test_a_later_wave_is_closed_by_itself(fleet: Fleet) -> None:
    fleet.run(PUSH)
    fleet.merge(FIRST)
    fleet.passed("canary")
    fleet.passed("probe")
    fleet.now += timedelta(days=3)
    assert fleet.run(PUSH_ON).branches[0].name == wave(NEW, 3)
    close(fleet, wave(NEW, 3))
    assert refusals(fleet.run(PUSH_ON)) == {"prod": "proposal-closed"}


def test_h05_what_is_closed_while_the_bot_makes_it_anew_is_not_pushed(fleet: Fleet) -> None:
    fleet.run(PUSH)
    people_work(fleet)
    done, said = run_with(fleet, lambda: close(fleet))
    assert (done.branches, refusals(done)) == ((), BOTH)
    assert on_remote(fleet, FIRST) == ""
    assert "deciding again" in "\n".join(said)


@pytest.mark.parametrize("deletes", [True, False], ids=["and deletes it", "and leaves it"])
def test_h05_what_is_merged_while_the_bot_makes_it_anew_is_not_pushed(fleet: Fleet, deletes: bool) -> None:
    (first,) = fleet.run(PUSH).branches
    people_work(fleet)
    pushes = fleet.remote / "pushes"
    hook = fleet.remote / "hooks/update"
    hook.write_text(f'#!/bin/sh\necho "$1 $3" >> {pushes}\n')
    hook.chmod(0o755)

    def merge() -> None:
        fleet.merge(FIRST)
        if deletes:
            close(fleet)
        pushes.unlink()

    done, said = run_with(fleet, merge)
    assert (done.branches, [upgrade.decision.verdict for upgrade in done.upgrades]) == ((), ["done", "done"])
    assert "deciding again" in "\n".join(said)
    # Not even for a moment: the remote saw no push of the branch after the merge.
    assert FIRST not in pushes.read_text()
    assert on_remote(fleet, FIRST) == ("" if deletes else first.sha)
    assert notes(fleet) == {}


def test_records_that_the_remote_does_not_take_are_a_warning(fleet: Fleet) -> None:
    hook = fleet.remote / "hooks/update"
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/records ] || { echo protected >&2; exit 1; }\n')
    hook.chmod(0o755)
    done = fleet.run(PUSH)
    assert [branch.state for branch in done.branches] == ["pushed"]
    (finding,) = done.findings
    assert (finding.name, finding.severity) == ("proposal-not-noted", "warning")
    assert "protected" in finding.reason


def test_what_is_closed_stays_so_while_the_records_cannot_be_written(fleet: Fleet) -> None:
    fleet.run(PUSH)
    close(fleet)
    hook = fleet.remote / "hooks/update"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    done = fleet.run(PUSH)
    assert (done.branches, refusals(done)) == ((), BOTH)
    assert [finding.name for finding in done.findings] == ["proposal-not-noted"]


def test_a_note_that_another_run_wrote_in_between_stays(fleet: Fleet) -> None:
    fleet.run(PUSH)
    note = notes(fleet)["canary"]
    other = note.model_copy(update={"commit": "b" * 40})
    fleet.write_on_records({other.path: other.text().encode()})
    git(fleet.root, "push", "-q", "origin", "records")

    closed = note.model_copy(update={"closed": fleet.now})
    assert write_notes(fleet.root, str(fleet.remote), [note], [closed]) == []
    assert notes(fleet)["canary"] == other


GOOD = f"""\
cluster: canary
version: {NEW}
image: {image(NEW)}
wave: 1
commit: {"a" * 40}
opened: "2026-11-21T12:00:00Z"
closed: "2026-11-21T13:00:00Z"
"""


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("cluster: canary", "cluster: ../../main", "invalid-value"),
        ("cluster: canary", "cluster: probe", "misplaced-report"),
        (f"version: {NEW}", "version: ../main", "invalid-value"),
        (f"version: {NEW}", f"version: '{NEW}:refs/heads/main'", "invalid-value"),
        (f"image: {image(NEW)}", "image: registry.example.org/x:latest", "floating-release"),
        ("wave: 1", "wave: 100", "invalid-value"),
        ("wave: 1", "wave: '1:refs/heads/main'", "invalid-value"),
        ("a" * 40, "main", "invalid-value"),
        ('closed: "2026-11-21T13:00:00Z"', "closed: yesterday", "invalid-value"),
        ("wave: 1", "wave: 1\nref: main", "unknown-key"),
        (GOOD, "- a list", "invalid-value"),
        (GOOD, "{", "not-yaml"),
    ],
)
def test_a_note_that_is_not_one_is_refused_by_name(old: str, new: str, name: str) -> None:
    path = f"proposals/canary/{NEW}.yaml"
    (note,) = parse_records(Tree({path: GOOD.encode()})).proposals
    assert note.text() == GOOD
    assert old in GOOD

    with pytest.raises(FindingsError) as error:
        parse_records(Tree({path: GOOD.replace(old, new).encode()}))

    assert name in {finding.name for finding in error.value.findings}


def test_a_hostile_note_ends_the_run_before_anything_is_pushed(fleet: Fleet) -> None:
    hostile = GOOD.replace("canary", "../../main").replace("wave: 1", "wave: '1:refs/heads/main'")
    fleet.write_on_records({f"proposals/canary/{NEW}.yaml": hostile.encode()})
    git(fleet.root, "push", "-q", "origin", "records")

    with pytest.raises(FindingsError):
        fleet.run(PUSH)

    assert git(fleet.root, "ls-remote", "--heads", "origin").count("\n") == 2
