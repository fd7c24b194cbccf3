"""update and promote: a branch for each release and wave, a commit for each cluster, and the text of the
pull request.

`update` starts a release on the clusters that come first; `promote` goes on with the clusters whose earlier
waves have passed and soaked it. Both are one loop: decide on what the base branch says, edit the cluster
files, generate, check, commit, push. Nothing that people have open is touched, and whatever kills a run, the
next one ends with the same branches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

from okd_gitops.check.check import check
from okd_gitops.check.diff import FOLDERS, diff
from okd_gitops.errors import UsageError
from okd_gitops.finding import FindingsError, refused
from okd_gitops.fleet.cluster import FleetSpec
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.commit import commit_draft
from okd_gitops.generate.generate import generate_draft
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import Path as YamlPath
from okd_gitops.manifests.read import read
from okd_gitops.manifests.set_values import assign, extend
from okd_gitops.releases.version import Version
from okd_gitops.rollout.describe import halted, proposal
from okd_gitops.rollout.open_branches import Standing, branch_name, open_branches, ours
from okd_gitops.rollout.pull_request_text import body, title
from okd_gitops.system import branches, git
from okd_gitops.system import push_target as pushtarget
from okd_gitops.system.disk import FLEET, read_file
from okd_gitops.system.draft import Draft, drafted
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.plan import BlockedError, Outlook, Sources, chosen, due, outlook
from okd_gitops.upgrade.refusals import Verdict

_ATTEMPTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One wave's branch: its commits, its pull request, and its state: planned, made, unchanged, pushed,
    or blocked (open, and to wait).
    """

    name: str
    base: str
    sha: str
    commits: tuple[branches.Commit, ...]
    title: str
    body: str
    state: str = "planned"


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
    # The time as of which this is decided, when it is not now; it goes into the commits.
    rehearsal: str = ""


@dataclass(slots=True)
class _Tools:
    root: Path
    cache: Path
    sources: Sources
    now: datetime
    say: Callable[[str], None] = field(repr=False)
    # The address that is fetched from and pushed to; empty without a push.
    url: str = ""
    revision: str = ""


def rollout(
    root: Path, cache: Path, sources: Sources, request: Request, *, now: datetime, say: Callable[[str], None]
) -> Rollout:
    """Decide, and with `write` bring the branches of all waves that may move now in line; a race with
    another run is run again.

    Raises FindingsError (bad files, or a branch that its own check refuses), BlockedError when a wanted
    target is refused for every cluster, RemoteError when the remote cannot be reached or somebody was faster
    every time.
    """
    tools = _Tools(root, cache, sources, now, say)
    if request.push:
        fleet = parse(FleetSpec, read(FLEET, read_file(root, FLEET)))
        tools.url, tools.revision = branches.address(root, request.remote, fleet.repository), fleet.revision
    if request.rehearsal and tools.url and not pushtarget.is_folder(tools.url):
        # Else a wrong time would skip a soak on real clusters.
        raise UsageError(
            f"{request.remote} is not a folder of this machine: a rehearsal goes nowhere",
            "leave out --at, or push to a bare clone",
        )
    for attempt in range(_ATTEMPTS):
        try:
            return _once(tools, request)
        except branches.RaceError:
            if attempt == _ATTEMPTS - 1:
                raise
            say("somebody else pushed in between: deciding again")
    raise AssertionError


def _once(tools: _Tools, request: Request) -> Rollout:
    base = (
        branches.fetch(tools.root, tools.url, tools.revision)
        if tools.url
        else git.resolve(tools.root, "HEAD")
    )
    with drafted(tools.root, base) as draft:
        seen = outlook(
            draft.folder,
            tools.sources,
            now=tools.now,
            target=request.target,
            acks=request.acks,
            forced=request.forced,
        )
    found = chosen(seen, request.clusters, first=request.first)
    going = due(found)
    blocked = [upgrade for upgrade in found if upgrade.decision.verdict == Verdict.REFUSE]
    if request.target and blocked and not going:
        first = blocked[0]
        reason = f"{first.cluster.name}: {first.decision.reason} [{first.decision.name}]"
        raise BlockedError(reason, first.decision.remedy)

    waves = groupby(sorted(going, key=_wave), key=_wave)
    made = [_branch(tools, request, seen, base, list(group)) for _, group in waves]
    standing = open_branches(tools.root, tools.url, base, except_for={branch.name for branch in made})
    stale = [each for each in standing if each.superseded(seen, [branch.name for branch in made])]
    for each in stale if request.push else ():
        # A person's commits are not ours to drop; the branch is named all the same.
        if each.ours:
            branches.push(tools.root, tools.url, "", each.name, each.sha)
    halted = [_halted(each, seen) for each in standing if each not in stale and each.reasons(seen)]
    return Rollout(
        outlook=seen,
        upgrades=tuple(found),
        branches=(*made, *halted),
        superseded=tuple(each.name for each in stale),
    )


def _halted(standing: Standing, seen: Outlook) -> Branch:
    """Return an open branch that is not to be merged now, with a text that says why."""
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


def _wave(upgrade: Upgrade) -> tuple[Version, int, str]:
    assert upgrade.release is not None
    return (
        upgrade.release.version,
        upgrade.cluster.wave,
        branch_name(upgrade.release.version, upgrade.cluster.wave),
    )


def _branch(tools: _Tools, request: Request, seen: Outlook, base: str, going: Sequence[Upgrade]) -> Branch:
    _, _, name = _wave(going[0])
    tools.say(f"{name}: {', '.join(upgrade.cluster.name for upgrade in going)}")
    before = git.tree_at(tools.root, base, FOLDERS)
    with drafted(tools.root, base) as draft:
        # The base is read once; from here on, each cluster that is edited replaces itself in the fleet.
        fleet = seen.fleet

        for upgrade in going:
            fleet = _commit_upgrade(draft, fleet, upgrade, request)

        report = check(draft.folder, tools.cache, today=tools.now.date(), say=lambda _: None, fleet=fleet)

        if report.exit_code:
            raise FindingsError(report.findings, exit_code=report.exit_code)
        changes = diff(draft.folder, tools.cache, before, say=lambda _: None)
        tip = draft.tip
    made = branches.commits(tools.root, base, tip)
    pull = proposal(
        seen, going, changes, documents=report.documents, base=base, branch=name, rehearsal=request.rehearsal
    )
    branch = Branch(name=name, base=base, sha=tip, commits=tuple(made), title=title(pull), body=body(pull))
    return _published(tools, branch) if request.write else branch


def _commit_upgrade(draft: Draft, fleet: Fleet, upgrade: Upgrade, request: Request) -> Fleet:
    """Commit one cluster's upgrade with everything that is generated from it; return the fleet after it."""
    name = upgrade.cluster.name
    data = _edited_file(fleet, upgrade, request)
    fleet = fleet.with_cluster_file(name, data)

    edited = {f"clusters/{name}.yaml": data}
    generated = generate_draft(draft.folder, fleet, edited)
    subject, trailers = _commit_text(upgrade, request)
    commit_draft(draft, generated, edited, subject=subject, trailers=trailers)

    return fleet


def _edited_file(fleet: Fleet, upgrade: Upgrade, request: Request) -> bytes:
    """Return the cluster's file with the release of the upgrade; comments, order and quotes stay."""
    hop, release, follower = upgrade.first_hop, upgrade.release, upgrade.cluster
    cluster = fleet.cluster(follower.name)
    assert cluster is not None
    assert release is not None

    values: dict[YamlPath, str | bool] = {
        ("release", "version"): release.version.text,
        ("release", "image"): release.image,
    }

    if hop.channel != follower.channel:
        values["release", "channel"] = hop.channel

    if upgrade.forced:
        values["release", "force"] = True

    document = cluster.document
    given_acks = set(hop.acks) & set(request.acks)
    new_acks = sorted(given_acks - follower.acks)

    try:
        data = assign(document, values)
        return extend(read(document.file, data), ("release", "acks"), new_acks) if new_acks else data
    except ValueError as error:
        place = document.at(["release"], key=True)
        reason = f"the release cannot be changed in place: {error}"
        remedy = "write release: with one line for each key"
        raise refused("release-not-editable", place, reason, remedy) from None


def _commit_text(upgrade: Upgrade, request: Request) -> tuple[str, list[str]]:
    """Return the subject and the trailers of a cluster's commit."""
    release, cluster = upgrade.release, upgrade.cluster
    assert release is not None
    start, end = cluster.version.text, release.version.text

    trailers = [
        f"Okd-Release: {end}",
        f"Okd-From: {start}",
        f"Okd-Digest: {release.image}",
        f"Wave: {cluster.wave}",
    ]

    if upgrade.forced:
        trailers.append("Okd-Forced: true")

    if request.rehearsal:
        trailers.append(f"Okd-Rehearsal: {request.rehearsal}")

    return f"okd({cluster.name}): {start} → {end}", trailers


def _published(tools: _Tools, branch: Branch) -> Branch:
    """Let the branch be this, here or on the remote. One that is the same already stays, one that others
    have added to is refused.
    """
    old = branches.heads(tools.root, tools.url, branch.name).get(branch.name, "")
    if old:
        if tools.url:
            branches.fetch(tools.root, tools.url, branch.name)
        theirs = branches.commits(tools.root, branches.merge_base(tools.root, branch.base, old) or old, old)
        if not ours(theirs):
            remedy = f"merge or delete it, or go on without okd-gitops: git log {branch.name}"
            raise BlockedError(
                f"the branch {branch.name} has commits that okd-gitops did not make; it is left alone", remedy
            )
        if _same(theirs, branch.commits) and branches.merge_base(tools.root, branch.base, old) == branch.base:
            return replace(branch, sha=old, commits=tuple(theirs), state="unchanged")
    if tools.url:
        branches.push(tools.root, tools.url, branch.sha, branch.name, old)
        return replace(branch, state="pushed")
    branches.set_branch(tools.root, branch.name, branch.sha, old)
    return replace(branch, state="made")


def _same(one: Sequence[branches.Commit], other: Sequence[branches.Commit]) -> bool:
    return [(each.tree, each.message) for each in one] == [(each.tree, each.message) for each in other]
