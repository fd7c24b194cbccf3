"""The rule replaced-job: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.argocd import OPTIONS
from okd_gitops.manifests.objects import Object, ObjectId, at


def check_object(value: Object) -> Iterator[Fault]:
    """Look at Jobs that Argo CD replaces."""
    identity = ObjectId.of(value)
    options = {part.strip() for part in str(at(value, "metadata", "annotations", OPTIONS) or "").split(",")}
    is_hook = at(value, "metadata", "annotations", "argocd.argoproj.io/hook")

    is_replaced = "Replace=true" in options and "Force=true" not in options
    if identity.group_kind == "Job.batch" and is_replaced and not is_hook:
        yield Fault(
            reason="the pods of a Job cannot be changed, so Replace=true fails at its first change",
            remedy=f"write {OPTIONS}: Force=true,Replace=true, or make it a hook",
            object=identity,
            path=("metadata", "annotations", OPTIONS),
        )
