"""Convert CustomResourceDefinitions and OpenAPI definitions to strict JSON Schemas that say what the API
server would.

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
_KEPT = (
    *(
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
    ),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
)
_INT_OR_STRING: Schema = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
_SHARED_FROM = 160


def crd_schemas(crd: Any) -> Iterator[tuple[tuple[str, str, str], Schema]]:
    """Yield (group, version, kind) and the schema for each version of a CRD (apiextensions.k8s.io/v1) that
    is served.
    """
    spec = crd["spec"]
    for version in spec["versions"]:
        if version.get("served", True) and "openAPIV3Schema" in version.get("schema", {}):
            name = (spec["group"], version["name"], spec["names"]["kind"])
            yield name, root(structural(version["schema"]["openAPIV3Schema"]), *name)


def structural(schema: Schema) -> Schema:
    """Convert one structural schema (Kubernetes' subset of OpenAPI v3), closing every object that names
    its fields.
    """
    if schema.get("x-kubernetes-int-or-string"):
        return dict(_INT_OR_STRING)
    fields = schema.get("properties")
    result = {**_keywords(schema), **_logic(schema, schema)}
    if "items" in schema:
        result["items"] = structural(schema["items"])
    if fields is not None:
        result["properties"] = {name: structural(field) for name, field in fields.items()}
        # The API server puts defaults in before it validates: a field with one is never missing.
        given = [name for name in schema.get("required", []) if "default" not in fields.get(name, {})]
        result = {key: value for key, value in result.items() if key != "required"} | (
            {"required": given} if given else {}
        )
        if schema.get("x-kubernetes-embedded-resource"):
            result["properties"] |= {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": METADATA,
            }
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        result["additionalProperties"] = structural(additional)
    elif additional is None and fields and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    if schema.get("nullable") and "type" in result:
        result |= {
            "type": [result["type"], "null"],
            **({"enum": [*result["enum"], None]} if "enum" in result else {}),
        }
    return result


def _keywords(schema: Schema) -> Schema:
    result: Schema = {key: schema[key] for key in _KEPT if key in schema}
    # OpenAPI v3.0 has booleans where JSON Schema has numbers.
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(result.get(exclusive), bool) and result.pop(exclusive) and bound in result:
            result[exclusive] = result.pop(bound)
    return result


def _logic(schema: Schema, around: Schema) -> Schema:
    """Convert allOf, anyOf, oneOf and not of `schema`; `around` is the structural schema of the same
    place.
    """
    result: Schema = {
        key: [_constraint(part, around) for part in schema[key]]
        for key in ("allOf", "anyOf", "oneOf")
        if key in schema
    }
    return {**result, "not": _constraint(schema["not"], around)} if "not" in schema else result


def _constraint(schema: Schema, around: Schema) -> Schema:
    """Convert what narrows without closing an object.

    A field that is absent has its default when the API server looks: where that default does not fit, the
    field must be there.
    """
    result = {**_keywords(schema), **_logic(schema, around)}
    fields = around.get("properties", {})
    if "items" in schema:
        result["items"] = _constraint(schema["items"], around.get("items", {}))
    if "properties" in schema:
        result["properties"] = {
            name: _constraint(field, fields.get(name, {})) for name, field in schema["properties"].items()
        }
        defaults = {
            name: fields[name]["default"]
            for name in result["properties"]
            if "default" in fields.get(name, {})
        }
        unfit = [
            name
            for name, value in defaults.items()
            if not Draft202012Validator(result["properties"][name]).is_valid(value)
        ]
        result |= {"required": sorted({*result.get("required", []), *unfit})} if unfit else {}
    return result


def root(schema: Schema, group: str, version: str, kind: str) -> Schema:
    """Complete the schema of a kind: its apiVersion, kind and metadata are known whatever the source says
    of them.
    """
    api_version = f"{group}/{version}" if group else version
    named = {"apiVersion": {"enum": [api_version]}, "kind": {"enum": [kind]}, "metadata": METADATA}
    properties = {**schema.get("properties", {}), **named}
    required = sorted({*schema.get("required", []), "apiVersion", "kind", "metadata"} - {"status"})
    return shared({**schema, "type": "object", "properties": properties, "required": required})


def shared(schema: Schema) -> Schema:
    """Move sub-schemas that occur more than once into `$defs`: a validator compiles each once, in half the
    time.
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
            return inside(node)
        if text not in names:
            names[text] = f"s{len(names)}"
            definitions[names[text]] = inside(node)
        return {"$ref": f"#/$defs/{names[text]}"}

    def inside(node: Schema) -> Schema:
        # The value of `properties` is a map of names, not a schema, although it looks like one.
        return {
            key: {name: share(field) for name, field in value.items()}
            if key in ("properties", "$defs")
            else share(value)
            for key, value in node.items()
        }

    result = inside(schema)
    return {**result, "$defs": {**result.get("$defs", {}), **definitions}} if definitions else result


def _count(node: Any, texts: dict[int, str], counts: Counter[str]) -> str:
    """Note the canonical text of each node, and how often that of a large map occurs."""
    if isinstance(node, dict):
        text = (
            "{"
            + ",".join(f"{json.dumps(key)}:{_count(node[key], texts, counts)}" for key in sorted(node))
            + "}"
        )
        counts[text] += len(text) >= _SHARED_FROM
    elif isinstance(node, list):
        text = "[" + ",".join(_count(item, texts, counts) for item in node) + "]"
    else:
        text = json.dumps(node)
    texts[id(node)] = text
    return text
