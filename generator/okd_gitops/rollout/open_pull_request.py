"""Open or update the pull request of a branch, or say the command that does; and see what people closed."""

from collections.abc import Mapping
from pathlib import Path

from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.rollout.publish import Branch
from okd_gitops.system.forge import Forge, Kind, locate
from okd_gitops.system.http import Http
from okd_gitops.system.pull_requests import Proposal, by_hand, propose, was_closed


def opening(
    fleet: FleetSpec, branch: Branch, body_file: str, *, answers: Path, environment: Mapping[str, str]
) -> str:
    """Return what was done, in one line, or the command for a person when the environment has no token of
    the forge.

    Tokens are GITHUB_TOKEN, GITLAB_TOKEN and FORGEJO_TOKEN. Raises NetworkError when the forge is away or
    refuses, UsageError when it cannot be told what kind of forge the repository is on.
    """
    forge = _forge(fleet)
    proposal = Proposal(
        head=branch.name,
        base=fleet.revision,
        title=branch.title,
        body=branch.body,
        labels=branch.labels,
    )
    http = _http(forge, answers, environment)

    if http is None:
        command = by_hand(forge, proposal, body_file)
        return f"no {_token_name(forge)} in the environment; this opens the pull request:\n  {command}"

    opened = propose(http, forge, proposal)

    return f"{opened.action} {opened.url}"


def is_closed(
    fleet: FleetSpec, branch: str, sha: str, *, answers: Path, environment: Mapping[str, str]
) -> bool:
    """Whether a person closed the pull request of a branch that still exists; without a token nobody knows.

    Raises what `opening` raises.
    """
    forge = _forge(fleet)
    http = _http(forge, answers, environment)

    return http is not None and was_closed(http, forge, head=branch, base=fleet.revision, sha=sha)


def _forge(fleet: FleetSpec) -> Forge:
    kind = fleet.releases.forge if fleet.releases else None

    return locate(fleet.repository, Kind(kind) if kind else None)


def _token_name(forge: Forge) -> str:
    return f"{forge.kind.name}_TOKEN"


def _http(forge: Forge, answers: Path, environment: Mapping[str, str]) -> Http | None:
    """Return what asks the forge, if the environment has a token of it."""
    token = environment.get(_token_name(forge))

    return Http(answers, tokens={forge.host: token}) if token else None
