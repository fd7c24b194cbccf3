"""What a run of update, promote or adopt was asked for, and what it works with: base, records, remote."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from okd_gitops.evidence.proposal import PREFIX
from okd_gitops.evidence.records import Records, fetched_records, read_records
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.rollout.publish import Publisher, known_tip, refuse_rewritten
from okd_gitops.system import branches, git, push_target
from okd_gitops.system.disk import FLEET, read_file
from okd_gitops.upgrade.sources import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `forced` are ephemeral clusters, `reopened` patterns of clusters whose closed
    proposals are forgotten; without `write` nothing changes, without `push` nothing leaves this clone.
    """

    first: bool
    target: str = ""
    clusters: tuple[str, ...] = ()
    acks: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
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
    # Whether the forge says that a person closed the pull request of a branch at a commit.
    is_closed: Callable[[str, str], bool] = lambda *_: False

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.root, self.url)


def tools_for(
    root: Path, cache: Path, sources: Sources, request: Request, *, now: datetime, say: Callable[[str], None]
) -> Tools:
    """Return what a run works with, with the address of the remote when the request pushes.

    Raises UsageError for an address that is not the fleet's, and for a rehearsal that would leave this
    machine.
    """
    tools = Tools(root, cache, sources, now, say)

    if request.push:
        fleet = fleet_of(root)
        tools.url = branches.address(root, request.remote, fleet.repository)
        tools.revision = fleet.revision
        tools.publisher.url, tools.publisher.revision = tools.url, tools.revision
        tools.known = known_tip(root, request.remote, fleet.revision)

    if request.rehearsal:
        push_target.must_stay_here(tools.url)

    return tools


def fleet_of(root: Path) -> FleetSpec:
    """Return what fleet.yaml of the work tree says."""
    return parse(FleetSpec, read(FLEET, read_file(root, FLEET)))


def open_heads(tools: Tools) -> dict[str, str] | None:
    """Return the tips of the bot's branches on the remote; None without a push."""
    return branches.heads(tools.root, tools.url, f"{PREFIX}*") if tools.url else None


def base_of(tools: Tools) -> str:
    """Return the commit that all branches start from: the remote's, or that of this clone."""
    if tools.url:
        base = branches.fetch(tools.root, tools.url, tools.revision)

        if tools.known:
            refuse_rewritten(tools.root, base, tools.known, tools.revision)

        return base

    return git.resolve(tools.root, "HEAD")


def records_of(tools: Tools, request: Request) -> Records:
    """Read what the hub has seen: of the remote that is pushed to, unless somebody names a reference."""
    if request.records or not tools.url:
        return read_records(tools.root, request.records)

    return fetched_records(tools.root, tools.url)
