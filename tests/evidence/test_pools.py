"""Pools of nodes: passed means that every node runs the release."""

from collections.abc import Callable
from typing import Any

import pytest

from cluster_state import pool, pools
from okd_gitops.evidence.pools import NO_API, Pools, pools_of

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> dict[str, Any]:
    worker = pool("worker", 6)
    change(worker)
    return pools(pool("master", 3), worker)


def test_pools_whose_nodes_all_have_the_latest_configuration_keep_nothing_back() -> None:
    assert pools_of(pools()) == Pools()


def test_a_pool_without_nodes_keeps_nothing_back_even_if_it_is_paused() -> None:
    empty = pool("infra", 0)
    empty["spec"]["paused"] = True

    assert pools_of(pools(pool("master", 3), empty)) == Pools()


UNFINISHED: dict[str, Change] = {
    "one of six": lambda p: p["status"].update(updatedMachineCount=1, readyMachineCount=1),
    "a new configuration": lambda p: p["spec"]["configuration"].update(name="rendered-worker-3"),
    "not read yet": lambda p: p["metadata"].update(generation=9),
    "no count": lambda p: p["status"].pop("updatedMachineCount"),
    "no counts": lambda p: p["status"].clear(),
    "a text for a count": lambda p: p["status"].update(machineCount="6", updatedMachineCount="6"),
    "no configuration": lambda p: (p["spec"].pop("configuration"), p["status"].pop("configuration")),
}


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_pool_that_is_not_rolled_out_is_unfinished(name: str) -> None:
    found = pools_of(changed(UNFINISHED[name]))

    assert [part.partition(":")[0] for part in found.unfinished] == ["pool worker is not updated"]
    assert found.faults == ()


def test_a_paused_pool_is_named_as_paused_and_never_as_updating() -> None:
    def paused(worker: dict[str, Any]) -> None:
        worker["spec"]["paused"] = True
        worker["status"].update(updatedMachineCount=1)

    found = pools_of(changed(paused))

    assert found.paused == ("worker",)
    assert found.unfinished == ("pool worker is paused: 1 of 6 nodes have its latest configuration",)
    # Its nodes have what it wants, but nobody renders for a paused pool what the new release wants.
    assert pools_of(changed(lambda p: p["spec"].update(paused=True))).paused == ("worker",)


def test_a_paused_pool_needs_no_person_for_a_node_that_is_not_ready() -> None:
    def paused(worker: dict[str, Any]) -> None:
        worker["spec"]["paused"] = True
        worker["status"].update(readyMachineCount=5)

    assert pools_of(changed(paused)).faults == ()


def test_a_whole_list_and_a_configuration_are_known_by_what_counts() -> None:
    """A list has a resourceVersion too, and a configuration names its sources, each in its own words."""
    answer = changed(lambda p: p["status"]["configuration"].update(source=[{"name": "99-worker"}]))
    answer["metadata"] = {"resourceVersion": "7"}

    assert pools_of(answer) == Pools()


FAULTS: dict[str, Change] = {
    "pool worker is degraded (1 of 6 nodes)": lambda p: p["status"].update(degradedMachineCount=1),
    "pool worker is degraded (0 of 6 nodes)": lambda p: p["status"]["conditions"][2].update(status="True"),
    "pool worker has 5 of 6 nodes ready": lambda p: p["status"].update(readyMachineCount=5),
    "pool worker has an unknown number of 6 nodes ready": lambda p: p["status"].pop("readyMachineCount"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_pool_that_needs_a_person_is_a_fault(fault: str) -> None:
    assert pools_of(changed(FAULTS[fault])) == Pools(faults=(fault,))


def test_a_degraded_pool_is_no_unfinished_one_because_it_does_not_go_on() -> None:
    found = pools_of(changed(lambda p: p["status"].update(updatedMachineCount=2, degradedMachineCount=1)))

    assert found.faults
    assert not found.unfinished


def test_an_api_server_without_pools_is_told_and_never_taken_for_fine() -> None:
    assert pools_of(None) == Pools(unfinished=(NO_API,))


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {**pools(), "items": []},
        {**pools(), "kind": "PodList"},
        {**pools(), "metadata": {"continue": "x"}},
    ],
)
def test_a_list_that_is_not_whole_is_a_fault(answer: object) -> None:
    assert pools_of(answer).faults == ("the pools of nodes cannot be listed",)
