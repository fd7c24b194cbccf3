"""The rule dangling-reference: findings.yaml states and explains it."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, partial

from okd_gitops.check.made_by_operators import made_in
from okd_gitops.check.missing_objects import missing_objects
from okd_gitops.check.overlay import as_list, per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Severity
from okd_gitops.manifests.objects import Object, ObjectId, at, mappings, per_object
from okd_gitops.manifests.tekton import callees, trigger_references

_EXTERNAL = "okd-gitops.io/external"
_GROUPS = ("", "apps", "batch", "tekton.dev", "triggers.tekton.dev")
# Kubernetes, OpenShift and Tekton Triggers create these themselves.
_ALWAYS = frozenset(
    {"ConfigMap/kube-root-ca.crt", "ConfigMap/openshift-service-ca.crt", "ServiceAccount/default"}
) | frozenset(f"ClusterInterceptor/{name}" for name in ("bitbucket", "cel", "github", "gitlab", "slack"))
_OWN_NAMESPACES = re.compile(r"default$|(kube|openshift)-")
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
# `Kind/name` and namespace.
_Reference = tuple[str, str]


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at workloads and Tekton objects; in a foreign repository at what certainly is nowhere."""
    missing: dict[tuple[ObjectId, str], list[str]] = {}
    for overlay, identity, name in _missing(repository):
        missing.setdefault((identity, name), []).append(overlay.name)

    for (identity, name), clusters in missing.items():
        yield Fault(
            reason=f"it refers to {name}, which does not exist",
            remedy="add it, correct the name, or declare it external",
            object=identity,
            clusters=tuple(clusters),
            # People create namespaces too, and on demand.
            severity=Severity.WARNING if name.startswith("Namespace/") else None,
        )

    if not any(overlay.environment for overlay in repository.overlays):
        yield from missing_objects(repository)


def _missing(repository: Repository) -> Iterator[tuple[Overlay, ObjectId, str]]:
    """Yield each reference to something that does not exist: its overlay, its object, `Kind/name`."""
    for overlay in repository.overlays:
        for listed, name in _unprovided(overlay, repository.files):
            yield overlay, ObjectId(*listed), name


@per_overlay
def _unprovided(overlay: Overlay, _: Mapping[str, bytes]) -> list[tuple[list[str], str]]:
    """Return the identity of an object of our own overlays and `Kind/name` for each of its references that
    nothing in the overlay provides.
    """
    if not overlay.environment:
        return []

    provided = {reference for value in overlay.objects for reference in _provided(value)}
    made_in_namespace = cache(partial(made_in, overlay))
    references = [
        (value, name, namespace) for value in overlay.objects for name, namespace in _own_references(value)
    ]
    return [
        (as_list(ObjectId.of(value)), name)
        for value, name, namespace in references
        if not (
            (name, namespace) in provided or name in overlay.declared or name in made_in_namespace(namespace)
        )
    ]


# An object refers to the same things in every overlay that holds it, so it is read once.
@per_object
def _own_references(value: Object) -> tuple[_Reference, ...]:
    return tuple(dict.fromkeys(_references(value)))


def _provided(value: Object) -> Iterator[_Reference]:
    """Yield what exists because of an object: itself, and the Secrets that controllers make of it."""
    identity = ObjectId.of(value)
    yield f"{identity.kind}/{identity.name}", identity.namespace

    for secret in _secrets_of(value, identity):
        if secret:
            yield f"Secret/{secret}", identity.namespace


def _secrets_of(value: Object, identity: ObjectId) -> list[object]:
    if identity.kind == "ExternalSecret":
        return [at(value, "spec", "target", "name") or identity.name]
    if identity.kind == "SealedSecret":
        return [identity.name]
    if identity.group_kind == "Certificate.cert-manager.io":
        return [at(value, "spec", "secretName")]
    if identity.kind == "Service":
        return [at(value, "metadata", "annotations", key) for key in _SERVING_CERTIFICATES]
    return []


def _references(value: Object) -> Iterator[_Reference]:
    """Yield everything that an object refers to and that is not declared external."""
    identity = ObjectId.of(value)
    annotation = str(at(value, "metadata", "annotations", _EXTERNAL) or "")
    external = {name.strip() for name in annotation.split(",")} | _ALWAYS

    namespace = f"Namespace/{identity.namespace}"
    if identity.namespace and not _OWN_NAMESPACES.match(identity.namespace) and namespace not in external:
        yield namespace, ""

    if identity.group in _GROUPS:
        for kind, name, namespace in _named_objects(value):
            if f"{kind}/{name}" not in external:
                yield f"{kind}/{name}", namespace


def _named_objects(value: Object) -> Iterator[tuple[str, str, str]]:
    yield from ((kind, name, namespace) for kind, name, namespace, _ in callees(value))
    yield from trigger_references(value)
    yield from _named_by_workload(value)


def _named_by_workload(value: Object) -> Iterator[tuple[str, str, str]]:
    """Yield the ServiceAccounts, ConfigMaps, Secrets and claims that are named inside and not optional."""
    namespace = ObjectId.of(value).namespace
    for inner in mappings(at(value, "spec")):
        names = [*_named_in_maps(inner), *_named_in_fields(inner), *_compared_secrets(inner)]
        for kind, name in names:
            if isinstance(name, str) and name and "$(" not in name:
                yield kind, name, namespace


def _named_in_maps(value: Object) -> Iterator[tuple[str, object]]:
    for key, kind in _NAMED.items():
        if at(value, key, "optional") is not True:
            yield kind, at(value, key, "name")


def _named_in_fields(value: Object) -> Iterator[tuple[str, object]]:
    if value.get("optional") is not True:
        for key, kind in _FIELDS.items():
            yield kind, value.get(key)


def _compared_secrets(value: Object) -> Iterator[tuple[str, object]]:
    for text in value.values():
        if isinstance(text, str):
            yield from (("Secret", name) for name in _COMPARED.findall(text))
