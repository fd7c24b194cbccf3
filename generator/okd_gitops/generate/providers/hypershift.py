"""Clusters that HyperShift on the hub makes: the control plane in pods of the hub, and Agents as workers.

Fields as in openshift/hypershift, api/hypershift/v1beta1 (v0.1.80, whose schemas judge them), and in
openshift/assisted-service, api/v1beta1. No credential is in any object: they are ExternalSecrets.
"""

from typing import Any

from okd_gitops.fleet.providers import END, Agents, Architecture, HyperShift
from okd_gitops.generate.providers.beside import (
    PULL_SECRET,
    RBAC,
    namespace,
    pull_secret,
    reader,
    stored_secret,
)
from okd_gitops.generate.providers.provision import CREDENTIALS_WAVE, Provision
from okd_gitops.manifests.argocd import OPTIONS
from okd_gitops.manifests.objects import Object

API_VERSION = "hypershift.openshift.io/v1beta1"
# What its operator itself writes into the spec: not a difference (openshift/hypershift v0.1.80,
# hostedcluster_controller.go). The rest of what its definitions fill in is written out below.
FILLED_IN: tuple[dict[str, Any], ...] = (
    {
        "group": "hypershift.openshift.io",
        "kind": "HostedCluster",
        "jsonPointers": ["/spec/clusterID", "/spec/infraID"],
    },
    {
        "group": "hypershift.openshift.io",
        "kind": "NodePool",
        "jsonPointers": ["/spec/management/replace"],
    },
)
# An InfraEnv does not go as long as one of its machines is bound to a cluster (openshift/assisted-service,
# infraenv_controller.go), and needs the pull secret.
_IMAGE_WAVE = CREDENTIALS_WAVE + 1
_CLUSTER_WAVE = _IMAGE_WAVE + 1
# Their definitions come with HyperShift and assisted-service, perhaps later than this.
_LATER = {OPTIONS: "SkipDryRunOnMissingResource=true"}
_SSH_KEY, _PUBLIC_KEY = "ssh-key", "id_rsa.pub"
_ETCD_SIZE = "8Gi"
# Networks within a cluster: those of the hub are others, and both are seen from a control plane.
_POD_NETWORK, _SERVICE_NETWORK = "10.132.0.0/14", "172.31.0.0/16"
_PUBLISHED = ("APIServer", "Ignition", "Konnectivity", "OAuthServer")
# assisted-service has names of its own for two of them.
_IN_AN_IMAGE = {Architecture.AMD64: "x86_64", Architecture.ARM64: "aarch64"}


def hypershift_objects(provision: Provision, settings: HyperShift) -> list[Object]:
    """Return what makes HyperShift run a cluster, and machines join it that boot from its InfraEnv."""
    credentials = settings.credentials
    ssh_key = [stored_secret(provision, _SSH_KEY, credentials, _SSH_KEY, {_PUBLIC_KEY: _PUBLIC_KEY})]

    return [
        namespace(provision),
        pull_secret(provision, credentials),
        *(ssh_key if settings.ssh_key else []),
        _agents_role(provision),
        _infra_env(provision, settings.workers),
        _hosted_cluster(provision, settings),
        _node_pool(provision, settings.workers),
        *reader(provision),
    ]


def _hosted_cluster(provision: Provision, settings: HyperShift) -> Object:
    published = {"type": "NodePort", "nodePort": {"address": settings.node_address}}
    volume = {"size": _ETCD_SIZE}

    if settings.storage_class:
        volume["storageClassName"] = settings.storage_class

    spec: dict[str, Any] = {
        "release": {"image": provision.image},
        "pullSecret": {"name": PULL_SECRET},
        "dns": {"baseDomain": settings.base_domain},
        # All that belongs to the cluster is in its namespace: its Application may write to no other.
        "platform": {"type": "Agent", "agent": {"agentNamespace": provision.namespace}},
        "networking": {
            "networkType": "OVNKubernetes",
            "clusterNetwork": [{"cidr": _POD_NETWORK}],
            "serviceNetwork": [{"cidr": _SERVICE_NETWORK}],
        },
        "etcd": {
            "managementType": "Managed",
            "managed": {"storage": {"type": "PersistentVolume", "persistentVolume": volume}},
        },
        # It lives for days, and for tests: one pod of each is enough.
        "controllerAvailabilityPolicy": "SingleReplica",
        "infrastructureAvailabilityPolicy": "SingleReplica",
        "services": [{"service": service, "servicePublishingStrategy": published} for service in _PUBLISHED],
    }

    if settings.ssh_key:
        spec["sshKey"] = {"name": _SSH_KEY}

    metadata = provision.metadata(provision.name, _CLUSTER_WAVE, {**_LATER, END: provision.end})
    return {"apiVersion": API_VERSION, "kind": "HostedCluster", "metadata": metadata, "spec": spec}


def _node_pool(provision: Provision, workers: Agents) -> Object:
    """Return the workers: they go with their HostedCluster, whose deletion deletes and awaits them."""
    platform: dict[str, Any] = {"type": "Agent"}

    if workers.labels:
        platform["agent"] = {"agentLabelSelector": {"matchLabels": dict(workers.labels)}}

    return {
        "apiVersion": API_VERSION,
        "kind": "NodePool",
        "metadata": provision.metadata(provision.name, _CLUSTER_WAVE, _LATER),
        "spec": {
            "clusterName": provision.name,
            "replicas": workers.replicas,
            "arch": str(workers.architecture),
            "management": {"autoRepair": False, "upgradeType": "InPlace"},
            "platform": platform,
            "release": {"image": provision.image},
        },
    }


def _infra_env(provision: Provision, workers: Agents) -> Object:
    """Return the image that machines boot to become Agents of this cluster; its address is in its status."""
    architecture = workers.architecture

    return {
        "apiVersion": "agent-install.openshift.io/v1beta1",
        "kind": "InfraEnv",
        "metadata": provision.metadata(provision.name, _IMAGE_WAVE, _LATER),
        "spec": {
            "cpuArchitecture": _IN_AN_IMAGE.get(architecture, str(architecture)),
            "pullSecretRef": {"name": PULL_SECRET},
        },
    }


def _agents_role(provision: Provision) -> Object:
    """Return what lets the pods of the control plane take Agents.

    Its operator has made this Role itself since July 2026, with these rules, and the RoleBinding to this name
    before.
    """
    return {
        "apiVersion": RBAC,
        "kind": "Role",
        "metadata": provision.metadata("capi-provider-role", CREDENTIALS_WAVE),
        "rules": [
            {
                "apiGroups": ["agent-install.openshift.io"],
                "resources": ["agents"],
                "verbs": ["get", "list", "watch", "update", "patch"],
            }
        ],
    }
