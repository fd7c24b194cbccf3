"""A ClusterDeployment that is installed, and the Secret with its kubeconfig, as Hive writes them.

Fields and keys were read in openshift/hive c02e517: apis/hive/v1 and pkg/installmanager.
"""

import base64
from typing import Any

import yaml

SERVER = "https://api.trial.fake.example.org:6443"


def deployment(name: str = "trial", end: str = "2026-12-05T00:00:00Z", **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": f"ephemeral-{name}",
            "uid": f"uid-{name}",
            "labels": {"okd-gitops.io/cluster": name},
            "annotations": {"okd-gitops.io/end": end},
            **metadata,
        },
        "spec": {
            "baseDomain": "fake.example.org",
            "clusterName": name,
            "installed": True,
            "clusterMetadata": {"adminKubeconfigSecretRef": {"name": f"{name}-0-abc-admin-kubeconfig"}},
        },
    }


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(server: str = SERVER, **user: str) -> dict[str, Any]:
    given = user or {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}
    value = {
        "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority-data": "Y2E="}}],
        "users": [{"name": "admin", "user": given}],
    }
    return {"data": {"kubeconfig": coded(yaml.safe_dump(value))}}
