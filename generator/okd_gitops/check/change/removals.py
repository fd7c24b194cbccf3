"""What takes a long-term cluster out of the fleet, or from under it: every way counts as a removal.

A removal takes two merged changes: the first one announces it, the second one makes it. So what counts is
what the base says, never what the same change adds.
"""

from collections.abc import Iterator, Sequence

from okd_gitops.check.change.change import ClusterChange, Status
from okd_gitops.finding import Finding, Location, finding_of
from okd_gitops.fleet.cluster import Cluster, Purpose
from okd_gitops.fleet.fleet_file import Announced, FleetSpec
from okd_gitops.fleet.identity import in_one_spelling, shared_key
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.applications import DELETED, unannounced_removal

# The keys of a cluster file by which Argo CD knows a cluster, with their names in the model.
IDENTITY = (
    ("purpose", "purpose"),
    ("environment", "environment"),
    ("server", "server"),
    ("clusterID", "cluster_id"),
)
# What `replaced_fields` returns for a value that is left out.
NONE = "none"
_MOVING = ("repository", "revision", "hub")


def removal_findings(changes: Sequence[ClusterChange], base: Fleet, now: Fleet) -> list[Finding]:
    """Return a finding for each long-term cluster of the base that a change removes without announcement."""
    findings = []

    for change in changes:
        if change.old is None or not change.old.purpose.guarded or change.old.spec.decommission:
            continue

        findings += [
            unannounced_removal(change.name, place, what_happens)
            for place, what_happens in _removals(change, change.old, base, now)
        ]

    return findings


def replaced_fields(old: Cluster, new: Cluster) -> list[tuple[str, str, str]]:
    """Return the fields that make another cluster of one, each with its old and new value.

    What the old file leaves out makes no other cluster; a new value that is left out is NONE.
    """
    replaced = []

    for field, attribute in IDENTITY:
        old_value, new_value = getattr(old.spec, attribute), getattr(new.spec, attribute)

        is_other = in_one_spelling(field, old_value) != in_one_spelling(field, new_value)

        if old_value is not None and is_other:
            replaced.append((field, str(old_value), str(new_value or NONE)))

    return replaced


def moved_fleet_findings(base: Fleet, now: Fleet) -> list[Finding]:
    """Return a finding for each edit that hands the Applications of long-term clusters to somebody else.

    What the base announces, to exactly the announced value, passes.
    """
    findings = []
    guarded = [cluster.name for cluster in base.clusters if cluster.purpose.guarded]

    for field in _MOVING:
        old, new = _value(base.spec, field), _value(now.spec, field)
        announced = _value(base.spec.announced, field)

        if old == new or announced == new:
            continue

        whose = f"the Applications of {', '.join(guarded)}" if guarded else "every Application"
        reason = f"{field} {old} becomes {new}: {whose} would follow that, and nothing announced it"
        remedy = (
            f"put {field}: {old} back; write announced: with {field}: {new} and a reason, merge that change "
            "alone, then make this one"
        )
        place = now.document.at((field,))
        findings.append(finding_of("unannounced-move", place, reason, remedy, clusters=guarded))

    return findings


def becomes_announced_hub(cluster: Cluster, base: Fleet) -> bool:
    """Whether a long-term cluster becomes the hub that the base announces: it stays guarded."""
    announced = base.spec.announced.hub if base.spec.announced else None

    return cluster.spec.purpose == Purpose.HUB and cluster.name == announced


def _removals(change: ClusterChange, old: Cluster, base: Fleet, now: Fleet) -> Iterator[tuple[Location, str]]:
    """Yield the place of everything in a change that removes a long-term cluster, and what happens there."""
    new = change.new

    if change.status == Status.REMOVED or new is None:
        yield _taken_over(old, now)
        return

    for field, old_value, new_value in replaced_fields(old, new):
        if field == "purpose" and becomes_announced_hub(new, base):
            continue

        effect = "it loses its guard" if field == "purpose" else "its file is about another one"
        what_happens = f"with {field} {new_value} in place of {old_value} {effect}"
        yield new.document.at((field,)), what_happens


def _taken_over(old: Cluster, now: Fleet) -> tuple[Location, str]:
    """Return where a cluster went that has no file any more, and what happened to the file."""
    for cluster in now.clusters:
        key = shared_key(old, cluster)

        if key:
            place = cluster.document.at((key,))
            return place, f"its file was renamed to clusters/{cluster.name}.yaml"

    return Location(file=f"clusters/{old.name}.yaml"), DELETED


def _value(model: FleetSpec | Announced | None, field: str) -> str:
    return str(getattr(model, field, None) or "")
