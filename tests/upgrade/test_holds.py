"""What in a cluster's extras holds its updates back."""

import pytest

from okd_gitops.fleet.cluster import parse_cluster
from okd_gitops.manifests.read import read
from okd_gitops.releases.version import Version
from okd_gitops.tree import Tree
from okd_gitops.upgrade.holds import Hold, holds_of

CLUSTER = """\
purpose: test
server: https://api.example.org:6443
clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926
release:
  channel: stable-scos-4
  version: 4.22.0-okd-scos.0
  image: registry.example.org/release@sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f
"""
OVERRIDE = "{group: apps, kind: Deployment, namespace: a, name: b, unmanaged: true}"
VERSION = (
    "apiVersion: config.openshift.io/v1\nkind: ClusterVersion\nmetadata: {name: version}\n"
    f"spec: {{overrides: [{OVERRIDE}]}}\n"
)
GATE = (
    "apiVersion: config.openshift.io/v1\nkind: FeatureGate\nmetadata: {name: cluster}\n"
    "spec: {featureSet: SET}\n"
)
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
OPERATION = f"{COMPONENT}patches:\n- patch: |\n    - op: add\n"
TARGET = "  target: {group: config.openshift.io, kind: ClusterVersion, name: version}\n"
OVERRIDES = Hold("the overrides in x.yaml", by_overrides=True)


def holds(text: str) -> tuple[Hold, ...]:
    extras = Tree({"x.yaml": text.encode(), "notes.md": b"kind: ClusterVersion"})
    return holds_of(parse_cluster("x", read("clusters/x.yaml", CLUSTER.encode()), extras))


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        VERSION,
        f"apiVersion: v1\nkind: List\nitems:\n- {VERSION.strip().replace(chr(10), chr(10) + '  ')}\n",
        f"{COMPONENT}patches:\n- patch: |\n{indented(VERSION)}",
        f"{OPERATION}      path: /spec/overrides\n      value: [{OVERRIDE}]\n{TARGET}",
        f"{OPERATION}      path: /spec/overrides/-\n      value: {OVERRIDE}\n{TARGET}",
    ],
    ids=["an object", "an item of a List", "a patch", "an operation", "an operation on one"],
)
def test_overrides_hold_updates_wherever_they_stand(text: str) -> None:
    assert holds(text) == (OVERRIDES,)


@pytest.mark.parametrize("name", ["TechPreviewNoUpgrade", "DevPreviewNoUpgrade", "CustomNoUpgrade"])
def test_feature_sets_hold_updates(name: str) -> None:
    assert holds(GATE.replace("SET", name)) == (Hold(f"the feature set {name} in x.yaml"),)


@pytest.mark.parametrize(
    "text",
    [
        GATE.replace("SET", "OKD"),
        GATE.replace("SET", '""'),
        GATE.replace("featureSet: SET", ""),
        VERSION.replace("unmanaged: true", "unmanaged: false"),
        VERSION.replace(OVERRIDE, ""),
        VERSION.replace("kind: ClusterVersion", "kind: Other"),
    ],
    ids=["OKD", "the default", "no set", "managed", "none", "another kind"],
)
def test_nothing_else_holds_updates(text: str) -> None:
    assert holds(text) == ()


@pytest.mark.parametrize(
    ("line", "to", "stopped"),
    [("4.21", "4.21", True), ("4.22", "4.22", False), ("4.22", "5.0", True), ("4.12", "4.12", True)],
)
def test_overrides_hold_patches_up_to_4_21(line: str, to: str, stopped: bool) -> None:
    start, end = Version.parse(f"{line}.0-okd-scos.1"), Version.parse(f"{to}.0-okd-scos.2")
    assert OVERRIDES.stops(start, end) == stopped
    assert Hold("a feature set").stops(start, end) == (line != to)
