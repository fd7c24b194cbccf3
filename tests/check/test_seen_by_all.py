"""What rules of all overlays found is kept by a hash of all that they can see: whatever changes of that
changes the hash, and what is not in it makes the findings ones that are not kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from okd_gitops.check.noted_objects import outline
from okd_gitops.check.overlay import DESCRIBED, Overlay, fact_named, per_overlay
from okd_gitops.check.rule import ExpandedSet, Quota, Repository
from okd_gitops.check.seen import _WHOLE, Hashes
from okd_gitops.check.seen_by_all import SeenByAll, hash_of_all, hash_of_facts
from okd_gitops.manifests.application_set import Expansion
from okd_gitops.manifests.flux import Variables
from okd_gitops.manifests.graph import Graph, read_already
from okd_gitops.manifests.objects import FixedObject, Object, ObjectId

POD = FixedObject({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})
PROJECT = FixedObject({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "p"}})
OVERLAY = Overlay(name="x", folder="overlays/x", objects=(POD,), keys=("key of a",))
REPOSITORY = Repository(
    files={"clusters/x.yaml": b"a", "extra.yaml": b"b"}, overlays=(OVERLAY,), today=date(2026, 11, 29)
)
# Another value of each field that is no file and no overlay.
OTHERS: Mapping[str, Any] = {
    "today": date(2026, 11, 30),
    "destinations": {"x": "in-cluster"},
    "url": "https://git.example.org/fleet.git",
    "common": frozenset({"x"}),
    "gates": frozenset({"x"}),
    "quotas": (Quota(cluster="x", namespace="y", cpu="1"),),
    "is_whole": False,
    "urls": frozenset({"x"}),
    "sets": (ExpandedSet(POD, Expansion()),),
    "has_house_rules": False,
}
# Another value of each field of an overlay, but for what is found of it.
DESCRIPTIONS: Mapping[str, Any] = {
    "name": "y",
    "folder": "overlays/y",
    "is_directory": True,
    "variables": Variables({"a": "b"}),
    "kubernetes": "1.35",
    "purpose": "cd",
    "environment": "okd",
    "server": "https://api.x.example.org:6443",
    "declared": frozenset({"Secret/a"}),
    "expires": date(2026, 12, 1),
    "longest_days": 3,
    "release": {"channel": "stable"},
    "guards": (POD,),
    "forced": True,
    "planned": (),
}


@per_overlay
def length_of_own_file(overlay: Overlay, files: Mapping[str, bytes]) -> int:
    return len(files[overlay.own_file])


NAMES = ["test_seen_by_all.length_of_own_file"]


def hash_of(repository: Repository, *read: str) -> str | None:
    facts = [hash_of_facts(each, NAMES, repository.files) for each in repository.overlays]
    assert None not in facts
    return hash_of_all(repository, [each for each in facts if each], read)


def with_overlay(**changes: Any) -> Repository:
    # What is found is found anew.
    return replace(REPOSITORY, overlays=(replace(OVERLAY, found={}, **changes),))


def test_the_tables_above_have_every_field() -> None:
    assert {each.name for each in fields(Repository)} == OTHERS.keys() | {"files", "overlays"}
    assert set(DESCRIBED) == DESCRIPTIONS.keys()
    assert hash_of(REPOSITORY) == hash_of(with_overlay())


@pytest.mark.parametrize("name", OTHERS)
def test_each_part_of_a_repository_is_in_the_hash(name: str) -> None:
    # Of what an ApplicationSet makes there is no hash, so nothing of it is kept.
    other = hash_of(replace(REPOSITORY, **{name: OTHERS[name]}))
    assert (other is None) == (name == "sets")
    assert other != hash_of(REPOSITORY)


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_each_part_of_a_description_is_in_the_hash(name: str) -> None:
    files = {**REPOSITORY.files, "clusters/y.yaml": b"a"}
    plain, other = (
        replace(REPOSITORY, files=files),
        replace(with_overlay(**{name: DESCRIPTIONS[name]}), files=files),
    )
    assert hash_of(other) != hash_of(plain)


def test_facts_objects_files_and_the_order_of_overlays_are_in_the_hash() -> None:
    plain = hash_of(REPOSITORY)
    second = replace(OVERLAY, folder="overlays/x/provider", found={})
    longer = {**REPOSITORY.files, "clusters/x.yaml": b"longer"}
    named = {**REPOSITORY.files, "new.yaml": b""}
    synced = {**POD, "metadata": {"name": "a", "annotations": {"argocd.argoproj.io/sync-wave": "1"}}}

    others = [
        with_overlay(objects=(FixedObject(synced),)),
        with_overlay(objects=(POD, PROJECT), keys=("key of a", "key of p")),
        with_overlay(objects=(POD, PROJECT), keys=("key of a", "another")),
        with_overlay(reading=read_already(Graph(files={"bases/a.yaml"}))),
        replace(with_overlay(), files=longer),
        replace(REPOSITORY, files=named),
        replace(REPOSITORY, overlays=(OVERLAY, second)),
        replace(REPOSITORY, overlays=(second, OVERLAY)),
        replace(REPOSITORY, overlays=()),
    ]
    hashes = [plain, *map(hash_of, others)]
    assert len(set(hashes)) == len(hashes)

    # An object that no rule of other overlays sees whole may change.
    assert hash_of(with_overlay(objects=(FixedObject({**POD, "spec": {}}),), keys=("another",))) == plain


def test_of_a_file_that_was_read_the_content_is_in_the_hash() -> None:
    edited = replace(REPOSITORY, files={**REPOSITORY.files, "extra.yaml": b"edited"})
    gone = replace(REPOSITORY, files={"clusters/x.yaml": b"a"})

    assert hash_of(edited) == hash_of(REPOSITORY)
    assert len({hash_of(each, "extra.yaml") for each in (REPOSITORY, edited, gone)}) == 3


def test_a_fact_that_the_tool_no_longer_has_is_no_fact() -> None:
    assert hash_of_facts(OVERLAY, ["gone._function"], REPOSITORY.files) is None


def test_a_place_is_found_again_by_its_name() -> None:
    name = OVERLAY.name_of_place(ObjectId.of(POD), ("spec", 0), is_secret=True)
    assert fact_named(name, OVERLAY, {}) is None
    assert name in OVERLAY.found


def asked(ask: Callable[[Any], object]) -> SeenByAll:
    seen = SeenByAll(with_overlay())
    ask(seen.repository)
    return seen


def test_what_is_asked_for_is_noted() -> None:
    seen = asked(lambda it: length_of_own_file(it.overlays[0], it.files))
    assert (seen.is_hashed, seen.files, seen.facts(OVERLAY)) == (True, [], NAMES)

    seen = asked(lambda it: it.files["extra.yaml"])
    assert (seen.is_hashed, seen.files, seen.facts(OVERLAY)) == (True, ["extra.yaml"], [])

    identity = ObjectId.of(POD)
    seen = asked(lambda it: it.overlays[0].place(identity, ("spec",)))
    assert (seen.is_hashed, seen.facts(OVERLAY)) == (
        True,
        [OVERLAY.name_of_place(identity, ("spec",), is_secret=False)],
    )


@pytest.mark.parametrize(
    "ask",
    [
        lambda it: it.overlays[0].objects,
        lambda it: it.overlays[0].graph,
        lambda it: it.overlays[0].found,
        lambda it: it.overlays[0].keys,
        lambda it: it.overlays[0].of("Pod."),
        lambda it: it.overlays[0].place_of(POD),
        lambda it: list(it.objects),
        lambda it: it.files.copy(),
    ],
)
def test_what_is_not_in_the_hash_makes_findings_that_are_not_kept(ask: Callable[[Any], object]) -> None:
    assert not asked(ask).is_hashed


@pytest.mark.parametrize("part", [*_WHOLE, "definitions", "projects p", "synced overlays/x"])
def test_what_rules_of_one_overlay_can_ask_for_is_in_the_hash(part: str) -> None:
    """When nothing changed for rules of all overlays, nothing did for those of one."""
    seen = asked(lambda it: Hashes(it).of(part))
    assert (seen.is_hashed, seen.files, seen.facts(OVERLAY)) == (True, [], [])


def test_rules_see_the_objects_that_others_may_know() -> None:
    value: Object = {**PROJECT}
    repository = with_overlay(objects=(POD, FixedObject(value)), keys=("a", "p"))
    (overlay,) = SeenByAll(repository).repository.overlays
    assert overlay.noted == [value]
    assert overlay.outlines == [outline(POD), outline(value)]
