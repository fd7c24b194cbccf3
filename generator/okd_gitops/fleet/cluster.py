"""What people write: `fleet.yaml` and `clusters/NAME.yaml`."""

import base64
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from okd_gitops.finding import Location, refused
from okd_gitops.fleet.emergency import Emergency
from okd_gitops.fleet.providers import (
    TAKE_ADDRESSES,
    UPGRADE,
    Addresses,
    Installed,
    ProviderName,
    Providers,
)
from okd_gitops.fleet.purpose import PurposeSpec
from okd_gitops.fleet.upgrades import Ack, Duration, Releases, Upgrades
from okd_gitops.manifests.model import FileModel, Name, parse
from okd_gitops.manifests.read import Document
from okd_gitops.releases.cluster_version import field_faults
from okd_gitops.releases.fields import (
    Channel,
    ClusterId,
    ReleaseImage,
    VersionText,
    cluster_version_field,
    fault,
)
from okd_gitops.releases.lines import facts, kubernetes_of
from okd_gitops.releases.trust.signature import signed_digest
from okd_gitops.releases.trust.verdict import SignatureError
from okd_gitops.releases.version import Version
from okd_gitops.system.disk import FLEET
from okd_gitops.tree import Tree

_HOST = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"
_URL = re.compile(rf"https://{_HOST}(/[A-Za-z0-9._~/-]*)?")
_SERVICE = r"[a-z0-9.-]+\.svc(\.cluster\.local)?(:[0-9]{1,5})?"
# What Argo CD can clone: https, ssh, and plain http for a git server inside the hub itself.
_REPOSITORY = re.compile(
    rf"(https://{_HOST}|ssh://git@{_HOST}|http://{_SERVICE})(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+"
)
# A key that is missing has no line, so the first one of its file is shown.
NO_SOURCES = Location(file=FLEET, line=1, column=1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _url(value: str) -> str:
    if "@" in value:
        reason = "credentials in a URL would be published with the repository"
        raise fault(reason, "keep them in a Secret of the hub")
    if not _URL.fullmatch(value):
        raise fault("this is not an https:// URL", "write it like https://api.example.org:6443")
    return value


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        reason = "this is not the URL of a repository without credentials"
        raise fault(reason, "write it like https://… or ssh://git@…")
    return value


def _ref(value: str) -> str:
    if value.endswith(".lock"):
        raise fault("git has no branch whose name ends with .lock", "write it like main")
    return value


Url = Annotated[str, AfterValidator(_url)]
Repository = Annotated[str, AfterValidator(_repository)]
Graph = Annotated[Url, cluster_version_field("upstream")]
Minor = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}\.(0|[1-9][0-9]{0,3})$")]
# What git takes for a branch: no `..`, and no part that begins or ends with a dot.
Ref = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*$", max_length=100),
    AfterValidator(_ref),
]


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


def _signed_digest(signature: str) -> str:
    try:
        return signed_digest(base64.b64decode(signature, validate=True))
    except (ValueError, SignatureError):
        reason = "this is not a signature in base64, as a record of the branch records has it"
        remedy = "remove it, and let okd-gitops release update write it"
        raise fault(reason, remedy, name="malformed-signature", field="signature") from None


StreamName = Annotated[str, Field(pattern=r"^[0-9a-z][0-9a-z.-]*$")]


class Release(FileModel):
    """The OKD release that a cluster is to run."""

    channel: Channel = Field(
        examples=["stable-scos-4"], description="Update channel, e.g. stable-scos-4; never a stream's name."
    )
    version: VersionText = Field(
        examples=["4.22.0-okd-scos.0"], description="Version, e.g. 4.22.0-okd-scos.0."
    )
    image: ReleaseImage = Field(
        examples=[f"registry.ci.openshift.org/origin/release-scos@sha256:{'0' * 64}"],
        description="Release image by digest: name@sha256:….",
    )
    stream: StreamName | None = Field(
        None,
        examples=["4-scos-stable"],
        description="Release stream to follow, e.g. 4-scos-stable, or one of okd-stream.",
    )
    upstream: Graph | None = Field(None, description="Update graph; the default is the fleet's.")
    signature: str = Field(
        "",
        max_length=22_000,
        description="Signature of a release of one's own, in base64; release update writes it.",
    )
    acks: tuple[Ack, ...] = Field(
        (),
        strict=False,
        examples=[["ack-4.21-api-removals"]],
        description="Administrator acknowledgements, by name; write who gave one in a comment.",
    )
    force: bool = Field(
        default=False,
        description="Ephemeral clusters only: skip the checks of the signature and of the preconditions.",
    )

    @model_validator(mode="after")
    def _in_channel(self) -> "Release":
        for found in field_faults({"version": self.version, "channel": self.channel}):
            raise fault(found.reason, found.remedy, name=found.name, field=found.field)
        return self

    @model_validator(mode="after")
    def _signs_the_image(self) -> "Release":
        if self.signature:
            signed = _signed_digest(self.signature)
            if signed != self.image.partition("@")[2]:
                reason = f"the signature is for {signed}, and the image is {self.image}"
                raise fault(reason, name="signed-other-image", field="signature")
        return self

    @property
    def signatures(self) -> dict[str, str]:
        """What a cluster reads in a ConfigMap of openshift-config-managed to verify the image.

        The form of the key is that of openshift/library-go, pkg/verify/store/configmap.
        """
        digest = self.image.partition("@")[2].replace(":", "-")
        return {f"{digest}-1": self.signature} if self.signature else {}


class Announced(FileModel):
    """`announced:` of fleet.yaml: where the fleet will move to, merged before the move itself."""

    repository: Repository | None = Field(None, description="The repository that it moves to.")
    revision: Ref | None = Field(None, description="The branch that it moves to.")
    hub: Name | None = Field(None, description="The cluster that becomes the hub.")
    reason: str = Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", description="Why it moves, in a sentence.")


Quantity = Annotated[str, Field(pattern=r"^([0-9]{1,9}(\.[0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?)?$")]


class QuotaSpec(FileModel):
    """An entry of `quotas:` in fleet.yaml: what a namespace may have, which somebody else decides."""

    cluster: Name = Field(description="The cluster.")
    namespace: Name = Field(description="The namespace.")
    cpu: Quantity = Field("", description='CPUs of all pods, e.g. "4".')
    memory: Quantity = Field("", description="Memory of all pods, e.g. 16Gi.")
    storage: Quantity = Field("", description="Storage of all claims, e.g. 400Gi.")


class EphemeralQuota(FileModel):
    """`ephemeral:` of fleet.yaml: how much the ephemeral clusters of a fleet may use together."""

    at_once: int | None = Field(
        None, alias="atOnce", ge=0, le=1000, examples=[3], description="How many may exist at a time."
    )
    hours_per_week: int | None = Field(
        None,
        alias="hoursPerWeek",
        ge=0,
        le=168_000,
        examples=[200],
        description="For how many hours all of them together may exist in any seven days.",
    )


class UnattendedRepository(FileModel):
    """`unattendedRepository:` of fleet.yaml: where test clusters come and go without a review."""

    repository: Repository = Field(
        examples=["https://git.massopen.cloud/okd/trials.git"],
        description="The address from which Argo CD reads it; its fleet.yaml has `unattended: true`.",
    )
    revision: Ref = Field(
        "main", examples=["main"], description="The branch that Argo CD follows, and to which a job pushes."
    )


class Trials(FileModel):
    """An entry of `trials:` in fleet.yaml: clusters that try each new release of a stream."""

    stream: StreamName = Field(examples=["4-scos-stable"], description="The stream whose releases are tried.")
    channel: Channel = Field(examples=["stable-scos-4"], description="The update channel of the clusters.")
    provider: ProviderName = Field(
        strict=False, examples=["hive-openstack"], description="Who installs them; see `providers`."
    )
    expires: Duration = Field(
        "1d", examples=["1d"], description="For how long a cluster lives, in days or hours."
    )


class FleetSpec(FileModel, title="Fleet"):
    """`fleet.yaml`: facts of the whole repository."""

    requires: str | None = Field(
        None,
        pattern=r"^(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,3})){1,2}$",
        description='The least version of okd-gitops that may judge this fleet, e.g. "0.2".',
    )
    repository: Repository = Field(
        examples=["https://git.massopen.cloud/okd/fleet.git"],
        description="The address from which Argo CD reads this repository.",
    )
    revision: Ref = Field("main", examples=["main"], description="The branch that Argo CD follows.")
    hub: Name = Field(examples=["moc-hub"], description="The cluster whose Argo CD syncs the fleet.")
    owners: tuple[Name, ...] = Field(
        strict=False,
        min_length=1,
        examples=[["okd-wg"]],
        description="Teams that own every cluster that names no owners.",
    )
    upstream: Graph = Field(
        examples=["https://amd64.origin.releases.ci.openshift.org/graph"],
        description="The update graph that OKD clusters ask; the default of ClusterVersion is OpenShift's.",
    )
    announced: Announced | None = Field(
        None,
        description="Announces another repository, revision or hub; required before the move itself.",
    )
    unattended: bool = Field(
        default=False,
        description="Only clusters of a provider live here, and a job pushes to `revision` without a review.",
    )
    unattended_repository: UnattendedRepository | None = Field(
        None,
        alias="unattendedRepository",
        description="Another repository, of clusters that come and go on this hub without a review.",
    )
    quotas: tuple[QuotaSpec, ...] = Field(
        (),
        strict=False,
        description="What namespaces may have at most; check compares the pipelines with it.",
    )
    ephemeral: EphemeralQuota = Field(
        EphemeralQuota(), description="What ephemeral clusters may use together; `cluster new` refuses more."
    )
    trials: tuple[Trials, ...] = Field(
        (),
        strict=False,
        description="Streams whose new releases are tried on clusters of their own; see `cluster try`.",
    )
    providers: Providers = Field(
        Providers(), description="Who installs ephemeral clusters, and where; a cluster file names one."
    )
    releases: Releases | None = Field(
        None, description="Sources of releases, and conditions for every rollout."
    )


def releases_of(fleet: FleetSpec) -> Releases:
    """Return `releases:` of fleet.yaml; raises FindingsError (sources-missing) without it."""
    if fleet.releases is None:
        raise refused("sources-missing", NO_SOURCES, "fleet.yaml does not say where releases are found")

    return fleet.releases


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
    upgrades: Upgrades = Field(Upgrades(), description="Which releases this cluster takes, and when.")
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
        if self.release and self.purpose != Purpose.EPHEMERAL:
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
