"""Ask the hub's API which clusters are installed, and do what `registration` decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from okd_gitops.lifecycle.registration import Registrations, decide, kubeconfig_of, made_clusters
from okd_gitops.manifests.argocd import NAMESPACE
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http

_DEPLOYMENTS = "/apis/hive.openshift.io/v1"
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
    deployments = made_clusters(items(hub.ask(f"{_DEPLOYMENTS}/clusterdeployments"), "items"))
    kubeconfigs = dict(_kubeconfigs(hub, deployments))
    known = items(hub.ask(f"/api/v1/namespaces/{NAMESPACE}/secrets?{_OF_CLUSTERS}"), "items")
    decided = decide(deployments, kubeconfigs, known, now=now)

    if write:
        _write(hub, decided)

    return decided


def _kubeconfigs(hub: Hub, deployments: list[Object]) -> Iterator[tuple[str, Object]]:
    """Yield each installed cluster with the Secret of its kubeconfig; one that is not there comes later."""
    for deployment in deployments:
        secret = kubeconfig_of(deployment)
        namespace, name = at(deployment, "metadata", "namespace"), at(deployment, "metadata", "name")

        if not secret:
            continue

        try:
            yield str(name), hub.ask(f"/api/v1/namespaces/{namespace}/secrets/{secret}")
        except NetworkError as error:
            if error.status != _GONE:
                raise


def _write(hub: Hub, decided: Registrations) -> None:
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"

    # Argo CD forgets a cluster before it is deleted.
    for secret in decided.forget:
        hub.change("DELETE", f"{secrets}/{at(secret, 'metadata', 'name')}", _exactly(secret))

    for secret in decided.register:
        is_there = at(secret, "metadata", "resourceVersion")
        path = f"{secrets}/{at(secret, 'metadata', 'name')}" if is_there else secrets
        hub.change("PUT" if is_there else "POST", path, secret)

    for deployment in decided.delete:
        namespace, name = at(deployment, "metadata", "namespace"), at(deployment, "metadata", "name")
        path = f"{_DEPLOYMENTS}/namespaces/{namespace}/clusterdeployments/{name}"
        hub.change("DELETE", path, _exactly(deployment))


def _exactly(value: Object) -> Object:
    """Return options of a deletion that hold for this very object, and for none of the same name."""
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        # What belongs to a ClusterDeployment tells Hive what to delete in the cloud: it must go last.
        "propagationPolicy": "Background",
        "preconditions": {"uid": at(value, "metadata", "uid")},
    }
