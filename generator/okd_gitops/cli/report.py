"""`okd-gitops report`: a change as Markdown for its pull request, and the fleet as a page for a browser."""

import gc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okd_gitops.cli.completion import references
from okd_gitops.cli.fleet_from_git import fleet_from_git
from okd_gitops.cli.options import AT, OUTPUT, RECORDS, clock, fleet_of, not_empty, root_of, tools_of
from okd_gitops.cli.output import echo, print_result, progress

if TYPE_CHECKING:
    from okd_gitops.fleet.load import Fleet
    from okd_gitops.report.page.fleet_table import Life
    from okd_gitops.report.page.page import PageContent
    from okd_gitops.report.report import Description

# GitHub takes 65,536 characters, GitLab 1,048,576; the frame of a text needs 8,000 bytes.
_GITHUB, _GITLAB, _SMALLEST = 65_536, 1_048_576, 8_000


@click.command()
@click.option(
    "--base",
    default="",
    metavar="COMMIT",
    callback=not_empty,
    shell_complete=references,
    help="The tip of the branch that it is merged into.",
)
@click.option(
    "--html",
    "page_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the fleet and the change as a page for browsers.",
)
@RECORDS
@AT
@click.option(
    "--limit",
    type=click.IntRange(_SMALLEST, _GITLAB),
    default=_GITHUB,
    show_default=True,
    metavar="BYTES",
    help="The longest text that the forge takes.",
)
@OUTPUT
@click.pass_context
def report(
    context: click.Context,
    *,
    base: str,
    page_file: Path | None,
    records: str,
    at: str,
    limit: int,
    output: str,
) -> None:
    """Describe a change, or the fleet, to a reader.

    With --base, prints Markdown for the pull request of a change: what `check --base` thinks of it, a
    verdict, each changed cluster, what changes in words, risks, evidence, findings and differences of
    objects. What does not fit into the limit is left out whole and counted. A change that is refused is
    reported too, with exit code 0: `check --base` is what fails. Files that cannot be read as a fleet are
    reported as BLOCKED, with exit code 2.

    With --html, writes one page for a browser, which requests nothing: the fleet, waves and soak, the update
    graph, streams and findings; with --base, first what the change does to each cluster.
    """
    from okd_gitops.errors import UsageError

    if page_file and page_file.suffix != ".html":
        # A slip must not cost a file that people have written.
        raise UsageError(f"{page_file} is no name of a page", "name a file that ends with .html")

    root, now = root_of(context), clock(at)
    cache, say = tools_of(context), progress(context)

    if base:
        _report_change(root, cache, base, records, now, say, limit=limit, page_file=page_file, output=output)
    elif page_file:
        _report_fleet(context, root, cache, records, now, say, page_file=page_file, output=output)
    else:
        raise UsageError("there is nothing to report", "add --base COMMIT, or --html FILE")


def _report_change(
    root: Path,
    cache: Path,
    base: str,
    records: str,
    now: datetime,
    say: Callable[[str], None],
    *,
    limit: int,
    page_file: Path | None,
    output: str,
) -> None:
    """Print the text of a change, and write its page where one is wanted."""
    from okd_gitops.evidence.records import read_records
    from okd_gitops.report.page.page import PageContent
    from okd_gitops.report.pull_request_text import body
    from okd_gitops.report.report import report as run
    from okd_gitops.system.kept import Kept

    seen, kept = read_records(root, records), Kept.of(root, cache)
    described = run(root, cache, base, seen, now=now, say=say, kept=kept)
    pull, judged = described.pull, described.judged
    text = body(pull, limit=limit)

    if page_file:
        findings = judged.findings if judged else (*pull.refusals, *pull.findings)
        status = fleet_from_git(root, judged.fleet, records, now) if judged else None
        lives = _lives(root, status.fleet, now) if status else {}
        _write(page_file, PageContent(status=status, now=now, findings=findings, lives=lives, pull=pull), say)

    # Invisible signs in the text keep mentions from being mentions: it is printed as it is.
    print_result(output, "Report", _as_json(described, text), lambda: click.echo(text, nl=False))

    if described.error:
        raise described.error


def _report_fleet(
    context: click.Context,
    root: Path,
    cache: Path,
    records: str,
    now: datetime,
    say: Callable[[str], None],
    *,
    page_file: Path,
    output: str,
) -> None:
    """Write the page of the fleet as its files are."""
    from okd_gitops.check.check import check
    from okd_gitops.report.page.page import PageContent
    from okd_gitops.system.kept import Kept
    from okd_gitops.system.unchanged import Earlier

    gc.disable()
    files = Earlier(root, cache, "report").files
    status = fleet_from_git(root, fleet_of(context, files), records, now)
    whole = status.fleet
    kept = Kept.of(root, cache)
    checked = check(root, cache, today=now.date(), say=say, fleet=whole, now=now, files=files, kept=kept)
    findings, lives = checked.findings, _lives(root, whole, now)
    _write(page_file, PageContent(status=status, now=now, findings=findings, lives=lives), say)

    body = {"page": str(page_file), "clusters": len(status.clusters), "findings": findings}
    told = f"{page_file}: {len(status.clusters)} clusters, {len(findings)} findings"
    print_result(output, "Report", body, lambda: echo(told))


def _lives(root: Path, fleet: "Fleet", now: datetime) -> "dict[str, Life]":
    """Return how old each cluster is, as far as git knows, and when it ends."""
    from okd_gitops.lifecycle.committed import read_committed
    from okd_gitops.lifecycle.list_clusters import list_clusters
    from okd_gitops.report.page.fleet_table import Life

    rows = list_clusters(fleet, read_committed(root), now)

    return {row.name: Life(row.age, row.end) for row in rows}


def _write(file: Path, content: "PageContent", say: Callable[[str], None]) -> None:
    from okd_gitops.report.page.page import page
    from okd_gitops.system.disk import write_whole

    write_whole(file, page(content).encode())
    say(f"wrote {file}")


def _as_json(described: "Description", text: str) -> dict[str, object]:
    pull, judged = described.pull, described.judged

    return {
        "verdict": str(pull.attention),
        "reasons": pull.reasons,
        "change": judged.change if judged else None,
        "changes": pull.changes,
        "findings": judged.findings if judged else (*pull.refusals, *pull.findings),
        "older": judged.older if judged else (),
        "text": text,
    }
