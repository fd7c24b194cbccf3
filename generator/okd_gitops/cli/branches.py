"""What commands print of the branches that they made, and the pull requests that they open of them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from okd_gitops.cli.output import echo

if TYPE_CHECKING:
    from okd_gitops.fleet.fleet_file import FleetSpec
    from okd_gitops.rollout.publish import Branch


def write_texts(root: Path, branches: Iterable["Branch"]) -> dict[str, str]:
    """Write PR.md of each branch where Git does not see it, and return the paths by branch."""
    from okd_gitops.system.disk import write_files

    texts = root / ".okd-gitops" / "pull-requests"
    made = {branch.name: branch.body.encode() for branch in branches}
    names = {name: f"{name.replace('/', '--')}/PR.md" for name in made}
    write_files(texts, {names[name]: text for name, text in made.items()})

    return {branch: os.path.relpath(texts / name) for branch, name in names.items()}


def open_pull_requests(
    fleet: "FleetSpec", branches: Iterable["Branch"], files: Mapping[str, str], *, answers: Path
) -> None:
    """Open or update the pull request of each branch, and print what was done on standard error."""
    from okd_gitops.rollout.open_pull_request import opening

    for branch in branches:
        echo(opening(fleet, branch, files[branch.name], answers=answers, environment=os.environ), err=True)


def branch_as_json(branch: "Branch") -> dict[str, object]:
    """Return a branch in the form that `--output json` prints."""
    return {**asdict(branch), "commits": [commit.message for commit in branch.commits]}


def print_branch(branch: "Branch", file: str) -> None:
    """Print a branch, its commits, and where its text is; without a file, the text itself."""
    echo(f"\n{branch.state} {branch.name}", bold=True)

    for commit in branch.commits:
        echo(f"  {commit.sha[:12]} {commit.message.splitlines()[0]}")

    echo(f"  {branch.title}")
    # The joiners that break mentions on a forge are not part of the text.
    echo(f"  PR.md: {file}" if file else f"\n{branch.body}".replace("\u2060", ""))
