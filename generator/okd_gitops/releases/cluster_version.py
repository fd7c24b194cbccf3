"""What any repository says of the OKD or OpenShift that a cluster is to run: ClusterVersion manifests,
items of a `kind: List`, and the patches of kustomizations, each value with its place.

The fields were read in openshift/api, config/v1/types_cluster_version.go.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from okd_gitops.finding import Finding, FindingsError, Location
from okd_gitops.manifests.kustomization import NAMES, Graph
from okd_gitops.manifests.objects import ObjectId, at, items
from okd_gitops.manifests.read import FOREIGN, Document, read, read_all
from okd_gitops.releases.version import Version, channel_fault, image_fault, outside_channel

MAX_BYTES = 8 << 20
_KIND = re.compile(rb"""kind['"]?\s*:\s*['"]?ClusterVersion\b""")
_ACKS = re.compile(rb"""name['"]?\s*:\s*['"]?admin-acks\b""")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
# Where each field stands in a ClusterVersion.
FIELDS = {
    "clusterID": ("spec", "clusterID"),
    "channel": ("spec", "channel"),
    "upstream": ("spec", "upstream"),
    "version": ("spec", "desiredUpdate", "version"),
    "image": ("spec", "desiredUpdate", "image"),
    "force": ("spec", "desiredUpdate", "force"),
}


def is_cluster_id(value: str) -> bool:
    """Whether `value` is a random UUID (RFC 4122, version 4), as the cluster-version operator demands."""
    return bool(_UUID.fullmatch(value))


@dataclass(frozen=True, slots=True)
class Stated:
    """A value and where it is written; None says that it is taken away."""

    value: Any
    place: Location


State = dict[str, Stated]


def mentions(data: bytes) -> bool:
    """Whether a file may hold a ClusterVersion, or patch one: cheap, so that nothing else has to be
    parsed.
    """
    return bool(_KIND.search(data))


def acknowledges(data: bytes) -> bool:
    """Whether a file may hold administrator acknowledgements."""
    return bool(_ACKS.search(data))


def stated(documents: Sequence[Document]) -> State:
    """Return what the ClusterVersions among documents say, also those in a List and in the patches of a
    kustomization.
    """
    found: State = {}
    for document in documents:
        for path in _versions(document.value):
            found |= _fields(document, path)
        if isinstance(document.value, dict):
            for patch in _inline(document):
                found |= stated([patch])
            for path, operations in _operations(document):
                found |= _steps(document.at(path), operations)
    return found


def read_state(path: str, data: bytes) -> State:
    """Return what one file says; raises FindingsError when it is not readable."""
    return stated(read_all(path, data, bounds=FOREIGN)) if mentions(data) else {}


def acks(documents: Sequence[Document]) -> tuple[str, ...]:
    """Return the names of the acknowledgements in ConfigMaps called admin-acks, and in what generates
    them.
    """
    found: set[str] = set()
    for document in documents:
        listed = [
            document.value,
            *items(document.value, "items"),
            *items(document.value, "configMapGenerator"),
        ]
        for value in listed:
            if (
                ObjectId.of(value if isinstance(value, dict) else {}).name != "admin-acks"
                and at(value, "name") != "admin-acks"
            ):
                continue
            data = at(value, "data")
            found |= {
                str(key)
                for key, given in (data.items() if isinstance(data, dict) else [])
                if str(given) == "true"
            }
            found |= {
                str(text).removesuffix("=true")
                for text in items(value, "literals")
                if str(text).endswith("=true")
            }
    return tuple(sorted(found))


def built(tree: Mapping[str, bytes], graph: Graph) -> tuple[State, tuple[str, ...], list[Finding]]:
    """Return what a kustomization and all that it uses say, the acknowledgements, and what could not be read.

    As kustomize does it, what uses something is applied after it.
    """
    found: State = {}
    given: set[str] = set()
    findings: list[Finding] = []
    # The graph was walked from the top; what is deeper is overruled by what uses it.
    for path, document in reversed(graph.kustomizations.items()):
        folder = posixpath.dirname(path)
        listed = [
            *items(document.value, "resources"),
            *items(document.value, "bases"),
            *_patch_files(document),
        ]
        names = [posixpath.normpath(posixpath.join(folder, name)) for name in listed if isinstance(name, str)]
        try:
            for name in names:
                if mentions(tree.get(name, b"")) or acknowledges(tree.get(name, b"")):
                    documents = read_all(name, tree[name], bounds=FOREIGN)
                    found |= stated(documents)
                    given |= set(acks(documents))
            found |= stated([document])
            given |= set(acks([document]))
            for name in _operation_files(document, folder):
                if name in tree:
                    operations = read(name, tree[name], bounds=FOREIGN)
                    found |= _steps(operations.at(()), operations.value)
        except FindingsError as error:
            findings += error.findings
    return (
        {name: each for name, each in found.items() if each.value is not None},
        tuple(sorted(given)),
        findings,
    )


def faults(state: State) -> list[Finding]:
    """Return what is wrong with the values, by the same rules and names that hold for cluster files."""
    text = {name: each.value for name, each in state.items() if isinstance(each.value, str)}
    wrong = [(name, *_fault(name, value)) for name, value in text.items()]
    wrong += [
        (name, "invalid-value", f"{name} is not a text", "write it in quotes")
        for name in sorted(state.keys() - text.keys() - {"force"})
    ]
    version, channel = text.get("version", ""), text.get("channel", "")
    if version and outside_channel(version, channel):
        wrong.append(
            (
                "version",
                "version-outside-channel",
                f"version {version} is not in channel {channel}",
                "move the channel with the version",
            )
        )
    if "force" in state and state["force"].value:
        reason = "force skips the signature and every precondition"
        wrong.append(
            ("force", "forced-update", reason, "it is not imported: a cluster file has no place for it")
        )
    return [
        Finding(name=finding_name, location=state[name].place, reason=reason, remedy=remedy)
        for name, finding_name, reason, remedy in wrong
        if reason
    ]


def _fault(name: str, value: str) -> tuple[str, str, str]:
    """Return the name, the reason (or nothing) and the remedy for one value."""
    match name:
        case "clusterID":
            reason = "" if is_cluster_id(value) else "clusterID is a UUID of version 4"
            return (
                "wrong-cluster-identity",
                reason,
                "oc get clusterversion version -o jsonpath={.spec.clusterID}",
            )
        case "image":
            return "floating-release", image_fault(value), "oc adm release info VERSION prints the digest"
        case "channel":
            return "stream-as-channel", *channel_fault(value)
        case "version":
            try:
                Version.parse(value)
            except ValueError as error:
                return "invalid-value", str(error), "a version looks like 4.22.0-okd-scos.0"
    return "", "", ""


def _versions(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of each ClusterVersion in a document: itself, or items of a List."""
    if not isinstance(value, dict):
        return
    if ObjectId.of(value).group_kind == "ClusterVersion.config.openshift.io":
        yield path
    elif str(value.get("kind", "")).endswith("List"):
        for index, item in enumerate(items(value, "items")):
            yield from _versions(item, (*path, "items", index))


def _fields(document: Document, path: tuple[str | int, ...]) -> State:
    value = document.value
    for key in path:
        value = value[key]
    found: State = {}
    for name, where in FIELDS.items():
        *parents, last = where
        around = at(value, *parents)
        if isinstance(around, dict) and last in around:
            found[name] = Stated(around[last], document.at((*path, *where)))
        elif (
            around is None
            and "desiredUpdate" in parents
            and isinstance(at(value, "spec"), dict)
            and "desiredUpdate" in value["spec"]
        ):
            found[name] = Stated(None, document.at((*path, *parents)))
    return found


def _patches(document: Document) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for key in ("patches", "patchesJson6902"):
        for index, patch in enumerate(items(document.value, key)):
            if isinstance(patch, dict):
                yield key, index, patch


def _inline(document: Document) -> Iterator[Document]:
    """Yield the documents that a kustomization holds as text, with places in the kustomization itself."""
    texts: list[tuple[tuple[str | int, ...], Any]] = [
        ((key, index, "patch"), patch.get("patch")) for key, index, patch in _patches(document)
    ]
    texts += [
        (("patchesStrategicMerge", index), text)
        for index, text in enumerate(items(document.value, "patchesStrategicMerge"))
    ]
    for path, text in texts:
        if not isinstance(text, str) or "\n" not in text or not mentions(text.encode()):
            continue
        try:
            inner = read_all(document.file, text.encode(), bounds=FOREIGN)
        except FindingsError as error:
            raise FindingsError(
                [replace(finding, location=document.at(path)) for finding in error.findings]
            ) from None
        yield from (_moved(document, path, each) for each in inner)


def _moved(document: Document, path: tuple[str | int, ...], inner: Document) -> Document:
    """Return an inner document whose places are those of the text around it, when that is a block of
    lines.
    """
    line, column, length = document.marks[path]
    if document.lines[line][column : column + 1] in ("|", ">"):
        indent = len(document.lines[line + 1]) - len(document.lines[line + 1].lstrip(" "))
        marks = {
            where: (line + 1 + mark[0], mark[1] + indent, mark[2]) for where, mark in inner.marks.items()
        }
    else:
        marks = dict.fromkeys(inner.marks, (line, column, length))
    return Document(document.file, document.lines, inner.value, marks, {})


def _targets(patch: dict[str, Any]) -> bool:
    return bool(at(patch, "target", "kind") == "ClusterVersion")


def _patch_files(document: Document) -> list[str]:
    """Return the files of patches that are partial objects."""
    named = [patch.get("path") for _, _, patch in _patches(document)] + items(
        document.value, "patchesStrategicMerge"
    )
    return [name for name in named if isinstance(name, str) and "\n" not in name]


def _operation_files(document: Document, folder: str) -> list[str]:
    named = [patch.get("path") for _, _, patch in _patches(document) if _targets(patch)]
    return [posixpath.normpath(posixpath.join(folder, name)) for name in named if isinstance(name, str)]


def _operations(document: Document) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Yield the JSON6902 operations on a ClusterVersion that a kustomization holds as text."""
    for key, index, patch in _patches(document):
        text = patch.get("patch")
        if _targets(patch) and isinstance(text, str):
            path = (key, index, "patch")
            try:
                parts = read_all(document.file, text.encode(), bounds=FOREIGN)
            except FindingsError as error:
                raise FindingsError(
                    [replace(finding, location=document.at(path)) for finding in error.findings]
                ) from None
            yield from ((path, part.value) for part in parts)


def _steps(place: Location, operations: object) -> State:
    """Return what JSON6902 operations set, all at one place."""
    found: State = {}
    for step in operations if isinstance(operations, list) else []:
        path = tuple(str(at(step, "path") or "").strip("/").split("/"))
        value = None if at(step, "op") == "remove" else at(step, "value")
        if at(step, "op") not in ("add", "replace", "remove"):
            continue
        for name, where in FIELDS.items():
            if where[: len(path)] == path:
                found[name] = Stated(at(value, *where[len(path) :]), place)
    return found


def cluster_name(path: str) -> str:
    """Return the name of the folder that names a cluster: the nearest one that is not a word of the
    layout.
    """
    words = {
        "clusterversions",
        "clusterversion",
        "version",
        "config.openshift.io",
        "patches",
        "manifests",
        "resources",
        "cluster-scope",
        "okd",
        "openshift",
    }
    folders = (
        posixpath.dirname(path)
        if posixpath.basename(path) in NAMES or "." in posixpath.basename(path)
        else path
    )
    return next((name for name in reversed(folders.split("/")) if name and name not in words), "")
