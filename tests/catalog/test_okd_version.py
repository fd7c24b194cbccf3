"""okd-version: the ClusterVersion and the acknowledgements in the files of the catalog."""

import re
from pathlib import Path
from typing import Any

import yaml

from okd_gitops.releases.cluster_version import is_cluster_id
from okd_gitops.releases.version import IMAGE, Version, channel_fault, outside_channel

FEATURE = Path(__file__).resolve().parents[2] / "generator/okd_gitops/catalog/features/okd-version"
WAVE = "argocd.argoproj.io/sync-wave"
OPTIONS = "argocd.argoproj.io/sync-options"


def _load(path: str) -> dict[str, Any]:
    value = yaml.safe_load((FEATURE / path).read_text())
    assert isinstance(value, dict)
    return value


def _version() -> dict[str, Any]:
    return _load("version/clusterversion-version.yaml")


def _signature() -> dict[str, Any]:
    return _load("version/configmap-okd-gitops-release-signature.yaml")


def _acks() -> dict[str, Any]:
    return _load("version/configmap-admin-acks.yaml")


def test_the_cluster_version_has_the_form_that_its_operator_accepts() -> None:
    value = _version()
    assert (value["apiVersion"], value["kind"], value["metadata"]["name"]) == (
        "config.openshift.io/v1",
        "ClusterVersion",
        "version",
    )
    assert "namespace" not in value["metadata"]
    assert is_cluster_id(value["spec"]["clusterID"])
    assert channel_fault(value["spec"]["channel"]) == ("", "")
    assert not outside_channel(value["spec"]["desiredUpdate"]["version"], value["spec"]["channel"])


def test_the_update_is_a_version_and_its_digest_and_the_graph_is_okds() -> None:
    spec = _version()["spec"]
    assert spec["desiredUpdate"].keys() == {"version", "image", "force"}
    assert IMAGE.fullmatch(spec["desiredUpdate"]["image"])
    assert Version.parse(spec["desiredUpdate"]["version"]).rank == "release"
    assert re.fullmatch(r"https://[a-z0-9.]+/graph", spec["upstream"])
    assert "api.openshift.com" not in spec["upstream"]


def test_no_update_is_forced_and_nothing_is_overridden() -> None:
    spec = _version()["spec"]
    assert spec.keys() == {"clusterID", "channel", "upstream", "desiredUpdate", "capabilities"}
    assert spec["capabilities"] == {}
    # Owned and false: a `force` that somebody sets on the cluster is undone.
    assert spec["desiredUpdate"]["force"] is False
    assert not {"architecture", "acceptRisks"} & spec["desiredUpdate"].keys()
    paths = [
        where["path"]
        for parameter in _load("feature.yaml")["parameters"].values()
        for where in parameter["sets"]
    ]
    assert not [path for path in paths if re.search("overrides|architecture", path)]


def test_acknowledgements_come_before_the_version_that_needs_them() -> None:
    acks = _acks()
    assert (acks["metadata"]["name"], acks["metadata"]["namespace"]) == ("admin-acks", "openshift-config")
    assert acks["data"] == {}
    assert int(acks["metadata"]["annotations"][WAVE]) < int(_version()["metadata"]["annotations"][WAVE])
    assert "Namespace/openshift-config" in _load("feature.yaml")["external"]


def test_the_signature_is_where_the_version_operator_reads_it_and_comes_before_the_version() -> None:
    metadata = _signature()["metadata"]
    assert metadata["namespace"] == "openshift-config-managed"
    assert metadata["labels"] == {"release.openshift.io/verification-signatures": ""}
    assert _signature()["binaryData"] == {}
    assert int(metadata["annotations"][WAVE]) < int(_version()["metadata"]["annotations"][WAVE])
    assert "Namespace/openshift-config-managed" in _load("feature.yaml")["external"]


def test_no_object_is_ever_deleted_and_all_are_shared_with_the_cluster() -> None:
    for value in (_version(), _acks(), _signature()):
        assert set(value["metadata"]["annotations"][OPTIONS].split(",")) == {
            "Prune=false",
            "Delete=false",
            "ServerSideApply=true",
        }


def test_every_value_comes_from_the_cluster_file_and_only_okd_has_the_feature() -> None:
    feature = _load("feature.yaml")
    assert feature["environments"].keys() == {"okd"}
    sources = {name: parameter["from"] for name, parameter in feature["parameters"].items()}
    assert sources == {
        "cluster-id": "clusterID",
        "channel": "release.channel",
        "upstream": "release.upstream",
        "version": "release.version",
        "image": "release.image",
        "force": "release.force",
        "acks": "release.acks",
        "signatures": "release.signatures",
    }
    # An identity, version or digest that a cluster forgot to give must not fall back to the example in the
    # catalog.
    assert {name for name, parameter in feature["parameters"].items() if parameter.get("optional")} == {
        "upstream",
        "acks",
        "signatures",
    }
    assert not [name for name, parameter in feature["parameters"].items() if "default" in parameter]
