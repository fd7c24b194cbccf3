"""Run the rules: each module in `rules/` is one, and the folder is the list of them.

A rule has the name of its module, with dashes, and an entry of that name in `findings.yaml`: title, why,
remedy, severity. Its functions are named for what they look at: `check_object` sees an object once, however
many clusters share it, `check_cluster` everything rendered for one cluster, `check_repository` all of it.
A module with `IS_HOUSE_RULE` is not asked about repositories that others wrote, and `check_others_object`
takes the place of `check_object` there.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import ModuleType

from okd_gitops.check import rules
from okd_gitops.check.rule import Fault, Overlay, Repository, written_as
from okd_gitops.finding import Finding, Location, finding_of
from okd_gitops.manifests.objects import Object
from okd_gitops.redaction import masked_line


@cache
def all_rules() -> Mapping[str, ModuleType]:
    """Return the module of every rule by the rule's name, in order."""
    modules = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))
    return {
        module.replace("_", "-"): importlib.import_module(f"{rules.__name__}.{module}") for module in modules
    }


def run(repository: Repository) -> list[Finding]:
    """Return the findings of every rule on a repository."""
    holders = _holders(repository)
    overlays = {overlay.name: overlay for overlay in repository.overlays}
    findings: list[Finding] = []

    for name, rule in all_rules().items():
        if getattr(rule, "IS_HOUSE_RULE", False) and not repository.has_house_rules:
            continue

        if hasattr(rule, "check_object"):
            look = rule.check_object
            if not repository.has_house_rules:
                look = getattr(rule, "check_others_object", look)
            findings += _on_objects(name, look, holders)
        if hasattr(rule, "check_cluster"):
            findings += _on_clusters(name, rule, repository)
        if hasattr(rule, "check_repository"):
            findings += _on_repository(name, rule, repository, overlays)

    return findings


def _holders(repository: Repository) -> list[tuple[Object, list[Overlay]]]:
    """Return each distinct object with the overlays that hold it."""
    holders: dict[int, tuple[Object, list[Overlay]]] = {}
    for overlay in repository.overlays:
        for value in overlay.objects:
            # Equal documents are one object (`is`) after rendering.
            holders.setdefault(id(value), (value, []))[1].append(overlay)
    return list(holders.values())


def _on_objects(
    name: str,
    look: Callable[[Object], Iterable[Fault]],
    holders: Sequence[tuple[Object, list[Overlay]]],
) -> Iterator[Finding]:
    for value, overlays in holders:
        for fault in look(value):
            yield _finding(name, fault, overlays)


def _on_clusters(name: str, rule: ModuleType, repository: Repository) -> Iterator[Finding]:
    for overlay in repository.overlays:
        for fault in rule.check_cluster(overlay, repository):
            yield _finding(name, fault, [overlay])


def _on_repository(
    name: str, rule: ModuleType, repository: Repository, overlays: Mapping[str, Overlay]
) -> Iterator[Finding]:
    for fault in rule.check_repository(repository):
        yield _finding(name, fault, [overlays[cluster] for cluster in fault.clusters])


def _finding(name: str, fault: Fault, overlays: Sequence[Overlay]) -> Finding:
    place = fault.location or _place_of_object(fault, overlays)
    if fault.is_secret:
        place = without_value(place)

    return finding_of(
        name,
        place,
        fault.reason,
        fault.remedy,
        of_object=str(fault.object or ""),
        clusters=tuple(overlay.name for overlay in overlays),
        severity=fault.severity,
    )


def without_value(place: Location) -> Location:
    """Return a place without the value that is written there."""
    return replace(place, text=masked_line(place.text), length=1)


def _place_of_object(fault: Fault, overlays: Sequence[Overlay]) -> Location:
    """Return where the object of a fault is written, and its path in it, else the first folder concerned."""
    for overlay in overlays:
        written = written_as(overlay.graph, fault.object) if fault.object else None
        if written is not None:
            return written.at(fault.path)
    return Location(file=overlays[0].folder if overlays else ".")
