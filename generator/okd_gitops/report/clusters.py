"""The clusters of a pull request as a table, one row each."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from okd_gitops.evidence.report import Evidence
from okd_gitops.report.markdown import Block, code, names_list, prose, table_row
from okd_gitops.upgrade.path import Hop, Path

_HEAD = "| cluster | purpose | wave | release | how | evidence | order |\n|---|---|---|---|---|---|---|\n"
# What the first of the two changes that remove a long-term cluster does.
ANNOUNCED = "announced to leave the fleet: the next change removes it"
_MANY_ACKS = 6
_MANY_STOPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """One cluster that a change concerns.

    `status` is added, removed or changed; `old` and `new` are its versions (empty: there is none). `how` and
    `evidence` are Markdown: by which path or with which edits, or what its removal does, and what the earlier
    waves reported. `waits_for` are the clusters that run the release first, `followed_by` those that wait for
    this one. A `refused` cluster must not be merged; `another`: where the release runs, if the file is about
    another cluster than before. `announced`: the change announces that the cluster leaves the fleet.
    """

    name: str
    purpose: str
    wave: int
    old: str
    new: str
    status: str = "changed"
    how: str = ""
    evidence: str = ""
    waits_for: tuple[str, ...] = ()
    followed_by: tuple[str, ...] = ()
    refused: bool = False
    another: str = ""
    announced: bool = False


def clusters_block(rows: Iterable[ClusterRow]) -> Block:
    """Return one row for each cluster, those that are refused first, then by wave and name."""
    in_order = sorted(rows, key=lambda row: (not row.refused, row.wave, row.name))

    return Block("clusters", _HEAD, [_row(row) for row in in_order])


def path_words(path: Path, channel: str) -> str:
    """Return how a cluster with a channel gets to the end of a path: kind, stops, channel, acks."""
    hop = path.hops[0]
    words = [f"{prose(hop.kind, 40)}, {_stops(path)}"]

    if hop.channel != channel:
        words.append(f"channel {code(channel)} → {code(hop.channel)}")

    if hop.acks:
        words.append(_acks(hop))

    return "; ".join(words)


def evidence_words(reports: Sequence[Evidence], waits_for: Collection[str], now: datetime) -> str:
    """Return in short what the clusters of earlier waves reported of a release."""
    if not waits_for:
        return "first wave"

    failed = [report.cluster for report in reports if not report.passed]

    if failed:
        return f"🔴 failed on {names_list(failed, 3)}"

    silent = set(waits_for) - {report.cluster for report in reports}

    if silent:
        return f"🔴 no report of {names_list(silent, 3)}"

    newest = max(report.finished for report in reports)

    return f"{len(reports)} passed, {age(newest, now)} ago"


def age(time: datetime, now: datetime) -> str:
    """Return how long ago something was, in days and hours."""
    hours = max(0, int((now - time).total_seconds() // 3600))

    return f"{hours // 24} d {hours % 24} h"


def _row(row: ClusterRow) -> str:
    return table_row(
        [
            f"🔴 {code(row.name)}" if row.refused else code(row.name),
            prose(row.purpose, 40),
            str(row.wave),
            _release(row),
            row.how or "—",
            row.evidence or "—",
            _order(row),
        ]
    )


def _release(row: ClusterRow) -> str:
    if row.announced:
        return f"{code(row.new) if row.new else 'none'} stays; 🔴 {ANNOUNCED}"

    if not row.old and not row.new:
        return {"added": "new, none", "removed": "**removed**"}.get(row.status, "none")

    if row.another and row.new:
        return f"{code(row.new)} 🔴 {row.another}"

    if row.old == row.new:
        return f"{code(row.new)} stays"

    old = code(row.old) if row.old else "new"
    new = code(row.new) if row.new else "**removed**"

    return f"{old} → {new}"


def _order(row: ClusterRow) -> str:
    words = []

    if row.waits_for:
        words.append(f"after {names_list(row.waits_for, 3)}")

    if row.followed_by:
        words.append(f"before {names_list(row.followed_by, 3)}")

    return "; ".join(words) or "—"


def _stops(path: Path) -> str:
    """Return where the path goes on after its first hop, which is the one that the change makes."""
    later = [hop.to.text for hop in path.hops[1:]]

    if not later:
        return "direct"

    stops = ", ".join(map(code, later[:_MANY_STOPS]))
    more = " …" if len(later) > _MANY_STOPS else ""

    return f"hop 1 of {len(path.hops)}, then {stops}{more}"


def _acks(hop: Hop) -> str:
    acks = ", ".join(code(ack) for ack in hop.acks[:_MANY_ACKS])
    more = f" and {len(hop.acks) - _MANY_ACKS} more" if len(hop.acks) > _MANY_ACKS else ""

    return f"acknowledges {acks}{more}"
