"""Which installed clusters Argo CD must know, which it must forget, and which have come to their end.

Pure: it decides on what the hub's API has shown. What a kubeconfig says is data of a cluster that somebody
else may rule: its address must be the one that the provider's own object gives, and a name that Argo CD knows
already from somebody else is never taken.
"""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from okd_gitops.finding import Finding, FindingsError, finding_of
from okd_gitops.fleet.provider_apis import ProviderApi
from okd_gitops.fleet.providers import CLUSTER, END, GUESTS, PREFIX, PROJECT
from okd_gitops.manifests.argocd import NAMESPACE, REGISTERS
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.manifests.read import FOREIGN, read
from okd_gitops.redaction import one_line
from okd_gitops.times import parse_time

_KUBECONFIG = "kubeconfig"
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
    cannot be done.
    """

    register: tuple[Object, ...] = ()
    forget: tuple[Object, ...] = ()
    delete: tuple[MadeCluster, ...] = ()
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
            wanted = _registered(cluster, cluster.kubeconfig)
        except ValueError as error:
            findings.append(_finding(cluster, str(error)))
            continue

        if _data(ours.get(name, {})) != _data(wanted):
            register.append(_upon(wanted, ours.get(name)))

    forget = [secret for name, secret in sorted(ours.items()) if name not in present]

    return Registrations(
        register=tuple(register), forget=tuple(forget), delete=tuple(delete), findings=tuple(findings)
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


def _registered(made: MadeCluster, secret: Object) -> Object:
    """Return the Secret by which Argo CD knows a cluster; raises ValueError for a kubeconfig of another."""
    name = made.name
    expected = made.api.server(made.value)
    kubeconfig = _kubeconfig(secret)
    server = str(at(_first(kubeconfig, "clusters", "cluster"), "server") or "")

    if not expected:
        raise ValueError(f"its {made.api.kind} does not say at which address its API server is")

    if server != expected:
        shown = one_line(server, 100) or "no server"
        raise ValueError(f"its kubeconfig is for {shown}, and must be for {expected}")

    cluster, user = _first(kubeconfig, "clusters", "cluster"), _first(kubeconfig, "users", "user")
    tls = {
        "caData": at(cluster, "certificate-authority-data"),
        "certData": at(user, "client-certificate-data"),
        "keyData": at(user, "client-key-data"),
    }

    if not all(isinstance(value, str) and value for value in tls.values()):
        raise ValueError("its kubeconfig has no certificate of the administrator")

    # Nothing but the Application of this very cluster may go there.
    project = _project(made.value)
    known_as = f"{PREFIX}{name}"
    config = json.dumps({"tlsClientConfig": tls})
    values = {"name": known_as, "server": server, "project": project, "config": config}

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


def _kubeconfig(secret: Object) -> Object:
    encoded = at(secret, "data", _KUBECONFIG)

    try:
        value = read(_KUBECONFIG, base64.b64decode(str(encoded or ""), validate=True), bounds=FOREIGN).value
    except (binascii.Error, FindingsError):
        raise ValueError("its kubeconfig cannot be read") from None

    return value if isinstance(value, dict) else {}


def _first(kubeconfig: Object, key: str, inner: str) -> Object:
    entries = [at(entry, inner) for entry in items(kubeconfig, key)]

    return next((entry for entry in entries if isinstance(entry, dict)), {})


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
