"""The rule binding-subject: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at, items

_KINDS = ("RoleBinding.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the accounts that bindings name (kubernetes v1.35, pkg/apis/rbac/validation)."""
    identity = ObjectId.of(value)
    if identity.group_kind not in _KINDS:
        return

    for index, subject in enumerate(items(value, "subjects")):
        if at(subject, "kind") == "ServiceAccount" and not at(subject, "namespace"):
            yield Fault(
                reason=f"its subject ServiceAccount {at(subject, 'name')} has no namespace: "
                "the API server refuses it",
                remedy="write the namespace of the account",
                object=identity,
                path=("subjects", index),
            )
