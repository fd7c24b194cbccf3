"""The text of a pull request: title and body, the same bytes for the same values, on every forge.

The bot's upgrade and a person's change are told by the same parts. What does not fit is left out whole and
counted. Limits: 65,536 characters on GitHub, 1,048,576 on GitLab.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from okd_gitops.check.change.change import TrustEdit
from okd_gitops.check.diff import ObjectChange
from okd_gitops.evidence.report import Evidence
from okd_gitops.finding import Finding
from okd_gitops.redaction import one_line
from okd_gitops.report.clusters import ClusterRow, clusters_block
from okd_gitops.report.differences import differences_block
from okd_gitops.report.findings import findings_block, older_words, refusals_block
from okd_gitops.report.guidance import HOLD, REBOOT, commands_block, undo_words
from okd_gitops.report.leaving import Fate
from okd_gitops.report.markdown import Block, assemble, code, link, plural, prose, sentence
from okd_gitops.report.notes import notes_block
from okd_gitops.report.reports import reports_block
from okd_gitops.report.risks import RiskEntry, risks_block
from okd_gitops.report.verdict import Attention
from okd_gitops.report.words import words_block

LIMIT = 65_536
# The frame without any entry is always smaller.
SMALLEST_LIMIT = 8_000
MARKER = "<!-- okd-gitops: every run writes this text anew -->"
_TITLE = 240
# A list below another one needs a line between: they would be one list.
_LOOK = "**Look at:**\n\n"
_TRUST = (
    "### 🔴 Trust changes\n\n"
    "This decides whose code and releases the clusters run. Read each value letter by letter.\n\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What the text of a pull request is made of: the clusters that change, and what that rests on.

    `reasons` is why a reviewer must look, `facts` are short counts for the first screen, `target` the release
    (empty: the change is about something else). `findings` are new ones, `older` counts those of the base.
    Files that are no fleet are not readable: then no cluster was compared. `fates` is what happens to objects
    that leave Git, by cluster.
    `sources_away` are sources of releases that did not answer, `notes` what the release's author wrote.
    """

    attention: Attention
    rows: tuple[ClusterRow, ...]
    now: datetime
    target: str = ""
    is_readable: bool = True
    reasons: tuple[str, ...] = ()
    refusals: tuple[Finding, ...] = ()
    trust_edits: tuple[TrustEdit, ...] = ()
    risks: tuple[tuple[str, RiskEntry], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    changes: tuple[ObjectChange, ...] = ()
    fates: Mapping[str, Fate] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    older: int = 0
    sources_away: tuple[str, ...] = ()
    notes: str = ""
    waves: int = 1
    untouched: int = 0
    facts: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    reproduce: tuple[str, ...] = ()
    made_by: tuple[tuple[str, str], ...] = ()

    @property
    def moved(self) -> list[ClusterRow]:
        """The clusters that get another release."""
        return [row for row in self.rows if row.new and row.old != row.new]


def title(pull: PullRequest) -> str:
    """Return the title of an upgrade, in one line that every forge takes."""
    versions = sorted({row.old for row in pull.rows if row.old})
    start = ""

    if versions:
        start = f"{one_line(versions[0], 80) if len(versions) == 1 else f'{len(versions)} versions'} → "

    return one_line(f"okd: {start}{one_line(pull.target, 80)} {_extent(pull, pull.rows)}", _TITLE)


def body(pull: PullRequest, *, limit: int = LIMIT) -> str:
    """Return the body as Markdown of at most `limit` bytes; SMALLEST_LIMIT is enough for its frame."""
    reasons = Block("reasons", _LOOK, [f"- {sentence(reason)}\n" for reason in pull.reasons], share=0.2)
    refusals = refusals_block(pull.refusals)
    trust = Block("edits of trust", _TRUST, [_trust_edit(edit) for edit in pull.trust_edits], share=0.4)
    rows = clusters_block(pull.rows)
    risks = risks_block(pull.risks)
    reports = reports_block(pull.evidence, pull.now)
    words = words_block(pull.changes, pull.fates)
    findings = findings_block(pull.findings)
    changes = differences_block(pull.changes)
    links = Block("links", "### Links\n\n", [f"- {link(*pair)}\n" for pair in pull.links], share=0.3)
    notes = notes_block(pull.notes)
    commands = commands_block(pull.reproduce)

    parts: list[str | Block] = [
        _head(pull),
        _counts(pull),
        refusals,
        reasons,
        trust,
        rows,
        REBOOT if pull.moved else "",
        words,
        risks,
        _no_risk(pull),
        reports,
        findings,
        older_words(pull.older),
        changes,
        links,
        notes,
        _guidance(pull),
        commands,
        _foot(pull),
    ]

    # What a reviewer must not miss is placed first; differences take what is left.
    order = (refusals, trust, reasons, risks, commands, links, rows, findings, words, reports, notes, changes)

    return assemble(parts, limit, order=order)


def _head(pull: PullRequest) -> str:
    if not pull.is_readable:
        return f"{MARKER}\n## {pull.attention.heading}: a change that cannot be read as a fleet\n\n"

    other = "the first step of a removal" if any(row.announced for row in pull.rows) else "a change"
    target = code(pull.target) if pull.target else other
    # Not all that change with it get the release.
    rows = pull.moved if pull.target else pull.rows
    others = len(pull.rows) - len(rows)
    more = f", and other changes of {others} more" if others else ""

    return f"{MARKER}\n## {pull.attention.heading}: {target} {prose(_extent(pull, rows), 300)}{more}\n\n"


def _counts(pull: PullRequest) -> str:
    if not pull.is_readable:
        return "No cluster was compared. Correct what is refused here; then the whole change is judged.\n\n"

    counts = [
        f"{len(pull.rows)} {plural('cluster', pull.rows)} changed",
        f"{pull.untouched} untouched",
        *(prose(fact, 120) for fact in pull.facts[:6]),
    ]

    return f"{', '.join(counts)}.\n\n"


def _no_risk(pull: PullRequest) -> str:
    """Return that no risk is known of an upgrade, if that can be said."""
    if pull.risks or not pull.moved or pull.attention == Attention.BLOCKED:
        return ""

    if pull.sources_away:
        away = ", ".join(pull.sources_away)
        return f"**Unknown risks:** {sentence(away, 300)} did not answer; what it knows is missing here.\n\n"

    return "No risk is known: none that the graph names, no barrier, nothing forced.\n\n"


def _guidance(pull: PullRequest) -> str:
    moved = bool(pull.moved)
    other_objects = any(change.object.kind != "ClusterVersion" for change in pull.changes)

    return (HOLD if moved and not pull.refusals else "") + undo_words(releases=moved, objects=other_objects)


def _trust_edit(edit: TrustEdit) -> str:
    place = code(str(edit.place), 200)

    return f"- 🔴 **{prose(edit.field, 100)}** {place}: {code(edit.old, 300)} → {code(edit.new, 300)}\n"


def _foot(pull: PullRequest) -> str:
    named = [(name, value) for name, value in pull.made_by[:8] if value]
    made_by = "".join(f"; {prose(name, 60)} {code(value)}" for name, value in named)

    return (
        "---\nThis text belongs to okd-gitops: each run writes it anew, and edits are lost. "
        f"Write a comment instead{made_by}.\n"
    )


def _extent(pull: PullRequest, rows: Sequence[ClusterRow]) -> str:
    """Return which clusters these are, and in which waves."""
    if not rows:
        return "on no cluster"

    waves = sorted({row.wave for row in rows})
    listed_waves = ", ".join(map(str, waves[:8])) + (" …" if len(waves) > 8 else "")

    return f"on {_clusters_words(rows)} ({plural('wave', waves)} {listed_waves} of {pull.waves})"


def _clusters_words(rows: Sequence[ClusterRow]) -> str:
    purposes = sorted({row.purpose for row in rows})

    if len(rows) == 1:
        return one_line(rows[0].name, 60)

    if len(purposes) == 1:
        return f"{len(rows)} {one_line(purposes[0], 40)} clusters"

    return f"{len(rows)} clusters"
