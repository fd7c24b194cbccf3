"""Which installed clusters Argo CD must know, which it must forget, and which have come to their end.

Pure: it decides on what the hub's API has shown. A name that Argo CD knows already from somebody else is
never taken.
"""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from okd_gitops.finding import Finding, finding_of
from okd_gitops.fleet.provider_apis import ProviderApi
from okd_gitops.fleet.providers import CLUSTER, END, GUESTS, PREFIX, PROJECT
from okd_gitops.lifecycle.guest import Guest, guest_in
from okd_gitops.manifests.argocd import NAMESPACE, REGISTERS
from okd_gitops.manifests.objects import Object, at
from okd_gitops.redaction import one_line
from okd_gitops.times import parse_time

_SECRET = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class MadeCluster:
    """A cluster that a provider makes: its object, the API that has it, and the Secret with its kubeconfig,
    if there is one.
    """

    api: ProviderApi
    value: Object
    kubeconfig: Object | None = None
    # Why the hub does not show that Secret.
    refused: str = ""

    @property
    def name(self) -> str:
        """The cluster's name in the fleet."""
        return _label(self.value)

    @property
    def secret(self) -> str:
        """The name of the Secret with its kubeconfig; empty before it is there.

        Whoever wrote the object may have chosen it, and it becomes part of a path.
        """
        name = self.api.kubeconfig(self.value)

        return name if _SECRET.fullmatch(name) else ""

    @property
    def is_going(self) -> bool:
        """Whether it is being deleted."""
        return bool(at(self.value, "metadata", "deletionTimestamp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrations:
    """What must be done on the hub: Secrets of Argo CD to write and to delete, clusters to delete, and what
    cannot be done. `guests` are the clusters that can be reached.
    """

    register: tuple[Object, ...] = ()
    forget: tuple[Object, ...] = ()
    delete: tuple[MadeCluster, ...] = ()
    guests: tuple[tuple[MadeCluster, Guest], ...] = ()
    findings: tuple[Finding, ...] = ()


def made_clusters(api: ProviderApi, values: Iterable[Object]) -> list[MadeCluster]:
    """Return the clusters that this tool has generated: by label, name and namespace."""
    return [MadeCluster(api, value) for value in values if _is_ours(value)]


def decide(clusters: Sequence[MadeCluster], known: Sequence[Object], *, now: datetime) -> Registrations:
    """Return what must be done at `now`; `known` are all Secrets by which Argo CD knows clusters."""
    ours = {name: secret for secret in known if (name := _label(secret))}
    others = [secret for secret in known if not _label(secret)]
    taken = {_text_in(secret, "name") for secret in others}
    servers = {_text_in(secret, "server").rstrip("/") for secret in others}
    staying = [cluster for cluster in clusters if not cluster.is_going]
    delete = [cluster for cluster in staying if _has_ended(cluster, now)]
    living = [cluster for cluster in staying if not _has_ended(cluster, now)]
    makers = Counter(cluster.name for cluster in living)
    register: list[Object] = []
    guests: list[tuple[MadeCluster, Guest]] = []
    findings: list[Finding] = []
    present = set()

    for cluster in living:
        name = cluster.name

        if _end(cluster) is None:
            findings.append(_finding(cluster, "it does not say when it ends, so nothing deletes it"))

        if f"{PREFIX}{name}" in taken:
            findings.append(_finding(cluster, f"Argo CD knows another cluster as {PREFIX}{name}"))
            continue

        present.add(name)

        if makers[name] > 1:
            findings.append(_finding(cluster, "two providers make a cluster of this name"))
            continue

        if cluster.refused:
            findings.append(_finding(cluster, f"its kubeconfig cannot be read: {cluster.refused}"))

        if cluster.kubeconfig is None:
            continue

        if cluster.api.server(cluster.value) in servers:
            findings.append(_finding(cluster, "Argo CD knows another cluster at its address"))
            continue

        try:
            guest = _guest(cluster, cluster.kubeconfig)
            wanted = _registered(cluster, guest)
        except ValueError as error:
            findings.append(_finding(cluster, str(error)))
            continue

        guests.append((cluster, guest))

        if _data(ours.get(name, {})) != _data(wanted):
            register.append(_upon(wanted, ours.get(name)))

    forget = [secret for name, secret in sorted(ours.items()) if name not in present]

    return Registrations(
        register=tuple(register),
        forget=tuple(forget),
        delete=tuple(delete),
        guests=tuple(guests),
        findings=tuple(findings),
    )


def _is_ours(value: Object) -> bool:
    name = _label(value)
    metadata = at(value, "metadata")

    return bool(name) and (at(metadata, "name"), at(metadata, "namespace")) == (name, f"{PREFIX}{name}")


def _label(value: Object) -> str:
    return str(at(value, "metadata", "labels", CLUSTER) or "")


def _end(cluster: MadeCluster) -> datetime | None:
    try:
        return parse_time(str(at(cluster.value, "metadata", "annotations", END)))
    except ValueError:
        return None


def _has_ended(cluster: MadeCluster, now: datetime) -> bool:
    end = _end(cluster)
    return end is not None and end <= now


def _finding(cluster: MadeCluster, reason: str) -> Finding:
    name = cluster.name
    place = f"overlays/{name}/provider/{cluster.api.kind.lower()}-{name}.yaml"

    return finding_of("cluster-not-registered", place, f"{name}: {reason}", clusters=(name,))


def _guest(made: MadeCluster, secret: Object) -> Guest:
    """Return how a cluster is reached; raises ValueError for a kubeconfig of another."""
    server = made.api.server(made.value)

    if not server:
        raise ValueError(f"its {made.api.kind} does not say at which address its API server is")

    return guest_in(secret, server)


def _registered(made: MadeCluster, guest: Guest) -> Object:
    """Return the Secret by which Argo CD knows a cluster; raises ValueError for a wrong AppProject."""
    name = made.name
    tls = {"caData": guest.authorities, "certData": guest.certificate, "keyData": guest.key}

    # Nothing but the Application of this very cluster may go there.
    project = _project(made.value)
    known_as = f"{PREFIX}{name}"
    config = json.dumps({"tlsClientConfig": tls})
    values = {"name": known_as, "server": guest.server, "project": project, "config": config}

    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": known_as,
            "namespace": NAMESPACE,
            "labels": {REGISTERS: "cluster", CLUSTER: name, PROJECT: project},
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def _project(value: Object) -> str:
    """Return the AppProject that may go to a cluster; raises ValueError for that of another cluster."""
    name = _label(value)
    project = str(at(value, "metadata", "labels", PROJECT) or name)

    if project not in (name, GUESTS):
        raise ValueError(f"it asks for the AppProject {one_line(project, 60)}, which is not its own")

    return project


def _text_in(secret: Object, key: str) -> str:
    try:
        return base64.b64decode(str(at(secret, "data", key) or "")).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _data(secret: Object) -> object:
    return at(secret, "data")


def _upon(wanted: Object, old: Object | None) -> Object:
    """Return a Secret that replaces an old one, if nobody has changed that meanwhile."""
    if old is None:
        return wanted

    version = at(old, "metadata", "resourceVersion")
    return {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": version}}
