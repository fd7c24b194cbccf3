"""The rule invalid-object-name: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.nested_faults import nested_fault
from okd_gitops.check.rule import Fault
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at

# The names that all kinds of these groups must have: a DNS subdomain (apimachinery, pkg/util/validation).
_GROUPS = (
    "",
    "apps",
    "batch",
    "tekton.dev",
    "triggers.tekton.dev",
    "networking.k8s.io",
    "route.openshift.io",
)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9.]*)")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at names, and at what names are generated from, also inside other objects."""
    for nested in objects_within(value):
        if ObjectId.of(nested.value).group not in _GROUPS:
            continue

        for key, form in (("name", _SUBDOMAIN), ("generateName", _PREFIX)):
            name = at(nested.value, "metadata", key)
            is_plain = isinstance(name, str) and name and not set("${}") & set(name)
            if is_plain and not form.fullmatch(name):
                reason = f'"{name}" is no valid {key}: the API server refuses it'
                remedy = "write lower-case letters, digits, dashes and dots"
                yield nested_fault(value, nested, reason, remedy, ("metadata", key))
