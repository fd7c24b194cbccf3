"""The order in which clusters take a release, weakened: a release of a later change is judged by the waves of
that day, so the change that loosens them must say so.
"""

from collections.abc import Iterator, Sequence

from okd_gitops.check.change.change import ClusterChange
from okd_gitops.check.change.sides import Side
from okd_gitops.finding import Finding, finding_of
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.upgrade.question import clusters_before


def weakened_orders(changes: Sequence[ClusterChange], base: Side, now: Side) -> list[Finding]:
    """Return a warning for each edit of a wave or stream after which a cluster waits for less than before."""
    findings = []

    for change in changes:
        old, new = change.old, change.new

        if old is None or new is None:
            continue

        steps = _steps(old, new)
        effects = list(_effects(old, new, base, now)) if steps else []

        if effects:
            field = ("wave",) if old.wave != new.wave else ("release", "stream")
            reason = f"{change.name} leaves {' and '.join(steps)}: {'; '.join(effects)}"
            place = new.document.at(field)
            findings.append(finding_of("order-weakened", place, reason, clusters=(change.name,)))

    return findings


def _steps(old: Cluster, new: Cluster) -> list[str]:
    """Return which wave and which stream a cluster leaves, and for what."""
    old_stream, new_stream = _stream(old), _stream(new)
    steps = []

    if old.wave != new.wave:
        steps.append(f"wave {old.wave} for wave {new.wave}")

    if old_stream and old_stream != new_stream:
        steps.append(f"stream {old_stream} for {new_stream or 'none'}")

    return steps


def _effects(old: Cluster, new: Cluster, base: Side, now: Side) -> Iterator[str]:
    """Yield what is weaker after an edit, for the cluster itself and for those that waited for it."""
    name = new.name
    not_waited_for = _waits_for(name, base) - _waits_for(name, now)
    freed = [
        other.name
        for other in now.fleet.clusters
        if name in _waits_for(other.name, base) - _waits_for(other.name, now)
    ]

    if new.wave < old.wave:
        yield "releases reach it earlier"

    if not_waited_for:
        yield f"it waits no longer for {', '.join(sorted(not_waited_for))}"

    if freed:
        yield f"{', '.join(freed)} no longer wait for it"


def _waits_for(name: str, side: Side) -> set[str]:
    """Return the clusters that take a release before this one, held ones too; none without a stream."""
    followers = {follower.name: follower for follower in side.followers}

    if name not in followers:
        return set()

    return {other.name for other in clusters_before(followers[name], side.followers)}


def _stream(cluster: Cluster) -> str:
    release = cluster.spec.release

    return (release.stream or "") if release else ""
