"""`okd-gitops release plan`, and how the upgrades of clusters are printed."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.options import (
    ACK,
    CLUSTER,
    OUTPUT,
    RECORDS,
    TO,
    clock,
    fleet_of,
    network_options,
    root_of,
    tools_of,
)
from okd_gitops.cli.output import echo, print_result, print_table, show_findings

if TYPE_CHECKING:
    from okd_gitops.finding import Finding
    from okd_gitops.upgrade.decide import Upgrade
    from okd_gitops.upgrade.known import Network
    from okd_gitops.upgrade.path import Hop
    from okd_gitops.upgrade.plan import Outlook
    from okd_gitops.upgrade.recorded import Recorded

_COLORS = {"done": "green", "upgrade": "cyan", "wait": "yellow", "refuse": "red"}
_SHOWN_EDGES = 5


def network_of(context: click.Context, at: str) -> "tuple[Path, Network]":
    """Return the repository and what asks the sources of releases, as of --at."""
    from okd_gitops.system.http import Http
    from okd_gitops.upgrade.known import Network

    root = root_of(context)
    token = os.environ.get("GITHUB_TOKEN", "")
    tokens = {"api.github.com": token} if token else {}
    http = Http(tools_of(context) / "answers", tokens=tokens)

    return root, Network(http=http, now=clock(at))


def sources_of(
    context: click.Context, at: str, records: str, *, offline: bool
) -> "tuple[Path, Network | Recorded]":
    """Return the repository and its sources of releases as of --at: the network, or what was recorded."""
    from okd_gitops.evidence.records import read_records
    from okd_gitops.upgrade.recorded import Recorded

    if not offline:
        return network_of(context, at)

    root = root_of(context)

    return root, Recorded(read_records(root, records), clock(at))


@click.command()
@TO
@CLUSTER
@ACK
@RECORDS
@network_options
@OUTPUT
@click.pass_context
def plan(
    context: click.Context,
    *,
    target: str,
    clusters: tuple[str, ...],
    acks: tuple[str, ...],
    records: str,
    offline: bool,
    at: str,
    output: str,
) -> None:
    """Show the next release of each cluster.

    Prints the upgrade path, and whether the upgrade may start now. With --to or --cluster, exits 5 if an
    upgrade is refused. Warns about faults in cluster files that would stop `release update`.
    """
    from okd_gitops.evidence.records import read_records
    from okd_gitops.generate.generate import planning_faults
    from okd_gitops.upgrade.plan import matching, outlook

    root, network = sources_of(context, at, records, offline=offline)
    known = read_records(root, records)
    fleet = fleet_of(context)
    seen = outlook(root, network, known, now=network.now, target=target, acks=acks, fleet=fleet)
    upgrades = matching(seen.upgrades, clusters)
    faults = planning_faults(seen.fleet)

    def as_text() -> None:
        print_upgrades(seen, upgrades)
        show_findings(faults, limit=10)

    body = {**upgrades_as_json(seen, upgrades), "faults": faults}
    print_result(output, "Plan", body, as_text)

    refused = any(upgrade.decision.verdict == "refuse" for upgrade in upgrades)

    if (target or clusters) and refused:
        sys.exit(5)


def upgrades_as_json(
    seen: "Outlook", upgrades: "Iterable[Upgrade]", more: "Iterable[Finding]" = ()
) -> dict[str, object]:
    """Return the upgrades as `--output json` shows them, with the signatures and findings behind them.

    `more` are the findings of the command itself.
    """
    findings = [*seen.fleet.notes, *seen.learned.findings, *more]

    return {"moves": list(upgrades), "trust": dict(seen.trust), "findings": findings}


def print_upgrades(seen: "Outlook", upgrades: "Sequence[Upgrade]") -> None:
    """Print a table of the upgrades, and below it why clusters wait and what people must do by hand."""
    rows = [_upgrade_row(upgrade) for upgrade in upgrades]
    print_table(("cluster", "wave", "path", "now"), rows)

    for upgrade in upgrades:
        _print_decision(upgrade)

        for hop in _hops(upgrade):
            _print_barriers(upgrade.cluster.name, hop)

    signatures = [finding for trust in seen.trust.values() for finding in trust.findings]
    show_findings([*signatures, *seen.fleet.notes, *seen.learned.findings], limit=10)


def _hops(upgrade: "Upgrade") -> "tuple[Hop, ...]":
    from okd_gitops.upgrade.path import NoPath

    return () if isinstance(upgrade.path, NoPath) else upgrade.path.hops


def _upgrade_row(upgrade: "Upgrade") -> tuple[str, str, str, str]:
    cluster = upgrade.cluster
    versions = [cluster.version.text, *(hop.to.text for hop in _hops(upgrade))]

    return cluster.name, str(cluster.wave), " → ".join(versions), str(upgrade.decision.verdict)


def _print_decision(upgrade: "Upgrade") -> None:
    """Print why a cluster is not upgraded now, and what to do."""
    from okd_gitops.upgrade.path import NoPath

    decision, path = upgrade.decision, upgrade.path

    if not decision.name or decision.verdict == "done":
        return

    no_path = path if isinstance(path, NoPath) else None
    until = f" until {decision.until.isoformat()}" if decision.until else ""
    nearest = (
        f"; the nearest release that can be reached is {no_path.nearest.text}"
        if no_path and no_path.nearest
        else ""
    )
    reason = f": {decision.reason} [{decision.name}]{until}{nearest}"
    echo(reason, head=upgrade.cluster.name, fg=_COLORS[decision.verdict])

    for edge in no_path.refused[:_SHOWN_EDGES] if no_path else ():
        echo(f"  {edge.reason} [{edge.name}]")

    echo(f"  fix: {decision.remedy}")


def _print_barriers(cluster: str, hop: "Hop") -> None:
    for barrier in hop.barriers:
        instruction = f"{barrier.name}: {barrier.message} {barrier.url}".rstrip()
        echo(f"{cluster}: by hand for {hop.to.text}, {instruction}")
