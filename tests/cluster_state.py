"""What the API of a cluster answers about operators, in the form of openshift/api."""

from datetime import UTC, datetime
from typing import Any

# When the upgrade of these answers ended.
DONE = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def conditions(**status: str) -> list[dict[str, str]]:
    """Return conditions in the form of openshift/api, config/v1/types_cluster_operator.go."""
    return [
        {"type": kind, "status": value, "lastTransitionTime": f"{DONE:%Y-%m-%dT%H:%M:%SZ}"}
        for kind, value in status.items()
    ]


def operator(name: str, **status: str) -> dict[str, Any]:
    """Return a healthy operator, but for the conditions that are given."""
    states = {
        "Available": "True",
        "Degraded": "False",
        "Progressing": "False",
        "Upgradeable": "True",
        **status,
    }
    return {"metadata": {"name": name}, "spec": {}, "status": {"conditions": conditions(**states)}}


def pool(name: str, machines: int, *, updated: int | None = None, ready: int | None = None) -> dict[str, Any]:
    """Return a MachineConfigPool in the form of openshift/api, machineconfiguration/v1/types.go (2a3d739)."""
    of_latest = machines if updated is None else updated
    current = "1" if of_latest < machines else "2"
    states = {"Updated": of_latest == machines, "Updating": of_latest < machines, "Degraded": False}

    return {
        "metadata": {"name": name, "generation": 3},
        "spec": {"paused": False, "configuration": {"name": f"rendered-{name}-2"}},
        "status": {
            "observedGeneration": 3,
            "configuration": {"name": f"rendered-{name}-{current}"},
            "machineCount": machines,
            "updatedMachineCount": of_latest,
            "readyMachineCount": of_latest if ready is None else ready,
            "unavailableMachineCount": 0,
            "degradedMachineCount": 0,
            "conditions": conditions(**{kind: str(value) for kind, value in states.items()}),
        },
    }


def pools(*items: dict[str, Any]) -> dict[str, Any]:
    """Return a MachineConfigPoolList; without items that of a cluster whose nodes are all updated."""
    listed = list(items) or [pool("master", 3), pool("worker", 6)]

    return {"kind": "MachineConfigPoolList", "metadata": {}, "items": listed}


def operators(*items: dict[str, Any]) -> dict[str, Any]:
    """Return a ClusterOperatorList; without items that of a healthy cluster."""
    listed = list(items) or [operator("etcd"), operator("machine-config")]

    return {"kind": "ClusterOperatorList", "metadata": {}, "items": listed}
