"""Branches that earlier runs opened and nobody has merged: which are superseded, and which must wait."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.releases.version import Version
from okd_gitops.system import branches
from okd_gitops.system.commit import GENERATED_BY
from okd_gitops.upgrade.plan import Outlook
from okd_gitops.upgrade.refusals import Verdict

PREFIX = "okd/"
_NAME = re.compile(rf"{PREFIX}(?P<release>[0-9A-Za-z.-]+)--wave(?P<wave>[0-9]{{1,2}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An open branch: its release and wave, and the clusters that its commits move."""

    name: str
    sha: str
    release: Version
    wave: int
    commits: tuple[branches.Commit, ...]

    @property
    def ours(self) -> bool:
        """Whether nobody else committed to it."""
        return ours(self.commits)

    @property
    def clusters(self) -> dict[str, str]:
        """The versions from which clusters are moved, by cluster."""
        found = {}
        for commit in self.commits:
            cluster, start = (
                re.search(r"^Cluster: (\S+)$", commit.message, re.M),
                re.search(r"^Okd-From: (\S+)$", commit.message, re.M),
            )
            if cluster and start:
                found[cluster[1]] = start[1]
        return found

    def superseded(self, seen: Outlook, made: Sequence[str]) -> bool:
        """Whether its wave has a newer release in `made` (names of branches), or its release is no longer
        accepted.
        """
        accepted = {release.version for release in seen.learned.releases if release.accepted}
        newer = (
            match for name in made if (match := _NAME.fullmatch(name)) and int(match["wave"]) == self.wave
        )
        return self.release not in accepted or any(
            self.release < Version.parse(match["release"]) for match in newer
        )

    def reasons(self, seen: Outlook) -> list[str]:
        """Return why it must not be merged now, for each of its clusters that must wait; nothing for one
        that is merged already.
        """
        ours = [upgrade for upgrade in seen.upgrades if upgrade.cluster.name in self.clusters]
        waiting = [upgrade for upgrade in ours if upgrade.decision.verdict in (Verdict.WAIT, Verdict.REFUSE)]
        behind = [upgrade for upgrade in waiting if upgrade.cluster.version < self.release]

        return [
            f"{upgrade.cluster.name}: {upgrade.decision.reason} [{upgrade.decision.name}]"
            for upgrade in behind
        ]


def branch_name(version: Version, wave: int) -> str:
    """Return the branch of a release's wave; one flat level, since git cannot hold both `okd/X` and
    `okd/X/wave1`.
    """
    return f"{PREFIX}{version.text}--wave{wave}"


def ours(commits: Sequence[branches.Commit]) -> bool:
    """Whether all commits are of this tool."""
    return all(f"\n{GENERATED_BY}: okd-gitops " in one.message for one in commits)


def open_branches(root: Path, remote: str, base: str, *, except_for: Collection[str]) -> list[Standing]:
    """Return the branches that are not merged into `base`, of a remote or (with "") of this clone; raises
    RemoteError.
    """
    found = []
    for name, sha in sorted(branches.heads(root, remote, f"{PREFIX}*").items()):
        match = _NAME.fullmatch(name)
        if name in except_for or not match:
            continue
        try:
            release = Version.parse(match["release"])
        except ValueError:
            continue
        if remote:
            branches.fetch(root, remote, name)
        commits = branches.commits(root, branches.merge_base(root, base, sha) or sha, sha)
        if commits:
            found.append(
                Standing(name=name, sha=sha, release=release, wave=int(match["wave"]), commits=tuple(commits))
            )
    return found
