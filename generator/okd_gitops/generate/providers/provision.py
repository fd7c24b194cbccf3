"""What a provider is asked for: one cluster, and what all objects that make it have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.providers import CLUSTER, GUESTS, PREFIX, PROJECT, Addresses
from okd_gitops.fleet.release import Release
from okd_gitops.manifests.argocd import WAVE
from okd_gitops.manifests.objects import Object
from okd_gitops.times import end_of_day, time_text

# In this order they come, and in the other one they go; clusters come last.
NAMESPACE_WAVE, CREDENTIALS_WAVE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What a cluster upgrades to when it is installed: fields of its ClusterVersion, acknowledgements, and a
    signature that no store on the network has, as a cluster reads it.
    """

    channel: str
    upstream: str
    version: str
    image: str
    acks: tuple[str, ...] = ()
    signatures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """One cluster that must be installed: its name, release image, end as time in UTC, addresses, the
    AppProject that may go to it, and the release to which it upgrades.
    """

    name: str
    image: str
    end: str
    project: str
    addresses: Addresses | None = None
    upgrade: Upgrade | None = None

    @classmethod
    def of(cls, cluster: Cluster, fleet: FleetSpec) -> "Provision":
        """Return what a cluster file asks for; the plan refuses one without release and end."""
        spec = cluster.spec
        release = spec.release
        assert release
        assert spec.expires

        return cls(
            name=cluster.name,
            image=spec.installs.image if spec.installs else release.image,
            end=time_text(end_of_day(spec.expires)),
            project=GUESTS if fleet.unattended else cluster.name,
            addresses=spec.addresses,
            upgrade=_upgrade(release, fleet) if spec.installs else None,
        )

    @property
    def namespace(self) -> str:
        """The namespace on the hub."""
        return f"{PREFIX}{self.name}"

    def metadata(self, name: str, wave: int, annotations: Mapping[str, str] | None = None) -> Object:
        """Return the metadata of an object in that namespace.

        Waves go down when a cluster is deleted: the cluster must be gone before its credentials, and those
        before the namespace, or what it has in the cloud stays there.
        """
        return {
            "name": name,
            "namespace": self.namespace,
            "labels": {CLUSTER: self.name, PROJECT: self.project},
            "annotations": {**(annotations or {}), WAVE: str(wave)},
        }


def _upgrade(release: Release, fleet: FleetSpec) -> Upgrade:
    return Upgrade(
        channel=release.channel,
        upstream=release.upstream or fleet.upstream,
        version=release.version,
        image=release.image,
        acks=release.acks,
        signatures=release.signatures,
    )
