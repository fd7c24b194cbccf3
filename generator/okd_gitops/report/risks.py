"""The risks of a pull request's upgrades, each once with all of its clusters."""

from collections.abc import Iterable
from typing import NamedTuple

from okd_gitops.releases.graph import Risk
from okd_gitops.releases.record import RecordedRisk
from okd_gitops.report.markdown import Block, code, link, names_list, prose
from okd_gitops.upgrade.path import Hop

# Where a risk comes from, the gravest first.
_LABELS = {
    "forced": "🔴 **FORCED**",
    "barrier": "🔴 **barrier**",
    "conditional": "**conditional**",
}


class RiskEntry(NamedTuple):
    """A risk as it is listed; `order` puts forced updates and barriers first."""

    order: int
    kind: str
    name: str
    message: str
    url: str


def risks_block(risks: Iterable[tuple[str, RiskEntry]]) -> Block:
    """Return each risk once, with all clusters that it is given for; forced updates and barriers first."""
    clusters: dict[RiskEntry, set[str]] = {}

    for cluster, risk in risks:
        clusters.setdefault(risk, set()).add(cluster)

    in_order = sorted(clusters)
    kinds = [risk.kind for risk in in_order]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in _LABELS if kind in kinds)
    entries = [_risk(risk, clusters[risk]) for risk in in_order]

    return Block("risks", f"### Risks: {counts}\n\n", entries, share=0.4)


def forced_risk() -> RiskEntry:
    """Return the risk of an update that the cluster is forced to."""
    return _entry(
        "forced", "force", "The cluster takes the release past its signature and every precondition."
    )


def risks_of_hop(hop: Hop, conditional: Iterable[Risk | RecordedRisk]) -> list[RiskEntry]:
    """Return the barriers of a hop, and the risks under which its edge is offered."""
    barriers = [_entry("barrier", barrier.name, barrier.message, barrier.url) for barrier in hop.barriers]

    return barriers + [_entry("conditional", risk.name, risk.message, risk.url) for risk in conditional]


def _entry(kind: str, name: str, message: str, url: str = "") -> RiskEntry:
    return RiskEntry(list(_LABELS).index(kind), kind, name, message, url)


def _risk(risk: RiskEntry, clusters: Iterable[str]) -> str:
    more = f" {link('read more', risk.url)}" if risk.url else ""

    return (
        f"- {_LABELS[risk.kind]} {code(risk.name)} on {names_list(clusters)}: {prose(risk.message)}{more}\n"
    )
