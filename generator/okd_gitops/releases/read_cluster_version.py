"""Read from any repository which release a cluster is to run, each value with its place.

A ClusterVersion is written as a manifest, as an item of a `kind: List`, or in the patches of kustomizations.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from okd_gitops.finding import Finding, Findings, Location, finding_of
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.graph import NAMES, Graph
from okd_gitops.manifests.objects import ObjectId, at, items
from okd_gitops.manifests.read import Document, read, read_all
from okd_gitops.releases.cluster_version import CLUSTER_VERSION, FIELDS, field_faults, mentions
from okd_gitops.releases.cluster_version_patches import (
    inline_operations,
    inline_patches,
    listed_files,
    operation_files,
)

MAX_BYTES = FOREIGN.max_bytes
_ACKS = re.compile(rb"""name['"]?\s*:\s*['"]?admin-acks\b""")
# Names of folders that say what is in them, not which cluster it is for.
_LAYOUT_WORDS = frozenset(
    {
        "cluster-scope",
        "clusterversion",
        "clusterversions",
        "config.openshift.io",
        "manifests",
        "okd",
        "openshift",
        "patches",
        "resources",
        "version",
    }
)
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """A value and the place where it is written; None where a patch removes the field."""

    value: Any
    place: Location


# The values by their names in FIELDS.
State = dict[str, Stated]


def acknowledges(data: bytes) -> bool:
    """Whether a file may hold administrator acknowledgements."""
    return bool(_ACKS.search(data))


def stated(documents: Sequence[Document]) -> State:
    """Return the values in the ClusterVersions of documents, also in Lists and patches of kustomizations."""
    state: State = {}

    for document in documents:
        for path in _cluster_versions(document.value):
            state |= _fields(document, path)

        if isinstance(document.value, dict):
            for patch in inline_patches(document):
                state |= stated([patch])
            for place, operations in inline_operations(document):
                state |= _operation_values(place, operations)

    return state


def read_state(path: str, data: bytes) -> State:
    """Return the values in one file; raises FindingsError when it cannot be read."""
    return stated(read_all(path, data, bounds=FOREIGN)) if mentions(data) else {}


def without_removed(state: State) -> State:
    """Return the values that are there after all: not those that a patch removes."""
    return {name: stated_value for name, stated_value in state.items() if stated_value.value is not None}


def state_findings(state: State) -> list[Finding]:
    """Judge the values by the rules that hold for cluster files, at their places."""
    texts = {name: each.value for name, each in state.items() if isinstance(each.value, str)}
    other_types = sorted(state.keys() - texts.keys() - {"force"})

    findings = [
        finding_of("invalid-value", state[name].place, f"{name} is not a text", "write it in quotes")
        for name in other_types
    ]

    forced = {"force": state["force"].value} if "force" in state else {}
    for fault in field_faults(texts | forced):
        findings.append(finding_of(fault.name, state[fault.field].place, fault.reason, fault.remedy))

    return findings


def acks(documents: Sequence[Document]) -> tuple[str, ...]:
    """Return the acknowledgements in ConfigMaps named admin-acks, and in the generators of such."""
    names: set[str] = set()

    for document in documents:
        lists = (items(document.value, "items"), items(document.value, "configMapGenerator"))
        for value in (document.value, *lists[0], *lists[1]):
            if "admin-acks" in (at(value, "metadata", "name"), at(value, "name")):
                names |= _acks_of(value)

    return tuple(sorted(names))


def built(tree: Mapping[str, bytes], graph: Graph) -> tuple[State, tuple[str, ...], list[Finding]]:
    """Return what a kustomization with all that it uses holds: values, acknowledgements, unreadable files.

    As in kustomize, whatever uses something is applied after it.
    """
    state: State = {}
    acknowledged: set[str] = set()
    findings = Findings()

    # The graph was walked from the top, so the reverse begins with the deepest kustomization.
    for path, kustomization in reversed(graph.kustomizations.items()):
        folder = posixpath.dirname(path)
        with findings.collecting():
            for name in listed_files(kustomization, folder):
                if mentions(tree.get(name, b"")) or acknowledges(tree.get(name, b"")):
                    documents = read_all(name, tree[name], bounds=FOREIGN)
                    state |= stated(documents)
                    acknowledged |= set(acks(documents))

            state |= stated([kustomization])
            acknowledged |= set(acks([kustomization]))

            for name in operation_files(kustomization, folder):
                if name in tree:
                    operations = read(name, tree[name], bounds=FOREIGN)
                    state |= _operation_values(operations.at(()), operations.value)

    return without_removed(state), tuple(sorted(acknowledged)), list(findings)


def cluster_name(path: str) -> str:
    """Return the nearest folder above a file whose name is not a word of the layout: it names the cluster."""
    file = posixpath.basename(path)
    folders = posixpath.dirname(path) if file in NAMES or "." in file else path
    names = [name for name in folders.split("/") if name and name not in _LAYOUT_WORDS]
    return names[-1] if names else ""


def _acks_of(config_map: object) -> set[str]:
    """Return the keys whose value is "true", of a ConfigMap or of its generator."""
    data = at(config_map, "data")
    pairs = data.items() if isinstance(data, dict) else ()
    literals = [str(literal) for literal in items(config_map, "literals")]

    written = {str(key) for key, value in pairs if str(value) == "true"}
    generated = {literal.removesuffix("=true") for literal in literals if literal.endswith("=true")}
    return written | generated


def _cluster_versions(value: object, path: _Path = ()) -> Iterator[_Path]:
    """Yield the path of each ClusterVersion in a document: the document itself, or items of a List."""
    if not isinstance(value, dict):
        return

    if ObjectId.of(value).group_kind == CLUSTER_VERSION:
        yield path
    elif str(value.get("kind", "")).endswith("List"):
        for index, item in enumerate(items(value, "items")):
            yield from _cluster_versions(item, (*path, "items", index))


def _fields(document: Document, path: _Path) -> State:
    """Return the fields of the ClusterVersion at a path of a document."""
    value = document.value
    for key in path:
        value = value[key]

    state: State = {}
    for name, place in FIELDS.items():
        *parents, last = place
        parent = at(value, *parents)

        if isinstance(parent, dict) and last in parent:
            state[name] = Stated(parent[last], document.at((*path, *place)))
        elif parent is None and _has(value, parents):
            state[name] = Stated(None, document.at((*path, *parents)))

    return state


def _has(value: object, parents: list[str]) -> bool:
    """Whether a ClusterVersion has `desiredUpdate: null`, which takes away all that is in it."""
    spec = at(value, "spec")
    return "desiredUpdate" in parents and isinstance(spec, dict) and "desiredUpdate" in spec


def _operation_values(place: Location, operations: object) -> State:
    """Return the values that JSON6902 operations set, all at one place."""
    state: State = {}

    for operation in operations if isinstance(operations, list) else []:
        verb = at(operation, "op")
        if verb not in ("add", "replace", "remove"):
            continue

        path = tuple(str(at(operation, "path") or "").strip("/").split("/"))
        value = None if verb == "remove" else at(operation, "value")
        for name, where in FIELDS.items():
            if where[: len(path)] == path:
                state[name] = Stated(at(value, *where[len(path) :]), place)

    return state
