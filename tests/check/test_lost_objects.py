"""An overlay that loses all, or what holds data, needs consent. K10 is a row of the table of failures."""

from typing import Any

import pytest

from okd_gitops.check.lost_objects import ANNOUNCED, REMOVAL, RenderedChange, lost_objects
from okd_gitops.finding import Location
from okd_gitops.manifests.objects import Object

PLACE = Location(file="overlays/a/kustomization.yaml")


def made(kind: str, name: str = "x", api: str = "v1", **metadata: Any) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}}


SETTINGS = made("ConfigMap", namespace="x")
HELD = [
    made("Namespace"),
    made("PersistentVolumeClaim", namespace="x"),
    made("CustomResourceDefinition", "as.example.org", "apiextensions.k8s.io/v1"),
    made("ClusterVersion", "version", "config.openshift.io/v1"),
]


def found(before: list[Object], after: list[Object], **more: bool) -> list[tuple[str, str, str]]:
    change = RenderedChange(cluster="a", place=PLACE, before=tuple(before), after=tuple(after), **more)
    return [(finding.name, finding.severity, finding.object) for finding in lost_objects(change)]


def test_k10_a_folder_that_renders_nothing_any_more() -> None:
    assert found([SETTINGS], [], is_long_term=True) == [("objects-lost", "error", "")]


@pytest.mark.parametrize("held", HELD, ids=lambda value: value["kind"])
def test_k10_an_object_with_data_that_is_lost(held: Object) -> None:
    ((name, severity, lost),) = found([SETTINGS, held], [SETTINGS], is_long_term=True)
    assert (name, severity) == ("objects-lost", "error")
    assert held["metadata"]["name"] in lost
    assert found([SETTINGS, held], [SETTINGS]) == [("objects-lost", "warning", lost)]


def test_k10_the_way_out_is_one_that_people_can_go() -> None:
    """Nobody can annotate what okd-gitops writes, nor everything; other objects are announced one by one."""
    for before, after, announced_by in (
        ([SETTINGS, HELD[3]], [SETTINGS], "decommission: true in clusters/a.yaml"),
        ([SETTINGS], [], "decommission: true in clusters/a.yaml"),
        ([SETTINGS, HELD[0]], [SETTINGS], f"add the annotation `{REMOVAL}: {ANNOUNCED}`"),
    ):
        change = RenderedChange(cluster="a", place=PLACE, before=tuple(before), after=tuple(after))
        (finding,) = lost_objects(change)
        assert announced_by in finding.remedy


def test_k10_all_losses_are_told_at_once() -> None:
    assert len(found([SETTINGS, *HELD], [SETTINGS])) == len(HELD)


@pytest.mark.parametrize("held", HELD, ids=lambda value: value["kind"])
def test_k10_a_loss_that_was_announced_passes(held: Object) -> None:
    announced = {**held, "metadata": {**held["metadata"], "annotations": {REMOVAL: ANNOUNCED}}}
    assert found([SETTINGS, announced], [SETTINGS], is_long_term=True) == []
    assert found([SETTINGS, *HELD], [], is_long_term=True, is_leaving=True) == []


def test_k10_what_stays_changes_or_holds_nothing_is_no_loss() -> None:
    claim = made("PersistentVolumeClaim", namespace="x")
    changed = {**claim, "spec": {"resources": {}}}
    definition = HELD[2]
    older = {**definition, "apiVersion": "apiextensions.k8s.io/v1beta1"}

    assert found([claim, older, SETTINGS], [changed, definition], is_long_term=True) == []
    assert found([], [], is_long_term=True) == []
