"""What is in each namespace of a repository that others wrote, and what may be there besides."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from okd_gitops.check.rule import Overlay, Repository
from okd_gitops.manifests.argocd import folder, sources
from okd_gitops.manifests.objects import Object, ObjectId, Same, at, items

# Groups whose controllers make nothing that another object of a namespace would name, or only what
# `_made_by` has. Everything else, such as an operator's own kinds, may make anything.
_QUIET = re.compile(
    r"|apps|batch|autoscaling|policy|argoproj\.io|external-secrets\.io|cert-manager\.io|bitnami\.com"
    r"|(triggers\.)?tekton\.dev|storage\.k8s\.io|snapshot\.storage\.k8s\.io|objectbucket\.io"
    r"|(rbac\.authorization|networking|scheduling|apiextensions|admissionregistration|coordination)\.k8s\.io"
    r"|(route|image|build|apps|security|project|authorization|console|quota)\.openshift\.io"
)
# Of other groups, what only tells a controller where to look.
_WATCHED = ("HTTPRoute", "PodMonitor", "PrometheusRule", "ServiceMonitor", "VirtualService")
# Of those groups, what makes more than that, or in namespaces that it chooses.
_LOUD = ("ArgoCD", "ClusterExternalSecret", "EventBus", "EventSource", "Rollout", "Sensor")
_SERVING = re.compile(r"service\.(beta|alpha)\.openshift\.io/serving-cert-secret-name")
_MAX_REPLICAS = 100
_MAKING = frozenset({"create", "patch", "update", "*"})
_RESOURCES = {
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "Role": "roles",
}
# Kinds of which a controller makes a Secret, with the path of its name; without one it has their own name.
_SECRET_OF = {
    "Certificate": ("spec", "secretName"),
    "ClusterIssuer": ("spec", "acme", "privateKeySecretRef", "name"),
    "ExternalSecret": ("spec", "target", "name"),
    "Issuer": ("spec", "acme", "privateKeySecretRef", "name"),
    "ObjectBucketClaim": ("metadata", "name"),
    "SealedSecret": ("spec", "template", "metadata", "name"),
}


@dataclass(slots=True)
class Contents:
    """What a repository has in a namespace: names by kind, and whether the namespace itself is made here.

    `is_open` where something that is not known here may make more objects there, `makers` are the kinds that
    something has the right to make.
    """

    names: dict[str, set[str]] = field(default_factory=dict)
    is_made: bool = False
    is_open: bool = False
    makers: set[str] = field(default_factory=set)

    def has(self, kind: str, name: str) -> bool:
        """Whether an object of that kind and name is there."""
        return name in self.names.get(kind, ())


def namespaces(repository: Repository) -> Mapping[str, Contents]:
    """Return what is in each namespace that objects of a repository are rendered into."""
    found: dict[str, Contents] = {}
    for overlay in repository.overlays:
        home = home_of(overlay, repository)
        hides_secrets = bool(overlay.graph.decrypting)
        for value in overlay.objects:
            _note(found, value, home, hides_secrets=hides_secrets)

    for application in repository.applications:
        _note_application(found, application, repository)
    return found


def is_quiet(identity: ObjectId) -> bool:
    """Whether a controller makes nothing of an object that others would name, or only what is known here."""
    is_known = _QUIET.fullmatch(identity.group) or identity.kind in _WATCHED
    return bool(is_known) and identity.kind not in _LOUD


def home_of(overlay: Overlay, repository: Repository) -> str:
    """Return the namespace that objects without one end up in; empty where it is not known."""
    applications = repository.synced.get(overlay.folder, ())
    homes = {str(at(each, "spec", "destination", "namespace") or "") for each in applications}
    return homes.pop() if len(homes) == 1 else ""


def _note(found: dict[str, Contents], value: Object, home: str, *, hides_secrets: bool) -> None:
    identity = ObjectId.of(value)
    if identity.kind in ("Namespace", "Project") and identity.name:
        found.setdefault(identity.name, Contents()).is_made = True

    contents = found.setdefault(identity.namespace or home, Contents())
    contents.names.setdefault(identity.kind, set()).add(identity.name)
    for kind, name in _made_by(value, identity):
        contents.names.setdefault(kind, set()).add(str(name))

    contents.makers |= _rights(value)
    if hides_secrets:
        contents.makers.add("Secret")
    if not is_quiet(identity):
        contents.is_open = True

    elsewhere = at(value, "spec", "targetNamespace")
    if isinstance(elsewhere, str):
        found.setdefault(elsewhere, Contents()).is_open = True


def _note_application(found: dict[str, Contents], application: Object, repository: Repository) -> None:
    """Note that a chart, a plug-in or another repository may put more into a namespace."""
    namespace = str(at(application, "spec", "destination", "namespace") or "")
    contents = found.setdefault(namespace, Contents())
    if "CreateNamespace=true" in items(application, "spec", "syncPolicy", "syncOptions"):
        contents.is_made = True

    rendered = {overlay.folder for overlay in repository.synced_by.get(Same(application), ())}
    if any(folder(source) not in rendered and not at(source, "ref") for source in sources(application)):
        contents.is_open = True


def _made_by(value: Object, identity: ObjectId) -> Iterator[tuple[str, object]]:
    """Yield kind and name of what a controller makes of an object, in its namespace."""
    annotations = at(value, "metadata", "annotations")
    for key, text in annotations.items() if isinstance(annotations, dict) else ():
        if _SERVING.fullmatch(str(key)):
            yield "Secret", text

    if identity.kind in _SECRET_OF:
        yield "Secret", at(value, *_SECRET_OF[identity.kind]) or identity.name
    if identity.kind == "ObjectBucketClaim":
        yield "ConfigMap", identity.name
    if identity.kind == "EventListener":
        yield "Service", f"el-{identity.name}"
    if identity.kind == "StatefulSet":
        yield from (("PersistentVolumeClaim", claim) for claim in _claims(value, identity))


def _claims(value: Object, identity: ObjectId) -> Iterator[str]:
    """Yield the names of the claims that a StatefulSet makes."""
    replicas = at(value, "spec", "replicas")
    count = min(replicas, _MAX_REPLICAS) if isinstance(replicas, int) else 1

    for template in items(value, "spec", "volumeClaimTemplates"):
        name = f"{at(template, 'metadata', 'name')}-{identity.name}"
        yield from (f"{name}-{number}" for number in range(count))


def _rights(value: Object) -> set[str]:
    """Return the kinds that a Role or ClusterRole gives somebody the right to make."""
    kinds: set[str] = set()
    for rule in items(value, "rules"):
        verbs, resources = set(map(str, items(rule, "verbs"))), set(map(str, items(rule, "resources")))
        if verbs & _MAKING:
            kinds |= {kind for kind, name in _RESOURCES.items() if resources & {name, "*"}}
    return kinds
