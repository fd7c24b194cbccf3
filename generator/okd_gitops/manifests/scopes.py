"""Which kinds have a namespace: a CRD beside the object decides, else the APIs that OKD and Kubernetes serve.

`scopes.json` beside this file is what `make golden` writes from the schemas: from CRDs, and from the Go types
of the API servers. A kind that neither knows is of unknown scope.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from okd_gitops.manifests.objects import Object, ObjectId, at

TABLE = "scopes.json"
# `Kind.group` to whether its objects have no namespace.
Scopes = Mapping[str, bool]
_NONE: Scopes = MappingProxyType({})


def is_cluster_scoped(identity: ObjectId, defined: Scopes = _NONE) -> bool | None:
    """Return whether objects of this kind have no namespace; None when nothing tells.

    `defined` is what CRDs say that would be on the same cluster.
    """
    if identity.group_kind in defined:
        return defined[identity.group_kind]

    return _served().get(identity.group_kind)


def defined_scopes(objects: Iterable[Object]) -> dict[str, bool]:
    """Return whether each `Kind.group` that a CustomResourceDefinition defines is cluster-scoped."""
    scopes = {}

    for value in objects:
        if ObjectId.of(value).kind == "CustomResourceDefinition":
            kind, group = at(value, "spec", "names", "kind"), at(value, "spec", "group")
            scopes[f"{kind}.{group}"] = at(value, "spec", "scope") == "Cluster"

    return scopes


@cache
def known_kinds() -> frozenset[str]:
    """Return the names of the kinds that OKD and Kubernetes serve, of any group."""
    return frozenset(name.partition(".")[0] for name in _served())


@cache
def _served() -> Scopes:
    kinds_by_scope = json.loads(Path(__file__).with_name(TABLE).read_text("utf-8"))
    return {
        f"{kind}.{group}": scope == "Cluster"
        for scope, groups in kinds_by_scope.items()
        for group, kinds in groups.items()
        for kind in kinds
    }
