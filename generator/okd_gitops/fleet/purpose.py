"""Purposes: what a cluster is for, and what follows from that. One file each in `catalog/purposes/`."""

from typing import Literal

from pydantic import Field

from okd_gitops.fleet.upgrades import Duration
from okd_gitops.manifests.model import FileModel, Name


class Sync(FileModel):
    """How Argo CD syncs clusters of a purpose."""

    automated: bool = Field(description="Sync without manual approval.")
    self_heal: bool = Field(alias="selfHeal", description="Undo changes made on the cluster.")
    prune: bool = Field(description="Delete objects that were removed from Git.")
    finalizer: bool = Field(description="Removing the Application removes everything that it deployed.")


class PurposeSpec(FileModel):
    """A purpose's file."""

    summary: str
    features: tuple[Name, ...] = Field(
        strict=False, description="Features that each cluster has, where its environment can have them."
    )
    wave: int = Field(ge=0, le=99, description="Order of upgrades; lower is earlier.")
    expires: Literal["required", "forbidden"] = Field(
        description="Whether a cluster must have, or must not have, a last day."
    )
    soak: Duration = Field(description="How long a cluster must run a release before later waves start.")
    takes: tuple[Literal["release", "lab", "rc", "fc", "ec", "nightly", "dated"], ...] = Field(
        strict=False, description="Kinds of releases that clusters of this purpose accept."
    )
    guarded: bool = Field(
        description="Removing a cluster takes two changes: `decommission: true` first, then the file."
    )
    sync: Sync
