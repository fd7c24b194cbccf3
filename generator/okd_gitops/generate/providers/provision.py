"""What a provider is asked for: one cluster, and what all objects that make it have in common."""

from collections.abc import Mapping
from dataclasses import dataclass

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.providers import PREFIX, Addresses
from okd_gitops.manifests.argocd import WAVE
from okd_gitops.manifests.objects import Object
from okd_gitops.times import end_of_day, time_text

LABELS = "okd-gitops.io/"
# On each object that makes a cluster: its name in the fleet, and the end, which is absolute: whatever
# happened to git and to Argo CD, `cluster register` on the hub deletes it then.
CLUSTER, END = f"{LABELS}cluster", f"{LABELS}end"
# In this order they come, and in the other one they go; clusters come last.
NAMESPACE_WAVE, CREDENTIALS_WAVE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """One cluster that must be installed: its name, release image, end as time in UTC, and addresses."""

    name: str
    image: str
    end: str
    addresses: Addresses | None = None

    @classmethod
    def of(cls, cluster: Cluster) -> "Provision":
        """Return what a cluster file asks for; the plan refuses one without release and end."""
        spec = cluster.spec
        assert spec.release
        assert spec.expires

        return cls(
            name=cluster.name,
            image=spec.release.image,
            end=time_text(end_of_day(spec.expires)),
            addresses=spec.addresses,
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
            "labels": {CLUSTER: self.name},
            "annotations": {**(annotations or {}), WAVE: str(wave)},
        }
