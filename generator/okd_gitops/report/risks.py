"""The risks of an upgrade pull request, each once with all of its clusters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from okd_gitops.releases.graph import Edge, Risk
from okd_gitops.report.markdown import Block, code, link, names_list, prose
from okd_gitops.upgrade.decide import Upgrade

_FORCED = "The cluster takes the release past its signature and every precondition."
# Where a risk comes from, the gravest first.
_LABELS = {
    "forced": "🔴 **FORCED**",
    "barrier": "🔴 **barrier**",
    "conditional": "**conditional**",
}


class _RiskEntry(NamedTuple):
    """A risk as it is listed; `order` puts forced updates and barriers first."""

    order: int
    kind: str
    name: str
    message: str
    url: str


def risks_block(upgrades: Sequence[Upgrade], conditional: Mapping[Edge, Sequence[Risk]]) -> Block:
    """Return each risk once, with all of its clusters; forced updates and barriers come first."""
    clusters: dict[_RiskEntry, set[str]] = {}

    for upgrade in upgrades:
        for risk in _risks(upgrade, conditional):
            clusters.setdefault(risk, set()).add(upgrade.cluster.name)

    risks = sorted(clusters)
    kinds = [risk.kind for risk in risks]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in _LABELS if kind in kinds)
    entries = [_risk(risk, clusters[risk]) for risk in risks]

    return Block("risks", f"### Risks: {counts}\n\n", entries, share=0.4)


def _risks(upgrade: Upgrade, conditional: Mapping[Edge, Sequence[Risk]]) -> list[_RiskEntry]:
    hop = upgrade.first_hop

    if upgrade.forced:
        return [_entry("forced", "force", _FORCED)]

    barriers = [_entry("barrier", barrier.name, barrier.message, barrier.url) for barrier in hop.barriers]
    on_edge = conditional.get((hop.source.text, hop.to.text), ())

    return barriers + [_entry("conditional", risk.name, risk.message, risk.url) for risk in on_edge]


def _entry(kind: str, name: str, message: str, url: str = "") -> _RiskEntry:
    return _RiskEntry(list(_LABELS).index(kind), kind, name, message, url)


def _risk(risk: _RiskEntry, clusters: Iterable[str]) -> str:
    more = f" {link('read more', risk.url)}" if risk.url else ""

    return (
        f"- {_LABELS[risk.kind]} {code(risk.name)} on {names_list(clusters)}: {prose(risk.message)}{more}\n"
    )
