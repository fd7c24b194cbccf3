"""The text of an upgrade pull request: title and body, the same bytes for the same values, on every forge.

What does not fit is left out whole and counted. Limits: 65,536 characters on GitHub, 1,048,576 on GitLab.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from okd_gitops.check.diff import ObjectChange
from okd_gitops.evidence.report import Evidence
from okd_gitops.redaction import one_line
from okd_gitops.releases.graph import Edge, Risk
from okd_gitops.report.markdown import (
    Block,
    assemble,
    code,
    fence,
    link,
    names_list,
    plural,
    printable_lines,
    prose,
    table_row,
)
from okd_gitops.report.risks import risks_block
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.path import Path

LIMIT = 65_536
MARKER = "<!-- okd-gitops: every run writes this text anew -->"
_TITLE = 240
_ROWS = (
    "| cluster | purpose | wave | from → to | path | channel | acks | evidence |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
_REPORTS = (
    "### Evidence of the wave before\n\n"
    "| cluster | version | result | finished | soaked |\n"
    "|---|---|---|---|---|\n"
)
_UNDO = (
    "### Undo\n\n"
    "**Before the merge:** close this pull request. Nothing has happened on any cluster.\n\n"
    "**After the merge: OKD cannot be downgraded.** A revert stops only clusters that have not started yet; "
    "it brings no other one back, and leaves git\n"
    "with a release that these clusters do not run. Go forward, to a release that fixes the fault.\n\n"
)


class Attention(StrEnum):
    """What a reviewer is asked for: a glance, a careful look, or to leave it alone."""

    ROUTINE = "ROUTINE"
    LOOK = "LOOK"
    BLOCKED = "BLOCKED"


_MARKS = {Attention.ROUTINE: "🟢", Attention.LOOK: "🟡", Attention.BLOCKED: "🔴"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What the text of a pull request is made of: the upgrades of a wave, and what they rest on.

    `target` is the release, `basis` names for each cluster why it may go now, `conditional` are the risks of
    edges that the graph names, `evidence` are the reports of the waves before, `changes` are differences of
    rendered objects. `waves` is how many the fleet has, `facts` are short counts for the first screen.
    """

    attention: Attention
    target: str
    upgrades: tuple[Upgrade, ...]
    now: datetime
    reasons: tuple[str, ...] = ()
    basis: Mapping[str, str] = field(default_factory=dict)
    conditional: Mapping[Edge, Sequence[Risk]] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    changes: tuple[ObjectChange, ...] = ()
    waves: int = 1
    untouched: int = 0
    facts: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    reproduce: tuple[str, ...] = ()
    made_by: tuple[tuple[str, str], ...] = ()


def title(pull: PullRequest) -> str:
    """Return the title, in one line that every forge takes."""
    versions = sorted({upgrade.cluster.version.text for upgrade in pull.upgrades})
    start = ""

    if versions:
        start = f"{one_line(versions[0], 80) if len(versions) == 1 else f'{len(versions)} versions'} → "

    return one_line(f"okd: {start}{one_line(pull.target, 80)} {_extent(pull)}", _TITLE)


def body(pull: PullRequest, *, limit: int = LIMIT) -> str:
    """Return the body as Markdown of at most `limit` bytes; 8,000 are always enough for its frame."""
    in_order = sorted(pull.upgrades, key=lambda upgrade: (upgrade.cluster.wave, upgrade.cluster.name))
    by_cluster = sorted(pull.evidence, key=lambda report: report.cluster)

    reasons = Block("reasons", "", [f"- {prose(reason)}\n" for reason in pull.reasons], share=0.2)
    rows = Block("clusters", _ROWS, [_row(upgrade, pull.basis) for upgrade in in_order])
    risks = risks_block(pull.upgrades, pull.conditional)
    reports = Block("reports", _REPORTS, [_report(report, pull.now) for report in by_cluster])
    changes = Block("differences", "### What changes\n\n", [_change(change) for change in pull.changes])
    links = Block("links", "### Links\n\n", [f"- {link(*pair)}\n" for pair in pull.links], share=0.3)
    reproduce = _reproduce_block(pull)

    no_risk = "No risk is known: none that the graph names, no barrier, nothing forced.\n\n"
    parts: list[str | Block] = [
        _head(pull),
        reasons,
        _counts(pull),
        rows,
        risks,
        "" if risks.entries else no_risk,
        reports,
        changes,
        links,
        _UNDO,
        reproduce,
        _foot(pull),
    ]

    # What a reviewer must not miss is placed first; differences take what is left.
    return assemble(parts, limit, order=(reasons, risks, reproduce, links, rows, reports, changes))


def _head(pull: PullRequest) -> str:
    heading = f"{_MARKS[pull.attention]} {pull.attention}: {code(pull.target)} {prose(_extent(pull), 300)}"

    return f"{MARKER}\n## {heading}\n\n"


def _counts(pull: PullRequest) -> str:
    counts = [
        f"{len(pull.upgrades)} {plural('cluster', pull.upgrades)} changed",
        f"{pull.untouched} untouched",
        *(prose(fact, 120) for fact in pull.facts[:6]),
    ]

    return f"{', '.join(counts)}.\n\n"


def _foot(pull: PullRequest) -> str:
    made_by = "".join(f"; {prose(name, 60)} {code(value)}" for name, value in pull.made_by[:8])

    return (
        "---\nThis text belongs to okd-gitops: each run writes it anew, and edits are lost. "
        f"Write a comment instead{made_by}.\n"
    )


def _reproduce_block(pull: PullRequest) -> Block:
    commands = [f"{printable_lines(command)}\n" for command in pull.reproduce]
    ticks = fence("".join(commands))

    return Block("commands", f"### See it yourself\n\n{ticks}sh\n", commands, f"{ticks}\n", share=0.3)


def _row(upgrade: Upgrade, basis: Mapping[str, str]) -> str:
    cluster, hop = upgrade.cluster, upgrade.first_hop
    moved = hop.channel != cluster.channel
    acks = ", ".join(code(ack) for ack in hop.acks[:6])

    if len(hop.acks) > 6:
        acks += f" and {len(hop.acks) - 6} more"

    return table_row(
        [
            code(cluster.name),
            prose(cluster.purpose, 40),
            str(cluster.wave),
            f"{code(cluster.version.text)} → {code(hop.to.text)}",
            prose(_path(upgrade), 400),
            f"{code(cluster.channel)} → {code(hop.channel)}" if moved else "same",
            acks or "none",
            prose(basis.get(cluster.name, ""), 200) or "none",
        ]
    )


def _path(upgrade: Upgrade) -> str:
    kind = upgrade.first_hop.kind
    hops = upgrade.path.hops if isinstance(upgrade.path, Path) else ()
    stops = [hop.to.text for hop in hops[:-1]]

    if not stops:
        return f"{kind}, direct"

    more = " …" if len(stops) > 4 else ""
    return f"{kind}, {len(hops)} hops via {', '.join(stops[:4])}{more}"


def _report(report: Evidence, now: datetime) -> str:
    hours = int((now - report.finished).total_seconds() // 3600)

    return table_row(
        [
            code(report.cluster),
            code(report.version),
            "passed" if report.passed else "🔴 **failed**",
            f"{report.finished:%Y-%m-%d %H:%M}",
            f"{hours // 24} d {hours % 24} h",
        ]
    )


def _change(change: ObjectChange) -> str:
    text = printable_lines(change.diff)
    ticks = fence(text)
    added, removed = _changed_lines(text, "+"), _changed_lines(text, "-")
    clusters = [overlay.removeprefix("overlays/") for overlay in change.overlays]

    # A summary is HTML: Markdown's escapes have no effect in it, and names in it would still be mentions.
    summary = f"{len(clusters)} {plural('cluster', clusters)}, +{added} −{removed} lines"

    return (
        f"<details><summary>{summary}</summary>\n\n{names_list(clusters, 60)}\n\n"
        f"{ticks}diff\n{text}\n{ticks}\n\n</details>\n\n"
    )


def _changed_lines(diff: str, sign: str) -> int:
    lines = diff.splitlines()

    return sum(line.startswith(sign) and not line.startswith(sign * 3) for line in lines)


def _extent(pull: PullRequest) -> str:
    """Return which clusters change, and in which waves."""
    clusters = [upgrade.cluster for upgrade in pull.upgrades]

    if not clusters:
        return "on no cluster"

    purposes = sorted({cluster.purpose for cluster in clusters})
    waves = sorted({cluster.wave for cluster in clusters})

    if len(clusters) == 1:
        where = one_line(clusters[0].name, 60)
    elif len(purposes) == 1:
        where = f"{len(clusters)} {one_line(purposes[0], 40)} clusters"
    else:
        where = f"{len(clusters)} clusters"

    listed_waves = ", ".join(map(str, waves[:8])) + (" …" if len(waves) > 8 else "")

    return f"on {where} ({plural('wave', waves)} {listed_waves} of {pull.waves})"
