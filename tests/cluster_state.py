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
