"""Clusters that Hive on the hub installs: in an OpenStack cloud, or fake ones.

Fields as in openshift/hive, apis/hive/v1, of the version whose schemas judge them, and in
openshift/installer, pkg/types. No credential is in any object: they are ExternalSecrets.
"""

import json
from collections.abc import Mapping
from typing import Any

from okd_gitops.fleet.providers import END, Hive, Machines
from okd_gitops.generate.providers.beside import (
    DOCKER_CONFIG,
    PULL_SECRET,
    namespace,
    pull_secret,
    reader,
    stored_secret,
)
from okd_gitops.generate.providers.provision import CREDENTIALS_WAVE, Provision
from okd_gitops.manifests.argocd import OPTIONS
from okd_gitops.manifests.objects import Object
from okd_gitops.manifests.write import dump
from okd_gitops.releases.acknowledgements import GIVEN
from okd_gitops.releases.acknowledgements import NAME as ACKS
from okd_gitops.releases.acknowledgements import NAMESPACE as ACKS_NAMESPACE

API_VERSION = "hive.openshift.io/v1"
# What Hive itself writes into the spec: not a difference (openshift/hive c02e517, apis/hive/v1 and
# pkg/controller/clusterdeployment).
FILLED_IN: tuple[dict[str, Any], ...] = (
    {
        "group": "hive.openshift.io",
        "kind": "ClusterDeployment",
        "jsonPointers": [
            "/spec/clusterMetadata",
            "/spec/controlPlaneConfig",
            "/spec/installed",
            "/spec/powerState",
        ],
    },
)
_CLUSTER_WAVE = CREDENTIALS_WAVE + 1
_ATTEMPTS = 2
_DIGITS = 12
# The names of Secrets in the namespace of a cluster, and what is in them.
_CLOUD, _INSTALL_CONFIG = "cloud", "install-config"
_CLOUDS = "clouds.yaml"
# A template of External Secrets writes it: JSON of a text is YAML of it, whatever is in the text.
_FILLED_IN_LATER = "{{ .pullSecret | toJson }}"


def openstack_objects(provision: Provision, settings: Hive) -> list[Object]:
    """Return what makes Hive install a cluster in an OpenStack cloud."""
    credentials = settings.credentials

    return [
        namespace(provision),
        _image_set(provision),
        stored_secret(provision, _CLOUD, credentials, _CLOUD, {_CLOUDS: _CLOUDS}),
        pull_secret(provision, credentials),
        stored_secret(
            provision,
            _INSTALL_CONFIG,
            credentials,
            PULL_SECRET,
            {"pullSecret": DOCKER_CONFIG},
            {"engineVersion": "v2", "data": {"install-config.yaml": install_config(provision, settings)}},
        ),
        _deployment(provision, settings),
        _machine_pool(provision, settings.workers),
        *_upgrade(provision),
        *reader(provision, _noting(provision)),
    ]


def fake_objects(provision: Provision, settings: Hive) -> list[Object]:
    """Return what makes Hive go through the steps of an installation, and report a cluster that is none.

    It needs everything that a real one needs, also a cloud that answers (openshift/hive, pkg/installmanager).
    """
    objects = openstack_objects(provision, settings)

    for value in objects:
        if value["kind"] == "ClusterDeployment":
            value["metadata"]["annotations"]["hive.openshift.io/fake-cluster"] = "true"

    return objects


def install_config(provision: Provision, settings: Hive) -> str:
    """Return install-config.yaml as a template of External Secrets, which fills in the pull secret."""
    openstack: dict[str, Any] = {"cloud": settings.cloud, "externalNetwork": settings.external_network}

    if provision.addresses:
        openstack["apiFloatingIP"] = provision.addresses.api
        openstack["ingressFloatingIP"] = provision.addresses.ingress

    config = {
        "apiVersion": "v1",
        "baseDomain": settings.base_domain,
        "metadata": {"name": provision.name},
        "controlPlane": _pool("master", settings.control_plane),
        "compute": [_pool("worker", settings.workers)],
        "networking": {"networkType": "OVNKubernetes"},
        "platform": {"openstack": openstack},
    }
    return f"{dump(config)}pullSecret: {_FILLED_IN_LATER}\n"


def _pool(name: str, machines: Machines) -> dict[str, Any]:
    return {
        "name": name,
        "replicas": machines.replicas,
        "platform": {"openstack": {"type": machines.flavor}},
    }


def _noting(provision: Provision) -> Object:
    """Return the right to note at the ClusterDeployment which nodes run the release."""
    return {
        "apiGroups": [API_VERSION.partition("/")[0]],
        "resources": ["clusterdeployments"],
        "resourceNames": [provision.name],
        "verbs": ["update"],
    }


def _deployment(provision: Provision, settings: Hive) -> dict[str, Any]:
    annotations = {
        # The backstop where nothing else works any more. It counts from when the object is made.
        "hive.openshift.io/delete-after": f"{settings.delete_after_hours}h",
        # Where Hive protects clusters by itself, nothing could end this one.
        "hive.openshift.io/protected-delete": "false",
        # Its definition comes with Hive, perhaps later than this.
        OPTIONS: "SkipDryRunOnMissingResource=true",
        END: provision.end,
        # What its version operator reports then stands here, where the hub can read it.
        "hive.openshift.io/sync-clusterversion-status": "true",
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterDeployment",
        "metadata": provision.metadata(provision.name, _CLUSTER_WAVE, annotations),
        "spec": {
            "baseDomain": settings.base_domain,
            "clusterName": provision.name,
            "installAttemptsLimit": _ATTEMPTS,
            "platform": {"openstack": {"cloud": settings.cloud, "credentialsSecretRef": {"name": _CLOUD}}},
            "provisioning": {
                "imageSetRef": {"name": _image_set_name(provision)},
                "installConfigSecretRef": {"name": _INSTALL_CONFIG},
            },
            "pullSecretRef": {"name": PULL_SECRET},
        },
    }


def _upgrade(provision: Provision) -> list[Object]:
    """Return what makes Hive patch the ClusterVersion of an installed cluster, if that is to upgrade.

    The cluster has its ClusterVersion from the installer, with an ID that nobody knows before: a whole object
    of git would need one.
    """
    upgrade = provision.upgrade

    if upgrade is None:
        return []

    wanted = {"version": upgrade.version, "image": upgrade.image}
    spec = {"channel": upgrade.channel, "upstream": upgrade.upstream, "desiredUpdate": wanted}
    patches = [_patch("config.openshift.io/v1", "ClusterVersion", "version", {"spec": spec})]

    if upgrade.acks:
        given = {"data": dict.fromkeys(upgrade.acks, GIVEN)}
        patches.insert(0, {**_patch("v1", "ConfigMap", ACKS, given), "namespace": ACKS_NAMESPACE})

    # Hive applies resources before patches: the version operator finds the signature when it looks for it.
    resources = {"resources": [_signature(upgrade.signatures)]} if upgrade.signatures else {}
    references = [{"name": provision.name}]
    annotations = {OPTIONS: "SkipDryRunOnMissingResource=true"}

    return [
        {
            "apiVersion": API_VERSION,
            "kind": "SyncSet",
            "metadata": provision.metadata(f"{provision.name}-upgrade", _CLUSTER_WAVE, annotations),
            "spec": {"clusterDeploymentRefs": references, **resources, "patches": patches},
        }
    ]


def _signature(signatures: Mapping[str, str]) -> Object:
    """Return what the version operator reads of a release whose signature no store on the network has.

    The form is that of openshift/library-go, pkg/verify/store/configmap.
    """
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "okd-gitops-release-signature",
            "namespace": "openshift-config-managed",
            "labels": {"release.openshift.io/verification-signatures": ""},
        },
        "binaryData": dict(signatures),
    }


def _patch(api_version: str, kind: str, name: str, change: Object) -> Object:
    """Return a merge patch of Hive (apis/hive/v1/syncset_types.go); its body is a text."""
    body = json.dumps(change)

    return {"apiVersion": api_version, "kind": kind, "name": name, "patchType": "merge", "patch": body}


def _machine_pool(provision: Provision, workers: Machines) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": "MachinePool",
        "metadata": provision.metadata(
            f"{provision.name}-worker",
            _CLUSTER_WAVE,
            {OPTIONS: "SkipDryRunOnMissingResource=true"},
        ),
        "spec": {
            "clusterDeploymentRef": {"name": provision.name},
            "name": "worker",
            "replicas": workers.replicas,
            "platform": {"openstack": {"flavor": workers.flavor}},
        },
    }


def _image_set(provision: Provision) -> Object:
    """Return the release image under a name of its own for each digest: Hive does not look at changes."""
    metadata = provision.metadata(
        _image_set_name(provision),
        CREDENTIALS_WAVE,
        {OPTIONS: "SkipDryRunOnMissingResource=true"},
    )
    del metadata["namespace"]

    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterImageSet",
        "metadata": metadata,
        "spec": {"releaseImage": provision.image},
    }


def _image_set_name(provision: Provision) -> str:
    return f"{provision.namespace}-{provision.image.rpartition(':')[2][:_DIGITS]}"
