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
from dataclasses import fields
from functools import cache
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from okd_gitops.check import rules
from okd_gitops.check.kept_overlay import KeptOverlay
from okd_gitops.check.kept_overlays import KeptOverlays, Looked
from okd_gitops.check.overlay import as_list, as_map, without_value
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.check.seen import Seen
from okd_gitops.check.seen_by_all import SeenByAll
from okd_gitops.finding import Finding, Location, Severity, finding_of
from okd_gitops.manifests.objects import Object, ObjectId

# How the reason begins that a rule with a bug judged nothing.
OF_RULE = "the rule"


@cache
def all_rules() -> Mapping[str, ModuleType]:
    """Return the module of every rule by the rule's name, in order."""
    modules = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))
    return {
        module.replace("_", "-"): importlib.import_module(f"{rules.__name__}.{module}") for module in modules
    }


def run(repository: Repository) -> list[Finding]:
    """Return the findings of every rule on a repository."""
    overlays = {overlay.name: overlay for overlay in repository.overlays}
    holders = _holders(repository)
    findings: list[Finding] = []

    for name, rule in _rules_for(repository):
        try:
            findings += _of_rule(name, rule, repository, holders, overlays)
        except Exception as error:
            # In a fleet a bug must be reported before anything passes; what others wrote is stranger than any
            # test, and one rule must not keep the others from it.
            if repository.url:
                raise
            findings.append(_failed(name, error))

    return findings


def _of_rule(
    name: str,
    rule: ModuleType,
    repository: Repository,
    holders: Sequence[tuple[Object, list[Overlay]]],
    overlays: Mapping[str, Overlay],
) -> list[Finding]:
    findings: list[Finding] = []
    look = _object_rule(rule, repository)

    if look:
        findings += _on_objects(name, look, holders)
    if hasattr(rule, "check_cluster"):
        for overlay in repository.overlays:
            findings += _on_cluster(name, rule, overlay, repository)
    if hasattr(rule, "check_repository"):
        findings += _on_repository(name, rule, repository, overlays)

    return findings


def _failed(name: str, error: Exception) -> Finding:
    """Return the finding for a rule that has a bug; what Python says may have a value of a file."""
    frame = extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"

    return finding_of(
        "not-judged",
        ".",
        f"{OF_RULE} {name} judged nothing: {type(error).__name__} at {place}, a bug in okd-gitops",
        "report this line; the other rules judged everything",
    )


def run_on_loaded(
    repository: Repository, kept: KeptOverlays, of_all: list[Finding] | None
) -> tuple[list[Finding], Looked]:
    """Return the findings of every rule on a repository of which some overlays are kept, with what is new.

    `of_all` are those of rules of all overlays, if they are known. Raises NotLoadedError when a rule asks for
    something of an overlay that is not kept.
    """
    loaded = [overlay for overlay in repository.overlays if not isinstance(overlay, KeptOverlay)]
    seen = {overlay.folder: Seen(repository, overlay) for overlay in loaded}
    seen_by_all = SeenByAll(repository) if of_all is None else None
    asked = {folder: each.asked for folder, each in seen.items()}
    looked = Looked(asked=asked, of_all=of_all or [], seen_by_all=seen_by_all)
    objects = {key: value for each in loaded for key, value in zip(each.keys, each.objects, strict=True)}
    unchanged = [each for each in repository.overlays if isinstance(each, KeptOverlay)]
    findings = [found for each in unchanged for found in kept.findings(each)]

    new = {key: value for key, value in objects.items() if kept.faults(key) is None}
    looked.faults.update((key, kept.faults(key) or []) for key in objects.keys() - new.keys())

    for name, rule in _rules_for(repository):
        look = _object_rule(rule, repository)
        for key, value in new.items() if look else ():
            for fault in look(value) if look else ():
                looked.faults.setdefault(key, []).append([name, _as_json(fault)])

        if hasattr(rule, "check_cluster"):
            for overlay in loaded:
                found = list(_on_cluster(name, rule, overlay, seen[overlay.folder]))
                looked.findings.setdefault(overlay.folder, []).extend(found)
                findings += found
        if seen_by_all and hasattr(rule, "check_repository"):
            looked.of_all.extend(_on_repository(name, rule, seen_by_all.repository, seen_by_all.by_name))

    for overlay in loaded:
        for key in overlay.keys:
            for _, fault in looked.faults.get(key, ()):
                _place_on(overlay, _from_json(fault))

    return [*findings, *looked.of_all, *_of_objects(repository, looked, kept)], looked


def _rules_for(repository: Repository) -> Iterator[tuple[str, ModuleType]]:
    for name, rule in all_rules().items():
        if repository.has_house_rules or not getattr(rule, "IS_HOUSE_RULE", False):
            yield name, rule


def _object_rule(rule: ModuleType, repository: Repository) -> Callable[[Object], Iterable[Fault]] | None:
    look: Callable[[Object], Iterable[Fault]] | None = getattr(rule, "check_object", None)
    if look and not repository.has_house_rules:
        look = getattr(rule, "check_others_object", look)
    return look


def _of_objects(repository: Repository, looked: Looked, kept: KeptOverlays) -> Iterator[Finding]:
    """Yield the findings of objects, each with all overlays that hold it."""
    faulty = kept.faulty | {key for key, faults in looked.faults.items() if faults}
    holders: dict[str, list[Overlay]] = {}
    for overlay in repository.overlays:
        for key in () if faulty.isdisjoint(overlay.keys) else overlay.keys:
            if key in faulty:
                holders.setdefault(key, []).append(overlay)

    for key, overlays in holders.items():
        for name, fault in looked.faults.get(key) or kept.faults(key) or []:
            yield _finding(name, _from_json(fault), overlays)


def _as_json(fault: Fault) -> dict[str, Any]:
    return {
        **{each.name: getattr(fault, each.name) for each in fields(Fault)},
        "object": as_list(fault.object) if fault.object else None,
        "location": as_map(fault.location),
    }


def _from_json(fault: Mapping[str, Any]) -> Fault:
    severity = fault["severity"]
    return Fault(
        **{
            **fault,
            "object": ObjectId(*fault["object"]) if fault["object"] else None,
            "location": Location(**fault["location"]) if fault["location"] else None,
            "path": tuple(fault["path"]),
            "severity": Severity(severity) if severity else None,
        }
    )


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


def _on_cluster(
    name: str, rule: ModuleType, overlay: Overlay, repository: Repository | Seen
) -> Iterator[Finding]:
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


def _place_of_object(fault: Fault, overlays: Sequence[Overlay]) -> Location:
    """Return where the object of a fault is written, and its path in it, else the first folder concerned."""
    places = (_place_on(overlay, fault) for overlay in overlays)
    found = next((place for place in places if place), None)
    return found or Location(file=overlays[0].folder if overlays else ".")


def _place_on(overlay: Overlay, fault: Fault) -> Location | None:
    return overlay.place(fault.object, fault.path, is_secret=fault.is_secret) if fault.object else None
