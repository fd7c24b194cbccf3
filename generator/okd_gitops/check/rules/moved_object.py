"""The rule moved-object: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository, written_as
from okd_gitops.manifests.objects import Object, ObjectId, at

_SCOPES = (
    "sealedsecrets.bitnami.com/namespace-wide",
    "sealedsecrets.bitnami.com/cluster-wide",
)
# Namespaces in which the operators of OpenShift look for what people write, and nowhere else, as its
# documentation says: of authentication, monitoring, ingress, machines and the cluster's configuration.
_READ_THERE = (
    "openshift-config",
    "openshift-config-managed",
    "openshift-ingress-operator",
    "openshift-machine-api",
    "openshift-monitoring",
    "openshift-user-workload-monitoring",
)
# Who may do what, and what is watched, has a meaning in each namespace.
_MEANT_ANYWHERE = (
    "NetworkPolicy",
    "PodMonitor",
    "PrometheusRule",
    "Role",
    "RoleBinding",
    "ServiceAccount",
    "ServiceMonitor",
)


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at objects that are written for one namespace and rendered for another one."""
    roles = {
        (ObjectId.of(value).namespace, ObjectId.of(value).name)
        for value in overlay.objects
        if value.get("kind") == "Role"
    }

    for value in overlay.objects:
        identity = ObjectId.of(value)
        reason = _sealed(value, identity) or ""
        written = written_as(overlay.graph, identity)
        before = str(at(written.value, "metadata", "namespace") or "") if written else ""

        if not reason and before and before != identity.namespace:
            reason = _moved(value, identity, before, roles)
        if reason:
            yield Fault(
                reason=reason,
                remedy="keep it out of the kustomization whose namespace field moves it",
                object=identity,
                path=("metadata", "namespace"),
            )


def _sealed(value: Object, identity: ObjectId) -> str:
    """A SealedSecret can be opened in one namespace only, unless it says otherwise."""
    if identity.kind != "SealedSecret" or any(
        str(at(value, "metadata", "annotations", scope)).lower() == "true" for scope in _SCOPES
    ):
        return ""

    sealed_for = at(value, "spec", "template", "metadata", "namespace")
    if not sealed_for or sealed_for == identity.namespace or not identity.namespace:
        return ""
    moved = f"the namespace {sealed_for} and rendered into {identity.namespace}"
    return f"it is sealed for {moved}: nothing opens it"


def _moved(value: Object, identity: ObjectId, before: str, roles: set[tuple[str, str]]) -> str:
    place = f"is written for {before} and rendered into {identity.namespace}"

    if identity.kind == "RoleBinding" and at(value, "roleRef", "kind") == "Role":
        role = str(at(value, "roleRef", "name"))
        is_there = (identity.namespace, role) in roles
        return "" if is_there else f"it {place}, where there is no Role {role}: it binds nothing"

    if identity.kind == "SealedSecret":
        return ""
    is_read_there = before in _READ_THERE and identity.kind not in _MEANT_ANYWHERE
    return f"it {place}, and is read in {before} only" if is_read_there else ""
