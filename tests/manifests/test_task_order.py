"""Which tasks of a Pipeline may run at the same time."""

import pytest

from okd_gitops.manifests.task_order import heaviest

CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


@pytest.mark.parametrize(
    ("waits", "weights", "weight", "tasks"),
    [
        (CHAIN, {"a": 1.0, "b": 3.0, "c": 2.0}, 3.0, {"b"}),
        (DIAMOND, {"a": 3.0, "b": 2.0, "c": 2.0, "d": 1.0}, 4.0, {"b", "c"}),
        (DIAMOND, {"a": 5.0, "b": 2.0, "c": 2.0, "d": 1.0}, 5.0, {"a"}),
        ({"a": [], "b": []}, {"a": 1.0}, 1.0, {"a"}),
        ({"a": ["gone"], "b": ["b"]}, {"a": 1.0, "b": 2.0}, 3.0, {"a", "b"}),
        ({}, {}, 0.0, set()),
    ],
)
def test_only_tasks_that_do_not_wait_for_each_other_add_up(
    waits: dict[str, list[str]], weights: dict[str, float], weight: float, tasks: set[str]
) -> None:
    assert heaviest(weights, waits) == (weight, tasks)
