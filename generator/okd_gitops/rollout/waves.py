"""update and promote: a branch for each release and wave, with a commit for each cluster.

`update` starts a release on the clusters that come first; `promote` goes on with the clusters whose earlier
waves have passed and soaked it. Both are one loop: decide on what the base branch says, edit the cluster
files, generate, check, commit, push. Nothing that people have open is touched, and whatever kills a run, the
next one ends with the same branches.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

from okd_gitops.check.check import check
from okd_gitops.check.diff import FOLDERS, diff
from okd_gitops.errors import OkdGitopsError
from okd_gitops.evidence.proposal import ProposalNote, branch_name
from okd_gitops.evidence.records import Records
from okd_gitops.finding import Finding, FindingsError
from okd_gitops.releases.version import Version
from okd_gitops.report.pull_request_text import body, title
from okd_gitops.rollout.commit_upgrade import commit_upgrade
from okd_gitops.rollout.describe import halted, proposal
from okd_gitops.rollout.open_branches import Standing, open_branches
from okd_gitops.rollout.proposals import closed_branches, noted, seen_now, without_reopened, write_notes
from okd_gitops.rollout.publish import Branch
from okd_gitops.rollout.request import Request, Tools, base_of, open_heads, records_of, tools_for
from okd_gitops.system import branches, git_objects
from okd_gitops.system.draft import drafted
from okd_gitops.system.kept import Kept
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.plan import BlockedError, Outlook, chosen, due, outlook
from okd_gitops.upgrade.recorded import Recorded
from okd_gitops.upgrade.refusals import Verdict
from okd_gitops.upgrade.sources import Sources

_ATTEMPTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What a run decided and did. `superseded` are branches of older or withdrawn releases that are open
    for the same waves, `findings` warn of notes that could not be written.
    """

    outlook: Outlook
    upgrades: tuple[Upgrade, ...]
    branches: tuple[Branch, ...]
    superseded: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Older:
    """Branches of earlier runs: superseded ones, those that people closed, and those that must not be merged
    now.
    """

    superseded: list[Standing]
    closed: list[Standing]
    halted: list[Branch]


def rollout(
    root: Path,
    cache: Path,
    sources: Sources,
    request: Request,
    *,
    now: datetime,
    say: Callable[[str], None],
    is_closed: Callable[[str, str], bool] = lambda *_: False,
) -> Rollout:
    """Decide, and with `write` bring the branches of all waves that may move now in line; a race with
    another run is run again.

    `is_closed` asks the forge whether a person closed the pull request of a branch at a commit.

    Raises FindingsError (bad files, or a branch that its own check refuses), BlockedError when a wanted
    target is refused for every cluster, RemoteError when the remote cannot be reached or somebody was faster
    every time.
    """
    tools = tools_for(root, cache, sources, request, now=now, say=say)
    tools.is_closed = is_closed

    try:
        return branches.repeated(
            lambda: _once(tools, request),
            attempts=_ATTEMPTS,
            on_race=lambda: say("somebody pushed, merged or closed in between: deciding again"),
        )
    except OkdGitopsError:
        tools.publisher.withdraw()
        raise


def _once(tools: Tools, request: Request) -> Rollout:
    # In this order: a branch is pushed before its note, and merged before it is deleted.
    records = records_of(tools, request)
    heads = open_heads(tools)
    closed = closed_branches(records.proposals, heads or {}, tools.is_closed)
    base = base_of(tools)

    tools.publisher.open_before = heads or {}
    proposals = _proposals(tools, request, records, heads, closed)
    seen = _outlook_of(tools, request, base, replace(records, proposals=proposals))
    upgrades = chosen(seen, request.clusters, first=request.first)
    going = due(upgrades)

    if request.target and not going:
        _refuse_blocked(upgrades)

    waves = [list(of_wave) for _, of_wave in groupby(sorted(going, key=_wave), key=_wave)]
    new_branches = [make_branch(tools, request, seen, base, of_wave) for of_wave in waves]
    tools.publisher.withdraw(except_for=[branch.name for branch in new_branches])
    older = _older_branches(tools, seen, base, [branch.name for branch in new_branches], closed)

    findings: list[Finding] = []

    if request.push:
        _recheck(tools, request, seen, base, new_branches)
        published = list(zip(new_branches, waves, strict=True))
        findings = _note(tools, request, seen, records, published, older.superseded)
        _delete(tools, [*older.superseded, *older.closed])

    return Rollout(
        outlook=seen,
        upgrades=tuple(upgrades),
        branches=(*new_branches, *older.halted),
        superseded=tuple(branch.name for branch in older.superseded),
        findings=tuple(findings),
    )


def _proposals(
    tools: Tools, request: Request, records: Records, heads: Mapping[str, str] | None, closed: Collection[str]
) -> tuple[ProposalNote, ...]:
    """Return the notes as this run sees them; without a push nobody asked the remote (`heads` is None)."""
    notes: Sequence[ProposalNote] = records.proposals

    if heads is not None:
        open_now = {name: sha for name, sha in heads.items() if name not in closed}
        notes = seen_now(notes, open_now, tools.now)

    return tuple(without_reopened(notes, request.reopened))


def _recheck(
    tools: Tools, request: Request, seen: Outlook, base: str, new_branches: Sequence[Branch]
) -> None:
    """Raise RaceError when what was decided on is not what the remote has after the push."""
    pushed = [branch for branch in new_branches if branch.state == "pushed"]

    if pushed:
        records = None if request.records else seen.records.commit
        tools.publisher.recheck(pushed, base, records)


def _note(
    tools: Tools,
    request: Request,
    seen: Outlook,
    records: Records,
    published: Sequence[tuple[Branch, Sequence[Upgrade]]],
    superseded: Sequence[Standing],
) -> list[Finding]:
    """Note what is proposed and what people closed; nothing where somebody named other records."""
    if request.records:
        return []

    names = [branch.name for branch in superseded]
    notes = noted(seen.records.proposals, seen.upgrades, published, superseded=names, now=tools.now)

    return write_notes(tools.root, tools.url, records.proposals, notes)


def _older_branches(
    tools: Tools, seen: Outlook, base: str, new_names: Sequence[str], closed_names: Collection[str]
) -> _Older:
    """Return the branches of earlier runs that are not made anew, by what happens to them."""
    existing = open_branches(tools.root, tools.url, base, except_for=new_names)
    closed = [branch for branch in existing if branch.name in closed_names]
    still_open = [branch for branch in existing if branch.name not in closed_names]
    superseded = [branch for branch in still_open if branch.superseded(seen, new_names)]
    must_wait = [branch for branch in still_open if branch not in superseded and branch.reasons(seen)]

    return _Older(superseded, closed, [_halted(branch, seen) for branch in must_wait])


def _outlook_of(tools: Tools, request: Request, base: str, records: Records) -> Outlook:
    """Decide on what a commit contains; nothing of the work tree has a part in it."""
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


def _refuse_blocked(upgrades: Sequence[Upgrade]) -> None:
    """Raise BlockedError with the first refusal, if there is one."""
    for upgrade in upgrades:
        decision = upgrade.decision

        if decision.verdict == Verdict.REFUSE:
            reason = f"{upgrade.cluster.name}: {decision.reason} [{decision.name}]"
            raise BlockedError(reason, decision.remedy)


def _delete(tools: Tools, ended: Sequence[Standing]) -> None:
    """Delete superseded and closed branches of the remote; a branch with commits of a person stays."""
    for branch in ended:
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
        labels=_labels(standing.wave),
        state="blocked",
    )


def _labels(wave: int) -> tuple[str, ...]:
    return "okd-upgrade", f"wave{wave}"


def _wave(upgrade: Upgrade) -> tuple[Version, int]:
    assert upgrade.release is not None
    return upgrade.release.version, upgrade.cluster.wave


def _branch_name(upgrade: Upgrade) -> str:
    version, wave = _wave(upgrade)

    return branch_name(version.text, wave)


def make_branch(
    tools: Tools, request: Request, seen: Outlook, base: str, going: Sequence[Upgrade], name: str = ""
) -> Branch:
    """Make a branch, by default that of a wave: a commit for each cluster, checked as a whole."""
    name = name or _branch_name(going[0])
    tools.say(f"{name}: {', '.join(upgrade.cluster.name for upgrade in going)}")
    before = git_objects.tree_at(tools.root, base, FOLDERS)

    with drafted(tools.root, base) as draft:
        # The base was read once; from here on, each cluster that is edited replaces itself in the fleet.
        fleet, generated = seen.fleet, None

        for upgrade in going:
            generated = commit_upgrade(
                draft, fleet, upgrade, generated, acks=request.acks, rehearsal=request.rehearsal
            )
            fleet = generated.fleet

        kept = Kept.for_draft(tools.root, tools.cache)
        report = check(
            draft.folder,
            tools.cache,
            today=tools.now.date(),
            say=lambda _: None,
            fleet=fleet,
            kept=kept,
        )

        if report.exit_code:
            raise FindingsError(report.findings, exit_code=report.exit_code)

        difference = diff(draft.folder, tools.cache, before, say=lambda _: None, kept=kept)
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
    branch = Branch(
        name=name,
        base=base,
        sha=tip,
        commits=commits,
        title=title(pull),
        body=body(pull),
        labels=_labels(going[0].cluster.wave),
    )

    return tools.publisher.publish(branch) if request.write else branch
