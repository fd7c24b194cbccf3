"""Where a new repository lies: the git around it, the branch that Argo CD will follow, and its address."""

import re
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.git import address_of, begin, branch_of, top_of

_BRANCH = "main"
_REMOTE = "origin"
_SHORT_SSH = re.compile(r"git@(?P<host>[A-Za-z0-9.-]+):(?P<path>.+)")
_WITH_ACCOUNT = re.compile(r"https://[^/@]*@(?P<rest>.+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for a new repository. `is_in_git` tells whether git has it already."""

    root: Path
    is_in_git: bool
    branch: str
    repository: str

    def begin(self) -> None:
        """Make it a git repository, if it is none."""
        if not self.is_in_git:
            begin(self.root, self.branch)


def place_of(root: Path, repository: str = "") -> Place:
    """Return where a new repository would lie; `repository` is its address, if a person gave one.

    Raises UsageError for a folder inside another repository, and where neither a person nor a remote tells
    the address.
    """
    top = top_of(root)

    if top is not None and top.resolve() != root.resolve():
        reason = f"this folder lies inside the git repository {top}, and Argo CD reads a fleet from the top"
        raise UsageError(reason, f"cd {top}, or choose a folder outside of it")

    if short := _SHORT_SSH.fullmatch(repository):
        repository = f"https://{short['host']}/{short['path']}"

    repository = repository or (_as_argo_cd_reads(address_of(root, _REMOTE)) if top else "")

    if not repository:
        reason = "nothing tells from where Argo CD will read this repository: it has no remote on a forge"
        raise UsageError(reason, "add --repository https://HOST/OWNER/NAME.git; it need not exist yet")

    return Place(root, top is not None, (branch_of(root) if top else "") or _BRANCH, repository)


def _as_argo_cd_reads(remote: str) -> str:
    """Return the address of a remote without an account; empty for one that no other machine reaches."""
    if short := _SHORT_SSH.fullmatch(remote):
        return f"https://{short['host']}/{short['path']}"

    if named := _WITH_ACCOUNT.fullmatch(remote):
        return f"https://{named['rest']}"

    return remote if remote.startswith(("https://", "ssh://")) else ""
