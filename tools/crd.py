"""Convert CustomResourceDefinitions and OpenAPI definitions to strict JSON Schemas.

A schema accepts what the API server would accept, and reports unknown fields.

kubeconform's own converter is not used: it takes a *field* named `properties` (Tekton has one) for the
keyword and makes schemas that do not compile, which kubeconform then reports as missing.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

Schema = dict[str, Any]

# Names are checked by the API server for every kind, whatever a CRD leaves open (apimachinery's ObjectMeta).
_STRINGS: Schema = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
METADATA: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **{
            name: {"type": "string"}
            for name in ("name", "generateName", "namespace", "uid", "resourceVersion", "selfLink")
        },
        "labels": _STRINGS,
        "annotations": _STRINGS,
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": {"type": "object"}},
        "creationTimestamp": {"type": ["string", "null"]},
        "deletionTimestamp": {"type": ["string", "null"]},
        "deletionGracePeriodSeconds": {"type": ["integer", "null"]},
        "generation": {"type": "integer"},
        "managedFields": {"type": "array", "items": {"type": "object"}},
    },
}
# Keywords that mean the same in JSON Schema.
_KEPT = (
    "type",
    "enum",
    "required",
    "pattern",
    "minLength",
    "maxLength",
    "uniqueItems",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
)
_INT_OR_STRING: Schema = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
# The fields that an object inside another object must be able to have.
_EMBEDDED: Schema = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": METADATA}
# A schema whose text is shorter is not worth a reference.
_SHARED_FROM = 160


def crd_schemas(crd: Any) -> Iterator[tuple[tuple[str, str, str], Schema]]:
    """Yield (group, version, kind) and the schema of each served version of a CRD."""
    spec = crd["spec"]
    for version in spec["versions"]:
        if version.get("served", True) and "openAPIV3Schema" in version.get("schema", {}):
            kind = (spec["group"], version["name"], spec["names"]["kind"])
            yield kind, root(structural(version["schema"]["openAPIV3Schema"]), *kind)


def structural(schema: Schema) -> Schema:
    """Convert a structural schema (a subset of OpenAPI v3), and close every object that names its fields."""
    if schema.get("x-kubernetes-int-or-string"):
        return dict(_INT_OR_STRING)

    result = {**_keywords(schema), **_logic(schema, schema)}
    if "items" in schema:
        result["items"] = structural(schema["items"])
    if schema.get("properties") is not None:
        result.pop("required", None)
        result |= _fields(schema)
    result |= _other_fields(schema)

    if schema.get("nullable") and "type" in result:
        result["type"] = [result["type"], "null"]
        if "enum" in result:
            result["enum"] = [*result["enum"], None]

    return result


def _fields(schema: Schema) -> Schema:
    """Convert the fields that an object names, and list those that must be there."""
    fields = schema["properties"]
    properties = {name: structural(field) for name, field in fields.items()}
    if schema.get("x-kubernetes-embedded-resource"):
        properties |= _EMBEDDED

    # The API server puts defaults in before it validates: a field with one is never missing.
    required = [name for name in schema.get("required", []) if "default" not in fields.get(name, {})]
    if not required:
        return {"properties": properties}

    return {"properties": properties, "required": required}


def _other_fields(schema: Schema) -> Schema:
    """Convert what an object accepts beside the fields that it names."""
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        return {"additionalProperties": structural(additional)}

    is_open = additional is not None or schema.get("x-kubernetes-preserve-unknown-fields")
    if schema.get("properties") and not is_open:
        return {"additionalProperties": False}

    return {}


def _keywords(schema: Schema) -> Schema:
    result: Schema = {key: schema[key] for key in _KEPT if key in schema}
    # OpenAPI v3.0 has booleans where JSON Schema has numbers.
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(result.get(exclusive), bool) and result.pop(exclusive) and bound in result:
            result[exclusive] = result.pop(bound)
    return result


def _logic(schema: Schema, around: Schema) -> Schema:
    """Convert allOf, anyOf, oneOf and not; `around` is the structural schema of the same place."""
    result: Schema = {}

    for keyword in ("allOf", "anyOf", "oneOf"):
        if keyword in schema:
            result[keyword] = [_constraint(part, around) for part in schema[keyword]]
    if "not" in schema:
        result["not"] = _constraint(schema["not"], around)

    return result


def _constraint(schema: Schema, around: Schema) -> Schema:
    """Convert what narrows without closing an object.

    A field that is absent has its default when the API server looks: where that default does not fit, the
    field must be there.
    """
    result = {**_keywords(schema), **_logic(schema, around)}
    if "items" in schema:
        result["items"] = _constraint(schema["items"], around.get("items", {}))

    if "properties" in schema:
        fields_around = around.get("properties", {})
        result["properties"] = {
            name: _constraint(field, fields_around.get(name, {}))
            for name, field in schema["properties"].items()
        }
        unfit = _unfit_defaults(result["properties"], fields_around)
        if unfit:
            result["required"] = sorted({*result.get("required", []), *unfit})

    return result


def _unfit_defaults(constraints: Schema, fields: Schema) -> list[str]:
    """Return the fields whose default does not meet the constraint on them."""
    return [
        name
        for name, constraint in constraints.items()
        if "default" in fields.get(name, {})
        and not Draft202012Validator(constraint).is_valid(fields[name]["default"])
    ]


def root(schema: Schema, group: str, version: str, kind: str) -> Schema:
    """Complete the schema of a kind with apiVersion, kind and metadata, whatever the source has for them."""
    api_version = f"{group}/{version}" if group else version
    identity = {"apiVersion": {"enum": [api_version]}, "kind": {"enum": [kind]}, "metadata": METADATA}

    properties = {**schema.get("properties", {}), **identity}
    required = sorted({*schema.get("required", []), *identity} - {"status"})

    return shared({**schema, "type": "object", "properties": properties, "required": required})


def shared(schema: Schema) -> Schema:
    """Move sub-schemas that occur more than once into `$defs`.

    A validator compiles each of them once, which takes half the time.
    """
    texts: dict[int, str] = {}
    counts: Counter[str] = Counter()
    _count(schema, texts, counts)
    names: dict[str, str] = {}
    definitions: Schema = {}

    def share(node: Any) -> Any:
        if isinstance(node, list):
            return [share(item) for item in node]
        if not isinstance(node, dict):
            return node

        text = texts[id(node)]
        if counts[text] < 2:
            return share_inside(node)

        if text not in names:
            names[text] = f"s{len(names)}"
            definitions[names[text]] = share_inside(node)

        return {"$ref": f"#/$defs/{names[text]}"}

    def share_inside(node: Schema) -> Schema:
        result = {}
        for key, value in node.items():
            # Its value is a map of names, not a schema, although it looks like one.
            if key in ("properties", "$defs"):
                result[key] = {name: share(field) for name, field in value.items()}
            else:
                result[key] = share(value)
        return result

    result = share_inside(schema)
    if definitions:
        result["$defs"] = {**result.get("$defs", {}), **definitions}

    return result


def _count(node: Any, texts: dict[int, str], counts: Counter[str]) -> str:
    """Note the canonical text of each node, and how often that of a large map occurs."""
    if isinstance(node, dict):
        fields = [f"{json.dumps(key)}:{_count(node[key], texts, counts)}" for key in sorted(node)]
        text = "{" + ",".join(fields) + "}"
        counts[text] += len(text) >= _SHARED_FROM
    elif isinstance(node, list):
        text = "[" + ",".join([_count(item, texts, counts) for item in node]) + "]"
    else:
        text = json.dumps(node)

    texts[id(node)] = text
    return text
