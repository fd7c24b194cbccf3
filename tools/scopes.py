"""The scope of each kind: its CRD names it, or a marker of the Go type of an API that has no CRD."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# The words of a CRD.
CLUSTER, NAMESPACED = "Cluster", "Namespaced"
# Where the modules of APIs without CRDs keep their Go types: a folder for each group and version.
TYPES = {
    "github.com/openshift/api": "*/v1",
    "k8s.io/api": "*/*",
    "k8s.io/apiextensions-apiserver": "pkg/apis/apiextensions/v1",
    "k8s.io/kube-aggregator": "pkg/apis/apiregistration/v1",
}
_GROUP = re.compile(r'^\s*(?:const )?GroupName\s*=\s*"([^"]*)"', re.MULTILINE)
# The comments before a type, and its name.
_TYPE = re.compile(r"(?P<comments>(?:^(?://.*)?\n)*)^type (?P<kind>[A-Z]\w*) struct \{", re.MULTILINE)
# client-gen's marker for a kind that is served, and for one that has no namespace.
_SERVED = re.compile(r"^// ?\+genclient$", re.MULTILINE)
_WITHOUT_NAMESPACE = re.compile(r"^// ?\+genclient:nonNamespaced$", re.MULTILINE)
# A scope to the kinds of each group that have it.
Scopes = dict[str, dict[str, list[str]]]


def scopes(crds: Iterable[Any], folders: Mapping[str, Path]) -> Scopes:
    """Return the scope of the kinds of CRDs, and of the Go types in the folders of modules."""
    found = dict(_in_modules(folders))
    # Where a kind has both, the API server reads the CRD.
    found |= {(crd["spec"]["group"], crd["spec"]["names"]["kind"]): crd["spec"]["scope"] for crd in crds}

    kinds: Scopes = {CLUSTER: {}, NAMESPACED: {}}
    for (group, kind), scope in sorted(found.items()):
        kinds[scope].setdefault(group, []).append(kind)

    return kinds


def _in_modules(folders: Mapping[str, Path]) -> Iterator[tuple[tuple[str, str], str]]:
    for module, pattern in TYPES.items():
        for registered in sorted(folders[module].glob(f"{pattern}/register.go")):
            group = _GROUP.search(registered.read_text("utf-8"))
            if group:
                marked = marked_scopes(registered.parent)
                yield from (((group[1], kind), scope) for kind, scope in marked.items())


def marked_scopes(folder: Path) -> dict[str, str]:
    """Return the scope of each kind that is a Go type in a folder with a marker of client-gen."""
    marked = {}

    for path in sorted(folder.glob("*types*.go")):
        for declared in _TYPE.finditer(path.read_text("utf-8")):
            comments = declared["comments"]
            if _SERVED.search(comments):
                marked[declared["kind"]] = CLUSTER if _WITHOUT_NAMESPACE.search(comments) else NAMESPACED

    return marked
