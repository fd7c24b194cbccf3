"""Which installed clusters Argo CD must know, which it must forget, and which have come to their end.

Pure: it decides on what the hub's API has shown. What a kubeconfig says is data of a cluster that somebody
else may rule: its address must be the one that the cluster's name and domain give, and a name that Argo CD
knows already from somebody else is never taken.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from okd_gitops.finding import Finding, FindingsError, finding_of
from okd_gitops.fleet.providers import PREFIX
from okd_gitops.generate.providers.provision import CLUSTER, END, GUESTS, PROJECT
from okd_gitops.manifests.argocd import NAMESPACE, REGISTERS
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.manifests.read import FOREIGN, read
from okd_gitops.redaction import one_line
from okd_gitops.times import parse_time

_API_PORT = 6443
_KUBECONFIG = "kubeconfig"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrations:
    """What must be done on the hub: Secrets of Argo CD to write and to delete, ClusterDeployments to delete,
    and what cannot be done.
    """

    register: tuple[Object, ...] = ()
    forget: tuple[Object, ...] = ()
    delete: tuple[Object, ...] = ()
    findings: tuple[Finding, ...] = ()


def made_clusters(deployments: Iterable[Object]) -> list[Object]:
    """Return the ClusterDeployments that this tool has generated: by label, name and namespace."""
    return [value for value in deployments if _is_ours(value)]


def kubeconfig_of(deployment: Object) -> str:
    """Return the name of the Secret with the kubeconfig of an installed cluster; empty before that."""
    if at(deployment, "spec", "installed") is not True:
        return ""

    return str(at(deployment, "spec", "clusterMetadata", "adminKubeconfigSecretRef", "name") or "")


def decide(
    deployments: Sequence[Object],
    kubeconfigs: Mapping[str, Object],
    known: Sequence[Object],
    *,
    now: datetime,
) -> Registrations:
    """Return what must be done at `now`.

    `deployments` are those of `made_clusters`, `kubeconfigs` the Secrets with their kubeconfigs by cluster,
    `known` all Secrets by which Argo CD knows clusters.
    """
    ours = {name: secret for secret in known if (name := _label(secret))}
    taken = {_name_in(secret) for secret in known if not _label(secret)}
    register: list[Object] = []
    delete: list[Object] = []
    findings: list[Finding] = []
    present = set()

    for deployment in deployments:
        name = _label(deployment)
        end = _end(deployment)

        if at(deployment, "metadata", "deletionTimestamp"):
            continue

        if end is None:
            findings.append(_finding(deployment, "it does not say when it ends, so nothing deletes it"))
        elif end <= now:
            delete.append(deployment)
            continue

        if f"{PREFIX}{name}" in taken:
            findings.append(_finding(deployment, f"Argo CD knows another cluster as {PREFIX}{name}"))
            continue

        present.add(name)
        secret = kubeconfigs.get(name)
        if secret is None:
            continue

        try:
            wanted = _registered(deployment, secret)
        except ValueError as error:
            findings.append(_finding(deployment, str(error)))
            continue

        if _data(ours.get(name, {})) != _data(wanted):
            register.append(_upon(wanted, ours.get(name)))

    forget = [secret for name, secret in sorted(ours.items()) if name not in present]

    return Registrations(
        register=tuple(register), forget=tuple(forget), delete=tuple(delete), findings=tuple(findings)
    )


def _is_ours(deployment: Object) -> bool:
    name = _label(deployment)
    metadata = at(deployment, "metadata")

    return bool(name) and (at(metadata, "name"), at(metadata, "namespace")) == (name, f"{PREFIX}{name}")


def _label(value: Object) -> str:
    return str(at(value, "metadata", "labels", CLUSTER) or "")


def _end(deployment: Object) -> datetime | None:
    try:
        return parse_time(str(at(deployment, "metadata", "annotations", END)))
    except ValueError:
        return None


def _finding(deployment: Object, reason: str) -> Finding:
    name = _label(deployment)
    place = f"overlays/{name}/provider/clusterdeployment-{name}.yaml"

    return finding_of("cluster-not-registered", place, f"{name}: {reason}", clusters=(name,))


def _registered(deployment: Object, secret: Object) -> Object:
    """Return the Secret by which Argo CD knows a cluster; raises ValueError for a kubeconfig of another."""
    name = _label(deployment)
    kubeconfig = _kubeconfig(secret)
    server = str(at(_first(kubeconfig, "clusters", "cluster"), "server") or "")
    domain = at(deployment, "spec", "baseDomain")
    expected = f"https://api.{name}.{domain}:{_API_PORT}"

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
    project = _project(deployment)
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


def _project(deployment: Object) -> str:
    """Return the AppProject that may go to a cluster; raises ValueError for that of another cluster."""
    name = _label(deployment)
    project = str(at(deployment, "metadata", "labels", PROJECT) or name)

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


def _name_in(secret: Object) -> str:
    try:
        return base64.b64decode(str(at(secret, "data", "name") or "")).decode("utf-8", "replace")
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
