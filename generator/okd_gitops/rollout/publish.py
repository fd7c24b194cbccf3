"""Publish a branch, ask again after the push whether its decision still holds, and take it back if not.

Between the decision and the push, people merge and clusters report. Whoever merges must never find a
branch that was decided on what was true before.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from okd_gitops.errors import BusyError
from okd_gitops.evidence.records import BRANCH
from okd_gitops.rollout.open_branches import ours
from okd_gitops.system import branches, git
from okd_gitops.system.branches import RaceError
from okd_gitops.upgrade.plan import BlockedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch: its commits, its pull request with labels, and its state: planned, made, unchanged, pushed,
    or blocked (open, and to wait). `replaced` is the commit that it had before.
    """

    name: str
    base: str
    sha: str
    commits: tuple[branches.Commit, ...]
    title: str
    body: str
    labels: tuple[str, ...] = ()
    state: str = "planned"
    replaced: str = ""


@dataclass(slots=True)
class Publisher:
    """Publishes branches of a clone at an address (empty: in the clone itself).

    `revision` is the branch that people merge into, `open_before` the tips of the remote's branches before
    the decision; `stale` are the branches that were pushed on a decision that did not hold, by name.
    """

    root: Path
    url: str
    revision: str = ""
    open_before: Mapping[str, str] = field(default_factory=dict)
    stale: dict[str, Branch] = field(default_factory=dict)

    def publish(self, branch: Branch) -> Branch:
        """Let the branch be this; one that is the same already stays.

        Raises BlockedError for one that others have added to, RaceError when somebody was faster: pushed it,
        merged, or closed it.
        """
        asked = (branch.name, self.revision) if self.url else (branch.name,)
        heads = branches.heads(self.root, self.url, *asked)
        old = heads.get(branch.name, "")
        earlier = self.stale.get(branch.name)
        replaced = earlier.replaced if earlier else old

        if old:
            if self.url:
                branches.fetch(self.root, self.url, branch.name)

            same = self._same_as(branch, old)

            if same is not None:
                state = "pushed" if earlier else "unchanged"
                return replace(branch, sha=old, commits=same, state=state, replaced=replaced)

        if self.url:
            self._refuse_after_merge(branch, heads)
            branches.push(self.root, self.url, branch.sha, branch.name, old)
            return replace(branch, state="pushed", replaced=replaced)

        branches.set_branch(self.root, branch.name, branch.sha, old)
        return replace(branch, state="made", replaced=replaced)

    def recheck(self, pushed: Sequence[Branch], base: str, records: str | None) -> None:
        """Compare what was decided on with what the remote has after the push.

        `records` is the commit of the branch with the records (None: another reference was named). Raises
        RaceError, and notes the pushed branches as stale, when either moved; BusyError when the branch that
        people merge into was rewritten.
        """
        now = branches.heads(self.root, self.url, self.revision, BRANCH)
        is_base_moved = now.get(self.revision) != base
        is_recorded_since = records is not None and now.get(BRANCH, "") != records

        if not is_base_moved and not is_recorded_since:
            return

        self.stale |= {branch.name: branch for branch in pushed}

        if is_base_moved:
            self._refuse_rewritten(base)

        raise RaceError("the fleet or its records changed during the push", "run again")

    def withdraw(self, *, except_for: Collection[str] = ()) -> None:
        """Put the stale branches back to what they were; one that somebody changed since is left alone."""
        for name in sorted(self.stale):
            branch = self.stale.pop(name)

            if name in except_for:
                continue

            try:
                branches.push(self.root, self.url, branch.replaced, name, branch.sha)
            except RaceError:
                continue

    def _refuse_after_merge(self, branch: Branch, heads: Mapping[str, str]) -> None:
        """Raise RaceError when people merged, or closed this branch, since it was decided to push it.

        What they do after `heads` were read, the lease of the push and the recheck notice.
        """
        if heads.get(self.revision) != branch.base:
            self._refuse_rewritten(branch.base)
            raise RaceError("the fleet changed before the push", "run again")

        if branch.name in self.open_before and branch.name not in heads:
            raise RaceError(f"somebody closed {branch.name} before the push", "run again")

    def _refuse_rewritten(self, base: str) -> None:
        tip = branches.fetch(self.root, self.url, self.revision)
        refuse_rewritten(self.root, tip, base, self.revision)

    def _same_as(self, branch: Branch, old: str) -> tuple[branches.Commit, ...] | None:
        """Return the commits of a published branch that is the same as this one, None for another one."""
        merge_base = branches.merge_base(self.root, branch.base, old)
        old_commits = branches.commits(self.root, merge_base or old, old)

        if not ours(old_commits):
            raise BlockedError(
                f"the branch {branch.name} has commits that okd-gitops did not make; it is left alone",
                f"merge or delete it, or go on without okd-gitops: git log {branch.name}",
            )

        is_same = merge_base == branch.base and _same(old_commits, branch.commits)

        return tuple(old_commits) if is_same else None


def refuse_rewritten(root: Path, tip: str, known: str, revision: str) -> None:
    """Raise BusyError when the branch of a remote does not contain any more what was known of it."""
    if branches.merge_base(root, known, tip) == known:
        return

    reason = f"the branch {revision} of the remote was rewritten: it does not contain {known[:12]} any more"
    raise BusyError(reason, f"find out who did it (git log {known[:12]}), fetch it, and run again")


def known_tip(root: Path, remote: str, revision: str) -> str:
    """Return where this clone saw the branch of a remote last; empty for a remote without a name."""
    reference = f"refs/remotes/{remote}/{revision}"

    return git.references(root, [reference]).get(reference, "")


def _same(commits: Sequence[branches.Commit], others: Sequence[branches.Commit]) -> bool:
    """Whether two branches have the same trees and messages; hashes hold the time."""
    return [(commit.tree, commit.message) for commit in commits] == [
        (commit.tree, commit.message) for commit in others
    ]
