"""The names that a cluster may have: the name of its file, of its overlay, and of its Application."""

import re

from okd_gitops.fleet.providers import PREFIX
from okd_gitops.manifests.model import NAME_PATTERN

# Names that a cluster cannot have, and why; and how such names may begin.
RESERVED = {
    "unattended": "the folder for clusters of another repository has this name",
    "in-cluster": "Argo CD uses this name for its own cluster",
    "fleet": "the root Application has this name",
    "argocd": "reports call the objects of Argo CD itself so",
    "root": "it could be taken for the root Application",
    "default": "every cluster has a namespace of that name",
    "openshift": "every cluster has a namespace of that name",
}
RESERVED_BEGINNINGS = {
    PREFIX: "the Applications that make clusters begin with this",
    "unattended-": "the Applications for clusters of another repository begin with this",
    "kube-": "namespaces of Kubernetes begin with this",
    "openshift-": "namespaces of OKD begin with this",
}


def name_fault(name: str) -> str:
    """Return why a cluster cannot be called `name`, or nothing."""
    if not re.fullmatch(NAME_PATTERN, name):
        return f'"{name}" is not a name for a cluster'

    return reserved(name)


def reserved(name: str) -> str:
    """Return why a name is reserved, or nothing."""
    reasons = [reason for beginning, reason in RESERVED_BEGINNINGS.items() if name.startswith(beginning)]
    reason = RESERVED.get(name) or next(iter(reasons), "")

    return f'"{name}" is reserved: {reason}' if reason else ""
