"""`okd-gitops report`: a change as Markdown, for the pull request that it is in."""

from typing import TYPE_CHECKING

import click

from okd_gitops.cli.options import AT, OUTPUT, RECORDS, cache_of, clock, root_of
from okd_gitops.cli.output import print_result, progress

if TYPE_CHECKING:
    from okd_gitops.report.report import Description

# GitHub takes 65,536 characters, GitLab 1,048,576; the frame of a text needs 8,000 bytes.
_GITHUB, _GITLAB, _SMALLEST = 65_536, 1_048_576, 8_000


@click.command()
@click.option("--base", required=True, metavar="COMMIT", help="The tip of the branch that it is merged into.")
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
def report(context: click.Context, *, base: str, records: str, at: str, limit: int, output: str) -> None:
    """Describe a change in Markdown for its pull request.

    Shows what `check --base` thinks of the change: a verdict, each changed cluster, what changes in words,
    risks, evidence, findings and differences of objects. What does not fit into the limit is left out whole
    and counted. A change that is refused is reported too, with exit code 0: `check --base` is what fails.
    Files that cannot be read as a fleet are reported as BLOCKED, with exit code 2.
    """
    from okd_gitops.evidence.records import read_records
    from okd_gitops.report.pull_request_text import body
    from okd_gitops.report.report import report as run

    root = root_of(context)
    seen = read_records(root, records)
    described = run(root, cache_of(context, root), base, seen, now=clock(at), say=progress(context))
    text = body(described.pull, limit=limit)

    # Invisible signs in the text keep mentions from being mentions: it is printed as it is.
    print_result(output, "Report", _as_json(described, text), lambda: click.echo(text, nl=False))

    if described.error:
        raise described.error


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
