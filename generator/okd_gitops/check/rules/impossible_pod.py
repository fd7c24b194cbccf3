"""The rule impossible-pod: findings.yaml states and explains it.

The checks are those of kubernetes v1.35, pkg/apis/core/validation and pkg/apis/apps/validation.
"""

from collections import Counter
from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.quantity import amount

_TEMPLATES = {
    "Deployment.apps": ("spec", "template"),
    "StatefulSet.apps": ("spec", "template"),
    "DaemonSet.apps": ("spec", "template"),
    "ReplicaSet.apps": ("spec", "template"),
    "Job.batch": ("spec", "template"),
    "CronJob.batch": ("spec", "jobTemplate", "spec", "template"),
    "Pod.": (),
}
_LISTS = ("containers", "initContainers")
_TRIGGERS = "image.openshift.io/triggers"
# Each fault is a path and a reason.
_Faults = Iterator[tuple[tuple[str | int, ...], str]]


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the pods of workloads, and at the selectors that must fit them."""
    identity = ObjectId.of(value)
    path = _TEMPLATES.get(identity.group_kind)
    if path is None:
        return

    template = at(value, *path) if path else value
    is_triggered = bool(at(value, "metadata", "annotations", _TRIGGERS))
    faults = [*_pod_faults(at(template, "spec"), (*path, "spec"), identity, is_triggered=is_triggered)]
    if identity.group == "apps":
        faults += _selector_faults(value, template)

    for place, reason in faults:
        yield Fault(
            reason=f"{reason}: the API server refuses it", remedy="correct it", object=identity, path=place
        )


def _selector_faults(value: Object, template: object) -> _Faults:
    wanted, labels = at(value, "spec", "selector", "matchLabels"), at(template, "metadata", "labels")
    missed = [
        f"{key}={text}"
        for key, text in (wanted if isinstance(wanted, dict) else {}).items()
        if not isinstance(labels, dict) or labels.get(key) != text
    ]
    if missed:
        reason = f"its selector asks for {', '.join(missed)}, which its pods do not have as a label"
        yield ("spec", "selector"), reason


def _pod_faults(
    pod: object, path: tuple[str | int, ...], identity: ObjectId, *, is_triggered: bool
) -> _Faults:
    volumes = [str(at(volume, "name")) for volume in items(pod, "volumes")]
    # The claims of a StatefulSet are volumes of its pods too; other kinds have none.
    has_claims = identity.kind == "StatefulSet"
    names = [str(at(each, "name")) for key in _LISTS for each in items(pod, key)]

    for kind, counted in (("container", Counter(names)), ("volume", Counter(volumes))):
        for name, count in counted.items():
            if count > 1:
                yield path, f"it has {count} {kind}s of the name {name}"

    for key in _LISTS:
        for index, container in enumerate(items(pod, key)):
            place = (*path, key, index)
            yield from _resource_faults(container, place)

            # OpenShift's image triggers fill in what is missing.
            if isinstance(container, dict) and not container.get("image") and not is_triggered:
                known = sorted({name for name in names if name != str(container.get("name"))})
                beside = f" (beside it: {', '.join(known)})" if known else ""
                yield place, f"container {container.get('name')} has no image{beside}"

            for number, mount in enumerate(items(container, "volumeMounts")):
                name = str(at(mount, "name"))
                if name not in volumes and not has_claims:
                    reason = f"container {at(container, 'name')} mounts {name}, which is no volume of the pod"
                    yield (*place, "volumeMounts", number), reason


def _resource_faults(container: object, place: tuple[str | int, ...]) -> _Faults:
    requests, limits = at(container, "resources", "requests"), at(container, "resources", "limits")
    for name, text in (requests if isinstance(requests, dict) else {}).items():
        request, limit = amount(text), amount(at(limits, name))
        if request is not None and limit is not None and request > limit:
            reason = f"container {at(container, 'name')} requests {text} of {name}, and its limit is "
            yield (*place, "resources", "requests", name), f"{reason}{at(limits, name)}"
