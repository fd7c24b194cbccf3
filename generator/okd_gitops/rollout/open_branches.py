"""Branches that earlier runs opened and nobody has merged: which are superseded, and which must wait."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from okd_gitops.evidence.proposal import PREFIX
from okd_gitops.fleet.load import Fleet
from okd_gitops.releases.version import Version
from okd_gitops.system import branches, git
from okd_gitops.system.commit import GENERATED_BY
from okd_gitops.upgrade import path
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.edges import step_kind
from okd_gitops.upgrade.plan import Outlook
from okd_gitops.upgrade.question import Follower
from okd_gitops.upgrade.refusals import Decision, Verdict

_NAME = re.compile(rf"{PREFIX}(?P<release>[0-9A-Za-z.-]+)--wave(?P<wave>[0-9]{{1,2}})")
_CLUSTER = re.compile(r"^Cluster: (\S+)$", re.MULTILINE)
_FROM = re.compile(r"^Okd-From: (\S+)$", re.MULTILINE)


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
    def clusters(self) -> dict[str, Version]:
        """The versions from which clusters are moved, by cluster."""
        starts = {}

        for commit in self.commits:
            cluster, start = _CLUSTER.search(commit.message), _FROM.search(commit.message)
            version = _version(start[1]) if start else None

            if cluster and version:
                starts[cluster[1]] = version

        return starts

    def upgrades(self, fleet: Fleet) -> list[Upgrade]:
        """Return what its commits change, as upgrades that wait."""
        return [self._upgrade(fleet, name, start) for name, start in self.clusters.items()]

    def _upgrade(self, fleet: Fleet, name: str, start: Version) -> Upgrade:
        cluster = fleet.cluster(name)
        follower = Follower(
            name=name,
            # The cluster may have left the fleet since.
            purpose=str(cluster.spec.purpose) if cluster else "",
            guarded=False,
            wave=self.wave,
            soak=timedelta(0),
            stream="",
            version=start,
            image="",
            channel="",
            takes=frozenset(),
        )
        kind = step_kind(start, self.release)
        hops = (path.Hop(start, self.release, kind, (), "", ()),)

        return Upgrade(cluster=follower, path=path.Path(hops), release=None, decision=Decision(Verdict.WAIT))

    def superseded(self, seen: Outlook, made: Iterable[str]) -> bool:
        """Whether its wave has a newer release in `made` (names of branches), or its release is no longer
        accepted.
        """
        accepted = {release.version for release in seen.learned.releases if release.offered_in}

        if self.release not in accepted:
            return True

        matches = [match for name in made if (match := _NAME.fullmatch(name))]
        of_wave = [Version.parse(match["release"]) for match in matches if int(match["wave"]) == self.wave]

        return any(self.release < version for version in of_wave)

    def reasons(self, seen: Outlook) -> list[str]:
        """Return why it must not be merged now, for each of its clusters that must wait; nothing for one
        that is merged already.
        """
        reasons = []

        for upgrade in seen.upgrades:
            is_moved = upgrade.cluster.name in self.clusters and upgrade.cluster.version < self.release
            decision = upgrade.decision

            if is_moved and decision.verdict in (Verdict.WAIT, Verdict.REFUSE):
                reasons.append(f"{upgrade.cluster.name}: {decision.reason} [{decision.name}]")

        return reasons


def ours(commits: Sequence[branches.Commit]) -> bool:
    """Whether all commits are of this tool."""
    return all(f"\n{GENERATED_BY}: okd-gitops " in commit.message for commit in commits)


def open_branches(root: Path, remote: str, base: str, *, except_for: Collection[str]) -> list[Standing]:
    """Return the branches that are not merged into `base`, of a remote or (with "") of this clone; raises
    RemoteError.
    """
    heads = branches.heads(root, remote, f"{PREFIX}*")
    standing = []

    for name, sha in sorted(heads.items()):
        match = _NAME.fullmatch(name)
        release = _version(match["release"]) if match else None

        if name in except_for or match is None or release is None:
            continue

        if remote:
            branches.fetch(root, remote, name)

        commits = tuple(branches.commits(root, branches.merge_base(root, base, sha) or sha, sha))

        if commits:
            standing.append(
                Standing(name=name, sha=sha, release=release, wave=int(match["wave"]), commits=commits)
            )

    return standing


def known_branches(root: Path) -> list[str]:
    """Return the names of open branches of this tool that the clone has, its own and those it fetched."""
    patterns = (f"refs/heads/{PREFIX}*", f"refs/remotes/origin/{PREFIX}*")
    names = [name.partition(PREFIX) for name in git.unmerged(root, patterns)]

    return sorted({f"{PREFIX}{name}" for _, _, name in names})


def _version(text: str) -> Version | None:
    try:
        return Version.parse(text)
    except ValueError:
        return None
