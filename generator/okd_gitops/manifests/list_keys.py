"""Lists whose entries a definition keeps apart, by keys or as a set.

The API server refuses a custom resource with the same entry twice, however it is applied. Read in kubernetes
v1.35, apiextensions-apiserver, pkg/apiserver/schema/listtype.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from okd_gitops.manifests.objects import Object, at, items

_Where = tuple[str | int, ...]


def schema_of(definition: Object, version: str) -> Object:
    """Return the schema of a version of a CustomResourceDefinition, or nothing."""
    for served in items(definition, "spec", "versions"):
        schema = at(served, "schema", "openAPIV3Schema")
        if at(served, "name") == version and isinstance(schema, dict):
            return schema
    return {}


def repeated_entries(
    value: object, schema: Mapping[str, Any], where: _Where = ()
) -> Iterator[tuple[_Where, str]]:
    """Yield the path of each list with an entry twice, and how that entry is called."""
    if isinstance(value, dict):
        others = schema.get("additionalProperties")
        for key, inner in value.items():
            below = at(schema, "properties", key) or others
            if isinstance(below, dict):
                yield from repeated_entries(inner, below, (*where, key))

    of_entry = schema.get("items")
    if not isinstance(value, list) or not isinstance(of_entry, dict):
        return

    counted = Counter(_names(value, schema, of_entry))
    yield from ((where, name) for name, count in counted.items() if count > 1)
    for index, inner in enumerate(value):
        yield from repeated_entries(inner, of_entry, (*where, index))


def _names(entries: list[Any], schema: Mapping[str, Any], of_entry: Mapping[str, Any]) -> list[str]:
    kind = schema.get("x-kubernetes-list-type")
    if kind == "set":
        return [str(entry) for entry in entries]
    if kind != "map":
        return []

    keys = [str(key) for key in items(schema, "x-kubernetes-list-map-keys")]
    defaults = {key: at(of_entry, "properties", key, "default") for key in keys}
    return ["/".join(str(at(entry, key) or defaults[key]) for key in keys) for entry in entries]
