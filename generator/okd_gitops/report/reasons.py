"""Why an upgrade needs more than a glance, as sentences: those of a person's change and of the bot's."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from okd_gitops.check.diff import ObjectChange
from okd_gitops.report.leaving import Fate, is_deleted
from okd_gitops.upgrade.edges import kind
from okd_gitops.upgrade.path import Hop

# What some kinds of objects decide, whatever is changed in them.
_GRAVE_KINDS = {
    "MachineConfig": "nodes restart",
    "KubeletConfig": "nodes restart",
    "ContainerRuntimeConfig": "nodes restart",
    "ClusterImagePolicy": "who may sign images changes",
    "Role": "permissions change",
    "ClusterRole": "permissions change",
    "RoleBinding": "permissions change",
    "ClusterRoleBinding": "permissions change",
    "SecurityContextConstraints": "permissions change",
    "ValidatingAdmissionPolicy": "rules of the API server change",
    "ValidatingAdmissionPolicyBinding": "rules of the API server change",
    "CustomResourceDefinition": "an API of the cluster changes",
}


def reasons_of_hop(cluster: str, hop: Hop, *, forced: bool = False) -> list[str]:
    """Return what makes one hop of a cluster more than a routine update."""
    release_kind = kind(hop.to)
    reasons = []

    if forced:
        reasons.append(f"{cluster} is FORCED: neither its signature nor its preconditions count")

    if hop.kind in ("minor", "major"):
        reasons.append(f"a {hop.kind} update: {hop.source.line} → {hop.to.line}")

    if release_kind != "release":
        reasons.append(f"{hop.to.text} is a preview ({release_kind})")

    if hop.risks:
        reasons.append(f"accepted risks of a conditional edge: {', '.join(hop.risks)}")

    if hop.acks:
        reasons.append(f"an administrator acknowledges: {', '.join(hop.acks)}")

    if hop.barriers:
        names = ", ".join(barrier.name for barrier in hop.barriers)
        reasons.append(f"work by hand on {cluster}: {names}")

    return reasons


def reasons_of_later_hops(cluster: str, hops: Sequence[Hop]) -> list[str]:
    """Return that a cluster has to go on after the first hop, where that is so."""
    if len(hops) <= 1:
        return []

    stops = " → ".join(hop.to.text for hop in hops)

    return [f"not the last hop of {cluster}: {stops}"]


def reasons_of_objects(
    changes: Iterable[ObjectChange], fates: Mapping[str, Fate] = MappingProxyType({})
) -> list[str]:
    """Return what changed objects decide beyond themselves, and that some are removed.

    `fates` is what happens to the objects of a cluster that leave Git; of others they are deleted.
    """
    reasons: dict[str, set[str]] = {}

    for change in changes:
        kind = change.object.kind

        if change.verb == "removed" and not is_deleted(change, fates):
            reasons.setdefault("objects leave Git and stay where they are", set()).add(kind)
            continue

        if kind in _GRAVE_KINDS:
            reasons.setdefault(_GRAVE_KINDS[kind], set()).add(kind)

        if change.verb == "removed":
            reasons.setdefault("objects are removed", set()).add(kind)

    return [f"{reason} ({', '.join(sorted(kinds))})" for reason, kinds in sorted(reasons.items())]
