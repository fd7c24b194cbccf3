"""Schemas of core Kubernetes and of OpenShift's built-in API groups.

Both come as definitions that refer to each other.
"""

import re
from collections.abc import Iterator
from typing import Any

from crd import METADATA, Schema, root, shared, structural

_PREFIX = "com.github.openshift.api."
# Kinds without a CRD: they are served by openshift-apiserver.
_GROUPS = (
    "apps",
    "authorization",
    "build",
    "image",
    "oauth",
    "project",
    "route",
    "security",
    "template",
    "user",
)
# Keywords that decide nothing about an object, and formats that a validator does not know.
_DROPPED = ("description", "format", "$id", "$schema", "default")
# Types with a JSON form of their own (their Go types marshal themselves).
_SPECIAL: dict[str, Schema] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"x-kubernetes-int-or-string": True},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {"type": "object"},
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": METADATA,
}


def openshift_schemas(definitions: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], Schema]]:
    """Yield (group, version, kind) and the schema for each object kind of openshift/api's openapi.json."""
    for name, definition in sorted(definitions.items()):
        match = re.fullmatch(re.escape(_PREFIX) + r"([a-z]+)\.(v[0-9a-z]+)\.([A-Za-z]+)", name)
        if not match or match[1] not in _GROUPS or not is_object(match[3], definition):
            continue

        kind = f"{match[1]}.openshift.io", match[2], match[3]
        yield kind, root(structural(_inlined(definition, definitions, ())), *kind)


def is_object(kind: str, definition: Schema) -> bool:
    """Whether a definition is one of objects that somebody can apply: no list, and no part of an object."""
    fields = definition.get("properties", {})

    return not kind.endswith("List") and {"apiVersion", "kind", "metadata"} <= fields.keys()


def _inlined(schema: Any, definitions: dict[str, Any], inside: tuple[str, ...]) -> Any:
    """Replace references by what they refer to; a type inside itself is left open."""
    if isinstance(schema, list):
        return [_inlined(item, definitions, inside) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" not in schema:
        return {key: _inlined(value, definitions, inside) for key, value in schema.items()}

    name = _local_name(str(schema["$ref"]))
    if name in inside:
        return {"x-kubernetes-preserve-unknown-fields": True}

    definition = _SPECIAL.get(name) or _inlined(definitions[name], definitions, (*inside, name))
    if "default" in schema:
        return {**definition, "default": schema["default"]}

    return dict(definition)


def self_contained(schema: Any, definitions: dict[str, Any]) -> Schema:
    """Return a schema of core Kubernetes with just the definitions that it reaches."""
    reached: dict[str, Any] = {}
    pending = [schema]

    while pending:
        for name in _references(pending.pop()):
            if name not in reached:
                reached[name] = definitions[name]
                pending.append(definitions[name])

    local_definitions = {name: _stripped(definition) for name, definition in sorted(reached.items())}
    return shared({**_stripped(schema), "$defs": local_definitions})


def _local_name(reference: str) -> str:
    """Return the name of the definition that a reference leads to."""
    return reference.rpartition("/")[2]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield _local_name(value["$ref"])
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _stripped(schema: Any) -> Any:
    """Drop annotations and unknown formats, and make references local."""
    if isinstance(schema, list):
        return [_stripped(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {"$ref": f"#/$defs/{_local_name(schema['$ref'])}"}

    result = {}
    for keyword, value in schema.items():
        if keyword == "properties":
            # Its keys are names of fields, not keywords: none of them is dropped.
            result[keyword] = {name: _stripped(field) for name, field in value.items()}
        elif keyword not in _DROPPED and not keyword.startswith("x-kubernetes"):
            result[keyword] = _stripped(value)

    return result
