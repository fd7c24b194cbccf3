"""The fleet as Git has it, for whoever shows it: files, records, branches and announced removals."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from okd_gitops.fleet.load import Fleet
    from okd_gitops.report.fleet_status import FleetStatus


def fleet_from_git(
    root: Path, fleet: "Fleet", records: str, now: datetime, patterns: tuple[str, ...] = ()
) -> "FleetStatus":
    """Return the state of the fleet of `root` with those clusters that match; without patterns, with all."""
    from dataclasses import replace

    from okd_gitops.evidence.records import read_records
    from okd_gitops.finding import matching_names
    from okd_gitops.report.announced_removals import announced_removals
    from okd_gitops.report.fleet_status import fleet_status
    from okd_gitops.rollout.open_branches import known_branches

    whole = fleet_status(root, read_records(root, records), known_branches(root), now, fleet)
    names = {cluster.name for cluster in whole.clusters}

    if patterns:
        names = matching_names(patterns, names, kind="cluster")

    shown = tuple(cluster for cluster in whole.clusters if cluster.name in names)
    removals = announced_removals(root, (cluster.cluster for cluster in shown))

    return replace(whole, clusters=shown, removals=tuple(removals))
