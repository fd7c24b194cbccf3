"""The rule deprecated-api: findings.yaml states and explains it."""

from collections.abc import Iterator, Mapping

from okd_gitops.check.overlay import as_map, per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Location, Severity
from okd_gitops.manifests.objects import Object, ObjectId, at, items

_DEPRECATED = {
    "tekton.dev/v1alpha1": "tekton.dev/v1",
    "tekton.dev/v1beta1": "tekton.dev/v1",
    "triggers.tekton.dev/v1alpha1": "triggers.tekton.dev/v1beta1",
}
# Kinds of a deprecated version that no other version has.
_NOWHERE_ELSE = frozenset(
    {
        ("tekton.dev/v1alpha1", "StepAction"),
        ("tekton.dev/v1alpha1", "VerificationPolicy"),
        ("tekton.dev/v1beta1", "CustomRun"),
        ("tekton.dev/v1beta1", "StepAction"),
        ("triggers.tekton.dev/v1alpha1", "ClusterInterceptor"),
        ("triggers.tekton.dev/v1alpha1", "Interceptor"),
    }
)
# Removed from every Kubernetes that an OKD of today runs.
_REMOVED = {
    "admissionregistration.k8s.io/v1beta1": "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1beta1": "apiextensions.k8s.io/v1",
    "apps/v1beta1": "apps/v1",
    "apps/v1beta2": "apps/v1",
    "autoscaling/v2beta1": "autoscaling/v2",
    "autoscaling/v2beta2": "autoscaling/v2",
    "batch/v1beta1": "batch/v1",
    "extensions/v1beta1": "apps/v1 or networking.k8s.io/v1",
    "policy/v1beta1": "policy/v1",
    "rbac.authorization.k8s.io/v1beta1": "rbac.authorization.k8s.io/v1",
}
_KUSTOMIZE_FIELDS = {"bases": "resources", "patchesJson6902": "patches", "patchesStrategicMerge": "patches"}


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every object, and at the objects that a TriggerTemplate makes."""
    identity = ObjectId.of(value)
    for made in [value, *items(value, "spec", "resourcetemplates")]:
        for reason, remedy in _faults(str(at(made, "apiVersion")), str(at(made, "kind"))):
            yield Fault(reason=reason, remedy=remedy, object=identity)


def _faults(api: str, kind: str) -> Iterator[tuple[str, str]]:
    if kind == "ClusterTask" and api.startswith("tekton.dev/"):
        yield "Tekton no longer has ClusterTasks", "make it a Task, and use the cluster or git resolver"
    elif api in _REMOVED:
        yield f"no cluster serves {api} any more", f"write {_REMOVED[api]}"
    elif api in _DEPRECATED and (api, kind) not in _NOWHERE_ELSE:
        yield f"{api} of {kind or 'an object'} is deprecated", f"write {_DEPRECATED[api]}"


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at the fields of each kustomization file once, however many overlays use it."""
    users: dict[tuple[str, Location], list[str]] = {}
    for overlay in repository.overlays:
        for old, place in _old_fields(overlay, repository.files):
            users.setdefault((old, Location(**place)), []).append(overlay.name)

    for (old, place), names in users.items():
        yield Fault(
            reason=f"the field {old} of kustomize is deprecated",
            remedy=f"write {_KUSTOMIZE_FIELDS[old]}: kustomize edit fix does it",
            location=place,
            severity=Severity.WARNING,
            clusters=tuple(names),
        )


@per_overlay
def _old_fields(overlay: Overlay, _: Mapping[str, bytes]) -> list[tuple[str, object]]:
    return [
        (old, as_map(document.at([old], key=True)))
        for document in overlay.graph.kustomizations.values()
        if isinstance(document.value, dict)
        for old in _KUSTOMIZE_FIELDS
        if old in document.value
    ]
