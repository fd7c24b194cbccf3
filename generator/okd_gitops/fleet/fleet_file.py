"""`fleet.yaml`: what holds for a whole repository."""

from typing import Annotated

from pydantic import AfterValidator, Field

from okd_gitops.finding import Location, refused
from okd_gitops.fleet.fields import Graph, Ref, Repository, StreamName
from okd_gitops.fleet.providers import ProviderName, Providers
from okd_gitops.fleet.upgrades import Duration, Releases
from okd_gitops.manifests.model import FileModel, Name
from okd_gitops.releases.fields import Channel, fault
from okd_gitops.system.disk import FLEET

# A key that is missing has no line, so the first one of its file is shown.
NO_SOURCES = Location(file=FLEET, line=1, column=1)


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


def _that_reports(provider: ProviderName) -> ProviderName:
    if provider != ProviderName.HIVE_OPENSTACK:
        reason = f"clusters of {provider} do not report how an upgrade went, so a release would wait for ever"
        raise fault(reason, f"write {ProviderName.HIVE_OPENSTACK}")

    return provider


class Trials(FileModel):
    """An entry of `trials:` in fleet.yaml: clusters that try each new release of a stream."""

    stream: StreamName = Field(examples=["4-scos-stable"], description="The stream whose releases are tried.")
    channel: Channel = Field(examples=["stable-scos-4"], description="The update channel of the clusters.")
    provider: Annotated[ProviderName, AfterValidator(_that_reports)] = Field(
        strict=False, examples=["hive-openstack"], description="Who installs them; see `providers`."
    )
    expires: Duration = Field(
        "1d", examples=["1d"], description="For how long a cluster lives, in days or hours."
    )
    conformance: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9/-]*)?$",
        examples=["kubernetes/conformance"],
        description="A suite of openshift-tests that the clusters must pass too; none without it.",
    )


def _one_each(entries: tuple[Trials, ...]) -> tuple[Trials, ...]:
    streams = [entry.stream for entry in entries]
    twice = next((stream for stream in streams if streams.count(stream) > 1), None)

    if twice:
        raise fault(f"{twice} is tried twice", "keep one of the entries")

    return entries


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
        EphemeralQuota.model_construct(),
        description="What ephemeral clusters may use together; `cluster new` refuses more.",
    )
    trials: Annotated[tuple[Trials, ...], AfterValidator(_one_each)] = Field(
        (),
        strict=False,
        description="Streams whose releases are tried on clusters of their own before long-term clusters.",
    )
    providers: Providers = Field(
        Providers.model_construct(),
        description="Who installs ephemeral clusters, and where; a cluster file names one.",
    )
    releases: Releases | None = Field(
        None, description="Sources of releases, and conditions for every rollout."
    )


def releases_of(fleet: FleetSpec) -> Releases:
    """Return `releases:` of fleet.yaml; raises FindingsError (sources-missing) without it."""
    if fleet.releases is None:
        raise refused("sources-missing", NO_SOURCES, "fleet.yaml does not say where releases are found")

    return fleet.releases
