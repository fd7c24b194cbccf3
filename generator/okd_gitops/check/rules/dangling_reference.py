"""The rule dangling-reference; findings.yaml says what it demands and why."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.finding import Severity
from okd_gitops.manifests.objects import Object, ObjectId, at, mappings
from okd_gitops.manifests.tekton import callees, trigger_references

_EXTERNAL = "okd-gitops.io/external"
_GROUPS = ("", "apps", "batch", "tekton.dev", "triggers.tekton.dev")
# Kubernetes, OpenShift and Tekton Triggers make these themselves.
_ALWAYS = frozenset(
    {"ConfigMap/kube-root-ca.crt", "ConfigMap/openshift-service-ca.crt", "ServiceAccount/default"}
) | frozenset(f"ClusterInterceptor/{name}" for name in ("bitbucket", "cel", "github", "gitlab", "slack"))
_MADE_BY_CLUSTER = re.compile(r"default$|(kube|openshift)-")
# How a pod or a Tekton workspace names what it reads: in a map below this key, or by a field of this name.
_NAMED = {
    "configMap": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "secret": "Secret",
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
}
_FIELDS = {
    "claimName": "PersistentVolumeClaim",
    "secretName": "Secret",
    "serviceAccountName": "ServiceAccount",
}
# header.canonical("X-Token").compareSecret("key", "name") of a CEL interceptor.
_COMPARED = re.compile(r"""compareSecret\(\s*["'][^"']*["']\s*,\s*["']([^"']+)["']\s*[,)]""")
_SERVING_CERTIFICATES = (
    "service.beta.openshift.io/serving-cert-secret-name",
    "service.alpha.openshift.io/serving-cert-secret-name",
)


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at workloads and Tekton objects. In a repository of others only Tasks and Pipelines are known
    well enough, in whatever overlay.
    """
    everywhere = {
        name for overlay in repository.overlays for value in overlay.objects for name, _ in _provides(value)
    }
    # An object names the same things in every overlay that holds it, so it is read once.
    read: dict[tuple[int, bool], list[tuple[str, str]]] = {}
    missing: dict[tuple[ObjectId, str], list[str]] = {}
    for overlay in repository.overlays:
        ours = bool(overlay.environment)
        there = {pair for value in overlay.objects for pair in _provides(value)} if ours else set()
        for value in overlay.objects:
            named = read.get((id(value), ours))
            if named is None:
                named = read[id(value), ours] = list(dict.fromkeys(_references(value, ours=ours)))
            for name, namespace in named:
                found = (name, namespace) in there or name in overlay.declared if ours else name in everywhere
                if not found:
                    missing.setdefault((ObjectId.of(value), name), []).append(overlay.name)
    for (identity, name), clusters in missing.items():
        # Namespaces are often made by somebody else, for people and on demand.
        severity = Severity.WARNING if name.startswith("Namespace/") else None
        remedy = "add it, mend the name, or declare it external"
        reason = f"it refers to {name}, which is not there"
        yield Fault(
            reason=reason, remedy=remedy, object=identity, clusters=tuple(clusters), severity=severity
        )


def _provides(value: Object) -> Iterator[tuple[str, str]]:
    """Yield what is there because of an object: itself, and the Secret that a controller makes of it."""
    identity = ObjectId.of(value)
    made = [(identity.kind, identity.name)]
    if identity.kind == "ExternalSecret":
        made.append(("Secret", at(value, "spec", "target", "name") or identity.name))
    elif identity.kind == "SealedSecret":
        made.append(("Secret", identity.name))
    elif identity.group_kind == "Certificate.cert-manager.io":
        made.append(("Secret", at(value, "spec", "secretName")))
    elif identity.kind == "Service":
        made += [("Secret", at(value, "metadata", "annotations", key)) for key in _SERVING_CERTIFICATES]
    yield from ((f"{kind}/{name}", identity.namespace) for kind, name in made if name)


def _references(value: Object, *, ours: bool) -> Iterator[tuple[str, str]]:
    """Yield (Kind/name, namespace) of all that an object refers to and that nobody promised."""
    promised = {
        name.strip() for name in str(at(value, "metadata", "annotations", _EXTERNAL) or "").split(",")
    } | _ALWAYS
    identity = ObjectId.of(value)
    if (
        ours
        and identity.namespace
        and not _MADE_BY_CLUSTER.match(identity.namespace)
        and f"Namespace/{identity.namespace}" not in promised
    ):
        yield f"Namespace/{identity.namespace}", ""
    if identity.group in _GROUPS:
        for kind, name, namespace in (
            [*callees(value), *trigger_references(value), *_workload(value)] if ours else callees(value)
        ):
            if f"{kind}/{name}" not in promised:
                yield f"{kind}/{name}", namespace


def _workload(value: Object) -> Iterator[tuple[str, str, str]]:
    """Yield the ServiceAccounts, ConfigMaps, Secrets and claims that are named anywhere inside, unless
    they are optional.
    """
    namespace = ObjectId.of(value).namespace
    for inner in mappings(at(value, "spec")):
        found = [
            (kind, at(inner, key, "name"))
            for key, kind in _NAMED.items()
            if at(inner, key, "optional") is not True
        ]
        found += [
            (kind, inner.get(key)) for key, kind in _FIELDS.items() if inner.get("optional") is not True
        ]
        found += [
            ("Secret", name)
            for text in inner.values()
            if isinstance(text, str)
            for name in _COMPARED.findall(text)
        ]
        yield from (
            (kind, name, namespace)
            for kind, name in found
            if isinstance(name, str) and name and "$(" not in name
        )
