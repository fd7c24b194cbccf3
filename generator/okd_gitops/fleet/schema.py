"""schema: the JSON Schemas of the files that people write, for editors."""

import json
from typing import Any

from okd_gitops.fleet.changes import Changes
from okd_gitops.fleet.cluster import ClusterSpec, FleetSpec
from okd_gitops.fleet.feature import Catalog, FeatureSpec
from okd_gitops.fleet.parameter import Parameter
from okd_gitops.manifests.model import FileModel

_MODELS: dict[str, type[FileModel]] = {
    "cluster": ClusterSpec,
    "fleet": FleetSpec,
    "feature": FeatureSpec,
    "changes": Changes,
}
KINDS = tuple(_MODELS)
_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}},
    "set": {"type": "array", "items": {"type": "string"}},
    "entries": {"type": "array", "items": {"type": "string"}},
}


def schema(kind: str, catalog: Catalog) -> str:
    """Return the JSON Schema (2020-12) of `kind` as text; the features of the catalog and their parameters
    are in the cluster's.
    """
    model = _MODELS[kind].model_json_schema()
    value = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model}
    if kind == "cluster":
        features = {name: _feature(feature.spec) for name, feature in sorted(catalog.features.items())}
        value["properties"]["features"] |= {"properties": features, "additionalProperties": False}
        value["properties"]["features"].pop("propertyNames", None)
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def _feature(spec: Any) -> dict[str, Any]:
    properties = {
        name: _parameter(parameter) for name, parameter in spec.parameters.items() if not parameter.source
    }
    for name, each in spec.each.items():
        fields = {key: _parameter(parameter) for key, parameter in each.fields.items()}
        items = {
            "type": "object",
            "properties": fields,
            "additionalProperties": False,
            "required": [each.key],
        }
        properties[name] = {"type": "array", "items": items, "description": each.summary}
    return {
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
        "description": spec.summary,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    value: dict[str, Any] = {
        **_TYPES.get(parameter.type, {"type": "string"}),
        "description": parameter.summary,
    }
    if parameter.enum:
        value["enum"] = list(parameter.enum)
    if parameter.pattern and "items" in value:
        value["items"] = {**value["items"], "pattern": parameter.pattern}
    elif parameter.pattern:
        value["pattern"] = parameter.pattern
    if parameter.default is not None:
        value["default"] = parameter.default
    return value
