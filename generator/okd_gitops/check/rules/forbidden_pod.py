"""The rule forbidden-pod: findings.yaml states and explains it.

The levels are those of the Pod Security Standards (k8s.io/pod-security-admission v0.35, policy).
"""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, containers, items, mappings

_ENFORCE = "pod-security.kubernetes.io/enforce"
_HOST = ("hostNetwork", "hostPID", "hostIPC")
_GROUPS = ("", "apps", "batch", "tekton.dev")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at workloads and Tasks in namespaces that this overlay labels."""
    levels = {
        ObjectId.of(value).name: str(at(value, "metadata", "labels", _ENFORCE) or "")
        for value in overlay.objects
        if ObjectId.of(value).group_kind == "Namespace."
    }
    for value in overlay.objects:
        identity = ObjectId.of(value)
        level = levels.get(identity.namespace, "")
        if level in ("restricted", "baseline") and identity.group in _GROUPS:
            for reason in dict.fromkeys(_reasons(value, level)):
                yield Fault(
                    reason=f"{reason}, and its namespace {identity.namespace} enforces {level}: "
                    "every pod of it is refused",
                    remedy=f"take that away, or label the namespace {_ENFORCE}: privileged",
                    object=identity,
                )


def _reasons(value: Object, level: str) -> Iterator[str]:
    for container in containers(value):
        context, name = at(container, "securityContext"), container.get("name") or "a step"
        if at(context, "privileged") is True:
            yield f"{name} is privileged"
        elif level == "restricted" and at(context, "allowPrivilegeEscalation") is True:
            yield f"{name} may gain privileges"
        elif level == "restricted" and at(context, "runAsUser") == 0:
            yield f"{name} runs as root"

    for inner in mappings(at(value, "spec")):
        if any(inner.get(key) is True for key in _HOST) and "containers" in inner:
            yield "it uses a namespace of the host"
        if any(at(volume, "hostPath") for volume in items(inner, "volumes")):
            yield "it mounts a folder of the host"
