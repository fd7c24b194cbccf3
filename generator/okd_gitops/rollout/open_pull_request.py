"""Open or update the pull request of a branch, or say the command that does."""

from collections.abc import Mapping
from pathlib import Path

from okd_gitops.fleet.cluster import FleetSpec
from okd_gitops.rollout.publish import Branch
from okd_gitops.system.forge import Kind, locate
from okd_gitops.system.http import Http
from okd_gitops.system.pull_requests import Proposal, by_hand, propose


def opening(
    fleet: FleetSpec, branch: Branch, body_file: str, *, answers: Path, environment: Mapping[str, str]
) -> str:
    """Return what was done, in one line, or the command for a person when the environment has no token of
    the forge.

    Tokens are GITHUB_TOKEN, GITLAB_TOKEN and FORGEJO_TOKEN. Raises NetworkError when the forge is away or
    refuses, UsageError when it cannot be told what kind of forge the repository is on.
    """
    kind = fleet.releases.forge if fleet.releases else None
    forge = locate(fleet.repository, Kind(kind) if kind else None)
    wave = branch.name.rpartition("--")[2]
    proposal = Proposal(
        head=branch.name,
        base=fleet.revision,
        title=branch.title,
        body=branch.body,
        labels=("okd-upgrade", wave),
    )
    name = f"{forge.kind.name}_TOKEN"
    if not environment.get(name):
        command = by_hand(forge, proposal, body_file)
        return f"no {name} in the environment; this opens the pull request:\n  {command}"
    opened = propose(Http(answers, tokens={forge.host: environment[name]}), forge, proposal)
    return f"{opened.action} {opened.url}"
