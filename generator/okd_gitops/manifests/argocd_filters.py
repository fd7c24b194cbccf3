"""Which kinds an Argo CD leaves alone: its resource exclusions and inclusions, as it reads them itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from okd_gitops.finding import FindingsError
from okd_gitops.manifests.bounds import PASSED_ON
from okd_gitops.manifests.objects import KEPT, Object, ObjectId, at, items, per_object
from okd_gitops.manifests.read import read

_CONFIG_MAP = "argocd-cm"
# `exclusions` and `inclusions` to the paths of their texts.
_Places = Mapping[str, tuple[tuple[str, ...], ...]]
# Where an ArgoCD object and the ConfigMap have the two texts. Read in argocd-operator v0.18.0,
# api/v1beta1/argocd_types.go, and Argo CD v3.3.9, util/settings/settings.go.
_ARGOCD: _Places = {
    "exclusions": (("spec", "resourceExclusions"), ("spec", "extraConfig", "resource.exclusions")),
    "inclusions": (("spec", "resourceInclusions"), ("spec", "extraConfig", "resource.inclusions")),
}
_CONFIG: _Places = {
    "exclusions": (("data", "resource.exclusions"),),
    "inclusions": (("data", "resource.inclusions"),),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """The exclusions and inclusions of one Argo CD, and the object that has them."""

    owner: ObjectId
    exclusions: tuple[Object, ...]
    inclusions: tuple[Object, ...]

    def leaves_alone(self, identity: ObjectId) -> bool:
        """Whether Argo CD neither compares nor applies objects of a kind, on whichever cluster.

        An entry for some clusters alone counts as an inclusion and not as an exclusion, because their
        addresses are known to the hub alone.
        """
        return _answers(self)(identity.group, identity.kind)


@per_object
def _answers(filters: Filters) -> Callable[[str, str], bool]:
    """Return what tells whether filters leave a kind alone: clusters share them, and have the same kinds."""

    @lru_cache(maxsize=KEPT)
    def leaves_alone(group: str, kind: str) -> bool:
        is_excluded = any(
            _matches(entry, group, kind) and _is_for_every_cluster(entry) for entry in filters.exclusions
        )
        is_included = not filters.inclusions or any(
            _matches(entry, group, kind) for entry in filters.inclusions
        )

        return is_excluded or not is_included

    return leaves_alone


def filters_of(objects: Iterable[Object]) -> Iterator[Filters]:
    """Yield the filters of each object that configures an Argo CD and has some."""
    for value in objects:
        filters = _filters_in(value) if _places(ObjectId.of(value)) else None
        if filters:
            yield filters


def _places(identity: ObjectId) -> _Places | None:
    if identity.group_kind == "ArgoCD.argoproj.io":
        return _ARGOCD

    is_config = identity.group_kind == "ConfigMap." and identity.name == _CONFIG_MAP
    return _CONFIG if is_config else None


@per_object
def _filters_in(value: Object) -> Filters | None:
    places = _places(ObjectId.of(value)) or {}
    entries = {name: tuple(_entries(value, paths)) for name, paths in places.items()}
    return Filters(ObjectId.of(value), **entries) if any(entries.values()) else None


def _entries(value: Object, paths: Iterable[tuple[str, ...]]) -> Iterator[Object]:
    """Yield the entries of the YAML texts at paths; a text that is no list of maps has none."""
    for path in paths:
        for entry in items({"list": _parsed(at(value, *path))}, "list"):
            if isinstance(entry, dict):
                yield entry


def _parsed(text: object) -> Any:
    if not isinstance(text, str):
        return None

    try:
        return read("resource filters", text.encode(), bounds=PASSED_ON).value
    except FindingsError:
        return None


def _matches(entry: Object, group: str, kind: str) -> bool:
    return _any(items(entry, "apiGroups"), group) and _any(items(entry, "kinds"), kind)


def _is_for_every_cluster(entry: Object) -> bool:
    clusters = items(entry, "clusters")
    return not clusters or "*" in clusters


def _any(patterns: list[Any], text: str) -> bool:
    """Whether a pattern matches; without patterns, everything does."""
    return not patterns or any(fnmatchcase(text, str(pattern)) for pattern in patterns)
