"""The rule unknown-acknowledgement: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.nested_faults import nested_fault
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Location, nearest
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.acknowledgements import NAME
from okd_gitops.releases.lines import facts

# The form that the cluster-version operator demands of a gate: ack-LINE-WHAT.
_GATE = re.compile(r"ack-([0-9]+\.[0-9]+)-[^-].*")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the acknowledgements in ConfigMaps, also inside other objects."""
    for value in overlay.objects:
        for nested in objects_within(value):
            identity = ObjectId.of(nested.value)
            if identity.group_kind != "ConfigMap." or identity.name != NAME:
                continue

            for name in _names(nested.value):
                reason, remedy = _fault_of(name, repository.gates)
                place = _place_in_cluster_file(name, overlay, repository)

                if reason and place:
                    yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(value), location=place)
                elif reason:
                    yield nested_fault(value, nested, reason, remedy, ("data", name))


def _names(config_map: Object) -> list[str]:
    data = at(config_map, "data")
    return [str(name) for name in data] if isinstance(data, dict) else []


def _fault_of(name: str, gates: frozenset[str]) -> tuple[str, str]:
    """Return why no gate asks for an acknowledgement, and the remedy; empty for a line that is not known.

    `gates`: names that the fleet itself adds.
    """
    gate = _GATE.fullmatch(name)
    if not gate:
        return f"{name} is not the name of a gate, so it opens none", "write it like ack-4.21-WHAT-in-4.22"

    line = facts().lines.get(gate[1])
    known = {ack.name for ack in line.acks} if line else set()
    if line is None or name in known | gates:
        return "", ""

    reason = f"no gate of {gate[1]} has the name {name}, so it opens none"
    return reason, nearest(name, known) or f"remove it; {gate[1]} has no gate"


def _place_in_cluster_file(name: str, overlay: Overlay, repository: Repository) -> Location | None:
    """Return where a cluster file gives an acknowledgement, if it does: the ConfigMap follows from that."""
    path = f"clusters/{overlay.name}.yaml"
    text = repository.files.get(path, b"").decode(errors="replace")

    for number, line in enumerate(text.splitlines(), start=1):
        column = line.partition("#")[0].find(name)
        if column >= 0:
            return Location(file=path, line=number, column=column + 1, length=len(name), text=line)
    return None
