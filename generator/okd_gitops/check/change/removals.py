"""What takes a long-term cluster out of the fleet, or from under it: every way counts as a removal.

A removal takes two merged changes: the first one announces it, the second one makes it. So what counts is
what the base says, never what the same change adds.
"""

from collections.abc import Iterator, Sequence

from okd_gitops.check.change.change import ClusterChange, Status
from okd_gitops.finding import Finding, Location, finding_of
from okd_gitops.fleet.cluster import Cluster, FleetSpec
from okd_gitops.fleet.load import Fleet

# The keys of a cluster file by which Argo CD knows a cluster, with their names in the model.
_IDENTITY = (
    ("purpose", "purpose"),
    ("environment", "environment"),
    ("server", "server"),
    ("clusterID", "cluster_id"),
)
_MOVING = ("repository", "revision", "hub")
_REMEDY = (
    "restore clusters/{name}.yaml as it was and add decommission: true; generate and merge that change; "
    "then make this one"
)


def removal_findings(changes: Sequence[ClusterChange], now: Fleet) -> list[Finding]:
    """Return a finding for each long-term cluster of the base that a change removes without announcement."""
    findings = []

    for change in changes:
        if change.old is None or not change.old.purpose.guarded or change.old.spec.decommission:
            continue

        for place, reason in _removals(change, change.old, now):
            remedy = _REMEDY.format(name=change.name)
            findings.append(finding_of("unannounced-removal", place, reason, remedy, clusters=(change.name,)))

    return findings


def replaced_fields(old: Cluster, new: Cluster) -> list[tuple[str, str, str]]:
    """Return the fields that make another cluster of one, each with its old and new value.

    What the old file leaves out makes no other cluster; a new value that is left out is `none`.
    """
    replaced = []

    for field, attribute in _IDENTITY:
        old_value, new_value = getattr(old.spec, attribute), getattr(new.spec, attribute)

        if old_value is not None and old_value != new_value:
            replaced.append((field, str(old_value), str(new_value or "none")))

    return replaced


def moved_fleet_findings(base: Fleet, now: Fleet) -> list[Finding]:
    """Return a finding for each edit that hands the Applications of long-term clusters to somebody else.

    What the base announces, to exactly the announced value, passes.
    """
    findings = []
    guarded = [cluster.name for cluster in base.clusters if cluster.purpose.guarded]

    for field in _MOVING:
        old, new = _value(base.spec, field), _value(now.spec, field)
        announced = _value(base.spec.announced, field) if base.spec.announced else ""

        if old == new or announced == new:
            continue

        reason = (
            f"{field} {old} becomes {new}: the Applications of {', '.join(guarded)} would follow that, "
            "and nothing announced it"
        )
        remedy = (
            f"put {field}: {old} back; write announced: with {field}: {new} and a reason, merge that change "
            "alone, then make this one"
        )
        place = now.document.at((field,))
        findings.append(finding_of("unannounced-move", place, reason, remedy, clusters=guarded))

    return findings


def _removals(change: ClusterChange, old: Cluster, now: Fleet) -> Iterator[tuple[Location, str]]:
    """Yield the place and the reason of everything in a change that removes a long-term cluster."""
    name, new = change.name, change.new

    if change.status == Status.REMOVED or new is None:
        place, renamed = _taken_over(old, now)
        yield place, f"{name} is a long-term cluster, and its file was {renamed}"
        return

    for field, old_value, new_value in replaced_fields(old, new):
        yield new.document.at((field,)), _replaced(name, field, old_value, new_value)


def _replaced(name: str, field: str, old: str, new: str) -> str:
    return (
        f"{name} is a long-term cluster with {field} {old}; with {new} it is another one, and this "
        "one is removed"
    )


def _taken_over(old: Cluster, now: Fleet) -> tuple[Location, str]:
    """Return where a cluster went that has no file any more, and what happened to the file."""
    for cluster in now.clusters:
        same_id = old.spec.cluster_id and old.spec.cluster_id == cluster.spec.cluster_id
        same_server = old.spec.server and old.spec.server == cluster.spec.server

        if same_id or same_server:
            field = "clusterID" if same_id else "server"
            place = cluster.document.at((field,))
            return place, f"renamed to clusters/{cluster.name}.yaml, which is a removal for Argo CD"

    return Location(
        file=f"clusters/{old.name}.yaml"
    ), "deleted without an announcement that was merged before"


def _value(model: FleetSpec | object, field: str) -> str:
    return str(getattr(model, field) or "")
