"""A feature holds its files and the objects in them, and reads each file once."""

import pytest
import yaml

from okd_gitops.fleet.feature import Feature, load_catalog
from okd_gitops.tree import Tree

FILES = {
    "features/tools/feature.yaml": b"summary: Tools.\nenvironments: {okd: [p], kind: [q]}\n",
    "features/tools/p/configmap-a.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    "features/tools/p/configmap-b.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
    "features/tools/q/configmap-c.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
}
BROKEN = {**FILES, "features/tools/p/configmap-a.yaml": b"kind: [\n"}


def tools(files: dict[str, bytes]) -> Feature:
    return load_catalog(Tree(files)).features["tools"]


def names(feature: Feature, part: str) -> list[str]:
    return [value["metadata"]["name"] for value in feature.objects(part)]


def test_each_part_has_the_objects_of_its_files() -> None:
    feature = tools(FILES)
    assert (names(feature, "p"), names(feature, "q")) == (["a", "b"], ["c"])


def test_loading_the_catalog_reads_no_object() -> None:
    feature = tools(BROKEN)
    with pytest.raises(yaml.YAMLError):
        feature.objects("p")


def test_a_changed_feature_keeps_the_objects_that_were_read() -> None:
    feature = tools(FILES)
    a, b = feature.objects("p")
    new = {**b, "data": {"x": "y"}}
    changed = feature.with_file("p/configmap-b.yaml", b"anything", new).with_spec(feature.spec)

    # The text of b is not even YAML that makes this object: nothing is read a second time.
    assert changed.objects("p")[0] is a
    assert changed.objects("p")[1] is new
    assert changed.part("p")["configmap-b.yaml"] == b"anything"
    assert feature.objects("p") == (a, b)


def test_a_file_more_is_an_object_more() -> None:
    feature = tools(FILES)
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}}
    assert names(feature.with_file("q/configmap-d.yaml", b"d", value), "q") == ["c", "d"]
