"""What an editor offers in a fleet: its own clusters, channels and streams, and nothing less is valid."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from okd_gitops.fleet.known_names import KnownNames, known_names
from okd_gitops.fleet.load import load_catalog
from okd_gitops.fleet.schema import schema

CLUSTER = "purpose: test\nrelease: {stream: mine-next, channel: stable-scos-7, version: x}\n"
CLUSTERS = {
    "a.yaml": CLUSTER,
    "hub.yaml": "features: {okd-stream: {streams: [{name: own}]}}\n",
    "bad.yaml": "x: [",
}


@pytest.fixture
def known(tmp_path: Path) -> KnownNames:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text("trials: [{stream: tried, channel: next-scos-7}]\n")

    for name, text in CLUSTERS.items():
        (tmp_path / "clusters" / name).write_text(text)

    return known_names(tmp_path)


def test_they_are_those_that_the_files_have_and_a_broken_file_has_none(known: KnownNames) -> None:
    assert known.clusters == ("a", "bad", "hub")
    assert known.channels == ("next-scos-7", "stable-scos-7")
    assert {"mine-next", "own", "tried", "4-scos-stable"} <= set(known.streams)


@pytest.mark.parametrize(
    ("kind", "definition", "key", "offered", "other", "wrong"),
    [
        ("cluster", "Release", "channel", "stable-scos-7", "stable-scos-9", 4),
        ("cluster", "Release", "stream", "own", "4-scos-other", "A B"),
        ("fleet", "QuotaSpec", "cluster", "hub", "new-one", "No"),
        ("fleet", "Trials", "stream", "tried", "later", "A B"),
    ],
)
def test_an_editor_offers_them_and_takes_others(
    kind: str, definition: str, key: str, offered: str, other: str, wrong: object, known: KnownNames
) -> None:
    whole = json.loads(schema(kind, load_catalog(None), known))
    part = whole["$defs"][definition]["properties"][key]
    valid = Draft202012Validator(part)

    assert offered in part["anyOf"][0]["enum"]
    assert valid.is_valid(offered)
    assert valid.is_valid(other)
    assert not valid.is_valid(wrong)
    assert "description" in part


def test_without_a_fleet_there_are_none() -> None:
    assert '"enum": []' not in schema("fleet", load_catalog(None))
