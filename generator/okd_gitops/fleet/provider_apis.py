"""The APIs of the hub in which a provider has its clusters, one row for each: where they are listed, when one
is there, where its kubeconfig is, and for which address that must be.
"""

from collections.abc import Callable
from dataclasses import dataclass

from okd_gitops.manifests.objects import Object, at, items

_API_PORT = 6443
_API_SERVER, _AVAILABLE = "APIServer", "Available"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderApi:
    """One API. `path` and `plural` are those of its objects.

    `kubeconfig` returns the name of the Secret with the kubeconfig of a cluster that is there, else nothing;
    `server` the URL that must be in it, or nothing where none can be right.
    """

    kind: str
    path: str
    plural: str
    kubeconfig: Callable[[Object], str]
    server: Callable[[Object], str]


def _deployed(deployment: Object) -> str:
    """Fields as in openshift/hive c02e517, apis/hive/v1."""
    if at(deployment, "spec", "installed") is not True:
        return ""

    return str(at(deployment, "spec", "clusterMetadata", "adminKubeconfigSecretRef", "name") or "")


def _deployed_server(deployment: Object) -> str:
    """The installer puts every API server at this name."""
    name, domain = at(deployment, "metadata", "name"), at(deployment, "spec", "baseDomain")
    return f"https://api.{name}.{domain}:{_API_PORT}"


def _hosted(cluster: Object) -> str:
    """Fields as in openshift/hypershift v0.1.80, api/hypershift/v1beta1."""
    conditions = items(cluster, "status", "conditions")
    states = [at(value, "status") for value in conditions if at(value, "type") == _AVAILABLE]

    return str(at(cluster, "status", "kubeconfig", "name") or "") if states == ["True"] else ""


def _hosted_server(cluster: Object) -> str:
    """The address is the one in the spec, which git has; the port is what the hub chose for the NodePort.

    So does openshift/hypershift v0.1.80 write it: control-plane-operator, kas/service.go
    (ReconcileServiceStatus) and v2/kas/kubeconfig.go.
    """
    host = next(iter(_node_addresses(cluster)), "")
    endpoint = at(cluster, "status", "controlPlaneEndpoint")
    port = at(endpoint, "port")

    # Clusters share the address, and differ by the port alone.
    if not host or at(endpoint, "host") != host or not isinstance(port, int):
        return ""

    return f"https://{host}:{port}"


def _node_addresses(cluster: Object) -> list[str]:
    return [
        str(at(service, "servicePublishingStrategy", "nodePort", "address") or "")
        for service in items(cluster, "spec", "services")
        if at(service, "service") == _API_SERVER
    ]


HIVE = ProviderApi(
    kind="ClusterDeployment",
    path="/apis/hive.openshift.io/v1",
    plural="clusterdeployments",
    kubeconfig=_deployed,
    server=_deployed_server,
)
HYPERSHIFT = ProviderApi(
    kind="HostedCluster",
    path="/apis/hypershift.openshift.io/v1beta1",
    plural="hostedclusters",
    kubeconfig=_hosted,
    server=_hosted_server,
)
PROVIDER_APIS = (HIVE, HYPERSHIFT)
