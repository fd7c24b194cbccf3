"""The rule object-too-large: findings.yaml states and explains it."""

import json
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import OPTIONS
from okd_gitops.manifests.objects import Object, ObjectId, at, items

# Of all annotations of an object together (apimachinery, pkg/api/validation, TotalAnnotationSizeLimitB).
_LIMIT = 262144
# Argo CD writes no such annotation with any of these.
_OTHERWISE = ("ServerSideApply=true", "Replace=true")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at what an Application applies on the client's side."""
    applications = [
        each
        for each in repository.synced.get(overlay.folder, ())
        if not set(_OTHERWISE) & set(map(str, items(each, "spec", "syncPolicy", "syncOptions")))
    ]
    for value in overlay.objects if applications else ():
        text = str(at(value, "metadata", "annotations", OPTIONS) or "")
        if any(option in text for option in _OTHERWISE) or not _may_be_large(value):
            continue

        size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
        if size > _LIMIT:
            yield Fault(
                reason=f"it has {size} bytes, and client-side apply writes it into annotations, "
                f"which may have {_LIMIT}",
                remedy=f"add the annotation {OPTIONS}: ServerSideApply=true",
                object=ObjectId.of(value),
            )


def _may_be_large(value: Object) -> bool:
    return value.get("kind") in ("ConfigMap", "Secret", "CustomResourceDefinition") or "spec" in value
