"""What a function finds of an object is kept for that object alone, and not for ever."""

import pytest

from okd_gitops.manifests import objects
from okd_gitops.manifests.objects import FixedObject, Object, per_object


def test_each_object_is_looked_at_once_also_beside_an_equal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    @per_object
    def look(value: Object) -> list[int]:
        seen.append(id(value))
        return [len(value)]

    first, equal, third = {"a": 1}, {"a": 1}, {"a": 1, "b": 2}
    assert look(first) is look(first)
    assert look(equal) is not look(first)
    assert seen == [id(first), id(equal)]

    monkeypatch.setattr(objects, "_OTHERS", 2)
    assert look(third) == [2]
    assert look(equal) == [1]
    assert seen == [id(first), id(equal), id(third)]
    look(first)
    assert len(seen) == 4, "the oldest one had to go"


def test_an_object_that_is_kept_lends_its_id_to_no_other_one() -> None:
    size = per_object(len)
    for number in range(100):
        assert size(list(range(number))) == number


def test_what_is_found_of_a_fixed_object_goes_with_it() -> None:
    seen: list[int] = []

    @per_object
    def look(value: Object) -> None:
        seen.append(id(value))

    first, equal = FixedObject({"a": 1}), FixedObject({"a": 1})
    for value in (first, first, equal, equal):
        look(value)
    assert seen == [id(first), id(equal)], "also when what is found is nothing"

    first.found.clear()
    look(first)
    look(equal)
    assert seen == [id(first), id(equal), id(first)]
