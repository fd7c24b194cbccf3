"""By what the output of a cluster can be told: names in DNS, paths of secrets, the infrastructure's name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from okd_gitops.manifests.objects import Object, ObjectId, at, per_object
from okd_gitops.manifests.values import values_within

Path = tuple[str | int, ...]
_HOST = re.compile(r"(?<![\w.@-])(?:[A-Za-z0-9*_-]+\.)+[A-Za-z]{2,}(?![\w.-])")
# Names of Services are of one cluster alone, and no name in DNS.
_INSIDE = re.compile(r".*\.(svc|local|internal|yaml|yml|json|sh|conf)", re.IGNORECASE)
_INFRASTRUCTURE = "machine.openshift.io/cluster-api-cluster"
# <path:secret/data/NAME/db#password> of Argo CD's vault plug-in.
_VAULT = re.compile(r"<path:([^#>]+)")
# Longer texts are scripts and files.
_LONGEST = 500
# What a mark is.
ZONE, SECRET, MACHINES = "DNS name", "path of a secret", "infrastructure"
# Fields in which an object has a name of its own cluster, and of no other.
_OWN_HOSTS = {
    "DNS.config.openshift.io": ("baseDomain",),
    "Certificate.cert-manager.io": ("dnsNames", "commonName"),
    "HTTPRoute.gateway.networking.k8s.io": ("hostnames",),
    "Ingress.config.openshift.io": ("domain", "appsDomain", "hostname"),
    "Ingress.networking.k8s.io": ("host", "hosts"),
    "IngressController.operator.openshift.io": ("domain",),
    "Route.route.openshift.io": ("host",),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A text by which a cluster is told, as words: what it is, and whether it can be of no other cluster."""

    kind: str
    text: str
    words: tuple[str, ...]
    path: Path
    is_own: bool


@per_object
def marks(value: Object) -> tuple[Mark, ...]:
    """Return what in an object can tell its cluster."""
    return (*_hosts(value), *_secrets(value), *_machines(value))


def _hosts(value: Object) -> Iterator[Mark]:
    own = _OWN_HOSTS.get(ObjectId.of(value).group_kind, ())
    for path, text in values_within(value):
        is_text = isinstance(text, str) and len(text) < _LONGEST and "\n" not in text
        if not is_text or "." not in text or path[-1] == "image":
            continue

        is_own = any(step in own for step in path)
        for host in _HOST.findall(text):
            if not _INSIDE.fullmatch(host):
                yield Mark(ZONE, host, tuple(host.lower().split(".")), path, is_own)


def _secrets(value: Object) -> Iterator[Mark]:
    for path, text in _secret_paths(value):
        yield Mark(SECRET, text, tuple(re.split(r"[/.:]", text)), path, is_own=True)


def _secret_paths(value: Object) -> Iterator[tuple[Path, str]]:
    kind = ObjectId.of(value).kind
    annotations = at(value, "metadata", "annotations")
    avp = at(annotations, "avp.kubernetes.io/path")
    if isinstance(avp, str):
        yield ("metadata", "annotations", "avp.kubernetes.io/path"), avp

    for path, text in values_within(value):
        if isinstance(text, str) and "<path:" in text:
            yield from ((path, found) for found in _VAULT.findall(text))
        elif isinstance(text, str) and kind in ("ExternalSecret", "ClusterExternalSecret", "PushSecret"):
            if path[-1] in ("key", "remoteKey", "path") and path[0] == "spec" and "target" not in path:
                yield path, text
        elif isinstance(text, str) and kind.startswith("Vault") and path == ("spec", "path"):
            yield path, text


def _machines(value: Object) -> Iterator[Mark]:
    if ObjectId.of(value).group != "machine.openshift.io":
        return

    for path, text in values_within(value):
        if path and path[-1] == _INFRASTRUCTURE and isinstance(text, str):
            name, _, random = text.rpartition("-")
            yield Mark(MACHINES, text, (name if len(random) == 5 else text,), path, is_own=True)


def zone_of(value: Object) -> str:
    """Return the zone that an object of OpenShift's configuration gives to its cluster, or nothing."""
    kind = ObjectId.of(value).group_kind
    if kind == "DNS.config.openshift.io":
        return str(at(value, "spec", "baseDomain") or "")
    if kind == "Ingress.config.openshift.io":
        return str(at(value, "spec", "domain") or "").removeprefix("apps.")
    return ""
