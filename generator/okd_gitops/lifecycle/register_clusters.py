"""Ask the hub's API which clusters are installed, and do what `registration` decides."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from okd_gitops.evidence.noted_guest import GUEST, Noted, completed_update, note_of, reported_conformance
from okd_gitops.evidence.pools import pools_of
from okd_gitops.finding import Finding, finding_of
from okd_gitops.fleet.provider_apis import HIVE, PROVIDER_APIS
from okd_gitops.fleet.providers import PREFIX
from okd_gitops.lifecycle.guest import Guest, Told
from okd_gitops.lifecycle.registration import MadeCluster, Registrations, decide, made_clusters
from okd_gitops.manifests.argocd import NAMESPACE
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.system.address import NetworkError
from okd_gitops.system.hub import Hub

_OF_CLUSTERS = "labelSelector=argocd.argoproj.io%2Fsecret-type%3Dcluster"
_FORBIDDEN = 403


def register_clusters(
    hub: Hub, ask_guest: Callable[[Guest], Told], *, now: datetime, write: bool
) -> Registrations:
    """Bring what Argo CD knows in line with the clusters that are installed, and delete those whose end has
    come; without `write`, only return what must be done.

    `ask_guest` asks a cluster for its nodes and its conformance suite; what they tell of the release is noted
    on the hub. What the hub refuses of one cluster is a finding and stops no other one. Raises NetworkError
    for a hub that is away.
    """
    clusters = [_with_kubeconfig(hub, cluster) for cluster in _made(hub)]
    known = items(hub.ask(f"/api/v1/namespaces/{NAMESPACE}/secrets?{_OF_CLUSTERS}"), "items")
    decided = decide(clusters, known, now=now)

    refused = (*_write(hub, decided), *_note_guests(hub, decided, ask_guest)) if write else ()

    return replace(decided, findings=(*decided.findings, *refused))


def _made(hub: Hub) -> list[MadeCluster]:
    """Return the clusters of all providers; one that the hub does not have makes none."""
    lists = [(api, hub.ask_if_there(f"{api.path}/{api.plural}")) for api in PROVIDER_APIS]

    return [cluster for api, listed in lists for cluster in made_clusters(api, items(listed, "items"))]


def _with_kubeconfig(hub: Hub, cluster: MadeCluster) -> MadeCluster:
    """Return a cluster with the Secret of its kubeconfig; one that is not there comes later."""
    if not cluster.secret:
        return cluster

    namespace = at(cluster.value, "metadata", "namespace")

    try:
        secret = hub.ask_if_there(f"/api/v1/namespaces/{namespace}/secrets/{cluster.secret}")
    except NetworkError as error:
        if error.status != _FORBIDDEN:
            raise

        return replace(cluster, refused=error.reason)

    return replace(cluster, kubeconfig=secret)


def _write(hub: Hub, decided: Registrations) -> Iterator[Finding]:
    """Make the changes, and yield those that the hub refuses; an end comes before a beginning."""
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"

    # Argo CD forgets a cluster before it is deleted.
    for secret in decided.forget:
        yield from _attempt(hub, "DELETE", f"{secrets}/{at(secret, 'metadata', 'name')}", _exactly(secret))

    for cluster in decided.delete:
        metadata = at(cluster.value, "metadata")
        namespace, name = at(metadata, "namespace"), at(metadata, "name")
        path = f"{cluster.api.path}/namespaces/{namespace}/{cluster.api.plural}/{name}"
        yield from _attempt(hub, "DELETE", path, _exactly(cluster.value))

    for secret in decided.register:
        is_there = at(secret, "metadata", "resourceVersion")
        path = f"{secrets}/{at(secret, 'metadata', 'name')}" if is_there else secrets
        yield from _attempt(hub, "PUT" if is_there else "POST", path, secret)


def _note_guests(hub: Hub, decided: Registrations, ask_guest: Callable[[Guest], Told]) -> Iterator[Finding]:
    """Note at each cluster of Hive what it tells of its release; one that does not answer comes later."""
    for cluster, guest in decided.guests:
        update = completed_update(cluster.value) if cluster.api == HIVE else ""

        if not update:
            continue

        try:
            told = ask_guest(guest)
        except NetworkError as error:
            yield _not_noted(cluster, error.reason)
            continue

        conformance = reported_conformance(cluster.value, told.conformance)
        note = note_of(update, Noted(pools=pools_of(told.pools), conformance=conformance))

        if note != at(cluster.value, "metadata", "annotations", GUEST):
            path = f"{HIVE.path}/namespaces/{PREFIX}{cluster.name}/{HIVE.plural}/{cluster.name}"
            refused = _attempt(hub, "PUT", path, _annotated(cluster.value, note))
            yield from (_not_noted(cluster, finding.reason) for finding in refused)


def _not_noted(cluster: MadeCluster, reason: str) -> Finding:
    name = cluster.name
    place = f"overlays/{name}/provider/clusterdeployment-{name}.yaml"

    return finding_of("guest-not-noted", place, f"{name}: {reason}", clusters=(name,))


def _annotated(value: Object, note: str) -> Object:
    metadata = value["metadata"]
    annotations = {**(metadata.get("annotations") or {}), GUEST: note}

    return {**value, "metadata": {**metadata, "annotations": annotations}}


def _attempt(hub: Hub, method: str, path: str, body: Object) -> Iterator[Finding]:
    try:
        hub.change(method, path, body)
    except NetworkError as error:
        if not error.status:
            raise

        yield finding_of("cluster-not-registered", path, f"the hub refuses {method}: {error.reason}")


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
