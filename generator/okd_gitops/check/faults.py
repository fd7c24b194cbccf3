"""What becomes of a fault that a rule returns: a finding, with the place where its object is written.

While it is kept, it is JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from okd_gitops.check.overlay import as_list, as_map, without_value
from okd_gitops.check.rule import Fault, Overlay
from okd_gitops.finding import Finding, Location, Severity, finding_of
from okd_gitops.manifests.objects import ObjectId

# The faults of an object, each with the name of its rule, as JSON.
JsonFaults = list[list[Any]]


def finding_of_fault(name: str, fault: Fault, overlays: Sequence[Overlay]) -> Finding:
    """Return the finding for a fault that the rule of a name has found in overlays."""
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
    places = (place_on(overlay, fault) for overlay in overlays)
    found = next((place for place in places if place), None)
    return found or Location(file=overlays[0].folder if overlays else ".")


def place_on(overlay: Overlay, fault: Fault) -> Location | None:
    """Return where the object of a fault is written in an overlay, if that is certain."""
    return overlay.place(fault.object, fault.path, is_secret=fault.is_secret) if fault.object else None


def fault_as_json(fault: Fault) -> dict[str, Any]:
    """Return a fault as JSON can have it."""
    return {
        **{each.name: getattr(fault, each.name) for each in fields(Fault)},
        "object": as_list(fault.object) if fault.object else None,
        "location": as_map(fault.location),
    }


def fault_from_json(fault: Mapping[str, Any]) -> Fault:
    """Return the fault that `fault_as_json` has written."""
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
