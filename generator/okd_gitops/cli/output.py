"""What the command lines share: where the repository is, and how results, findings and progress are
printed.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from okd_gitops.errors import OkdGitopsError
    from okd_gitops.finding import Finding

# What the options say of colour, for what is printed after a command has ended: Click forgets its context
# then.
settings: dict[str, bool | None] = {"color": None}
OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="How to print the result."
)

AT = click.option(
    "--at",
    "at",
    default="",
    metavar="TIME",
    help="Decide as if it were this time (UTC, like 2026-11-21T12:00:00Z).",
)


def root_of(context: click.Context) -> Path:
    """Return the repository: what --root says, or the nearest folder with fleet.yaml."""
    from okd_gitops.system.disk import find_root

    given: Path | None = context.obj["root"]
    return given.resolve() if given else find_root(Path.cwd())


def cache_of(context: click.Context, root: Path) -> Path:
    """Return the folder of tools, schemas and recorded answers."""
    given: Path | None = context.obj["cache"]
    return (given or root / ".cache").resolve()


def tools_of(context: click.Context) -> Path:
    """Return the folder of tools and schemas that judge a folder of others: never one that lies in it."""
    from okd_gitops.system.tools import own_cache

    given: Path | None = context.obj["cache"]
    return (given or own_cache()).resolve()


def progress(context: click.Context) -> Callable[[str], None]:
    """Return what prints a line of progress on standard error, or nothing with --quiet."""
    quiet: bool = context.obj["quiet"]
    return lambda text: None if quiet else say(text, err=True)


def clock(at: str) -> datetime:
    """Return the time that was given, or that it is; raises UsageError."""
    from okd_gitops.errors import UsageError

    if not at:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.strptime(f"{at}+0000", "%Y-%m-%dT%H:%M:%SZ%z")
    except ValueError:
        raise UsageError(f'"{at}" is not a time', "write it like 2026-11-21T12:00:00Z") from None


def say(text: str = "", *, head: str = "", err: bool = False, nl: bool = True, **style: Any) -> None:
    """Print text for people, `head` or all of it in a style. Text from anywhere may be in it: each of its
    lines is `printable`.
    """
    from okd_gitops.redaction import printable

    lines = "\n".join(map(printable, text.split("\n")))
    styled = click.style(printable(head), **style) + lines if head else click.style(lines, **style)
    click.echo(styled, err=err, nl=nl, color=settings["color"])


def print_json(kind: str, body: dict[str, Any]) -> None:
    """Print a result for programs."""
    text = json.dumps({"apiVersion": "okd-gitops/v1", "kind": kind, **body}, indent=2, default=str)
    # In front of a bracket, two of these are a command to some CI systems; they stand in strings only.
    click.echo(text.replace("##", "#\\u0023"))


def show_findings(findings: Sequence["Finding"], *, limit: int = 100) -> None:
    """Print findings for people, on standard error."""
    from okd_gitops.finding import as_text

    for finding in findings[:limit]:
        head, _, rest = as_text(finding).partition("\n")
        say(
            f"\n{rest}\n",
            head=head,
            err=True,
            fg="red" if finding.severity == "error" else "yellow",
            bold=True,
        )
    if len(findings) > limit:
        say(f"… and {len(findings) - limit} more; --output json has them all\n", err=True)


def show_error(error: "OkdGitopsError") -> None:
    """Print on standard error why a run ended, and the next command."""
    from okd_gitops.redaction import redacted

    say(f"error: {redacted(error.reason)}", err=True, fg="red", bold=True)
    if error.remedy:
        say(f"  fix: {error.remedy}", err=True)
