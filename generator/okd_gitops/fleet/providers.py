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

Domain = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$")]
# A name in a cloud; no sign that a template could read as its own.
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
StorePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$")]
Address = Annotated[str, Field(pattern=r"^([0-9]{1,3}\.){3}[0-9]{1,3}$")]


class ProviderName(StrEnum):
    """Who installs a cluster."""

    HIVE_OPENSTACK = "hive-openstack"
    HIVE_FAKE = "hive-fake"


class Machines(FileModel):
    """Machines of one kind."""

    flavor: Word = Field(examples=["m1.xlarge"], description="Their flavor in the cloud.")
    replicas: int = Field(3, ge=0, le=100, description="How many.")


class StoredCredentials(FileModel):
    """Where the hub's External Secrets find what an installation needs.

    PATH/cloud has `clouds.yaml`, PATH/pull-secret has `.dockerconfigjson`.
    """

    store: Name = Field(
        examples=["ephemeral"],
        description="The ClusterSecretStore on the hub, which must serve namespaces ephemeral-NAME.",
    )
    path: StorePath = Field(examples=["okd/ephemeral"], description="The path of the credentials in it.")


class Hive(FileModel):
    """Clusters in an OpenStack cloud, by Hive on the hub: settings that all of them have in common."""

    base_domain: Domain = Field(
        alias="baseDomain", examples=["massopen.cloud"], description="Clusters are below it: api.NAME.DOMAIN."
    )
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
    credentials: StoredCredentials = Field(description="Where the credentials are.")

    @property
    def delete_after_hours(self) -> int:
        """When Hive deletes a cluster by itself, in hours from its creation: Hive has no unit of a day.

        A cluster that is asked for so long has the rest of its last day, too.
        """
        return (parse_duration(self.longest) + timedelta(days=1)) // timedelta(hours=1)


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

    def of(self, name: ProviderName) -> Hive | None:
        """Return the settings of a provider, if the fleet has it."""
        return {
            ProviderName.HIVE_OPENSTACK: self.hive_openstack,
            ProviderName.HIVE_FAKE: self.hive_fake,
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
