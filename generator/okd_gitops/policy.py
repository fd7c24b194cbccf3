"""Run the rules: each module in `rules/` is one, the folder is the registry.

A rule has a `CODE`, a `SEVERITY`, a docstring (summary line, why, remedy), and one function named for what it looks at: `check_object` sees an
object once however many clusters share it, `check_cluster` everything that is rendered for one cluster, `check_repository` all of it.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import ModuleType

from okd_gitops import rules
from okd_gitops.finding import Finding, Location
from okd_gitops.kustomization import Graph
from okd_gitops.objects import Object, ObjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a rule says: why, how to mend it, and the object or file that it is about."""

    reason: str
    remedy: str
    object: ObjectId | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An overlay as kustomize renders it. `purpose` and `environment` are empty for an overlay that no cluster file describes."""

    name: str
    folder: str
    objects: tuple[Object, ...]
    graph: Graph
    purpose: str = ""
    environment: str = ""
    # `Kind/name` of what is used here and made by somebody else, as the features say.
    declared: frozenset[str] = frozenset()
    expires: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """All that is known of a repository: its files, its overlays, and the day (for what expires)."""

    files: Mapping[str, bytes]
    overlays: tuple[Rendered, ...]
    today: date
    # Names of clusters, and the name by which the hub's Argo CD knows each.
    destinations: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


@cache
def all_rules() -> Mapping[str, ModuleType]:
    """Return every rule by its code, in order."""
    modules = (importlib.import_module(f"{rules.__name__}.{found.name}") for found in pkgutil.iter_modules(rules.__path__))
    return {module.CODE: module for module in sorted(modules, key=lambda module: str(module.CODE))}


def run(repository: Repository) -> list[Finding]:
    """Return the findings of every rule on a repository."""
    findings: list[Finding] = []
    holders: dict[int, tuple[Object, list[Rendered]]] = {}
    for overlay in repository.overlays:
        for value in overlay.objects:
            # Equal documents are one object (`is`) after rendering, so each is judged once.
            holders.setdefault(id(value), (value, []))[1].append(overlay)
    for module in all_rules().values():
        if hasattr(module, "check_object"):
            for value, overlays in holders.values():
                findings += [_finding(module, fault, overlays) for fault in module.check_object(value)]
        if hasattr(module, "check_cluster"):
            for overlay in repository.overlays:
                findings += [_finding(module, fault, [overlay]) for fault in module.check_cluster(overlay, repository)]
        if hasattr(module, "check_repository"):
            findings += [_finding(module, fault, []) for fault in module.check_repository(repository)]
    return findings


def _finding(module: ModuleType, fault: Fault, overlays: Iterable[Rendered]) -> Finding:
    held = list(overlays)
    place = fault.location
    if place is None and fault.object:
        place = next((found for overlay in held if (found := overlay.graph.objects.get(fault.object))), None)
    return Finding(
        code=module.CODE,
        severity=module.SEVERITY,
        location=place or Location(file=held[0].folder if held else "."),
        reason=fault.reason,
        remedy=fault.remedy,
        object=str(fault.object or ""),
        clusters=tuple(overlay.name for overlay in held),
    )
