"""What Flux deploys: its Kustomizations, the repositories that they read, and the variables that they fill.

Fields were read in fluxcd/kustomize-controller v1.6, api/v1/kustomization_types.go, and
fluxcd/source-controller v1.6, api/v1/gitrepository_types.go.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

from okd_gitops.manifests.objects import Object, ObjectId, at, items

KUSTOMIZATION = "Kustomization.kustomize.toolkit.fluxcd.io"
_SOURCES = "source.toolkit.fluxcd.io"
# ${name}, ${name:=default}, ${name:-default}; $${name} is left as it is (fluxcd/pkg/envsubst).
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)([^{}]*)\}")
SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"


def kustomizations(objects: Iterable[Object]) -> Iterator[Object]:
    """Yield the Kustomizations of Flux among objects."""
    for value in objects:
        if value.get("kind") == "Kustomization" and ObjectId.of(value).group_kind == KUSTOMIZATION:
            yield value


def folder_of(kustomization: Object) -> str:
    """Return the folder that a Kustomization deploys; `.` is the repository itself."""
    path = at(kustomization, "spec", "path")
    return posixpath.normpath(path.strip("/") or ".") if isinstance(path, str) else "."


def is_remote(kustomization: Object) -> bool:
    """Whether it applies to another cluster than the one that it lies in."""
    return at(kustomization, "spec", "kubeConfig") is not None


def source_of(kustomization: Object) -> tuple[str, str, str]:
    """Return kind, namespace and name of what a Kustomization reads."""
    reference = at(kustomization, "spec", "sourceRef")
    namespace = at(reference, "namespace") or ObjectId.of(kustomization).namespace
    return str(at(reference, "kind") or ""), str(namespace), str(at(reference, "name") or "")


def source_objects(objects: Iterable[Object]) -> dict[tuple[str, str, str], Object]:
    """Return the sources of Flux among objects by kind, namespace and name."""
    found = {}
    for value in objects:
        identity = ObjectId.of(value)
        if identity.group == _SOURCES:
            found[identity.kind, identity.namespace, identity.name] = value
    return found


def filled_variables(kustomization: Object) -> set[str] | None:
    """Return the variables that a Kustomization fills; None when an object of the cluster has some."""
    build = at(kustomization, "spec", "postBuild")
    if items(build, "substituteFrom"):
        return None

    substitute = at(build, "substitute")
    return set(substitute) if isinstance(substitute, dict) else set()


def substitutes(kustomization: Object) -> bool:
    """Whether a Kustomization fills variables at all: without any it leaves ${…} as it is."""
    build = at(kustomization, "spec", "postBuild")
    return bool(at(build, "substitute") or items(build, "substituteFrom"))
