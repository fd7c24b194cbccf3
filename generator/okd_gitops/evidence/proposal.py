"""What the bot proposed: `proposals/CLUSTER/VERSION.yaml` on the branch `records`.

A note begins when a branch with the cluster is pushed. It ends when the cluster's file has the release, or
when the bot itself takes the branch back. A branch that is gone while its note stands was closed by a person.
"""

from typing import Annotated, Any

from pydantic import Field

from okd_gitops.manifests.model import FileModel, Name
from okd_gitops.manifests.write import dump
from okd_gitops.releases.fields import Time, VersionText, by_digest
from okd_gitops.times import time_text

FOLDER = "proposals"
PREFIX = "okd/"


def branch_name(version: str, wave: int) -> str:
    """Return the branch of a release's wave; one flat level, since git cannot hold both `okd/X` and
    `okd/X/wave1`.
    """
    return f"{PREFIX}{version}--wave{wave}"


class ProposalNote(FileModel):
    """One cluster's part of a proposed branch: release, wave, and the commit that was pushed at its tip.

    `closed` is when the bot saw that a person had closed it.
    """

    cluster: Name
    version: VersionText
    image: Annotated[str, by_digest("the cluster file of the proposed branch has it")]
    wave: int = Field(ge=0, le=99)
    commit: str = Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")
    opened: Time
    closed: Time | None = None

    @property
    def branch(self) -> str:
        """The branch that was pushed."""
        return branch_name(self.version, self.wave)

    @property
    def path(self) -> str:
        """Where it is on the branch `records`."""
        return f"{FOLDER}/{self.cluster}/{self.version}.yaml"

    def text(self) -> str:
        """Return the file."""
        value: dict[str, Any] = self.model_dump(exclude_none=True)
        value["opened"] = time_text(self.opened)
        value |= {"closed": time_text(self.closed)} if self.closed else {}

        return dump(value)
