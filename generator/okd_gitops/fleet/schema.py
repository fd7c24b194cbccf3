"""schema: the JSON Schemas of the files that people write, for editors."""

import json
from typing import Any

from okd_gitops.fleet.changes import Changes
from okd_gitops.fleet.cluster import ClusterSpec
from okd_gitops.fleet.feature import Catalog, FeatureSpec
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.known_names import KnownNames
from okd_gitops.fleet.parameter import Each, Parameter
from okd_gitops.manifests.model import FileModel

_MODELS: dict[str, type[FileModel]] = {
    "cluster": ClusterSpec,
    "fleet": FleetSpec,
    "feature": FeatureSpec,
    "changes": Changes,
}
KINDS = tuple(_MODELS)
# Where an editor offers the names that the fleet knows: the definition ("" is the file itself) and its key.
OFFERED = {
    ("", "hub"): "clusters",
    ("QuotaSpec", "cluster"): "clusters",
    ("Release", "channel"): "channels",
    ("Release", "stream"): "streams",
    ("Trials", "channel"): "channels",
    ("Trials", "stream"): "streams",
}
# What stays beside the choice between a known name and any other that the model takes.
_ABOUT = ("default", "description", "examples", "title")
_STRINGS = {"type": "array", "items": {"type": "string"}}
_NONE = KnownNames()
# Parameters of any other type are strings.
_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "list": _STRINGS,
    "set": _STRINGS,
    "entries": _STRINGS,
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
}


def schema(kind: str, catalog: Catalog, known: KnownNames = _NONE) -> str:
    """Return the JSON Schema (2020-12) of `kind` as text; that of a cluster has the features of the catalog
    and their parameters. An editor offers the names that are `known`; others are valid too.
    """
    model = _MODELS[kind].model_json_schema()
    value = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model}

    for (definition, key), names in OFFERED.items():
        holder = value["$defs"].get(definition, {}) if definition else value

        if key in holder.get("properties", {}):
            holder["properties"][key] = _offered(holder["properties"][key], getattr(known, names))

    if kind == "cluster":
        features = {name: _feature(feature.spec) for name, feature in sorted(catalog.features.items())}
        value["properties"]["features"] |= {"properties": features, "additionalProperties": False}
        value["properties"]["features"].pop("propertyNames", None)

    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def _offered(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of a value with names that an editor offers."""
    if not names:
        return value

    about = {key: value[key] for key in _ABOUT if key in value}
    others = value.get("anyOf") or [{key: value[key] for key in value.keys() - about.keys()}]

    return {**about, "anyOf": [{"enum": list(names)}, *others]}


def _feature(spec: FeatureSpec) -> dict[str, Any]:
    """Return the schema of what a cluster file gives a feature; it may also be nothing."""
    properties = {
        name: _parameter(parameter) for name, parameter in spec.parameters.items() if not parameter.source
    }
    properties |= {name: _list(each) for name, each in spec.each.items()}

    return {
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
        "description": spec.summary,
    }


def _list(each: Each) -> dict[str, Any]:
    entry = {
        "type": "object",
        "properties": {name: _parameter(parameter) for name, parameter in each.fields.items()},
        "additionalProperties": False,
        "required": [each.key],
    }
    return {"type": "array", "items": entry, "description": each.summary}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    type_ = _TYPES.get(parameter.type, {"type": "string"})
    value: dict[str, Any] = {**type_, "description": parameter.summary}

    if parameter.enum:
        value["enum"] = list(parameter.enum)

    limits = {"pattern": parameter.pattern, "maxLength": parameter.max_length}
    of_text = {key: limit for key, limit in limits.items() if limit}
    value |= {"items": {**value["items"], **of_text}} if "items" in value else of_text

    if parameter.default is not None:
        value["default"] = parameter.default

    return value
