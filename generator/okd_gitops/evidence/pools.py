"""MachineConfigPools: whether every node of a cluster runs the release.

ClusterVersion is Completed when the pool of control-plane nodes is updated; workers go on for hours. Fields
as in openshift/api, machineconfiguration/v1/types.go (MachineConfigPoolStatus, 2a3d739 of 2026-08-22),
counted as openshift/machine-config-operator does it in pkg/controller/node/status.go (calculateStatus,
7ff337a of 2026-08-20). No condition of an operator tells it: the reason of Upgradeable that did was removed
on 2024-12-16 (377a78bb9), and no line from 4.16 on has it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from okd_gitops.evidence.answers import is_true, maps, name_of
from okd_gitops.manifests.objects import at

NO_API = "the cluster has no MachineConfigPools, so nobody sees which release its nodes run"
_COUNTS = ("machineCount", "updatedMachineCount", "readyMachineCount", "degradedMachineCount")


@dataclass(frozen=True, slots=True)
class Pools:
    """What keeps nodes from running the release.

    `faults` need a person, `unfinished` may end without one, `paused` are the names of pools that nobody
    updates.
    """

    faults: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    paused: tuple[str, ...] = ()


def pools_of(answer: object) -> Pools:
    """Judge a MachineConfigPoolList; `answer` is None where the API server has no such API.

    Hosted control planes have none. That is told, and never taken for fine. What somebody else has judged
    already stays as it is.
    """
    if isinstance(answer, Pools):
        return answer

    if answer is None:
        return Pools(unfinished=(NO_API,))

    pools = list(maps(answer, "items"))
    is_list = at(answer, "kind") == "MachineConfigPoolList"
    is_partial = bool(at(answer, "metadata", "continue"))

    if not is_list or not pools or is_partial:
        return Pools(faults=("the pools of nodes cannot be listed",))

    return Pools(
        faults=tuple(fault for pool in pools for fault in _faults(pool)),
        unfinished=tuple(part for pool in pools for part in _unfinished(pool)),
        paused=tuple(sorted(name_of(pool) for pool in pools if _is_paused(pool))),
    )


def _faults(pool: Mapping[str, Any]) -> Iterator[str]:
    """Name what is wrong with a pool; a degraded one does not go on by itself."""
    total, updated, ready, degraded = _counts(pool)

    if _is_degraded(pool):
        yield f"pool {name_of(pool)} is degraded ({_shown(degraded)} of {_shown(total)} nodes)"
    elif not _is_paused(pool) and _is_rolled_out(pool) and ready != total:
        yield f"pool {name_of(pool)} has {_shown(ready)} of {_shown(updated)} nodes ready"


def _unfinished(pool: Mapping[str, Any]) -> Iterator[str]:
    """Name what of a pool is under way. A paused pool is not: its nodes keep the release that they have."""
    total, updated, _, _ = _counts(pool)
    nodes = f"{_shown(updated)} of {_shown(total)} nodes have its latest configuration"

    if _is_paused(pool):
        yield f"pool {name_of(pool)} is paused: {nodes}"
    elif not _is_degraded(pool) and not _is_rolled_out(pool):
        yield f"pool {name_of(pool)} is not updated: {nodes}"


def _is_rolled_out(pool: Mapping[str, Any]) -> bool:
    """Whether all nodes of a pool have the configuration that it wants now."""
    total, updated, _, _ = _counts(pool)
    wanted, current = (at(pool, part, "configuration", "name") for part in ("spec", "status"))
    is_read = at(pool, "metadata", "generation") == at(pool, "status", "observedGeneration")

    return is_read and total is not None and updated == total and bool(wanted) and wanted == current


def _is_paused(pool: Mapping[str, Any]) -> bool:
    """Whether a pool with nodes is paused; without nodes there is nothing that it could hold back."""
    return at(pool, "spec", "paused") is True and at(pool, "status", "machineCount") != 0


def _is_degraded(pool: Mapping[str, Any]) -> bool:
    degraded = at(pool, "status", "degradedMachineCount")

    return is_true(at(pool, "status"), "Degraded") or (isinstance(degraded, int) and degraded > 0)


def _counts(pool: Mapping[str, Any]) -> tuple[int | None, int | None, int | None, int | None]:
    """Return how many nodes there are, and how many are updated, ready and degraded."""
    counts = [at(pool, "status", name) for name in _COUNTS]
    total, updated, ready, degraded = (count if type(count) is int else None for count in counts)

    return total, updated, ready, degraded


def _shown(count: int | None) -> str:
    return "an unknown number" if count is None else str(count)
