"""What a cluster reported last: `clusters/NAME.yaml` on the branch `records`, written by the observer.

Evidence is about one release and stays; this is about now and is written anew. The planner asks it before a
wave, and `status` shows where a cluster differs from its file in Git.
"""

from typing import Any

from pydantic import Field

from okd_gitops.manifests.model import FileModel, Name
from okd_gitops.manifests.write import dump
from okd_gitops.releases.fields import ClusterId, Time
from okd_gitops.times import time_text

FOLDER = "clusters"


class Refused(FileModel):
    """A release that the cluster does not take, in the cluster's own words."""

    version: str = ""
    image: str = ""
    reason: str
    message: str = ""
    since: Time


class Withdrawn(FileModel):
    """Why the report of a release no longer holds: the cluster runs another one, or is not healthy."""

    version: str
    reason: str
    since: Time


class ClusterState(FileModel):
    """A cluster as its API described it at `seen`.

    `version` and `image` are what it runs (the newest completed update), `wanted_version` and `wanted_image`
    what its ClusterVersion asks for.
    """

    cluster: Name
    cluster_id: ClusterId = Field(alias="clusterID")
    seen: Time
    version: str = ""
    image: str = ""
    wanted_version: str = Field("", alias="wantedVersion")
    wanted_image: str = Field("", alias="wantedImage")
    updating: bool = False
    forced: bool = False
    # Empty: the cluster takes minor updates. Else its own words.
    not_upgradeable: str = Field("", alias="notUpgradeable")
    # The highest line that the operators of OLM allow, such as 4.22; empty: no limit.
    max_line: str = Field("", alias="maxLine")
    paused_pools: tuple[str, ...] = Field((), strict=False, alias="pausedPools")
    unhealthy: tuple[str, ...] = Field((), strict=False)
    refused: Refused | None = None
    # Why the update to `image` is no evidence for other clusters; empty: it is.
    no_evidence: str = Field("", alias="noEvidence")
    # Set while a report that passed does not hold: it stops the waves after this cluster.
    withdrawn: Withdrawn | None = None

    @property
    def path(self) -> str:
        """Where it is on the branch."""
        return f"{FOLDER}/{self.cluster}.yaml"

    def differs_from(self, earlier: "ClusterState") -> bool:
        """Whether anything but the time is another than before."""
        return self.model_copy(update={"seen": earlier.seen}) != earlier

    def text(self) -> str:
        """Return the file."""
        value: dict[str, Any] = self.model_dump(by_alias=True, exclude_defaults=True)
        value["seen"] = time_text(self.seen)

        for name, part in (("refused", self.refused), ("withdrawn", self.withdrawn)):
            if part:
                value[name]["since"] = time_text(part.since)

        return dump(value)


class Runs(FileModel):
    """`runs.yaml`: when the watch and the observer on the hub ran last, and which clusters the hub had then
    that git does not know.
    """

    watch: Time | None = None
    observer: Time | None = None
    left_over: tuple[str, ...] = Field((), strict=False, alias="leftOver")

    def text(self) -> str:
        """Return the file."""
        times = {"watch": self.watch, "observer": self.observer}
        left_over = {"leftOver": list(self.left_over)} if self.left_over else {}

        return dump({**{name: time_text(time) for name, time in times.items() if time}, **left_over})
