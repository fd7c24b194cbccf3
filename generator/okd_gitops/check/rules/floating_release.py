"""The rule floating-release: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import release_faults
from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the release image of every kind that has one; no update asked for needs none."""
    return release_faults(value, "floating-release")
