"""Schemas out of sets of definitions that refer to each other: core Kubernetes, and OpenShift's built-in
API groups.
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
        fields = definition.get("properties", {})
        if (
            match
            and match[1] in _GROUPS
            and not match[3].endswith("List")
            and {"apiVersion", "kind", "metadata"} <= fields.keys()
        ):
            group, version, kind = f"{match[1]}.openshift.io", match[2], match[3]
            yield (
                (group, version, kind),
                root(structural(_inlined(definition, definitions, ())), group, version, kind),
            )


def _inlined(schema: Any, definitions: dict[str, Any], inside: tuple[str, ...]) -> Any:
    """Replace references by what they stand for; a type inside itself is left open."""
    if isinstance(schema, list):
        return [_inlined(item, definitions, inside) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        if name in inside:
            return {"x-kubernetes-preserve-unknown-fields": True}
        found = _SPECIAL.get(name) or _inlined(definitions[name], definitions, (*inside, name))
        return {**found, **({"default": schema["default"]} if "default" in schema else {})}
    return {key: _inlined(value, definitions, inside) for key, value in schema.items()}


def self_contained(schema: Any, definitions: dict[str, Any]) -> Schema:
    """Return a schema of core Kubernetes with just the definitions that it reaches, and without
    descriptions.
    """
    reached: dict[str, Any] = {}
    pending = [schema]
    while pending:
        for name in _references(pending.pop()):
            if name not in reached:
                reached[name] = definitions[name]
                pending.append(definitions[name])
    return shared(
        {**_stripped(schema), "$defs": {name: _stripped(value) for name, value in sorted(reached.items())}}
    )


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _stripped(schema: Any, *, names: bool = False) -> Any:
    """Drop annotations and unknown formats, and make references local; under `properties` keys are names,
    not keywords.
    """
    if isinstance(schema, list):
        return [_stripped(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if not names and isinstance(schema.get("$ref"), str):
        return {"$ref": f"#/$defs/{schema['$ref'].rpartition('/')[2]}"}
    dropped = () if names else ("description", "format", "$id", "$schema", "default")
    return {
        key: _stripped(value, names=not names and key == "properties")
        for key, value in schema.items()
        if key not in dropped and (names or not key.startswith("x-kubernetes"))
    }
