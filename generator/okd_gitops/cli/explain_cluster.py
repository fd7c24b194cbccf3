"""explain CLUSTER: its features and their parameters, and where a value of one of its objects comes from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from okd_gitops.cli.output import echo, print_result
from okd_gitops.finding import Location
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.causes import FeatureOnCluster, Given, features_of
from okd_gitops.generate.origins import Origin, Origins
from okd_gitops.generate.overlays import render
from okd_gitops.generate.plan import ClusterPlan, Plan, plan_of
from okd_gitops.manifests.one_line import in_yaml
from okd_gitops.manifests.write import dump
from okd_gitops.redaction import one_line, redacted
from okd_gitops.system.disk import read_tree

_LONGEST_VALUE = 60
_MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class _Planned:
    fleet: Fleet
    plan: Plan
    cluster: ClusterPlan


def explain_cluster(fleet: Fleet, name: str, output: str) -> None:
    """Print the features of a cluster, and where each of their parameters has its value from."""
    planned = _planned(fleet, name)
    features = features_of(planned.fleet, planned.cluster)
    body = {"cluster": name, "features": [_feature_as_json(feature) for feature in features]}

    print_result(output, "ClusterFeatures", body, lambda: _print_features(name, features))


def explain_field(root: Path, fleet: Fleet, cluster: str, object_name: str, field: str, output: str) -> None:
    """Print where a field of a cluster's object has its value from; without a field, what sets its fields.

    Raises UsageError with the nearest cluster, object or field.
    """
    planned = _planned(fleet, cluster)
    wanted = render(planned.plan)
    found = Origins(planned.fleet, planned.cluster, wanted).of(object_name, field)

    files = sorted({step.location.file for step in found.steps if step.location} & wanted.keys())
    here = read_tree(root, *files)
    stale = [file for file in files if here.get(file) != wanted[file]]

    body = {"cluster": cluster, **_origin_as_json(found), "outOfDate": stale}
    print_result(output, "Origin", body, lambda: _print_origin(cluster, found, stale))


def _planned(fleet: Fleet, name: str) -> _Planned:
    planned = plan_of(fleet, name)
    cluster = next(each for each in planned.clusters if each.cluster.name == name)

    return _Planned(fleet, planned, cluster)


def _print_features(name: str, features: Sequence[FeatureOnCluster]) -> None:
    for feature in features:
        echo(f"  {_why(feature.given)}", head=feature.name, bold=True)
        width = max((len(parameter.name) for parameter in feature.parameters), default=0)

        for parameter in feature.parameters:
            value = "-" if parameter.value in (None, ()) else one_line(_text(parameter.value), _LONGEST_VALUE)
            echo(f"  {parameter.name:{width}}  {value}  ({_why(parameter.given)})")

    if not features:
        echo(f"{name} has no features; okd-gitops explain lists what clusters/{name}.yaml may name")
        return

    echo(f"next: okd-gitops explain {name} KIND/NAME lists the fields of an object that these parameters set")


def _print_origin(cluster: str, found: Origin, stale: Iterable[str]) -> None:
    echo(f" of {cluster}", head=str(found.object), bold=True)

    if not found.field:
        _print_fields(cluster, found)
        return

    _print_value(found.field, found.value)

    for step in found.steps:
        echo(f"  {step.kind:6} {_place(step.location) or step.reason}")

        if step.location:
            reason = f"({step.reason})" if step.reason else ""
            shown = (redacted(step.location.text.strip()), reason)
            echo("\n".join(f"         {line}" for line in shown if line))

    for file in stale:
        echo(f"note: {file} is not what is shown here; run okd-gitops generate")


def _print_fields(cluster: str, found: Origin) -> None:
    for field in found.fields:
        echo(f"  {field}")

    if not found.fields:
        echo("  no parameter sets a field of it")

    field = found.fields[0] if found.fields else "metadata.name"
    echo(f"next: okd-gitops explain {cluster} {found.object.kind}/{found.object.name} {field}")


def _print_value(field: str, value: Any) -> None:
    if not isinstance(value, dict | list):
        echo(f"{field}: {redacted(_text(value))}")
        return

    lines = redacted(dump(value)).splitlines()
    echo(f"{field}:")

    for line in lines[:_MOST_LINES]:
        echo(f"    {line}")

    if len(lines) > _MOST_LINES:
        echo(f"    … and {len(lines) - _MOST_LINES} more lines; --output json has them all")


def _why(given: Given) -> str:
    place = _place(given.location)

    return f"{place}, {given.reason}" if place else given.reason


def _place(location: Location | None) -> str:
    if location is None:
        return ""

    return f"{location.file}:{location.line}" if location.line else location.file


def _text(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value

    return in_yaml(plain)


def _feature_as_json(feature: FeatureOnCluster) -> dict[str, object]:
    parameters = [
        {"name": parameter.name, "value": parameter.value, **_given_as_json(parameter.given)}
        for parameter in feature.parameters
    ]

    return {"name": feature.name, **_given_as_json(feature.given), "parameters": parameters}


def _given_as_json(given: Given) -> dict[str, object]:
    return {"isSet": given.is_set, "reason": given.reason, "location": _location_as_json(given.location)}


def _origin_as_json(found: Origin) -> dict[str, object]:
    steps = [
        {"kind": step.kind, "reason": step.reason, "location": _location_as_json(step.location)}
        for step in found.steps
    ]
    identity = {
        name: getattr(found.object, name) for name in ("group", "version", "kind", "namespace", "name")
    }

    return {
        "object": identity,
        "field": found.field,
        "value": found.value,
        "steps": steps,
        "fields": list(found.fields),
    }


def _location_as_json(location: Location | None) -> dict[str, object] | None:
    if location is None:
        return None

    text = redacted(location.text.strip())

    return {"file": location.file, "line": location.line, "column": location.column, "text": text}
