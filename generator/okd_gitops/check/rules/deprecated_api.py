"""The rule deprecated-api; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.finding import Severity
from okd_gitops.manifests.objects import Object, ObjectId, at, items

# Kinds of a deprecated version that exist in no other.
_ONLY_THERE = frozenset(("tekton.dev/v1beta1", kind) for kind in ("CustomRun", "StepAction")) | frozenset(
    [("tekton.dev/v1alpha1", kind) for kind in ("StepAction", "VerificationPolicy")]
    + [("triggers.tekton.dev/v1alpha1", kind) for kind in ("ClusterInterceptor", "Interceptor")]
)
_VERSIONS = {
    "tekton.dev/v1alpha1": "tekton.dev/v1",
    "tekton.dev/v1beta1": "tekton.dev/v1",
    "triggers.tekton.dev/v1alpha1": "triggers.tekton.dev/v1beta1",
}
# Gone from every Kubernetes that an OKD of today runs.
_GONE = {
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
_FIELDS = {"bases": "resources", "patchesJson6902": "patches", "patchesStrategicMerge": "patches"}


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every object, and at what a TriggerTemplate makes."""
    identity = ObjectId.of(value)
    for each in [value, *items(value, "spec", "resourcetemplates")]:
        api, kind = str(at(each, "apiVersion")), str(at(each, "kind"))
        if kind == "ClusterTask" and api.startswith("tekton.dev/"):
            yield Fault(
                reason="Tekton has no ClusterTask any more",
                remedy="make it a Task, and use the cluster or git resolver",
                object=identity,
            )
        elif api in _GONE:
            yield Fault(
                reason=f"no cluster serves {api} any more", remedy=f"write {_GONE[api]}", object=identity
            )
        elif api in _VERSIONS and (api, kind) not in _ONLY_THERE:
            yield Fault(
                reason=f"{api} of {kind or 'an object'} is deprecated",
                remedy=f"write {_VERSIONS[api]}",
                object=identity,
            )


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at the fields of each kustomization file once, however many overlays use it."""
    users: dict[str, list[str]] = {}
    documents = {}
    for overlay in repository.overlays:
        for path, document in overlay.graph.kustomizations.items():
            documents[path] = document
            users.setdefault(path, []).append(overlay.name)
    for path, document in documents.items():
        for old in _FIELDS if isinstance(document.value, dict) else ():
            if old in document.value:
                yield Fault(
                    reason=f"{old} of kustomize is deprecated",
                    remedy=f"write {_FIELDS[old]}: kustomize edit fix does it",
                    location=document.at([old], key=True),
                    severity=Severity.WARNING,
                    clusters=tuple(users[path]),
                )
