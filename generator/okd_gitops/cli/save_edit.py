"""How the edit of a command is saved: options, and what they lead to: a working tree, a commit, a branch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from okd_gitops.cli.cluster_output import print_proposed, print_saved
from okd_gitops.cli.options import DRY_RUN, OUTPUT, REMOTE, Command, clock, root_of, tools_of
from okd_gitops.cli.output import progress

if TYPE_CHECKING:
    from okd_gitops.rollout.propose_clusters import Edits


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How an edit is saved, as the options say it."""

    dry_run: bool
    committing: bool
    push: bool
    opening: bool
    remote: str
    output: str
    at: str = ""
    records: str = ""
    reads_records: bool = False


def edits(command: Command) -> Command:
    """Add the options of every command that edits clusters/."""
    committing = click.option("--commit", "committing", is_flag=True, help="Commit what was written.")
    push = click.option(
        "--push",
        is_flag=True,
        help="Push a branch with the edit. Starts from the remote's; the working tree stays.",
    )
    opening = click.option(
        "--open",
        "opening",
        is_flag=True,
        help="Open or update its pull request. Implies --push. Without a token, prints the command.",
    )

    return DRY_RUN(committing(push(REMOTE(opening(OUTPUT(command))))))


def way_of(options: dict[str, Any]) -> Way:
    """Take out of the options of a command how its edit is saved; raises UsageError for a contradiction."""
    from okd_gitops.errors import UsageError

    names = ("dry_run", "committing", "push", "opening", "remote", "output", "at", "records")
    way = Way(**{name: options.pop(name) for name in names if name in options})
    pushes = way.push or way.opening

    if pushes and way.committing:
        raise UsageError("--push commits to a branch of its own", "leave out --commit")

    if pushes and way.dry_run:
        raise UsageError("--dry-run changes nothing", "leave it out, or leave out --push and --open")

    return way


def save(context: click.Context, kind: str, branch: str, edit: "Edits", way: Way) -> None:
    """Make an edit in the working tree, or in a branch `okd/BRANCH` that is pushed, and print it."""
    if way.push or way.opening:
        _propose(context, kind, branch, edit, way)
        return

    from okd_gitops.evidence.records import Records, read_records
    from okd_gitops.lifecycle.edit_clusters import Saving

    root = root_of(context)
    records = read_records(root, way.records) if way.reads_records else Records()
    saving = Saving(dry_run=way.dry_run, commit=way.committing)

    print_saved(way.output, kind, edit(root, records, saving), saving)


def _propose(context: click.Context, kind: str, branch: str, edit: "Edits", way: Way) -> None:
    from okd_gitops.cli.branches import open_pull_requests, write_texts
    from okd_gitops.errors import UsageError
    from okd_gitops.rollout.propose_clusters import propose_edit
    from okd_gitops.rollout.request import Request, fleet_of

    root, now = root_of(context), clock(way.at)
    fleet = fleet_of(root)

    if way.opening and fleet.unattended:
        raise UsageError("a repository of unattended clusters has no pull requests", "write --push")

    cache = tools_of(context)
    request = Request(
        first=False, write=True, push=True, remote=way.remote, records=way.records, rehearsal=way.at
    )
    proposed = propose_edit(root, cache, branch, edit, request, now=now, say=progress(context))
    made = (proposed.branch,) if proposed.branch else ()
    files = write_texts(root, made)

    print_proposed(way.output, kind, proposed, files)

    if way.opening:
        open_pull_requests(fleet, made, files, answers=cache / "answers")
