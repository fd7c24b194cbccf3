"""The rule extras-change-release: findings.yaml states and explains it."""

import re
from collections.abc import Iterable, Iterator

from okd_gitops.check.nested_faults import cluster_versions
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Location
from okd_gitops.manifests.graph import Written
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.values import values_within
from okd_gitops.releases.acknowledgements import NAME, NAMESPACE
from okd_gitops.releases.cluster_version import CLUSTER_VERSION

_POLICIES = (
    "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
)
_REMEDY = "write the release in clusters/{name}.yaml; extras of a long-term cluster leave it as it is"
# What changes an object on its way into the API server (k8s.io/api v0.35, admissionregistration/v1 types.go).
_MUTATING = (
    "MutatingAdmissionPolicy.admissionregistration.k8s.io",
    "MutatingWebhookConfiguration.admissionregistration.k8s.io",
)
_GROUP = "config.openshift.io"
# Where a ConfigurationPolicy has its objects as one text (config-policy-controller,
# api/v1/configurationpolicy_types.go). Reading a ClusterVersion with `lookup` in it changes none.
_TEMPLATES = "object-templates-raw"
_MADE = re.compile(r"""\bkind["']?:\s*["']?ClusterVersion\b""")
# An object without its version, by which the API server keeps only one of two.
_Objects = dict[tuple[str, str, str], Object]


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Compare what a cluster gets with what it would get without its extras, as both are rendered."""
    if overlay.planned is None:
        return

    planned, rendered = _protected(overlay.planned), _protected(overlay.objects)

    for key, value in planned.items():
        reason = _difference(value, rendered.get(key))
        if reason:
            yield _fault(overlay, ObjectId.of(value), reason)

    for key, value in rendered.items():
        identity = ObjectId.of(value)
        # A policy of the cluster's owner is not one of ours.
        if key not in planned and identity.group_kind not in _POLICIES:
            yield _fault(overlay, identity, f"the extras add {identity}")

    yield from _other_ways(overlay)


def _protected(objects: Iterable[Object]) -> _Objects:
    """Return the objects that decide which release a cluster runs, and those that keep it from going back."""
    protected: _Objects = {}
    for value in objects:
        identity = ObjectId.of(value)
        is_acks = (identity.group_kind, identity.namespace, identity.name) == ("ConfigMap.", NAMESPACE, NAME)

        if is_acks or identity.group_kind in (CLUSTER_VERSION, *_POLICIES):
            protected[identity.group_kind, identity.namespace, identity.name] = value
    return protected


def _difference(planned: Object, rendered: Object | None) -> str:
    """Return what the extras change in an object, or nothing; labels decide nothing."""
    identity = ObjectId.of(planned)
    if rendered is None:
        return f"the extras remove or rename {identity}"

    old, new = _deciding(planned), _deciding(rendered)
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return f"the extras change {', '.join(changed)} of {identity}" if changed else ""


def _deciding(value: Object) -> dict[str, object]:
    """Return the parts of an object that decide something: by the dotted path of each field of spec and data,
    and the annotations.
    """
    parts: dict[str, object] = {"metadata.annotations": at(value, "metadata", "annotations") or {}}
    for key, content in value.items():
        if key in ("apiVersion", "kind", "metadata", "status"):
            continue

        fields = content.items() if isinstance(content, dict) else ()
        parts |= {f"{key}.{field}": inner for field, inner in fields} or {key: content}
    return parts


def _other_ways(overlay: Overlay) -> Iterator[Fault]:
    """Yield a fault for each added object by which a ClusterVersion is made or changed all the same."""
    planned = {ObjectId.of(value) for value in overlay.planned or ()}
    for value in overlay.objects:
        identity = ObjectId.of(value)
        if identity in planned:
            continue

        for _, nested in cluster_versions([value]):
            if nested.path:
                yield _fault(overlay, identity, f"the extras add a ClusterVersion inside {identity}")

        if any(_MADE.search(text) for text in _templates(value)):
            yield _fault(overlay, identity, f"the extras add a template of a ClusterVersion in {identity}")

        if identity.group_kind in _MUTATING and _covers_versions(value):
            yield _fault(overlay, identity, f"the extras add {identity}, which may change a ClusterVersion")


def _templates(value: Object) -> Iterator[str]:
    """Yield the texts inside an object from which a controller makes objects."""
    return (str(inner) for path, inner in values_within(value) if path[-1:] == (_TEMPLATES,))


def _covers_versions(value: Object) -> bool:
    """Whether a rule inside an object, as admission has them, matches ClusterVersions."""
    for _, inner in values_within(value):
        groups, resources = (items(inner, key) for key in ("apiGroups", "resources"))
        names_group = any(group in ("*", _GROUP) for group in groups)
        names_resource = any(str(name).partition("/")[0] in ("*", "clusterversions") for name in resources)

        if names_group and names_resource:
            return True

    return False


def _fault(overlay: Overlay, identity: ObjectId, reason: str) -> Fault:
    return Fault(
        reason=reason,
        remedy=_REMEDY.format(name=overlay.name),
        object=identity,
        location=_place_in_extras(overlay, identity),
    )


def _place_in_extras(overlay: Overlay, identity: ObjectId) -> Location:
    """Return where the extras write an object, else their kustomization at what transforms others."""
    folder = f"clusters/{overlay.name}/"
    written: Written | None = overlay.graph.objects.get(identity)
    if written and written.document.file.startswith(folder):
        return written.at()

    for path, document in overlay.graph.kustomizations.items():
        transforming = [key for key in document.value if key not in ("apiVersion", "kind", "resources")]
        if path.startswith(folder) and transforming:
            return document.at([transforming[0]], key=True)
    return Location(file=f"{folder}kustomization.yaml")
