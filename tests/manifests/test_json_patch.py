"""A parameter's path becomes operations that can hit nothing else."""

import pytest

from okd_gitops.manifests.json_patch import PathError, operations

OBJECT = {
    "metadata": {"name": "x", "annotations": {"a.b/c": "old"}},
    "spec": {
        "flag": "false",
        "count": 3,
        "items": [{"name": "one", "value": "1"}, {"name": "two", "value": "2"}],
    },
}


def test_a_list_item_is_tested_before_it_is_replaced() -> None:
    assert operations(OBJECT, "spec.items[name=two].value", "x") == [
        {"op": "test", "path": "/spec/items/1/name", "value": "two"},
        {"op": "replace", "path": "/spec/items/1/value", "value": "x"},
    ]


def test_keys_with_dots_and_slashes_are_escaped() -> None:
    assert operations(OBJECT, "metadata.annotations[a.b/c]", "new") == [
        {"op": "replace", "path": "/metadata/annotations/a.b~1c", "value": "new"}
    ]


def test_an_absent_last_key_is_added() -> None:
    assert operations(OBJECT, "spec.new", 1) == [{"op": "add", "path": "/spec/new", "value": 1}]


def test_a_value_takes_the_type_of_the_string_it_replaces() -> None:
    assert operations(OBJECT, "spec.flag", new=True)[-1]["value"] == "true"
    assert operations(OBJECT, "spec.items[name=one].value", 7)[-1]["value"] == "7"


@pytest.mark.parametrize(
    ("path", "value"),
    [("spec.flag", False), ("spec.flag", "false"), ("spec.count", 3), ("spec.items[name=one].value", 1)],
)
def test_an_equal_value_makes_no_patch(path: str, value: object) -> None:
    assert operations(OBJECT, path, value) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("spec.missing.value", "there is no /spec/missing"),
        ("spec.items[name=three].value", "0 items of /spec/items have name=three"),
        ("spec.items[0].value", "there is no"),
        ("spec.items[name=one]", "ends with a list item"),
        ("spec.count.value", "not a map"),
        ("spec..x", "cannot be read"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(path: str, reason: str) -> None:
    with pytest.raises(PathError, match=reason):
        operations(OBJECT, path, "x")


def test_two_items_of_one_name_are_refused() -> None:
    with pytest.raises(PathError, match="2 items"):
        operations({"items": [{"name": "a", "v": 1}, {"name": "a", "v": 2}]}, "items[name=a].v", 3)
