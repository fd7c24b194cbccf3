"""The converter says what the API server would, and what it makes always compiles."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from crd import METADATA, crd_schemas, root, shared, structural
from openapi import openshift_schemas, self_contained


def errors(schema: dict[str, Any], value: object) -> list[str]:
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


def of(schema: dict[str, Any], value: object) -> list[str]:
    return errors(structural(schema), value)


def test_an_object_that_names_its_fields_is_closed() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert of(schema, {"a": "x"}) == []
    assert of(schema, {"b": "x"})


def test_an_object_that_keeps_unknown_fields_stays_open() -> None:
    assert (
        of(
            {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"a": {"type": "string"}},
            },
            {"b": 1},
        )
        == []
    )
    assert of({"type": "object"}, {"b": 1}) == []


def test_a_field_named_properties_is_a_field() -> None:
    schema = {
        "type": "object",
        "properties": {"properties": {"type": "object", "additionalProperties": {"type": "string"}}},
    }
    assert of(schema, {"properties": {"x": "y"}}) == []
    assert of(schema, {"properties": {"x": 1}})
    assert errors(shared(structural(schema)), {"properties": {"x": "y"}}) == []


def test_int_or_string_nullable_and_enum() -> None:
    assert (
        of({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}, "50%")
        == []
    )
    assert of({"x-kubernetes-int-or-string": True}, 1.5)
    assert of({"type": "string", "nullable": True, "enum": ["a"]}, None) == []
    assert of({"type": "string", "enum": ["a"]}, None)


def test_a_field_with_a_default_is_never_missing() -> None:
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "string", "default": "x"}, "b": {"type": "string"}},
    }
    assert of(schema, {"b": "y"}) == []
    assert of(schema, {"a": "y"})


def test_one_of_narrows_without_closing() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    assert of(schema, {"a": "x"}) == []
    assert of(schema, {"a": "x", "b": "y"})


def test_a_default_counts_where_a_constraint_looks_at_it() -> None:
    fields = {"host": {"type": "string"}, "policy": {"type": "string", "default": "None"}}
    unless = [
        {"not": {"properties": {"host": {"maxLength": 0}}}},
        {"not": {"properties": {"policy": {"enum": ["Subdomain"]}}}},
    ]
    schema = {"type": "object", "properties": fields, "anyOf": unless}
    assert of(schema, {}) == []
    assert of(schema, {"policy": "Subdomain", "host": "x"}) == []
    assert of(schema, {"policy": "Subdomain"})


def test_exclusive_bounds_of_openapi() -> None:
    assert of({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 0)
    assert of({"type": "integer", "minimum": 0, "exclusiveMinimum": False}, 0) == []


def test_an_embedded_resource_knows_its_own_fields() -> None:
    schema = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "properties": {"spec": {"type": "object"}},
    }
    assert of(schema, {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "spec": {}}) == []


def test_metadata_is_typed_even_where_the_crd_leaves_it_open() -> None:
    schema = root({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "g", "v1", "K")
    good = {"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "x", "labels": {"a": "b"}}, "anything": 1}
    assert errors(schema, good) == []
    assert errors(schema, {**good, "metadata": {"name": 1}})
    assert errors(schema, {**good, "metadata": {"name": "x", "lables": {}}})
    assert errors(schema, {**good, "apiVersion": "g/v2"})


def test_only_served_versions() -> None:
    version = {"served": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    versions = [{**version, "name": "v1"}, {**version, "name": "v0", "served": False}]
    crd = {"spec": {"group": "g", "names": {"kind": "K"}, "versions": versions}}
    assert [name for name, _ in crd_schemas(crd)] == [("g", "v1", "K")]


def test_definitions_are_followed_and_recursion_ends() -> None:
    prefix = "com.github.openshift.api.build.v1."
    fields = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
    }
    definitions = {
        f"{prefix}X": {
            "type": "object",
            "properties": {**fields, "spec": {"$ref": f"#/definitions/{prefix}Spec"}},
            "required": ["spec"],
        },
        f"{prefix}Spec": {
            "type": "object",
            "properties": {"inner": {"$ref": f"#/definitions/{prefix}Spec"}, "n": {"type": "integer"}},
        },
        f"{prefix}XList": {"type": "object", "properties": fields},
    }
    ((name, schema),) = openshift_schemas(definitions)
    assert name == ("build.openshift.io", "v1", "X")
    good = {"apiVersion": "build.openshift.io/v1", "kind": "X", "metadata": {"name": "x"}, "spec": {"n": 1}}
    assert errors(schema, good) == []
    assert errors(schema, {**good, "spec": {"m": 1}})


def test_a_core_schema_holds_what_it_refers_to_and_no_more() -> None:
    definitions = {
        "a": {"properties": {"b": {"$ref": "x#/$defs/b"}}},
        "b": {"type": "string", "description": "d"},
        "c": {"type": "string"},
    }
    schema = self_contained(definitions["a"], definitions)
    assert schema == {"properties": {"b": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"type": "string"}}}


FIELDS = st.sampled_from(
    ["a", "b", "properties", "required", "items", "type", "$ref", "default", "description", "enum"]
)
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.sampled_from(
        [{"type": "string"}, {"type": "integer"}, {"type": "string", "description": "x" * 200}, METADATA]
    ),
    lambda inner: st.one_of(
        st.dictionaries(FIELDS, inner, min_size=1, max_size=4).map(
            lambda fields: {"type": "object", "properties": fields}
        ),
        inner.map(lambda item: {"type": "array", "items": item}),
        inner.map(lambda item: {"type": "object", "additionalProperties": item}),
    ),
    max_leaves=8,
)
VALUES = st.recursive(
    st.sampled_from(["x", 1, None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=6,
)


@given(SCHEMAS, VALUES)
def test_sharing_changes_no_verdict(schema: dict[str, Any], value: object) -> None:
    strict = structural(schema)
    assert bool(errors(strict, value)) == bool(errors(shared(strict), value))


@pytest.mark.parametrize("field", ["properties", "$ref", "required", "items", "default", "description"])
def test_fields_named_like_keywords_survive(field: str) -> None:
    schema = shared(structural({"type": "object", "properties": {field: {"type": "integer"}}}))
    assert errors(schema, {field: 1}) == []
    assert errors(schema, {field: "x"})
