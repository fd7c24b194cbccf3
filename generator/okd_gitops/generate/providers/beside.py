"""What a cluster has beside it on the hub, whoever makes it: its namespace, who reads there, and Secrets."""

from collections.abc import Mapping
from typing import Any

from okd_gitops.fleet.providers import StoredCredentials
from okd_gitops.generate.external_secrets import external_secret
from okd_gitops.generate.providers.provision import CREDENTIALS_WAVE, NAMESPACE_WAVE, Provision
from okd_gitops.manifests.objects import Object

# The name of the Secret, also in the store, and what is in it.
PULL_SECRET, DOCKER_CONFIG = "pull-secret", ".dockerconfigjson"
RBAC = "rbac.authorization.k8s.io/v1"
# Where the hub runs `cluster register` (feature cluster-register).
_REGISTER_NAMESPACE = "okd-gitops"


def namespace(provision: Provision) -> Object:
    """Return the namespace of a cluster on the hub."""
    metadata = provision.metadata(provision.namespace, NAMESPACE_WAVE)
    del metadata["namespace"]

    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def pull_secret(provision: Provision, credentials: StoredCredentials) -> Object:
    """Return the ExternalSecret with which images are pulled."""
    return stored_secret(
        provision,
        PULL_SECRET,
        credentials,
        PULL_SECRET,
        {DOCKER_CONFIG: DOCKER_CONFIG},
        {"type": "kubernetes.io/dockerconfigjson"},
    )


def stored_secret(
    provision: Provision,
    name: str,
    credentials: StoredCredentials,
    key: str,
    properties: Mapping[str, str],
    template: Mapping[str, Any] | None = None,
) -> Object:
    """Return an ExternalSecret; `properties` of a key in the store by their names in the Secret."""
    return external_secret(
        provision.metadata(name, CREDENTIALS_WAVE),
        {"kind": "ClusterSecretStore", "name": credentials.store},
        f"{credentials.path}/{key}",
        properties,
        template,
    )


def reader(provision: Provision, *rules: Object) -> list[Object]:
    """Return what lets `cluster register` read the kubeconfig that the provider writes, here alone, and what
    else `rules` permit.
    """
    name = "cluster-register"

    return [
        {
            "apiVersion": RBAC,
            "kind": "Role",
            "metadata": provision.metadata(name, CREDENTIALS_WAVE),
            # The provider chooses the name of the Secret.
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}, *rules],
        },
        {
            "apiVersion": RBAC,
            "kind": "RoleBinding",
            "metadata": provision.metadata(name, CREDENTIALS_WAVE),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": _REGISTER_NAMESPACE}],
        },
    ]
