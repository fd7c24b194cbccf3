"""The fields that name a cluster's release, and what is wrong with their values.

Cluster files, rendered objects, foreign repositories and their histories are all judged here. The fields were
read in openshift/api, config/v1/types_cluster_version.go.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.releases.update_services import (
    is_okd_image,
    is_okd_upstream,
    okd_channel_fault,
    upstream_fault,
)
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
_CLUSTER_ID_REMEDY = (
    "write what `oc get clusterversion version -o jsonpath={.spec.clusterID}` prints on the cluster"
)
_IMAGE_REMEDY = "oc adm release info {version} prints the digest"


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


def field_faults(fields: Mapping[str, object], *, okd: bool = False) -> list[FieldFault]:
    """Judge values by their names in FIELDS; a field that is not among `fields` is not judged.

    `okd`: the cluster runs OKD; otherwise the values tell whether it does.
    """
    texts = {field: str(value) for field, value in fields.items()}
    runs_okd = okd or _runs_okd(texts)
    faults = [
        *_cluster_id_faults(texts),
        *_channel_faults(texts, okd=runs_okd),
        *_upstream_faults(texts, okd=runs_okd),
        *_version_faults(texts),
        *_image_faults(texts),
    ]

    if fields.get("force"):
        reason = "force skips the signature and every precondition"
        remedy = "remove force; only an ephemeral cluster may have it"
        faults.append(FieldFault("force", "forced-update", reason, remedy))

    return faults


def object_faults(value: Object, *, is_nested: bool = False, is_part: bool = False) -> list[FieldFault]:
    """Judge an object of a kind that names a release, also for what it lacks; others have no faults.

    Nested in another object, a value may be a variable, which nobody can judge. A part of an object may lack
    what the cluster has.
    """
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
    judged = {
        field: content for field, content in stated.items() if not (is_nested and _is_variable(content))
    }
    faults = field_faults(judged)

    is_cluster_version = identity.group_kind == CLUSTER_VERSION
    if "image" not in stated and not (is_cluster_version and at(value, "spec", "desiredUpdate") is None):
        faults.append(missing_image(".".join(places["image"]), str(judged.get("version") or "")))

    if is_cluster_version and not is_part:
        faults += _identity_faults(identity.name, stated)

    return faults


def path_of(value: Object, fault: FieldFault) -> tuple[str, ...]:
    """Return the path of the field that a fault is about, in the object that was judged."""
    places = _KINDS[ObjectId.of(value).group_kind]
    return places.get(fault.field, ("metadata", fault.field))


def _is_variable(value: object) -> bool:
    """Whether somebody replaces a value later: `{{hub … hub}}` of a Policy, `${X}` of a Template."""
    return isinstance(value, str) and ("{{" in value or "${" in value)


def _runs_okd(texts: Mapping[str, str]) -> bool:
    """Whether values name OKD; OpenShift's own clusters rightly have other channels and no upstream."""
    return (
        "scos" in texts.get("channel", "")
        or _is_okd_version(texts.get("version", ""))
        or is_okd_image(texts.get("image", ""))
        or is_okd_upstream(texts.get("upstream", ""))
    )


def missing_image(place: str, version: str = "") -> FieldFault:
    """Return the fault of a release that is asked for by its version alone."""
    reason = f"{place} is missing: a version alone can name two images"
    return FieldFault("image", "floating-release", reason, _image_remedy(version))


def _image_remedy(version: str) -> str:
    return _IMAGE_REMEDY.format(version=version or "VERSION")


def _cluster_id_faults(texts: Mapping[str, str]) -> list[FieldFault]:
    if "clusterID" not in texts or is_cluster_id(texts["clusterID"]):
        return []

    value = texts["clusterID"]
    form = "a UUID of version 4 (36 characters, as in 8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926)"
    reason = f'clusterID must be {form}, not "{value}" ({len(value)} characters)'
    return [FieldFault("clusterID", "wrong-cluster-identity", reason, _CLUSTER_ID_REMEDY)]


def _channel_faults(texts: Mapping[str, str], *, okd: bool) -> list[FieldFault]:
    if "channel" not in texts:
        return []

    reason, remedy = channel_fault(texts["channel"])
    if reason:
        return [FieldFault("channel", "stream-as-channel", reason, remedy)]

    reason, remedy = okd_channel_fault(texts["channel"]) if okd else ("", "")
    return [FieldFault("channel", "unknown-channel", reason, remedy)] if reason else []


def _upstream_faults(texts: Mapping[str, str], *, okd: bool) -> list[FieldFault]:
    reason, remedy = upstream_fault(texts["upstream"], okd=okd) if "upstream" in texts else ("", "")
    return [FieldFault("upstream", "wrong-upstream", reason, remedy)] if reason else []


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
    return [
        FieldFault(
            "image", "floating-release", f"release image: {reason}", _image_remedy(texts.get("version", ""))
        )
    ]


def _identity_faults(name: str, fields: Mapping[str, object]) -> list[FieldFault]:
    faults = []

    if name != "version":
        reason = f'a ClusterVersion must be named "version", not "{name}"'
        faults.append(FieldFault("name", "wrong-cluster-identity", reason, "rename it"))

    texts = {field: str(content) for field, content in fields.items()}
    if _runs_okd(texts) and not fields.get("upstream"):
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
