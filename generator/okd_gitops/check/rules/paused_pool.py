"""The rule paused-pool: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import nested_fault
from okd_gitops.check.rule import Fault
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at

_PAUSED = ("spec", "paused")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at MachineConfigPools, also inside other objects."""
    for nested in objects_within(value):
        identity = ObjectId.of(nested.value)
        is_pool = identity.group_kind == "MachineConfigPool.machineconfiguration.openshift.io"

        if is_pool and at(nested.value, *_PAUSED) is True:
            reason = f"the pool {identity.name} is paused in Git: its nodes keep the old release for good"
            yield nested_fault(value, nested, reason, "remove paused: true", _PAUSED)
