"""How results, findings, errors and progress are printed."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from okd_gitops.errors import OkdGitopsError
    from okd_gitops.finding import Finding


@dataclass(slots=True)
class Settings:
    """What of a command must be known after it has ended, when Click has forgotten its context.

    `color` is the choice of --color, `as_json` that of --output; `is_printed` tells whether a result was
    printed, and `writes` whether the command is one that writes files or a branch.
    """

    color: bool | None = None
    as_json: bool = False
    is_printed: bool = False
    writes: bool = False


settings = Settings()


def print_result(output: str, kind: str, body: Mapping[str, object], as_text: Callable[[], None]) -> None:
    """Print the result of a command: `body` as JSON for programs, or for people what `as_text` prints."""
    settings.is_printed = True

    if output == "text":
        as_text()
    else:
        _print_json(kind, body)


def print_failure(error: "OkdGitopsError") -> None:
    """Print as JSON why a run ended, where JSON was asked for and no result was printed."""
    from okd_gitops.finding import FindingsError, ordered
    from okd_gitops.redaction import redacted

    if settings.is_printed or not settings.as_json:
        return

    findings = ordered(error.findings) if isinstance(error, FindingsError) else []
    told = None if findings else {"reason": redacted(error.reason), "remedy": error.remedy}
    _print_json("Failure", {"exitCode": error.exit_code, "error": told, "findings": findings})


def _print_json(kind: str, body: Mapping[str, object]) -> None:
    import json

    document = {"apiVersion": "okd-gitops/v1", "kind": kind, **body}
    text = json.dumps(document, indent=2, default=_json_form)
    # In front of a bracket, two of these are a command to some CI systems; they stand in strings only.
    click.echo(text.replace("##", "#\\u0023"))


def _json_form(value: Any) -> object:
    """Return a value that is not plain data as JSON shows it."""
    if hasattr(value, "as_json"):
        return value.as_json()

    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")

    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}

    return str(value)


def echo(text: str = "", *, head: str = "", err: bool = False, nl: bool = True, **style: Any) -> None:
    """Print text for people, `head` or all of it in a style; each line is made `printable`."""
    from okd_gitops.redaction import printable

    lines = "\n".join(map(printable, text.split("\n")))
    styled = click.style(printable(head), **style) + lines if head else click.style(lines, **style)
    click.echo(styled, err=err, nl=nl, color=settings.color)


def progress(context: click.Context) -> Callable[[str], None]:
    """Return a function that prints a line of progress on standard error, or nothing with --quiet."""
    quiet: bool = context.obj["quiet"]

    return lambda text: None if quiet else echo(text, err=True)


def counter(context: click.Context) -> Callable[[int, int], None]:
    """Return a function that shows how many of many are done, in one line that a terminal writes anew.

    In a pipe or a file, and with --quiet, it shows nothing.
    """
    stream = sys.stderr

    if context.obj["quiet"] or not stream.isatty():
        return lambda _done, _total: None

    def count(done: int, total: int) -> None:
        text = f"  {done} of {total}"
        # The last one clears the line.
        stream.write(f"\r{text}" if done < total else f"\r{' ' * len(text)}\r")
        stream.flush()

    return count


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns below a bold head; nothing without rows."""
    if not rows:
        return

    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    for number, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        echo("  ".join(cells).rstrip(), bold=number == 0)


def show_findings(findings: Sequence["Finding"], *, limit: int = 100) -> None:
    """Print findings for people, on standard error."""
    from okd_gitops.report.finding_text import as_text

    _show([(finding.severity, as_text(finding)) for finding in findings[:limit]], len(findings))


def show_causes(findings: Sequence["Finding"], *, limit: int = 100, where: str = "clusters") -> None:
    """Print findings for people, on standard error: the worst first, and what has one cause once.

    `where` says what the clusters of a finding are called.
    """
    from okd_gitops.report.causes import causes

    found = causes(findings)
    _show([(cause.severity, cause.as_text(where)) for cause in found[:limit]], len(found))


def _show(texts: Sequence[tuple[str, str]], count: int) -> None:
    for severity, text in texts:
        head, _, rest = text.partition("\n")
        echo(f"\n{rest}\n", head=head, err=True, fg="red" if severity == "error" else "yellow", bold=True)

    if count > len(texts):
        echo(f"… and {count - len(texts)} more; --output json has them all\n", err=True)


def show_error(error: "OkdGitopsError") -> None:
    """Print on standard error why a run ended, and the next command."""
    from okd_gitops.redaction import redacted

    echo(f"error: {redacted(error.reason)}", err=True, fg="red", bold=True)

    if error.remedy:
        echo(f"  fix: {error.remedy}", err=True)
