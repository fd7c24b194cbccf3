"""Run the rules: each module in `rules/` is one, the folder is the registry.

A rule is called as its module is, with dashes, and has an entry of that name in `findings.yaml`: title, why,
remedy, severity. Its functions are named for what they look at: `check_object` sees an object once however
many clusters share it, `check_cluster` everything that is rendered for one cluster, `check_repository` all of
it.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType

from okd_gitops.check import rules
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, Location, Severity
from okd_gitops.manifests.objects import Object


@cache
def all_rules() -> Mapping[str, ModuleType]:
    """Return the module of every rule by its name, in order."""
    modules = sorted(found.name for found in pkgutil.iter_modules(rules.__path__))
    return {
        module.replace("_", "-"): importlib.import_module(f"{rules.__name__}.{module}") for module in modules
    }


def run(repository: Repository) -> list[Finding]:
    """Return the findings of every rule on a repository."""
    findings: list[Finding] = []
    holders: dict[int, tuple[Object, list[Overlay]]] = {}
    named = {overlay.name: overlay for overlay in repository.overlays}
    for overlay in repository.overlays:
        for value in overlay.objects:
            # Equal documents are one object (`is`) after rendering, so each is judged once.
            holders.setdefault(id(value), (value, []))[1].append(overlay)
    for name, module in all_rules().items():
        if hasattr(module, "check_object"):
            for value, overlays in holders.values():
                findings += [_finding(name, fault, overlays) for fault in module.check_object(value)]
        if hasattr(module, "check_cluster"):
            for overlay in repository.overlays:
                findings += [
                    _finding(name, fault, [overlay]) for fault in module.check_cluster(overlay, repository)
                ]
        if hasattr(module, "check_repository"):
            for fault in module.check_repository(repository):
                findings.append(_finding(name, fault, [named[cluster] for cluster in fault.clusters]))
    return findings


def _finding(name: str, fault: Fault, overlays: Iterable[Overlay]) -> Finding:
    held = list(overlays)
    place = fault.location
    if place is None and fault.object:
        place = next((found for overlay in held if (found := overlay.graph.objects.get(fault.object))), None)
    return Finding(
        name=name,
        severity=fault.severity or Severity(explanation_of(name).severity),
        location=place or Location(file=held[0].folder if held else "."),
        reason=fault.reason,
        remedy=fault.remedy,
        object=str(fault.object or ""),
        clusters=tuple(overlay.name for overlay in held),
    )
