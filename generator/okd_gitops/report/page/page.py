"""The page: one HTML file without scripts, that requests nothing, and in which foreign text stays text."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from okd_gitops import __version__
from okd_gitops.finding import Finding, Severity, ordered
from okd_gitops.redaction import one_line, printable, redacted
from okd_gitops.report.attention import JOBS, attention, job_words
from okd_gitops.report.fleet_status import FleetStatus
from okd_gitops.report.markdown import plural, sentence
from okd_gitops.report.page.fleet_table import Life, fleet_rows, status_sentence
from okd_gitops.report.page.graph_picture import graph_picture
from okd_gitops.report.page.outcomes import outcomes
from okd_gitops.report.page.paths import path_rows
from okd_gitops.report.page.stream_tables import stream_tables
from okd_gitops.report.page.wave_picture import wave_picture
from okd_gitops.report.pull_request_text import PullRequest

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_LONGEST = 1000
_MANY_FINDINGS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContent:
    """What a page shows: the fleet (None: its files cannot be read), its findings, and a change of it.

    `lives` is how old each cluster is and when it ends, by name.
    """

    status: FleetStatus | None
    now: datetime
    findings: Sequence[Finding] = ()
    lives: Mapping[str, Life] | None = None
    pull: PullRequest | None = None


def page(content: PageContent) -> str:
    """Return the page as HTML; the same values give the same bytes."""
    values = {
        "now": content.now,
        "version": __version__,
        "findings": ordered(content.findings)[:_MANY_FINDINGS],
        "more_findings": max(0, len(content.findings) - _MANY_FINDINGS),
        "errors": sum(finding.severity == Severity.ERROR for finding in content.findings),
        "pull": content.pull,
        "outcomes": outcomes(content.pull) if content.pull else (),
        **_of_fleet(content),
    }

    return _environment().get_template("page.html.j2").render(values)


def _of_fleet(content: PageContent) -> dict[str, Any]:
    """Return what the template needs of a fleet that can be read."""
    status = content.status

    if status is None:
        return {"status": None}

    refused = {row.name for row in content.pull.rows if row.refused} if content.pull else set()

    return {
        "status": status,
        "sentence": status_sentence(status, refused),
        "attention": (lines := attention(status)),
        "needs": _needs(lines, {cluster.name for cluster in status.clusters}),
        "jobs": [(job.name, job_words(status, job)) for job in JOBS],
        "rows": fleet_rows(status, content.lives or {}, refused),
        "waves": wave_picture(status, refused),
        "graph": graph_picture(status),
        "paths": path_rows(status),
        "streams": stream_tables(status),
    }


def _needs(lines: Sequence[str], clusters: Collection[str]) -> list[tuple[list[str], str]]:
    """Return what needs a person, each thing once with all clusters that it is said of."""
    needs: dict[str, list[str]] = {}

    for line in lines:
        who, _, text = line.partition(": ")

        if who in clusters:
            needs.setdefault(text, []).append(who)
        else:
            needs.setdefault(line, [])

    return [(who, text) for text, who in needs.items()]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = _inline_html
    environment.filters["words"] = _words_html
    environment.globals["plural"] = plural

    return environment


def _shown(value: object) -> object:
    """Return a value as it may be shown: what reads text backwards, and the secrets of URLs, are replaced."""
    return value if isinstance(value, Markup) else printable(one_line(redacted(str(value)), _LONGEST))


def _inline_html(text: str) -> Markup:
    """Return our own Markdown as HTML. Foreign words in it are escaped there already."""
    html = _markdown().renderInline(text.strip())

    # Not every machine has a font with the circle.
    marked = html.replace("🔴", '<span class="mark">●</span>')

    return Markup(marked)  # noqa: S704 - markdown-it has escaped what is no Markdown


def _words_html(text: str) -> Markup:
    """Return a foreign sentence as HTML, with what stands between backticks as code."""
    return _inline_html(sentence(redacted(text), _LONGEST))


@cache
def _markdown() -> MarkdownIt:
    # HTML in a text is text, and only these signs have a meaning.
    return MarkdownIt("zero", {"html": False}).enable(["backticks", "emphasis", "entity", "escape", "link"])
