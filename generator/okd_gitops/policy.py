"""Run the rules: each module in `rules/` is one, the folder is the registry.

A rule has a `CODE`, a `SEVERITY`, a docstring (summary line, why, remedy), and one function named for what it looks at: `check_object` sees an
object once however many clusters share it, `check_cluster` everything that is rendered for one cluster, `check_repository` all of it.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType

from okd_gitops import rules
from okd_gitops.finding import Finding, Location
from okd_gitops.objects import Object
from okd_gitops.rule import Fault, Rendered, Repository


@cache
def all_rules() -> Mapping[str, ModuleType]:
    """Return every rule by its code, in order."""
    modules = (importlib.import_module(f"{rules.__name__}.{found.name}") for found in pkgutil.iter_modules(rules.__path__))
    return {module.CODE: module for module in sorted(modules, key=lambda module: str(module.CODE))}


def run(repository: Repository) -> list[Finding]:
    """Return the findings of every rule on a repository."""
    findings: list[Finding] = []
    holders: dict[int, tuple[Object, list[Rendered]]] = {}
    named = {overlay.name: overlay for overlay in repository.overlays}
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
            for fault in module.check_repository(repository):
                findings.append(_finding(module, fault, [named[name] for name in fault.clusters]))
    return findings


def _finding(module: ModuleType, fault: Fault, overlays: Iterable[Rendered]) -> Finding:
    held = list(overlays)
    place = fault.location
    if place is None and fault.object:
        place = next((found for overlay in held if (found := overlay.graph.objects.get(fault.object))), None)
    return Finding(
        name=module.CODE,
        severity=fault.severity or module.SEVERITY,
        location=place or Location(file=held[0].folder if held else "."),
        reason=fault.reason,
        remedy=fault.remedy,
        object=str(fault.object or ""),
        clusters=tuple(overlay.name for overlay in held),
    )
