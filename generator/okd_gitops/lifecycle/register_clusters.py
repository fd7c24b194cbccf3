"""Ask the hub's API which clusters are installed, and do what `registration` decides."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from okd_gitops.lifecycle.provider_apis import PROVIDER_APIS
from okd_gitops.lifecycle.registration import MadeCluster, Registrations, decide, made_clusters
from okd_gitops.manifests.argocd import NAMESPACE
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http

_OF_CLUSTERS = "labelSelector=argocd.argoproj.io%2Fsecret-type%3Dcluster"
_GONE, _CHANGED = 404, 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The API server of the hub, and what asks it with the job's account."""

    api: str
    http: Http

    def ask(self, path: str) -> Any:
        """Return what a path of the API answers; raises NetworkError."""
        return self.http.send("GET", f"{self.api}{path}")

    def ask_if_there(self, path: str) -> Any:
        """Return what a path answers, and nothing where there is none; raises NetworkError."""
        try:
            return self.ask(path)
        except NetworkError as error:
            if error.status != _GONE:
                raise

        return None

    def change(self, method: str, path: str, body: Object) -> None:
        """Make a change; one that somebody else made first is looked at again in the next run."""
        try:
            self.http.send(method, f"{self.api}{path}", body)
        except NetworkError as error:
            if error.status not in (_GONE, _CHANGED):
                raise


def register_clusters(hub: Hub, *, now: datetime, write: bool) -> Registrations:
    """Bring what Argo CD knows in line with the clusters that are installed, and delete those whose end has
    come; without `write`, only return what must be done. Raises NetworkError.
    """
    clusters = [_with_kubeconfig(hub, cluster) for cluster in _made(hub)]
    known = items(hub.ask(f"/api/v1/namespaces/{NAMESPACE}/secrets?{_OF_CLUSTERS}"), "items")
    decided = decide(clusters, known, now=now)

    if write:
        _write(hub, decided)

    return decided


def _made(hub: Hub) -> list[MadeCluster]:
    """Return the clusters of all providers; one that the hub does not have makes none."""
    lists = [(api, hub.ask_if_there(f"{api.path}/{api.plural}")) for api in PROVIDER_APIS]

    return [cluster for api, listed in lists for cluster in made_clusters(api, items(listed, "items"))]


def _with_kubeconfig(hub: Hub, cluster: MadeCluster) -> MadeCluster:
    """Return a cluster with the Secret of its kubeconfig; one that is not there comes later."""
    if not cluster.secret:
        return cluster

    namespace = at(cluster.value, "metadata", "namespace")
    secret = hub.ask_if_there(f"/api/v1/namespaces/{namespace}/secrets/{cluster.secret}")

    return replace(cluster, kubeconfig=secret)


def _write(hub: Hub, decided: Registrations) -> None:
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"

    # Argo CD forgets a cluster before it is deleted.
    for secret in decided.forget:
        hub.change("DELETE", f"{secrets}/{at(secret, 'metadata', 'name')}", _exactly(secret))

    for secret in decided.register:
        is_there = at(secret, "metadata", "resourceVersion")
        path = f"{secrets}/{at(secret, 'metadata', 'name')}" if is_there else secrets
        hub.change("PUT" if is_there else "POST", path, secret)

    for cluster in decided.delete:
        metadata = at(cluster.value, "metadata")
        namespace, name = at(metadata, "namespace"), at(metadata, "name")
        path = f"{cluster.api.path}/namespaces/{namespace}/{cluster.api.plural}/{name}"
        hub.change("DELETE", path, _exactly(cluster.value))


def _exactly(value: Object) -> Object:
    """Return options of a deletion that hold for this very object, and for none of the same name."""
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        # What belongs to a ClusterDeployment tells Hive what to delete in the cloud: it must go last. The
        # NodePools of a HostedCluster are deleted by its controller.
        "propagationPolicy": "Background",
        "preconditions": {"uid": at(value, "metadata", "uid")},
    }
