"""The fields that name a cluster's release, and what is wrong with their values.

Cluster files, rendered objects, foreign repositories and their histories are all judged here. The fields were
read in openshift/api, config/v1/types_cluster_version.go.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.version import Version, channel_fault, image_fault, outside_channel

CLUSTER_VERSION = "ClusterVersion.config.openshift.io"
# Where a ClusterVersion has each field.
FIELDS = {
    "clusterID": ("spec", "clusterID"),
    "channel": ("spec", "channel"),
    "upstream": ("spec", "upstream"),
    "version": ("spec", "desiredUpdate", "version"),
    "image": ("spec", "desiredUpdate", "image"),
    "force": ("spec", "desiredUpdate", "force"),
}
# Every kind that names a release, and where it has which of the fields.
_KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    CLUSTER_VERSION: FIELDS,
    "ClusterImageSet.hive.openshift.io": {"image": ("spec", "releaseImage")},
    "HostedCluster.hypershift.openshift.io": {
        "channel": ("spec", "channel"),
        "image": ("spec", "release", "image"),
    },
    "NodePool.hypershift.openshift.io": {"image": ("spec", "release", "image")},
}
_KIND = re.compile(rb"""kind['"]?\s*:\s*['"]?ClusterVersion\b""")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_CLUSTER_ID_REMEDY = "oc get clusterversion version -o jsonpath={.spec.clusterID}"
_IMAGE_REMEDY = "oc adm release info VERSION prints the digest"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field; `name` is that of the finding."""

    field: str
    name: str
    reason: str
    remedy: str


def mentions(data: bytes) -> bool:
    """Whether a file may hold or patch a ClusterVersion: cheap, so that few files have to be parsed."""
    return bool(_KIND.search(data))


def is_cluster_id(value: str) -> bool:
    """Whether `value` is a random UUID (RFC 4122, version 4), as the cluster-version operator demands."""
    return bool(_UUID.fullmatch(value))


def field_faults(fields: Mapping[str, object]) -> list[FieldFault]:
    """Judge values by their names in FIELDS; a field that is not among `fields` is not judged."""
    texts = {field: str(value) for field, value in fields.items()}
    faults = [
        *_cluster_id_faults(texts),
        *_channel_faults(texts),
        *_version_faults(texts),
        *_image_faults(texts),
    ]

    if fields.get("force"):
        reason = "force skips the signature and every precondition"
        remedy = "remove force; only an ephemeral cluster may have it"
        faults.append(FieldFault("force", "forced-update", reason, remedy))

    return faults


def object_faults(value: Object) -> list[FieldFault]:
    """Judge an object of a kind that names a release, also for what it lacks; others have no faults."""
    identity = ObjectId.of(value)
    places = _KINDS.get(identity.group_kind)
    if places is None:
        return []

    fields = {field: at(value, *place) for field, place in places.items()}
    # An empty channel asks for no updates, which is allowed.
    stated = {
        field: content
        for field, content in fields.items()
        if content is not None and (field, content) != ("channel", "")
    }
    faults = field_faults(stated)

    is_cluster_version = identity.group_kind == CLUSTER_VERSION
    if "image" not in stated and not (is_cluster_version and at(value, "spec", "desiredUpdate") is None):
        faults.append(missing_image(".".join(places["image"])))

    if is_cluster_version:
        faults += _identity_faults(identity.name, stated)

    return faults


def missing_image(place: str) -> FieldFault:
    """Return the fault of a release that is asked for by its version alone."""
    reason = f"{place} is missing: a version alone can name two images"
    return FieldFault("image", "floating-release", reason, _IMAGE_REMEDY)


def _cluster_id_faults(texts: Mapping[str, str]) -> list[FieldFault]:
    if "clusterID" not in texts or is_cluster_id(texts["clusterID"]):
        return []

    reason = f'clusterID must be a UUID of version 4, not "{texts["clusterID"]}"'
    return [FieldFault("clusterID", "wrong-cluster-identity", reason, _CLUSTER_ID_REMEDY)]


def _channel_faults(texts: Mapping[str, str]) -> list[FieldFault]:
    reason, remedy = channel_fault(texts["channel"]) if "channel" in texts else ("", "")
    return [FieldFault("channel", "stream-as-channel", reason, remedy)] if reason else []


def _version_faults(texts: Mapping[str, str]) -> list[FieldFault]:
    version, channel = texts.get("version"), texts.get("channel")
    faults = []

    if version is not None and not _is_okd_version(version):
        reason = f'"{version}" is not an OKD version'
        remedy = "a version looks like 4.22.0-okd-scos.0"
        faults.append(FieldFault("version", "invalid-value", reason, remedy))

    if version and channel and outside_channel(version, channel):
        reason = f"version {version} is not in channel {channel}"
        remedy = "change the channel together with the version"
        faults.append(FieldFault("version", "version-outside-channel", reason, remedy))

    return faults


def _image_faults(texts: Mapping[str, str]) -> list[FieldFault]:
    reason = image_fault(texts["image"]) if "image" in texts else ""
    if not reason:
        return []
    return [FieldFault("image", "floating-release", f"release image: {reason}", _IMAGE_REMEDY)]


def _identity_faults(name: str, fields: Mapping[str, object]) -> list[FieldFault]:
    faults = []

    if name != "version":
        reason = f'a ClusterVersion must be named "version", not "{name}"'
        faults.append(FieldFault("name", "wrong-cluster-identity", reason, "rename it"))

    # OpenShift's own clusters rightly leave upstream out. A channel of OKD tells them apart where there is no
    # version.
    is_okd = "scos" in str(fields.get("channel")) or _is_okd_version(str(fields.get("version")))
    if is_okd and not fields.get("upstream"):
        reason = "an OKD cluster without upstream asks OpenShift's update graph"
        remedy = "set upstream to the graph of OKD's release controller"
        faults.append(FieldFault("upstream", "wrong-cluster-identity", reason, remedy))

    return faults


def _is_okd_version(text: str) -> bool:
    try:
        Version.parse(text)
    except ValueError:
        return False
    return True
