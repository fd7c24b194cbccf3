"""Options that several commands share, and the folders and the time that they name."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from okd_gitops.cli.completion import cluster_names, recorded_versions, references
from okd_gitops.cli.output import settings

if TYPE_CHECKING:
    from okd_gitops.fleet.load import Fleet
    from okd_gitops.tree import Tree

Command = Callable[..., Any]


def writes(command: Command) -> Command:
    """Mark a command that writes files or a branch: its refusals tell that nothing was written."""

    @wraps(command)
    def marked(*arguments: Any, **options: Any) -> Any:
        settings.writes = True

        return command(*arguments, **options)

    return marked


def _kept(_context: click.Context, _parameter: click.Parameter, output: str) -> str:
    """Keep the format of the result for a failure, which is told after the command has ended."""
    settings.as_json = output == "json"

    return output


def not_empty(context: click.Context, parameter: click.Parameter, commit: str) -> str:
    """Return the name of a commit; raises UsageError for one that is empty, as an unset variable is.

    Without it a check in CI would judge no change, and pass.
    """
    from okd_gitops.errors import UsageError

    is_default = context.get_parameter_source(str(parameter.name)) == ParameterSource.DEFAULT
    if not commit and not is_default:
        raise UsageError(
            f"--{parameter.name} names no commit", "name one, such as origin/main; a variable may be unset"
        )

    return commit


OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    is_eager=True,
    callback=_kept,
    help="Format of the result.",
)
AT = click.option(
    "--at",
    "at",
    default="",
    metavar="TIME",
    help="Decide as of this UTC time (2026-11-21T12:00:00Z).",
)
DRY_RUN = click.option("--dry-run", is_flag=True, help="Write nothing; print what would be written.")
PUSH = click.option("--push", is_flag=True, help="Commit and push to the branch `records`.")
REMOTE = click.option("--remote", default="origin", show_default=True, help="Push to this remote.")
RECORDS = click.option(
    "--records",
    default="",
    metavar="REF",
    shell_complete=references,
    help="Read what the hub has seen here. Default: origin/records.",
)
TO = click.option(
    "--to",
    "target",
    default="",
    metavar="VERSION",
    shell_complete=recorded_versions,
    help="Upgrade to this release. Default: the newest each cluster may take.",
)
CLUSTER = click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="GLOB",
    shell_complete=cluster_names,
    help="Select only matching clusters. Repeatable.",
)
ACK = click.option(
    "--ack",
    "acks",
    multiple=True,
    metavar="NAME",
    help="Acknowledge an admin gate (ack-4.21-api-removals). Repeatable.",
)


def network_options(command: Command) -> Command:
    """Add the options of every command that asks the sources of releases."""
    offline = click.option("--offline", is_flag=True, help="Decide by the records alone; send no requests.")

    return AT(offline(command))


def root_of(context: click.Context) -> Path:
    """Return the repository: the folder of --root, or the nearest one with fleet.yaml.

    Raises UsageError for a folder without fleet.yaml, before anything is written there.
    """
    from okd_gitops.system.disk import find_root, root_at

    root: Path | None = context.obj["root"]

    return root_at(root.resolve()) if root else find_root(Path.cwd())


def tools_of(context: click.Context) -> Path:
    """Return the folder of tools, schemas and answers of servers; never one that a repository brings."""
    from okd_gitops.system.tools import own_cache

    cache: Path | None = context.obj["cache"]

    return (cache or own_cache()).resolve()


def fleet_of(context: click.Context, files: "Tree | None" = None) -> "Fleet":
    """Return the fleet of the repository for a command that only reads it; `files` are all of the repository,
    if they were found already.

    A file that an earlier run has read is not read as YAML again. Raises FindingsError for faulty files.
    """
    from okd_gitops.fleet.kept_documents import KeptDocuments
    from okd_gitops.fleet.load import load

    root = root_of(context)

    return load(root, (), KeptDocuments.of(root, tools_of(context)), files)


def clock(at: str) -> datetime:
    """Return the time that --at names, or the current time; raises UsageError."""
    from okd_gitops.errors import UsageError
    from okd_gitops.times import parse_time

    if not at:
        return datetime.now(UTC).replace(microsecond=0)

    try:
        return parse_time(at)
    except ValueError:
        raise UsageError(f'"{at}" is not a time', "write it like 2026-11-21T12:00:00Z") from None
