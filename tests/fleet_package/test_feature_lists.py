"""What a feature may say beyond plain parameters: optional lists, names that are keys, texts, values in
objects of features that it requires.
"""

from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from okd_gitops.finding import FindingsError
from okd_gitops.fleet.cluster import parse_cluster
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import fleet_of
from okd_gitops.generate.overlays import render
from okd_gitops.generate.plan import plan
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.tree import Tree
from rendered import FLEET, OKD
from small_catalog import CATALOG

FILES = {
    **{path: text for path, text in CATALOG.items() if path.startswith("purposes/")},
    "features/tools/feature.yaml": "summary: Tools.\nenvironments: {okd: [p]}\n",
    "features/tools/p/configmap-tools.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tools, namespace: x}\ndata: {mode: slow}\n"
    ),
    "features/lists/feature.yaml": """\
summary: Lists.
requires: [tools]
environments: {okd: [one, two]}
each:
  ones:
    summary: Ones.
    part: one
    key: name
    names: key
    optional: true
    fields:
      name: {summary: Name.}
      text: {summary: Text., type: text, sets: [{object: ConfigMap/one, path: data.text}]}
  twos:
    summary: Twos.
    part: two
    key: name
    optional: true
    fields: {name: {summary: Name.}}
""",
    "features/lists/one/configmap-one.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: x}\ndata: {text: t}\n"
    ),
    "features/lists/two/configmap-two.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, namespace: x}\n"
    ),
    "features/over/feature.yaml": """\
summary: Over.
requires: [tools]
environments: {okd: [p]}
namespaces:
  moved: {}
parameters:
  mode: {summary: Mode., default: fast, sets: [{object: ConfigMap/tools, path: data.mode}]}
  namespace:
    summary: Namespace.
    optional: true
    sets: [{object: ConfigMap/tools, path: metadata.namespace}]
""",
    "features/over/p/configmap-over.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: over, namespace: x}\n"
    ),
}


def rendered(features: str) -> Tree:
    """The generated files of a fleet whose only cluster, the hub, has `features`."""
    document = read("fleet.yaml", FLEET.encode())
    hub = parse_cluster(
        "hub", read("clusters/hub.yaml", f"purpose: hub\n{OKD}features:\n{features}".encode()), Tree({})
    )
    catalog = load_catalog(Tree({path: text.encode() for path, text in FILES.items()}))
    return render(plan(fleet_of(parse(FleetSpec, document), document, [hub], catalog)))


def overlay(features: str) -> dict[str, Any]:
    """The kustomizations of a hub's overlay by folder."""
    tree = rendered(features)
    paths = [
        path for path in tree if path.startswith("overlays/hub/") and path.endswith("kustomization.yaml")
    ]
    return {PurePosixPath(path).parent.name: yaml.safe_load(tree[path]) for path in paths}


def test_a_list_may_be_left_out_and_both_may_have_the_same_key() -> None:
    assert overlay("  lists:\n    ones:\n    - {name: a, text: x}\n").keys() == {"hub", "lists-a"}
    assert overlay("  lists:\n    twos:\n    - {name: a}\n").keys() == {"hub", "lists-a"}
    both = overlay("  lists:\n    ones:\n    - {name: a, text: x}\n    twos:\n    - {name: a}\n")
    assert both.keys() == {"hub", "lists-one-a", "lists-two-a"}


def test_a_feature_that_was_given_nothing_to_do_says_so() -> None:
    with pytest.raises(FindingsError) as error:
        overlay("  lists:\n")
    assert [(finding.name, finding.reason) for finding in error.value.findings] == [
        ("missing-parameter", '"lists" has nothing to do: it takes ones, twos')
    ]


def test_names_are_the_key_or_end_with_it_and_texts_keep_their_lines() -> None:
    both = overlay(
        "  lists:\n"
        "    ones:\n"
        "    - name: a\n"
        "      text: |\n"
        "        first\n"
        "          second\n"
        "    twos:\n"
        "    - {name: a}\n"
    )
    steps = {
        folder: yaml.safe_load(both[folder]["patches"][0]["patch"])
        for folder in ("lists-one-a", "lists-two-a")
    }
    assert [step["value"] for step in steps["lists-one-a"]] == ["a", "first\n  second"]
    assert [step["value"] for step in steps["lists-two-a"]] == ["two-a"]


def test_a_text_may_have_lines_and_no_other_control_characters() -> None:
    with pytest.raises(FindingsError) as error:
        overlay('  lists:\n    ones:\n    - {name: a, text: "a\\u0007"}\n')
    assert [finding.name for finding in error.value.findings] == ["invalid-value"]


def test_a_value_reaches_an_object_of_a_feature_that_is_required() -> None:
    (patch,) = overlay("  over:\n")["hub"]["patches"]
    assert patch["target"]["name"] == "tools"
    assert yaml.safe_load(patch["patch"]) == [{"op": "replace", "path": "/data/mode", "value": "fast"}]


def test_an_object_that_another_feature_moves_brings_its_namespace_and_the_permission_for_it() -> None:
    assert "overlays/hub/namespace-moved.yaml" not in rendered("  over:\n")
    tree = rendered("  over:\n    namespace: moved\n")
    assert "overlays/hub/namespace-moved.yaml" in tree
    project = yaml.safe_load(tree["argocd/hub/appproject.yaml"])
    assert {"name": "in-cluster", "namespace": "moved"} in project["spec"]["destinations"]
