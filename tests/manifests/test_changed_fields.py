"""Where two objects differ, field by field."""

from okd_gitops.manifests.changed_fields import FieldChange, changed_fields


def test_equal_values_have_no_changed_field() -> None:
    value = {"spec": {"steps": [{"name": "build", "image": "a"}], "size": 1}}
    assert list(changed_fields(value, value)) == []


def test_an_item_of_a_list_is_called_by_its_name_wherever_it_moved() -> None:
    old = {"steps": [{"name": "fetch", "image": "a"}, {"name": "build", "image": "a"}]}
    new = {"steps": [{"name": "build", "image": "b"}, {"name": "fetch", "image": "a"}]}
    assert list(changed_fields(old, new)) == [FieldChange(("steps", "build", "image"), "a", "b")]


def test_items_without_names_of_their_own_are_called_by_their_index() -> None:
    assert list(changed_fields(["a", "b"], ["a", "c"])) == [FieldChange(("1",), "b", "c")]
    twice = [{"name": "x", "n": 1}, {"name": "x", "n": 2}]
    changed = [twice[0], {"name": "x", "n": 3}]
    assert list(changed_fields(twice, changed)) == [FieldChange(("1", "n"), 2, 3)]


def test_a_field_that_is_absent_on_one_side_is_told_whole() -> None:
    assert list(changed_fields({}, {"labels": {"a": "b"}})) == [FieldChange(("labels",), None, {"a": "b"})]
    assert list(changed_fields({"size": 0}, {})) == [FieldChange(("size",), 0, None)]


def test_a_value_of_another_shape_is_one_field() -> None:
    assert list(changed_fields({"a": [1]}, {"a": "1"})) == [FieldChange(("a",), [1], "1")]
