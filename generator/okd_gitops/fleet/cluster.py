"""`clusters/NAME.yaml`: what people write about one cluster."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from okd_gitops.fleet.emergency import Emergency
from okd_gitops.fleet.fields import Minor, Url
from okd_gitops.fleet.providers import (
    TAKE_ADDRESSES,
    UPGRADE,
    Addresses,
    Installed,
    ProviderName,
)
from okd_gitops.fleet.purpose import PurposeSpec
from okd_gitops.fleet.release import Release
from okd_gitops.fleet.upgrades import Upgrades
from okd_gitops.manifests.model import FileModel, Name, parse
from okd_gitops.manifests.read import Document
from okd_gitops.releases.cluster_version import field_faults
from okd_gitops.releases.fields import (
    ClusterId,
    fault,
)
from okd_gitops.releases.lines import facts, kubernetes_of
from okd_gitops.releases.version import Version
from okd_gitops.tree import Tree

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Purpose(StrEnum):
    """What a cluster is for; `catalog/purposes/` says what follows from it."""

    HUB = "hub"
    CD = "cd"
    TEST = "test"
    EPHEMERAL = "ephemeral"


class Environment(StrEnum):
    """What kind of API server a cluster has."""

    OKD = "okd"
    KUBERNETES = "kubernetes"
    KIND = "kind"


class ClusterSpec(FileModel):
    """`clusters/NAME.yaml`: one cluster. The file's name is the cluster's name."""

    purpose: Purpose = Field(strict=False, description="What the cluster is for.")
    environment: Environment = Field(
        Environment.OKD, strict=False, description="The kind of API server of the cluster."
    )
    provider: ProviderName | None = Field(
        None,
        strict=False,
        examples=["hive-openstack"],
        description="Who installs and deletes the cluster; `providers:` of fleet.yaml has its settings.",
    )
    addresses: Addresses | None = Field(
        None, description="Floating addresses that are reserved for the cluster, in an OpenStack cloud."
    )
    installs: Installed | None = Field(
        None,
        description="An earlier release that Hive installs; the cluster then upgrades to `release`.",
    )
    server: Url | None = Field(
        None,
        examples=["https://api.moc-test.massopen.cloud:6443"],
        description="API server. Without it Argo CD gets no Application: apply the overlay by hand.",
    )
    cluster_id: ClusterId | None = Field(
        None,
        alias="clusterID",
        examples=["8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926"],
        description="The cluster's own UUID.",
    )
    kubernetes: Minor | None = Field(
        None,
        examples=["1.35"],
        description='Minor of Kubernetes, e.g. "1.35"; follows from the release on OKD.',
    )
    owners: tuple[Name, ...] = Field(
        (), strict=False, examples=[["okd-wg"]], description="Teams that own it; the default is the fleet's."
    )
    wave: int | None = Field(
        None, ge=0, le=99, examples=[2], description="Order of upgrades; the default is the purpose's."
    )
    expires: date | None = Field(
        None,
        strict=False,
        description="The last day of an ephemeral cluster, YYYY-MM-DD, at most a year ahead.",
    )
    decommission: bool = Field(
        default=False,
        description="Announces that this file will be removed; required before a guarded cluster is removed.",
    )
    release: Release | None = Field(None, description="The OKD release that the cluster must run.")
    emergency: Emergency | None = Field(
        None, description="A release that must not wait; written by a person, alone in its change."
    )
    upgrades: Upgrades = Field(
        Upgrades.model_construct(), description="Which releases this cluster takes, and when."
    )
    features: dict[Name, dict[str, Any] | None] = Field(
        {}, description="Features by name, each with its parameters."
    )

    @field_validator("expires", mode="before")
    @classmethod
    def _day(cls, value: object) -> object:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise fault("expires must be a day, not a duration", "write it like 2026-12-31")

        try:
            return date.fromisoformat(value)
        except ValueError:
            raise fault(f"expires: there is no day {value}", "write a day that exists") from None

    @model_validator(mode="after")
    def _has_version(self) -> "ClusterSpec":
        if self.environment == Environment.OKD and self.release is None:
            remedy = "add release: with channel, version and image"
            raise fault("an okd cluster needs a release", remedy, name="missing-value", field="purpose")

        if self.environment != Environment.OKD and self.kubernetes is None:
            reason = f"a {self.environment} cluster needs the version of its Kubernetes"
            remedy = 'add kubernetes: "1.35" (kubectl version)'
            raise fault(reason, remedy, name="missing-value", field="environment")

        return self

    @model_validator(mode="after")
    def _has_what_its_provider_needs(self) -> "ClusterSpec":
        if self.provider is None:
            for field, given in (("addresses", self.addresses), ("installs", self.installs)):
                if given is not None:
                    remedy = f"remove {field}, or add provider: hive-openstack"
                    raise fault(f"only a provider takes {field}", remedy, field=field)
            return self

        if self.addresses and self.provider not in TAKE_ADDRESSES:
            reason = f"{self.provider} publishes a cluster at nodeAddress of fleet.yaml"
            raise fault(reason, "remove addresses", field="addresses")

        if self.installs and self.provider not in UPGRADE:
            reason = f"{self.provider} changes the release of a cluster itself, which nothing here does"
            raise fault(reason, "remove installs", field="installs")

        if self.environment != Environment.OKD:
            reason = f"{self.provider} installs OKD only"
            raise fault(reason, "remove provider, or environment", field="provider")

        for field, value in (("server", self.server), ("clusterID", self.cluster_id)):
            if value is not None:
                reason = f"the cluster gets its {field} when {self.provider} has installed it"
                raise fault(reason, f"remove {field}", field=field)

        return self

    @model_validator(mode="after")
    def _upgrades_to_its_release(self) -> "ClusterSpec":
        if self.installs is None or self.release is None:
            return self

        if Version.parse(self.installs.version) >= Version.parse(self.release.version):
            reason = f"a cluster with {self.installs.version} cannot upgrade to {self.release.version}"
            remedy = "write an earlier release, or remove installs"
            raise fault(reason, remedy, field=("installs", "version"))

        return self

    @model_validator(mode="after")
    def _forced_only_if_ephemeral(self) -> "ClusterSpec":
        if self.release and self.release.force and self.purpose != Purpose.EPHEMERAL:
            for found in field_faults({"force": self.release.force}):
                raise fault(found.reason, found.remedy, name=found.name, field=("release", found.field))

        return self

    @model_validator(mode="after")
    def _emergency_is_for_the_release(self) -> "ClusterSpec":
        if self.emergency is None:
            return self

        if self.release is None:
            raise fault("only an okd cluster has an emergency", "remove emergency", field="emergency")

        if (self.emergency.version, self.emergency.image) != (self.release.version, self.release.image):
            reason = "the emergency is for another version or image than release: has"
            remedy = "write the same in both, or remove emergency before the next release"
            is_other_version = self.emergency.version != self.release.version
            field = ("emergency", "version" if is_other_version else "image")
            raise fault(reason, remedy, name="emergency-for-another-release", field=field)

        return self

    @model_validator(mode="after")
    def _kubernetes_is_known(self) -> "ClusterSpec":
        if self.release is None or self.kubernetes is not None:
            return self

        line = Version.parse(self.release.version).line
        if not kubernetes_of(line):
            reason = f"the Kubernetes version of OKD {line} is unknown"
            known = ", ".join(facts().lines)
            remedy = f'correct the version (known: {known}), or add the line kubernetes: "1.…" (`oc version`)'
            raise fault(reason, remedy, name="missing-value", field=("release", "version"))

        return self


@dataclass(frozen=True, slots=True)
class ClusterFile:
    """A cluster's file, its name, and the files of its hand-written extras (paths below `clusters/NAME/`)."""

    name: str
    spec: ClusterSpec
    document: Document
    extras: Tree

    @property
    def kubernetes(self) -> str:
        """The minor of Kubernetes whose schemas hold for this cluster."""
        if self.spec.kubernetes:
            return self.spec.kubernetes

        assert self.spec.release is not None  # the model refuses an okd cluster without one
        return kubernetes_of(Version.parse(self.spec.release.version).line)


@dataclass(frozen=True, slots=True)
class Cluster(ClusterFile):
    """A cluster of a fleet: its file, its purpose, and the wave and owners that apply to it."""

    purpose: PurposeSpec
    wave: int
    owners: tuple[str, ...]


def parse_cluster(name: str, document: Document, extras: Tree) -> ClusterFile:
    """Read a cluster's file; raises FindingsError with all of its faults."""
    return ClusterFile(name, parse(ClusterSpec, document), document, extras)
