"""list and show: releases as all sources together describe them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, finding_of, nearest
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.upgrade.followers import followers
from okd_gitops.upgrade.recorded import trust_of
from okd_gitops.upgrade.sources import Sources


@dataclass(frozen=True, slots=True)
class Listing:
    """The fleet, the releases to list (newest first), and everything that the sources answered."""

    fleet: FleetSpec
    releases: tuple[Release, ...]
    learned: Learned


@dataclass(frozen=True, slots=True)
class Shown:
    """One release: its digests and streams, its signature, and which releases lead to it and from it."""

    release: Release
    trust: Trust
    before: tuple[str, ...]
    conditional: tuple[str, ...]
    after: tuple[str, ...]


def listing(
    root: Path,
    sources: Sources,
    streams: Collection[str] = (),
    *,
    everything: bool = False,
    fleet: Fleet | None = None,
) -> Listing:
    """Return the accepted releases; with `everything`, also those that no stream accepts.

    `streams` are those that are read; without any, those that clusters follow. `fleet` is that of `root`, if
    it was read already.
    """
    fleet = fleet or load(root)
    wanted = set(streams) or {cluster.stream for cluster in followers(fleet)}
    learned = sources.learn(root, fleet.spec, wanted)
    shown = [release for release in reversed(learned.releases) if everything or release.accepted]

    return Listing(fleet.spec, tuple(shown), learned)


def show(root: Path, sources: Sources, records: Records, version: str, *, now: datetime) -> Shown:
    """Return everything that is known of one release; raises UsageError when no source names it."""
    known = listing(root, sources, everything=True)
    release = next((item for item in known.releases if item.version.text == version), None)

    if release is None:
        names = [item.version.text for item in known.releases]
        remedy = nearest(version, names) or "okd-gitops release list"
        raise UsageError(f'no source names a release "{version}"', remedy)

    trust = Trust(verified=False, findings=(_no_digest(version),))

    if release.signed:
        trust = trust_of(root, sources, records, known.fleet, release, now=now)

    graph = known.learned.graph

    return Shown(
        release,
        trust,
        before=_starts(graph.edges, version),
        conditional=_starts(graph.conditional, version),
        after=tuple(sorted(end for start, end in graph.edges if start == version)),
    )


def _starts(edges: Iterable[tuple[str, str]], version: str) -> tuple[str, ...]:
    """Return the versions from which an edge leads to `version`."""
    return tuple(sorted(start for start, end in edges if end == version))


def _no_digest(version: str) -> Finding:
    name = "signed-digest-unknown"

    return finding_of(name, version, explanation_of(name).statement)
