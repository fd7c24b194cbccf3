"""The text of an upgrade pull request: title and body, the same bytes for the same values, on every forge.

Texts from elsewhere (graph, clusters' files, diffs) are shown as code or escaped: they never become markup, a
mention, a reference that closes an issue, a link, or one of GitLab's quick actions, which are lines that
begin with a slash. What does not fit is left out whole and counted. Limits: 65,536 characters on GitHub,
1,048,576 on GitLab; we count bytes, which are never fewer.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape

from okd_gitops.redaction import one_line, printable

LIMIT = 65_536
MARKER = "<!-- okd-gitops: every run writes this text anew -->"
_TITLE = 240
_SPECIAL = re.compile(r"[\\`*_\[\]|~$]")
# What forges link or act on after Markdown is done, so that a backslash would not stop it: a word joiner
# after the sign does.
_ACTIVE = re.compile(
    r"[@#!%](?=\w)|:(?=//)|(?i:\bwww)(?=\.)|(?i:\bGH)(?=-\d)|^(?=[#+=/-]|\d{1,9}[.)](?:\s|$))"
)
_LINK = re.compile(
    r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/%+,:;=-]*)?(\?[A-Za-z0-9._~/%+,:;=&-]*)?(#[A-Za-z0-9._~/%+,:;=&-]*)?"
)
_SECRET = re.compile(r"(?i)token|secret|signature|password|credential|api_?key")
_UNDO = """\
**Before the merge:** close this pull request. Nothing has happened on any cluster.

**After the merge: OKD cannot be downgraded.** A revert stops only clusters that have not started yet; it brings no other one back, and leaves git
saying what is not so. Go forward, to a release that mends the fault."""


class Verdict(StrEnum):
    """What a reviewer is asked for: a glance, a careful look, or to leave it alone."""

    ROUTINE = "ROUTINE"
    LOOK = "LOOK"
    BLOCKED = "BLOCKED"


class RiskKind(StrEnum):
    """Where a risk comes from, the gravest first."""

    FORCED = "forced"
    BARRIER = "barrier"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cluster that changes. `hops` are all versions after `start` up to the release; this pull request
    sets `target`, the first of them.
    """

    cluster: str
    purpose: str
    wave: int
    start: str
    target: str
    kind: str = "patch"
    hops: tuple[str, ...] = ()
    old_channel: str = ""
    new_channel: str = ""
    acks: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A conditional risk that the graph names, a barrier that is known, or a forced update."""

    kind: RiskKind
    name: str
    message: str
    url: str = ""
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a cluster of the wave before reported of this release."""

    cluster: str
    version: str
    passed: bool
    finished: str
    soaked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """A difference in generated files, and the clusters that all have this very one."""

    text: str
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """Everything that the text says. `waves` is how many the fleet has, `facts` are short counts for the
    first screen.
    """

    verdict: Verdict
    target: str
    rows: tuple[Row, ...]
    reasons: tuple[str, ...] = ()
    waves: int = 1
    untouched: int = 0
    facts: tuple[str, ...] = ()
    risks: tuple[Risk, ...] = ()
    evidence: tuple[Proof, ...] = ()
    hunks: tuple[Hunk, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    reproduce: tuple[str, ...] = ()
    made_by: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Block:
    """A part of the body whose entries are kept or left out whole; at most `share` of the room that is
    left is for it.
    """

    what: str
    head: str
    entries: Sequence[str]
    tail: str = ""
    share: float = 1.0
    kept: list[str] = field(default_factory=list)

    def fill(self, room: int) -> int:
        """Keep what fits and return the room that is left."""
        budget = int(room * self.share)
        for entry in self.entries:
            size = _size(entry)
            if size <= budget:
                self.kept.append(entry)
                budget, room = budget - size, room - size
        return room

    def frame(self) -> int:
        """How many bytes it takes without entries, with a note of those left out."""
        return _size(self.head + self.tail) + _size(self.what) + 100

    def text(self) -> str:
        """Return it with a count of what was left out, and nothing when it never had an entry."""
        missing = len(self.entries) - len(self.kept)
        note = (
            f"\n{missing} more {self.what} left out here: the text would be too long for the forge.\n"
            if missing
            else ""
        )
        return f"{self.head}{''.join(self.kept)}{self.tail}{note}\n" if self.entries else ""


def title(pull: PullRequest) -> str:
    """Return the title, in one line that every forge takes."""
    starts = sorted({row.start for row in pull.rows})
    start = (
        f"{one_line(starts[0], 80) if len(starts) == 1 else f'{len(starts)} versions'} → " if starts else ""
    )
    return one_line(f"okd: {start}{one_line(pull.target, 80)} {_extent(pull)}", _TITLE)


def body(pull: PullRequest, *, limit: int = LIMIT) -> str:
    """Return the body as Markdown of at most `limit` bytes; 8,000 are always enough for its frame."""
    mark = {Verdict.ROUTINE: "🟢", Verdict.LOOK: "🟡", Verdict.BLOCKED: "🔴"}[pull.verdict]
    top = f"{MARKER}\n## {mark} {pull.verdict}: {code(pull.target)} {prose(_extent(pull), 300)}\n\n"
    facts = [
        f"{len(pull.rows)} {_many('cluster', pull.rows)} changed",
        f"{pull.untouched} untouched",
        *(prose(fact, 120) for fact in pull.facts[:6]),
    ]
    reasons = _Block("reasons", "", [f"- {prose(reason)}\n" for reason in pull.reasons], share=0.2)
    rows = _Block(
        "clusters", _ROWS, [_row(row) for row in sorted(pull.rows, key=lambda row: (row.wave, row.cluster))]
    )
    risks = _Block(
        "risks",
        f"### Risks: {_counts(pull.risks)}\n\n",
        [_risk(risk) for risk in _folded(pull.risks)],
        share=0.4,
    )
    proofs = _Block(
        "reports",
        _PROOFS,
        [_proof(proof) for proof in sorted(pull.evidence, key=lambda proof: proof.cluster)],
    )
    hunks = _Block("differences", "### What changes\n\n", [_hunk(hunk) for hunk in pull.hunks])
    links = _Block(
        "links", "### Links\n\n", [f"- {_link(text, url)}\n" for text, url in pull.links], share=0.3
    )
    commands = [f"{_printable(command)}\n" for command in pull.reproduce]
    fence = _fence("".join(commands))
    reproduce = _Block("commands", f"### See it yourself\n\n{fence}sh\n", commands, f"{fence}\n", share=0.3)
    undo = f"### Undo\n\n{_UNDO}\n\n"
    made = "".join(f"; {prose(name, 60)} {code(value)}" for name, value in pull.made_by[:8])
    foot = f"---\nThis text belongs to okd-gitops: each run writes it anew, and edits are lost. Write a comment instead{made}.\n"
    counted = f"{', '.join(facts)}.\n\n"
    calm = (
        "" if pull.risks else "No risk is known: none that the graph names, no barrier, nothing forced.\n\n"
    )
    shown = [reasons, rows, risks, proofs, hunks, links, reproduce]
    room = (
        limit
        - _size(top + counted + calm + undo + foot)
        - sum(block.frame() for block in shown if block.entries)
    )
    # What a reviewer must not miss is placed first; differences take what is left.
    for block in (reasons, risks, reproduce, links, rows, proofs, hunks):
        room = block.fill(room)
    parts: list[str | _Block] = [
        top,
        reasons,
        counted,
        rows,
        risks,
        calm,
        proofs,
        hunks,
        links,
        undo,
        reproduce,
        foot,
    ]
    return "".join(part.text() if isinstance(part, _Block) else part for part in parts)


def code(text: str, longest: int = 120) -> str:
    """Return foreign text as a code span in one line: nothing in it is markup, a mention or a link, and no
    table cell ends in it.
    """
    shown = one_line(text, longest).replace("|", "¦").replace("\\", "⧵")
    fence = "`" * (1 + _ticks(shown))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}" if shown else "(none)"


def prose(text: str, longest: int = 1000) -> str:
    """Return foreign text as one line of words without any effect: no markup, HTML, mention, reference or
    link.
    """
    marked = _ACTIVE.sub(lambda match: f"{match[0]}\u2060", one_line(text, longest))
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", escape(marked, quote=False))


_ROWS = "| cluster | purpose | wave | from → to | path | channel | acks | evidence |\n|---|---|---|---|---|---|---|---|\n"
_PROOFS = "### Evidence of the wave before\n\n| cluster | version | result | finished | soaked |\n|---|---|---|---|---|\n"


def _row(row: Row) -> str:
    via = row.hops[:-1]
    path = (
        f"{row.kind}, direct"
        if not via
        else f"{row.kind}, {len(row.hops)} hops via {', '.join(via[:4])}{' …' if len(via) > 4 else ''}"
    )
    moved = row.old_channel != row.new_channel
    channel = f"{code(row.old_channel)} → {code(row.new_channel)}" if moved else "same"
    acks = ", ".join(code(ack) for ack in row.acks[:6]) + (
        f" and {len(row.acks) - 6} more" if len(row.acks) > 6 else ""
    )
    cells = [
        code(row.cluster),
        prose(row.purpose, 40),
        str(row.wave),
        f"{code(row.start)} → {code(row.target)}",
    ]
    return _cells([*cells, prose(path, 400), channel, acks or "none", prose(row.evidence, 200) or "none"])


def _proof(proof: Proof) -> str:
    result = "passed" if proof.passed else "🔴 **failed**"
    times = [prose(proof.finished, 60), prose(proof.soaked, 60)]

    return _cells([code(proof.cluster), code(proof.version), result, *times])


def _risk(risk: Risk) -> str:
    label = {
        RiskKind.FORCED: "🔴 **FORCED**",
        RiskKind.BARRIER: "🔴 **barrier**",
        RiskKind.CONDITIONAL: "**conditional**",
    }[risk.kind]
    more = f" {_link('read more', risk.url)}" if risk.url else ""
    return f"- {label} {code(risk.name)} on {_clusters(risk.clusters)}: {prose(risk.message)}{more}\n"


def _hunk(hunk: Hunk) -> str:
    text = _printable(hunk.text)
    fence = _fence(text)
    lines = text.splitlines()
    added, removed = (
        sum(line.startswith(sign) and not line.startswith(sign * 3) for line in lines) for sign in "+-"
    )
    # A summary is HTML: Markdown's escapes have no effect in it, and names in it would still be mentions.
    named = f"{len(hunk.clusters)} {_many('cluster', hunk.clusters)}, +{added} −{removed} lines"
    return f"<details><summary>{named}</summary>\n\n{_clusters(hunk.clusters, 60)}\n\n{fence}diff\n{text}\n{fence}\n\n</details>\n\n"


def _link(text: str, url: str) -> str:
    """Return a link; an address that is not plain https, or that might carry a secret, is not shown at
    all.
    """
    shown = prose(text, 120)
    return (
        f"[{shown}](<{url}>)"
        if len(url) < 600 and _LINK.fullmatch(url) and not _SECRET.search(url)
        else f"{shown} (its address is not shown)"
    )


def _folded(risks: Iterable[Risk]) -> list[Risk]:
    """Return each risk once, with all its clusters; forced updates and barriers come first."""
    clusters: dict[tuple[RiskKind, str, str, str], set[str]] = {}
    for risk in risks:
        clusters.setdefault((risk.kind, risk.name, risk.message, risk.url), set()).update(risk.clusters)
    order = list(RiskKind)
    return [
        Risk(kind=key[0], name=key[1], message=key[2], url=key[3], clusters=tuple(sorted(names)))
        for key, names in sorted(clusters.items(), key=lambda item: (order.index(item[0][0]), item[0]))
    ]


def _counts(risks: Sequence[Risk]) -> str:
    folded = _folded(risks)
    return ", ".join(
        f"{count} {kind}" for kind in RiskKind if (count := sum(risk.kind == kind for risk in folded))
    )


def _clusters(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(code(name, 60) for name in sorted(names)[:most]) + more or "no cluster"


def _extent(pull: PullRequest) -> str:
    if not pull.rows:
        return "on no cluster"
    purposes, waves = sorted({row.purpose for row in pull.rows}), sorted({row.wave for row in pull.rows})
    if len(pull.rows) == 1:
        where = one_line(pull.rows[0].cluster, 60)
    else:
        where = " ".join(
            [str(len(pull.rows)), *([one_line(purposes[0], 40)] if len(purposes) == 1 else []), "clusters"]
        )
    waves_text = ", ".join(map(str, waves[:8])) + (" …" if len(waves) > 8 else "")
    return f"on {where} ({_many('wave', waves)} {waves_text} of {pull.waves})"


def _ticks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _fence(text: str) -> str:
    """Return a code fence that nothing in the text can close."""
    return "`" * max(3, 1 + _ticks(text))


def _many(word: str, things: Sequence[object]) -> str:
    return word if len(things) == 1 else f"{word}s"


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _printable(text: str) -> str:
    """Return text of several lines without control characters: those that turn text around would show a
    reviewer another diff.
    """
    return "\n".join(map(printable, text.replace("\r\n", "\n").split("\n"))).strip("\n")


def _size(text: str) -> int:
    return len(text.encode())
