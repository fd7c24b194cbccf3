"""Reading what a cluster's API answered: any part may be missing or have another form, and nothing raises."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from okd_gitops.manifests.objects import at, items
from okd_gitops.redaction import one_line
from okd_gitops.times import parse_time

# As long as a reason may be in a file of the branch.
LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a cluster answered: its ClusterVersion, its ClusterOperatorList, its MachineConfigPoolList, and
    which tests passed.

    `pools` is None where the API server has no MachineConfigPools. `running` are tests that have not ended,
    `told` what failed ones say.
    """

    version: object
    operators: object
    pools: object
    tests: Mapping[str, bool]
    running: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)


def maps(value: object, *path: str) -> Iterator[Mapping[str, Any]]:
    """Return the maps in the list at a path."""
    return (item for item in items(value, *path) if isinstance(item, dict))


def condition(status: object, kind: str) -> Mapping[str, Any]:
    """Return the condition of a type, in the form of openshift/api; empty when there is none."""
    of_kind = (found for found in maps(status, "conditions") if found.get("type") == kind)

    return next(of_kind, {})


def is_true(status: object, kind: str) -> bool:
    """Whether a condition is True."""
    return condition(status, kind).get("status") == "True"


def words(found: Mapping[str, Any]) -> str:
    """Return the reason and the message of a condition as one line."""
    reason, message = found.get("reason") or "", found.get("message") or ""

    return one_line(f"{reason}: {message}" if reason and message else f"{reason}{message}", LONGEST)


def time_of(value: object) -> datetime | None:
    """Read a time of the Kubernetes API (RFC 3339 in UTC, in whole seconds)."""
    try:
        return parse_time(str(value))
    except ValueError:
        return None


def name_of(value: object) -> str:
    """Return the name of an object, fit to be shown."""
    return one_line(str(at(value, "metadata", "name")), 60)


def newest_update(version: object) -> Mapping[str, Any]:
    """Return the update that a ClusterVersion began last."""
    return next(maps(version, "status", "history"), {})


def text_of(value: Mapping[str, Any], key: str) -> str:
    """Return a text of a map as one line; empty for anything else."""
    found = value.get(key)

    return one_line(found, LONGEST) if isinstance(found, str) else ""
