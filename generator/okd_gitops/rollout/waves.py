"""update and promote: a branch for each release and wave, with a commit for each cluster.

`update` starts a release on the clusters that come first; `promote` goes on with the clusters whose earlier
waves have passed and soaked it. Both are one loop: decide on what the base branch says, edit the cluster
files, generate, check, commit, push. Nothing that people have open is touched, and whatever kills a run, the
next one ends with the same branches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from okd_gitops.check.check import check
from okd_gitops.check.diff import FOLDERS, diff
from okd_gitops.errors import OkdGitopsError
from okd_gitops.evidence.records import BRANCH, Records, read_records
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.cluster import FleetSpec
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.releases.version import Version
from okd_gitops.report.pull_request_text import body, title
from okd_gitops.rollout.commit_upgrade import commit_upgrade
from okd_gitops.rollout.describe import halted, proposal
from okd_gitops.rollout.open_branches import Standing, branch_name, open_branches
from okd_gitops.rollout.publish import Branch, Publisher, known_tip, refuse_rewritten
from okd_gitops.system import branches, git, push_target
from okd_gitops.system.disk import FLEET, read_file
from okd_gitops.system.draft import drafted
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.plan import BlockedError, Outlook, chosen, due, outlook
from okd_gitops.upgrade.recorded import Recorded
from okd_gitops.upgrade.refusals import Verdict
from okd_gitops.upgrade.sources import Sources

_ATTEMPTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What a run decided and did. `superseded` are branches of older or withdrawn releases that are open
    for the same waves.
    """

    outlook: Outlook
    upgrades: tuple[Upgrade, ...]
    branches: tuple[Branch, ...]
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `forced` are ephemeral clusters; without `write` nothing changes, without `push`
    nothing leaves this clone.
    """

    first: bool
    target: str = ""
    clusters: tuple[str, ...] = ()
    acks: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()
    write: bool = False
    push: bool = False
    remote: str = "origin"
    # The reference of the records; empty: the branch of the remote, or as it was fetched last.
    records: str = ""
    # The time as of which this is decided, when it is not now; it goes into the commits.
    rehearsal: str = ""


@dataclass
class Tools:
    """What a run works with: folders, sources, a clock, and where progress goes."""

    root: Path
    cache: Path
    sources: Sources
    now: datetime
    say: Callable[[str], None]
    # The address that is fetched from and pushed to; empty without a push.
    url: str = ""
    revision: str = ""
    # Where this clone saw the remote's branch last.
    known: str = ""

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.root, self.url)


def rollout(
    root: Path, cache: Path, sources: Sources, request: Request, *, now: datetime, say: Callable[[str], None]
) -> Rollout:
    """Decide, and with `write` bring the branches of all waves that may move now in line; a race with
    another run is run again.

    Raises FindingsError (bad files, or a branch that its own check refuses), BlockedError when a wanted
    target is refused for every cluster, RemoteError when the remote cannot be reached or somebody was faster
    every time.
    """
    tools = tools_for(root, cache, sources, request, now=now, say=say)

    try:
        return branches.repeated(
            lambda: _once(tools, request),
            attempts=_ATTEMPTS,
            on_race=lambda: say("somebody else pushed in between: deciding again"),
        )
    except OkdGitopsError:
        tools.publisher.withdraw()
        raise


def tools_for(
    root: Path, cache: Path, sources: Sources, request: Request, *, now: datetime, say: Callable[[str], None]
) -> Tools:
    """Return what a run works with, with the address of the remote when the request pushes.

    Raises UsageError for an address that is not the fleet's, and for a rehearsal that would leave this
    machine.
    """
    tools = Tools(root, cache, sources, now, say)

    if request.push:
        fleet = parse(FleetSpec, read(FLEET, read_file(root, FLEET)))
        tools.url = branches.address(root, request.remote, fleet.repository)
        tools.publisher.url = tools.url
        tools.revision = fleet.revision
        tools.known = known_tip(root, request.remote, fleet.revision)

    if request.rehearsal:
        push_target.must_stay_here(tools.url)

    return tools


def _once(tools: Tools, request: Request) -> Rollout:
    base = base_of(tools)
    seen = _outlook_of(tools, request, base)
    upgrades = chosen(seen, request.clusters, first=request.first)
    going = due(upgrades)

    if request.target and not going:
        _refuse_blocked(upgrades)

    waves = groupby(sorted(going, key=_wave), key=_wave)
    new_branches = [make_branch(tools, request, seen, base, list(of_wave)) for _, of_wave in waves]
    tools.publisher.withdraw(except_for=[branch.name for branch in new_branches])
    superseded, halted_branches = _older_branches(tools, seen, base, [branch.name for branch in new_branches])

    if request.push:
        _delete(tools, superseded)
        _recheck(tools, request, seen, base, new_branches)

    return Rollout(
        outlook=seen,
        upgrades=tuple(upgrades),
        branches=(*new_branches, *halted_branches),
        superseded=tuple(branch.name for branch in superseded),
    )


def _recheck(
    tools: Tools, request: Request, seen: Outlook, base: str, new_branches: Sequence[Branch]
) -> None:
    """Raise RaceError when what was decided on is not what the remote has after the push."""
    pushed = [branch for branch in new_branches if branch.state == "pushed"]

    if pushed:
        records = None if request.records else seen.records.commit
        tools.publisher.recheck(pushed, tools.revision, base, records)


def _older_branches(
    tools: Tools, seen: Outlook, base: str, new_names: Sequence[str]
) -> tuple[list[Standing], list[Branch]]:
    """Return the open branches of earlier runs that are superseded, and those that must not be merged now."""
    still_open = open_branches(tools.root, tools.url, base, except_for=new_names)
    superseded = [branch for branch in still_open if branch.superseded(seen, new_names)]
    must_wait = [branch for branch in still_open if branch not in superseded and branch.reasons(seen)]

    return superseded, [_halted(branch, seen) for branch in must_wait]


def base_of(tools: Tools) -> str:
    """Return the commit that all branches start from: the remote's, or that of this clone."""
    if tools.url:
        base = branches.fetch(tools.root, tools.url, tools.revision)

        if tools.known:
            refuse_rewritten(tools.root, base, tools.known, tools.revision)

        return base

    return git.resolve(tools.root, "HEAD")


def _outlook_of(tools: Tools, request: Request, base: str) -> Outlook:
    """Decide on what a commit contains; nothing of the work tree has a part in it."""
    records = records_of(tools, request)
    # Without a network, releases and evidence are of the same commit.
    is_offline = isinstance(tools.sources, Recorded)
    sources = Recorded(records, tools.now) if is_offline else tools.sources

    with drafted(tools.root, base) as draft:
        return outlook(
            draft.folder,
            sources,
            records,
            now=tools.now,
            target=request.target,
            acks=request.acks,
            forced=request.forced,
        )


def records_of(tools: Tools, request: Request) -> Records:
    """Read what the hub has seen: of the remote that is pushed to, unless somebody names a reference."""
    if request.records or not tools.url:
        return read_records(tools.root, request.records)

    if not branches.heads(tools.root, tools.url, BRANCH):
        return Records()

    return read_records(tools.root, branches.fetch(tools.root, tools.url, BRANCH))


def _refuse_blocked(upgrades: Sequence[Upgrade]) -> None:
    """Raise BlockedError with the first refusal, if there is one."""
    for upgrade in upgrades:
        decision = upgrade.decision

        if decision.verdict == Verdict.REFUSE:
            reason = f"{upgrade.cluster.name}: {decision.reason} [{decision.name}]"
            raise BlockedError(reason, decision.remedy)


def _delete(tools: Tools, superseded: Sequence[Standing]) -> None:
    """Delete superseded branches from the remote; a person's commits stay, and only the branch is named."""
    for branch in superseded:
        if branch.ours:
            branches.push(tools.root, tools.url, "", branch.name, branch.sha)


def _halted(standing: Standing, seen: Outlook) -> Branch:
    """Return an open branch that must not be merged now, with a text that gives the reason."""
    pull = halted(seen, standing)

    return Branch(
        name=standing.name,
        base="",
        sha=standing.sha,
        commits=standing.commits,
        title=title(pull),
        body=body(pull),
        state="blocked",
    )


def _wave(upgrade: Upgrade) -> tuple[Version, int]:
    assert upgrade.release is not None
    return upgrade.release.version, upgrade.cluster.wave


def make_branch(
    tools: Tools, request: Request, seen: Outlook, base: str, going: Sequence[Upgrade], name: str = ""
) -> Branch:
    """Make a branch, by default that of a wave: a commit for each cluster, checked as a whole."""
    name = name or branch_name(*_wave(going[0]))
    tools.say(f"{name}: {', '.join(upgrade.cluster.name for upgrade in going)}")
    before = git.tree_at(tools.root, base, FOLDERS)

    with drafted(tools.root, base) as draft:
        # The base was read once; from here on, each cluster that is edited replaces itself in the fleet.
        fleet = seen.fleet

        for upgrade in going:
            fleet = commit_upgrade(draft, fleet, upgrade, acks=request.acks, rehearsal=request.rehearsal)

        report = check(draft.folder, tools.cache, today=tools.now.date(), say=lambda _: None, fleet=fleet)

        if report.exit_code:
            raise FindingsError(report.findings, exit_code=report.exit_code)

        difference = diff(draft.folder, tools.cache, before, say=lambda _: None)
        tip = draft.tip

    pull = proposal(
        seen,
        going,
        difference,
        documents=report.documents,
        base=base,
        branch=name,
        rehearsal=request.rehearsal,
    )
    commits = tuple(branches.commits(tools.root, base, tip))
    branch = Branch(name=name, base=base, sha=tip, commits=commits, title=title(pull), body=body(pull))

    return tools.publisher.publish(branch) if request.write else branch
