"""A HostedCluster that is available, and the Secret with its kubeconfig, as HyperShift writes them.

Fields were read in openshift/hypershift v0.1.80: api/hypershift/v1beta1/hostedcluster_types.go; the name and
the key of the Secret in hypershift-operator/controllers/manifests; the URL in control-plane-operator,
kas/service.go and v2/kas/kubeconfig.go.
"""

from typing import Any

ADDRESS, PORT = "10.0.0.5", 31243
SERVER = f"https://{ADDRESS}:{PORT}"


def hosted_cluster(name: str = "trial", end: str = "2026-12-05T00:00:00Z", **metadata: Any) -> dict[str, Any]:
    # Each service may have an address of its own; that of the API server is not the first one here.
    services = {
        "Ignition": "10.0.0.9",
        "APIServer": ADDRESS,
        "Konnectivity": "10.0.0.9",
        "OAuthServer": ADDRESS,
    }
    return {
        "metadata": {
            "name": name,
            "namespace": f"ephemeral-{name}",
            "uid": f"uid-{name}",
            "labels": {"okd-gitops.io/cluster": name},
            "annotations": {"okd-gitops.io/end": end},
            "finalizers": ["hypershift.openshift.io/finalizer"],
            **metadata,
        },
        "spec": {
            "clusterID": "1f0c3a7d-02bb-4f6a-8e49-51f0c3a7d926",
            "infraID": f"{name}-x7k2p",
            "dns": {"baseDomain": "massopen.cloud"},
            "services": [
                {
                    "service": service,
                    "servicePublishingStrategy": {"type": "NodePort", "nodePort": {"address": address}},
                }
                for service, address in services.items()
            ],
        },
        "status": {
            "conditions": [
                {"type": "Degraded", "status": "False", "reason": "AsExpected"},
                {"type": "Available", "status": "True", "reason": "AsExpected"},
            ],
            "controlPlaneEndpoint": {"host": ADDRESS, "port": PORT},
            "kubeconfig": {"name": f"{name}-admin-kubeconfig"},
            "kubeadminPassword": {"name": f"{name}-kubeadmin-password"},
        },
    }
