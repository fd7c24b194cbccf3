"""`providers:` of fleet.yaml: where clusters can be installed by git, and what all clusters of one have in
common. Nothing here is a credential: those are in a store, and only its path is named.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from okd_gitops.fleet.upgrades import Duration
from okd_gitops.manifests.model import FileModel, Name
from okd_gitops.releases.fields import ReleaseImage, VersionText
from okd_gitops.times import parse_duration

# What the namespace of a cluster's provider on the hub begins with, and the Application of the same name.
PREFIX = "ephemeral-"

LABELS = "okd-gitops.io/"
# On each object that makes a cluster: its name in the fleet, and the end, which is absolute: whatever
# happened to git and to Argo CD, `cluster register` on the hub deletes it then.
CLUSTER, END = f"{LABELS}cluster", f"{LABELS}end"
# The AppProject that may go to the cluster when it is there, and the one of all unattended clusters.
PROJECT, GUESTS = f"{LABELS}project", "unattended-guests"
_LONGEST_NAMESPACE = 63

Domain = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$")]
# A name in a cloud; no sign that a template could read as its own.
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
StorePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$")]
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS = rf"({_OCTET}\.){{3}}{_OCTET}"
Address = Annotated[str, Field(pattern=rf"^{_ADDRESS}$")]
# What a NodePort can be published at. A name ends in letters: one that ends in a number is an address.
NodeAddress = Annotated[str, Field(pattern=rf"^({_ADDRESS}|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{{2,}})$")]
ClassName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
_LABEL_WORD = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
LabelName = Annotated[str, Field(pattern=rf"^([a-z0-9][a-z0-9.-]{{0,251}}/)?{_LABEL_WORD}$")]
LabelValue = Annotated[str, Field(pattern=rf"^({_LABEL_WORD})?$")]


class ProviderName(StrEnum):
    """Who installs a cluster."""

    HIVE_OPENSTACK = "hive-openstack"
    HIVE_FAKE = "hive-fake"
    HYPERSHIFT_AGENT = "hypershift-agent"


# The other ones have no floating addresses, and change the release of a cluster themselves.
TAKE_ADDRESSES = UPGRADE = frozenset({ProviderName.HIVE_OPENSTACK, ProviderName.HIVE_FAKE})


class Architecture(StrEnum):
    """The processors of machines, as HyperShift calls them."""

    AMD64 = "amd64"
    ARM64 = "arm64"
    PPC64LE = "ppc64le"
    S390X = "s390x"


class Machines(FileModel):
    """Machines of one kind."""

    flavor: Word = Field(examples=["m1.xlarge"], description="Their flavor in the cloud.")
    replicas: int = Field(3, ge=0, le=100, description="How many.")


class Agents(FileModel):
    """Machines that have booted the image of a cluster's InfraEnv, and wait for what they become."""

    replicas: int = Field(2, ge=0, le=100, description="How many become workers.")
    architecture: Architecture = Field(
        Architecture.AMD64, strict=False, description="Their processors; the release must be for them."
    )
    labels: dict[LabelName, LabelValue] = Field(
        {},
        examples=[{"size": "large"}],
        description="Only Agents with these labels become workers; without any, all of the namespace may.",
    )


class StoredCredentials(FileModel):
    """Where the hub's External Secrets find what an installation needs.

    PATH/pull-secret has `.dockerconfigjson`; PATH/cloud has `clouds.yaml`, for Hive; PATH/ssh-key has
    `id_rsa.pub`, where it is asked for.
    """

    store: Name = Field(
        examples=["ephemeral"],
        description="The ClusterSecretStore on the hub, which must serve namespaces ephemeral-NAME.",
    )
    path: StorePath = Field(examples=["okd/ephemeral"], description="The path of the credentials in it.")


class Settings(FileModel):
    """What every provider has to be told."""

    base_domain: Domain = Field(
        alias="baseDomain", examples=["massopen.cloud"], description="Clusters are below it: api.NAME.DOMAIN."
    )
    longest: Duration = Field(
        "7d", examples=["7d"], description="The longest life that may be asked for with cluster new."
    )
    credentials: StoredCredentials = Field(description="Where the credentials are.")

    @property
    def machines(self) -> int:
        """How many machines a cluster has for itself."""
        raise NotImplementedError


class Hive(Settings):
    """Clusters in an OpenStack cloud, by Hive on the hub: settings that all of them have in common."""

    longest: Duration = Field(
        "7d",
        examples=["7d"],
        description="The longest life that may be asked for; Hive deletes a cluster a day later by itself.",
    )
    cloud: Word = Field(examples=["moc"], description="The name of the cloud in clouds.yaml.")
    external_network: Word = Field(
        alias="externalNetwork", examples=["external"], description="The network of floating addresses."
    )
    control_plane: Machines = Field(alias="controlPlane", description="The control plane's machines.")
    workers: Machines = Field(description="The workers' machines.")

    @property
    def machines(self) -> int:
        """How many machines a cluster has for itself."""
        return self.control_plane.replicas + self.workers.replicas

    @property
    def delete_after_hours(self) -> int:
        """When Hive deletes a cluster by itself, in hours from its creation: Hive has no unit of a day.

        A cluster that is asked for so long has the rest of its last day, too.
        """
        return (parse_duration(self.longest) + timedelta(days=1)) // timedelta(hours=1)


class HyperShift(Settings):
    """Clusters whose control plane is pods of the hub, and whose workers are Agents, by HyperShift there."""

    base_domain: Domain = Field(
        alias="baseDomain",
        examples=["massopen.cloud"],
        description="Clusters are below it: *.apps.NAME.DOMAIN.",
    )
    node_address: NodeAddress = Field(
        alias="nodeAddress",
        examples=["10.0.0.5"],
        description="The address of the hub's nodes, at whose NodePorts the control planes are reached.",
    )
    storage_class: ClassName | None = Field(
        None,
        alias="storageClass",
        examples=["ssd"],
        description="The StorageClass of etcd on the hub; the default is the hub's own.",
    )
    ssh_key: bool = Field(
        default=False,
        alias="sshKey",
        description="Let the key of PATH/ssh-key (id_rsa.pub) log in on the workers.",
    )
    workers: Agents = Field(
        Agents.model_construct(), description="Which machines become workers, and how many."
    )

    @property
    def machines(self) -> int:
        """How many machines a cluster has for itself."""
        return self.workers.replicas


class Providers(FileModel):
    """`providers:` of fleet.yaml."""

    hive_openstack: Hive | None = Field(
        None, alias="hive-openstack", description="Clusters in an OpenStack cloud, installed by Hive."
    )
    hive_fake: Hive | None = Field(
        None,
        alias="hive-fake",
        description="Hive's own fake clusters: it goes through all steps and makes no machine.",
    )
    hypershift_agent: HyperShift | None = Field(
        None,
        alias="hypershift-agent",
        description="Clusters of HyperShift, with bare metal that assisted-service has found as workers.",
    )

    def of(self, name: ProviderName) -> Hive | HyperShift | None:
        """Return the settings of a provider, if the fleet has it."""
        return {
            ProviderName.HIVE_OPENSTACK: self.hive_openstack,
            ProviderName.HIVE_FAKE: self.hive_fake,
            ProviderName.HYPERSHIFT_AGENT: self.hypershift_agent,
        }[name]


class Installed(FileModel):
    """`installs:` of a cluster file: the release that the provider installs, if the cluster is to upgrade."""

    version: VersionText = Field(examples=["4.22.0-okd-scos.0"], description="The version.")
    image: ReleaseImage = Field(
        examples=[f"registry.ci.openshift.org/origin/release-scos@sha256:{'0' * 64}"],
        description="The release image by digest.",
    )


class Addresses(FileModel):
    """`addresses:` of a cluster file: floating addresses that somebody has reserved, with their DNS names."""

    api: Address = Field(examples=["128.31.20.7"], description="The address of api.NAME.DOMAIN.")
    ingress: Address = Field(examples=["128.31.20.8"], description="The address of *.apps.NAME.DOMAIN.")


def control_plane_namespace(name: str) -> str:
    """Return the namespace on the hub in which HyperShift runs the control plane of a cluster.

    It is that of openshift/hypershift, hypershift-operator/controllers/manifests (v0.1.80).
    """
    return f"{PREFIX}{name}-{name}"


def name_too_long(provider: ProviderName, name: str) -> str:
    """Return why a name is too long for what a provider makes of it, or nothing."""
    excess = len(control_plane_namespace(name)) - _LONGEST_NAMESPACE

    if provider != ProviderName.HYPERSHIFT_AGENT or excess <= 0:
        return ""

    return f"its control plane would be in the namespace {control_plane_namespace(name)}, which is too long"
